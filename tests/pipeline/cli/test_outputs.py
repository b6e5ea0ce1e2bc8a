"""Formats go where they are asked to go."""

import io
from pathlib import Path

import pytest

from pipeline.cli import outputs
from pipeline.cli.outputs import FORMATS, Output
from pipeline.errors import OutputTrouble, UsageError
from tests.support.readers import READERS, read_summary
from tests.support.weighed import (
    DIGIT,
    HOSTILE,
    a_hostile_check,
    an_ordinary_check,
    flawed,
    weigh,
)

Captured = pytest.CaptureFixture[str]


def test_every_format_can_be_written_to_a_file_at_once(
    tmp_path: Path, capsys: Captured
) -> None:
    wanted = outputs.parse([f"{name}={tmp_path / name}" for name in FORMATS])

    outputs.write(wanted, a_hostile_check(), tmp_path, environment={})

    assert capsys.readouterr().out == ""
    assert {path.name for path in tmp_path.iterdir()} == set(FORMATS)
    for name, read in READERS.items():
        assert read((tmp_path / name).read_bytes().decode())
    page = (tmp_path / "html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert not any(text in page for text in HOSTILE if text.startswith("<script"))


@pytest.mark.parametrize("name", sorted(READERS))
def test_each_format_can_go_to_standard_output(
    name: str, tmp_path: Path, capsys: Captured
) -> None:
    outputs.write((Output(name, None),), an_ordinary_check(), tmp_path, environment={})

    assert READERS[name](capsys.readouterr().out)


def test_the_job_summary_is_added_to_what_the_step_has_written(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("built")
    environment = {outputs.STEP_SUMMARY: str(summary)}
    wanted = (Output("github", tmp_path / "annotations.txt"),)

    outputs.write(wanted, an_ordinary_check(), tmp_path, environment)

    assert summary.read_text("utf-8").startswith("built\n### nightmend check")
    assert read_summary(summary.read_text("utf-8"))


def test_a_page_that_is_full_is_left_alone(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_bytes(b"x" * 995_000)
    wanted = (Output("github", tmp_path / "annotations.txt"),)

    outputs.write(
        wanted, an_ordinary_check(), tmp_path, {outputs.STEP_SUMMARY: str(summary)}
    )

    assert summary.stat().st_size == 995_000


def test_a_terminal_of_another_encoding_gets_escapes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="ascii"))
    check = weigh([flawed("写真.png", DIGIT)])

    for name in ("text", "jsonl", "csv"):
        outputs.write((Output(name, None),), check, tmp_path, environment={})

    assert rb"\u5199\u771f.png: error NM101" in raw.getvalue()
    assert "写真.png,flawed".encode() in raw.getvalue()


def test_no_job_summary_is_written_for_other_formats(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    wanted = (Output("sarif", tmp_path / "x.sarif"),)

    outputs.write(
        wanted, an_ordinary_check(), tmp_path, {outputs.STEP_SUMMARY: str(summary)}
    )

    assert not summary.exists()


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    wanted = (Output("sarif", tmp_path / "taken" / "x.sarif"),)

    with pytest.raises(OutputTrouble, match="taken"):
        outputs.write(wanted, an_ordinary_check(), tmp_path, environment={})


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (["pdf"], "one of text, jsonl, junit, sarif, github, gitlab, csv, html"),
        (["sarif="], "FMT=FILE"),
        (["text", "github"], "only one format can go to standard output"),
        (["sarif=a.txt", "csv=./a.txt"], "two formats want the same file"),
    ],
)
def test_what_cannot_be_followed_is_refused(texts: list[str], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        outputs.parse(texts)
