"""The gate as a build uses it: rules, baseline, memory, and what is not green."""

import io
import json
import os
import re
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.cli.main import main
from pipeline.errors import ExitCode
from tests.support.pictures import draw_scene, encoded
from tests.support.runs import fill

Captured = pytest.CaptureFixture[str]
LOOK = ("--detect", "quality")


def black(size: int = 64) -> bytes:
    return encoded(np.zeros((size, size, 3), np.uint8), "PNG")


def scene(seed: int, fmt: str = "PNG") -> bytes:
    return encoded(draw_scene(96, 64, seed=seed), fmt)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder with two sound pictures, and no settings file above it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nightmend.toml").touch()
    fill(tmp_path / "in", {"one.png": scene(1), "sub/two.png": scene(2)})
    return tmp_path


def check(*words: str) -> int:
    return main(["check", "in", *LOOK, *words])


def results(place: Path, *words: str) -> list[str]:
    """Return the lines of a check's JSON Lines, without its times and its run's id."""
    file = place / "results.jsonl"
    check("--output-format", f"jsonl={file}", *words)
    text = file.read_text()
    text = re.sub(r'"(run|started|finished)": "[^"]*"', r'"\1": ""', text)
    return re.sub(r'("took_s"|"stage_seconds"): ([\d.e-]+|\[.*?\]\])', "", text).split(
        "\n"
    )


def test_a_sound_folder_is_green(place: Path) -> None:
    assert check() == ExitCode.OK


def test_a_flaw_is_red_with_its_rule(place: Path, capsys: Captured) -> None:
    fill(place / "in", {"bad.png": black()})

    assert check() == ExitCode.FLAWS
    assert "in/bad.png: error NM201 image/black" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--ignore", "NM201"], ExitCode.OK),
        (["--ignore", "NM2"], ExitCode.OK),
        (["--select", "NM3"], ExitCode.OK),
        (["--select", "NM201"], ExitCode.FLAWS),
        (["--set", "gate.severities.NM201=note"], ExitCode.OK),
        (["--set", 'gate.per_path={"sub/*"=["NM2"]}'], ExitCode.FLAWS),
        (["--set", 'gate.per_path={"bad*"=["NM2"]}'], ExitCode.OK),
        (["--select", "NM1"], ExitCode.USAGE),
        (["--ignore", "NM"], ExitCode.USAGE),
        (["--ignore", "NM777"], ExitCode.USAGE),
    ],
)
def test_the_rules_that_count_can_be_chosen(
    place: Path, words: list[str], code: ExitCode
) -> None:
    fill(place / "in", {"bad.png": black()})

    assert check(*words) == code


def test_the_settings_file_says_what_counts_where(place: Path) -> None:
    fill(place / "in", {"old/bad.png": black()})
    (place / "nightmend.toml").write_text('[gate.per_path]\n"old/*" = ["NM201"]\n')

    assert check() == ExitCode.OK


def test_a_torn_file_is_code_3_and_named(place: Path, capsys: Captured) -> None:
    fill(place / "in", {"torn.png": scene(3)[:-20]})

    assert check() == ExitCode.SOME_FAILED
    assert "NM302 file/truncated" in capsys.readouterr().out


def test_a_file_with_the_wrong_suffix_is_named(place: Path, capsys: Captured) -> None:
    fill(place / "in", {"photo.jpg": scene(3)})

    assert check() == ExitCode.SOME_FAILED
    assert "NM304 file/wrong-suffix" in capsys.readouterr().out


def test_duplicates_are_found_by_what_they_show(place: Path, capsys: Captured) -> None:
    fill(place / "in", {"three.png": scene(1), "four.webp": scene(2, "WEBP")})

    assert check() == ExitCode.FLAWS
    told = capsys.readouterr().out
    assert "in/three.png: warning NM221 image/duplicate: same file as one.png" in told
    assert "looks like four.webp" in told


