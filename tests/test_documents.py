"""What the program can do is written down, and what is written down is true."""

import re
from pathlib import Path

import pytest

from detectors import catalogue, kinds_docs
from detectors.contract import DetectorSpec
from pipeline import commands_docs, settings_docs
from pipeline.cli.main import COMMANDS, main
from pipeline.errors import PRECEDENCE, ExitCode
from pipeline.inpainters import catalogue as engines
from pipeline.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
BUILDABLE = [spec for spec in catalogue.BUILT_IN if not spec.package]


def section(title: str, text: str = README) -> str:
    """Return what stands under one heading of a page."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"there is no heading {title!r}"
    return found.group(1)


def code_blocks(text: str) -> str:
    """Return what a reader would paste into a shell."""
    return "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL))


def test_the_table_of_commands_is_fresh() -> None:
    assert commands_docs.with_table(README) == README, (
        "stale; run: python -m pipeline.commands_docs"
    )


@pytest.mark.parametrize("name", [name for name, _, _ in COMMANDS])
def test_every_command_stands_in_the_readme(name: str) -> None:
    assert re.search(rf"^\| `nightmend {name}\b[^|]*\| \S", README, re.MULTILINE)


def test_a_readme_without_its_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="<!-- commands -->"):
        commands_docs.with_table("# nothing here")


def test_every_exit_code_stands_in_the_readme_and_no_other() -> None:
    told: set[int] = set()
    for row in re.findall(r"^\| ([\d, ]+) \|", section("Exit codes"), re.MULTILINE):
        told |= {int(code) for code in row.split(",")}

    assert told == {int(code) for code in ExitCode}
    assert set(PRECEDENCE) == set(ExitCode)


def test_the_help_names_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])

    shown = capsys.readouterr().out.partition("Exit codes:")[2].partition("Any other")
    assert {int(code) for code in re.findall(r"\d+", shown[0])} == {
        int(code) for code in ExitCode if code is not ExitCode.OK
    } | {0}


@pytest.mark.parametrize("page", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_every_make_target_that_is_told_of_exists(page: str) -> None:
    rules = set(re.findall(r"^([a-z][\w-]*):", MAKEFILE, re.MULTILINE))
    told = set(re.findall(r"^make ([\w-]+)", code_blocks(page), re.MULTILINE))
    told |= set(re.findall(r"`make ([\w-]+)`", page))

    assert told
    assert told <= rules


def test_the_options_that_the_readme_shows_exist(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = re.findall(r"^nightmend (\w+)(.*?)(?:#|$)", code_blocks(README), re.M)

    assert shown
    for command, words in shown:
        assert main([command, "--help"]) == 0
        help_text = capsys.readouterr().out
        for option in re.findall(r"--[\w-]+", words):
            assert f"{option} " in help_text, f"nightmend {command} {option}"


def test_the_settings_that_the_readme_shows_exist() -> None:
    names = {f"{entry.section}.{entry.name}" for entry in settings_docs.entries()}
    told = set(re.findall(r"--set ([a-z_]+\.[a-z_]+)=", README))

    assert told
    assert told <= names


def test_the_page_of_kinds_is_fresh() -> None:
    assert kinds_docs.FILE.read_text("utf-8") == kinds_docs.readme(), (
        "stale; run: python -m detectors.kinds_docs"
    )


@pytest.mark.parametrize("spec", BUILDABLE, ids=lambda spec: spec.name)
def test_every_kind_that_a_detector_can_report_is_documented(
    spec: DetectorSpec,
) -> None:
    page = kinds_docs.FILE.read_text("utf-8")
    options = getattr(Settings(), spec.name).model_dump()

    detector = catalogue.build(spec.name, options)
    kinds = dict(detector.kinds)
    detector.close()

    assert kinds
    for name in kinds:
        assert f"| `{name}` |" in section(spec.name, page)


def test_every_detector_and_engine_has_its_section_of_the_settings() -> None:
    sections = set(Settings.model_fields)

    assert {spec.name for spec in catalogue.BUILT_IN} <= sections
    assert Settings().inpaint.engine in {spec.name for spec in engines.BUILT_IN}
    assert set(Settings().detect.detectors) <= set(catalogue.by_name())
