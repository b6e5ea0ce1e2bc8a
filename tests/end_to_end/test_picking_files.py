"""A run works on the files that were asked for, from the command line on."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli.main import main
from pipeline.errors import ExitCode
from tests.pipeline.test_git_changes import git
from tests.support.pictures import draw_scene, encoded
from tests.support.runs import fill, outcomes

NAMES = ("a.png", "drafts/b.png", "final/c.png")
CHECK = ["check", "--detect", "quality", "--state", "kept"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {
        f"in/{name}": encoded(draw_scene(64, 64, seed=n), "PNG")
        for n, name in enumerate(NAMES)
    }
    fill(tmp_path, files)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def checked(*words: str) -> tuple[int, list[str]]:
    code = main([*CHECK, *words])
    # A state folder stands where an output folder would keep its own.
    Path("x").mkdir(exist_ok=True)
    if not Path("kept/ledger.sqlite").exists():
        return code, []
    Path("x/.nightmend").unlink(missing_ok=True)
    Path("x/.nightmend").symlink_to(Path("kept").resolve())
    return code, sorted(outcomes(Path("x")))


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (["in", "--exclude", "drafts/"], ["a.png", "final/c.png"]),
        (["in", "--include", "c.*", "--include", "/a.png"], ["a.png", "final/c.png"]),
        (["in/a.png", "in/final/c.png"], ["in/a.png", "in/final/c.png"]),
        (["in", "--files-from", "list"], ["drafts/b.png", "final/c.png"]),
        (["--files-from", "list"], ["in/drafts/b.png", "in/final/c.png"]),
        (["in", "--changed-since", "1h"], ["a.png", "drafts/b.png", "final/c.png"]),
    ],
)
def test_only_what_was_asked_for_is_looked_at(
    place: Path, words: list[str], keys: list[str]
) -> None:
    (place / "list").write_bytes(b"in/final/c.png\0in/drafts/b.png\0in/notes.txt\0")

    assert checked(*words) == (ExitCode.OK, keys)


def test_a_branch_is_gated_by_what_it_changed_and_an_untouched_one_passes(
    place: Path,
) -> None:
    git(place, "init", "--quiet")
    git(place, "add", ".")
    git(place, "commit", "--quiet", "-m", "first")

    untouched = checked("in", "--changed-since", "HEAD")
    fill(place, {"in/final/c.png": encoded(draw_scene(64, 64, seed=9), "PNG")})
    touched = checked("--changed-since", "HEAD")

    assert untouched == (ExitCode.OK, [])
    assert touched == (ExitCode.OK, ["in/final/c.png"])


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["in", "--include", "*.tiff"],
        ["in", "--changed-since", "nonsense"],
        ["in", "--files-from", "empty"],
        ["in", "--files-from", "not there"],
    ],
)
def test_a_mistake_is_no_green_light(place: Path, words: list[str]) -> None:
    (place / "empty").touch()

    assert main([*CHECK, *words]) == ExitCode.USAGE


def test_a_listed_picture_that_is_not_there_is_not_passed_over(place: Path) -> None:
    (place / "list").write_text("in/a.png\nin/gone.png\n")

    assert checked("in", "--files-from", "list")[0] == ExitCode.SOME_FAILED


def test_names_can_be_piped_in(place: Path) -> None:
    words = ["nightmend", *CHECK, "in", "--files-from", "-", "-v"]
    script = "from pipeline.cli.main import main; raise SystemExit(main())"
    root = Path(__file__).resolve().parents[2]
    shown = subprocess.run(
        [sys.executable, "-c", script, *words[1:]],
        input=b"in/a.png\n",
        capture_output=True,
        check=True,
        env={"PYTHONPATH": str(root), "XDG_CACHE_HOME": str(place / "cache")},
    )

    assert b"0 problems in 0 of 1 picture" in shown.stdout


def test_repair_mirrors_the_tree_of_single_files_too(place: Path) -> None:
    words = ["repair", "in/a.png", "in/final/c.png", "--out", "out"]
    words += ["--engine", "classical", "--detect", "quality"]

    main([*words, "--set", "run.min_free_mib=0"])

    assert sorted(outcomes(place / "out")) == ["in/a.png", "in/final/c.png"]
    assert (place / "out/in/final/c.png").is_file()