def test_a_folder_of_nothing_that_can_be_looked_at_is_not_green(
    place: Path, capsys: Captured
) -> None:
    frames = [draw_scene(32, 32, seed=n) for n in range(2)]
    fill(place / "only", {"moving.webp": _animation(frames)})

    assert main(["check", "only", *LOOK]) == ExitCode.USAGE
    assert "no picture was looked at" in capsys.readouterr().err
    assert main(["check", "only", *LOOK, "--allow-empty"]) == ExitCode.OK


def test_excluding_everything_is_not_green(place: Path) -> None:
    assert check("--exclude", "*") == ExitCode.USAGE


def test_a_list_of_files_is_checked_and_no_other(place: Path) -> None:
    fill(place / "in", {"bad.png": black()})
    (place / "list").write_text("in/one.png\n")

    assert main(["check", "--files-from", "list", *LOOK]) == ExitCode.OK
    (place / "list").write_text("in/one.png\nin/bad.png\n")
    assert main(["check", "--files-from", "list", *LOOK]) == ExitCode.FLAWS


def test_nothing_changed_since_a_revision_is_green(place: Path) -> None:
    def git(*words: str) -> None:
        named = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        subprocess.run(["git", *named, *words], cwd=place, check=True)

    git("init", "-q", ".")
    fill(place / "in", {"bad.png": black()})
    git("add", "in")
    git("commit", "-qm", "all")

    assert check("--changed-since", "HEAD") == ExitCode.OK
    fill(place / "in", {"worse.png": black(72)})
    git("add", "in")
    assert check("--changed-since", "HEAD") == ExitCode.FLAWS


def test_a_legacy_folder_turns_green_and_only_new_flaws_fail(
    place: Path, capsys: Captured
) -> None:
    fill(place / "in", {"old.png": black(), "torn.png": scene(3)[:-20]})
    words = ["--baseline", "known.json"]

    made = main(["baseline", "create", "in", *LOOK, *words, "--reason", "legacy"])
    known = check(*words)
    (place / "in/old.png").rename(place / "in/sub/moved.png")
    moved = check(*words)
    fill(place / "in", {"new.png": black(72)})
    fresh = check(*words)

    assert (made, known, moved) == (ExitCode.OK, ExitCode.OK, ExitCode.OK)
    assert fresh == ExitCode.FLAWS
    assert "[excused: baseline: legacy]" in capsys.readouterr().out


def test_a_baseline_is_kept_up(place: Path, capsys: Captured) -> None:
    fill(place / "in", {"old.png": black(), "cured.png": black(72)})
    main(["baseline", "create", "in", *LOOK, "--reason", "legacy"])
    again = main(["baseline", "create", "in", *LOOK])
    fill(place / "in", {"cured.png": scene(5), "new.png": black(80)})
    capsys.readouterr()

    audit = main(["baseline", "audit", "in", *LOOK])
    told = capsys.readouterr().out
    updated = main(["baseline", "update", "in", *LOOK, "--expires", "2999-01-31"])
    trial = main(["baseline", "prune", "in", *LOOK, "--dry-run"])
    pruned = main(["baseline", "prune", "in", *LOOK])

    assert again == ExitCode.USAGE
    assert audit == ExitCode.FLAWS
    assert "1 match nothing any more:\n  cured.png: NM201" in told
    assert (updated, trial, pruned) == (ExitCode.OK, ExitCode.OK, ExitCode.OK)
    held = json.loads((place / ".nightmend-baseline.json").read_text())["entries"]
    assert [(one["path"], one["reason"], one["expires"]) for one in held] == [
        ("new.png", "", "2999-01-31"),
        ("old.png", "legacy", None),
    ]
    assert check("--baseline", ".nightmend-baseline.json") == ExitCode.OK


