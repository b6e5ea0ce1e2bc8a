"""The command to do one picture again is exact, and safe to paste."""

import shlex
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.records import Found, Outcome, Plan, Status
from pipeline.reports.redo import Redo, glob, quoted
from pipeline.settings import Settings
from pipeline.settings_file import load_settings
from pipeline.stages.choose_files import Selection, choose_files
from tests.support.reports import info

OUTCOME = Outcome("sub/a b.png", "1" * 64, Status.REPAIRED)


def command(settings: Settings, **changes: object) -> list[str]:
    run = info(settings_json=settings.model_dump_json(), **changes)
    text = Redo(run, {OUTCOME.key: Path("/in put")}).command(OUTCOME)
    return shlex.split(text)


def changed() -> Settings:
    plain = Settings().model_dump()
    plain["mask"]["grow_px"] = 21
    plain["prompt"]["prompt"] = 'a "cat"\n\\ $HOME `id` \u624b'
    plain["choose"]["retry_steps"] = (0.2,)
    plain["prompt"]["before"] = {"hand": "five fingers", "odd key'": "x"}
    plain["save"]["provenance"] = False
    return Settings.model_validate(plain)


def test_every_setting_that_is_not_the_default_comes_along(tmp_path: Path) -> None:
    words = command(changed())

    given = [words[n + 1] for n, word in enumerate(words) if word == "--set"]
    loaded = load_settings(None, overrides=given, options={}, start=tmp_path)
    assert loaded.settings == changed()
    assert words[:5] == [
        "nightmend",
        "repair",
        "/in put",
        "--include",
        "/sub/a\\ b.png",
    ]
    assert words[words.index("--out") + 1] == "out-again"


def test_a_run_by_default_needs_no_setting() -> None:
    assert command(Settings())[5:] == ["--out", "out-again"]


def test_masks_come_along() -> None:
    words = command(Settings(), argv=("repair", "in", "--masks", "my masks"))
    same = command(Settings(), argv=("repair", "in", "--masks=my masks"))

    assert words == same
    assert words[words.index("--masks") + 1] == "my masks"


@pytest.mark.parametrize(
    "key",
    ["a.png", "deep/er/a [1]*?.png", "#a.png", "!a.png", "back\\slash.png", "e .png"],
)
def test_the_glob_finds_its_picture_and_no_other(key: str) -> None:
    others = [
        "a.png",
        "deep/a.png",
        "x/a.png",
        "deep/er/a 1x.png",
        "deep/er/a [1]xx.png",
    ]
    plan = Plan(tuple(Found(Path("/in"), one) for one in {key, *others}))

    chosen = choose_files(plan, Selection((glob(key),)), lambda *_: frozenset())

    assert [one.key for one in chosen.found] == [key]


def test_a_picture_whose_folder_is_not_known_has_no_command() -> None:
    assert Redo(info(), {}).command(OUTCOME) == ""
    unread = replace(OUTCOME, digest="")
    assert Redo(info(), {OUTCOME.key: Path("/in")}).command(unread) == ""


def test_settings_of_another_version_are_left_out() -> None:
    run = info(settings_json='{"none": {"x": 1}}')

    text = Redo(run, {OUTCOME.key: Path("/in")}).command(OUTCOME)

    assert "--set" not in text


@pytest.mark.parametrize(
    "word",
    [
        "plain.png",
        "a b'c\"d.png",
        "$(touch x);`id`.png",
        "new\nline.png",
        "\udcff\udcfe.png",
        "\u202eback\\slash.png",
        "back\\slash.png",
        "-rf",
    ],
)
def test_a_shell_reads_any_name_as_the_one_word_that_it_is(word: str) -> None:
    shown = subprocess.run(
        ["bash", "-c", f"printf %s {quoted(word)}"], capture_output=True, check=True
    )

    assert shown.stdout == word.encode("utf-8", "surrogateescape")
    assert quoted(word).isprintable()


def test_values_are_toml() -> None:
    words = command(changed())

    for place, word in enumerate(words):
        if word == "--set":
            tomllib.loads(f"value = {words[place + 1].partition('=')[2]}")