def test_pruning_keeps_what_this_check_does_not_look_for(place: Path) -> None:
    fill(place / "in", {"old.png": black()})
    main(["baseline", "create", "in", *LOOK])
    before = (place / ".nightmend-baseline.json").read_bytes()

    main(["baseline", "prune", "in", *LOOK, "--ignore", "NM201"])

    assert (place / ".nightmend-baseline.json").read_bytes() == before


def test_a_day_of_expiry_that_is_past_or_none_is_refused(place: Path) -> None:
    for day in ("2020-01-01", "soon"):
        words = ["baseline", "create", "in", *LOOK, "--expires", day]
        assert main(words) == ExitCode.USAGE


def test_an_unchanged_folder_builds_no_detector(
    place: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(place / "in", {"bad.png": black(), "torn.png": scene(3)[:-20]})
    first = check()
    told = capsys.readouterr().out

    def broken(*_words: object, **_options: object) -> None:
        raise AssertionError("a detector is built")

    monkeypatch.setattr("detectors.catalogue.build", broken)
    monkeypatch.setattr("pipeline.toolbox.build_toolbox", broken)
    monkeypatch.setattr("pipeline.flow.check", broken)

    assert check() == first == ExitCode.SOME_FAILED
    assert capsys.readouterr().out == told


def test_a_changed_picture_is_looked_at_again(place: Path) -> None:
    check()
    (place / "in/one.png").write_bytes(black())

    assert check() == ExitCode.FLAWS


def test_without_a_cache_nothing_is_left_behind(place: Path) -> None:
    check("--cache", "held")
    check("--no-cache", "--cache", "none")

    assert (place / "held/checks.sqlite").is_file()
    assert not (place / "none").exists()


def test_the_cache_can_be_shown_and_emptied(place: Path, capsys: Captured) -> None:
    check("--cache", "held")
    main(["cache", "show", "--cache", "held"])
    shown = capsys.readouterr().out
    main(["cache", "clean", "--cache", "held"])

    assert "2 contents" in shown
    assert not (place / "held/checks.sqlite").exists()
    assert main(["cache", "show", "--cache", "held"]) == ExitCode.OK


def test_two_checks_write_the_same_but_for_times(place: Path) -> None:
    fill(place / "in", {"bad.png": black(), "torn.png": scene(3)[:-20]})

    fresh = results(place, "--no-cache")
    learning = results(place)
    recalling = results(place)

    assert fresh == learning == recalling
    assert len(fresh) == 7


def test_asking_for_more_severity_needs_no_second_look(place: Path) -> None:
    fill(place / "in", {"odd.png": encoded(draw_scene(97, 64), "PNG")})

    assert check() == ExitCode.OK
    assert check("--fail-on", "note") == ExitCode.FLAWS
    assert results(place, "--fail-on", "note") == results(
        place, "--fail-on", "note", "--no-cache"
    )


def test_an_unchanged_folder_costs_little(place: Path) -> None:
    for number in range(300):
        fill(place / "in", {f"many/{number}.png": scene(number + 10)})
    check()
    os.utime(place / "in/one.png")
    began = time.process_time()

    check()

    # 10,000 may cost 5 s; see tests/bench/checking.py.
    assert time.process_time() - began < 2.0


def test_a_rule_is_explained_with_a_picture(capsys: Captured) -> None:
    assert main(["rule", "NM101"]) == ExitCode.OK
    told = capsys.readouterr().out
    assert told.startswith("NM101  hand/extra-digit  (error)")
    assert Path(told.rpartition("picture: ")[2].strip()).is_file()

    assert main(["rule"]) == ExitCode.OK
    assert "NM312" in capsys.readouterr().out
    assert main(["rule", "NM2"]) == ExitCode.OK
    assert "NM101" not in capsys.readouterr().out
    assert main(["rule", "NM888"]) == ExitCode.USAGE


def _animation(frames: list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]) -> bytes:
    first, *others = (Image.fromarray(frame) for frame in frames)
    buffer = io.BytesIO()
    first.save(buffer, "WEBP", save_all=True, append_images=others, duration=90)
    return buffer.getvalue()
