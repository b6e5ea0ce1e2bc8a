"""nightmend report: the page again, a contact sheet, or something to share."""

from pathlib import Path

import pytest

from pipeline.cli.main import main
from tests.support import runs
from tests.support.runs import fill, picture


@pytest.fixture
def output(tmp_path: Path) -> Path:
    runs.repair(fill(tmp_path / "in", {"a.png": picture(1)}), tmp_path / "out")
    return tmp_path / "out"


def test_the_page_is_drawn_again(
    output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(output)]) == 0

    assert (output / ".nightmend/report.html").stat().st_size > 10_000
    assert "report.html" in capsys.readouterr().out


def test_a_sheet_and_animations_are_written_where_they_were_asked_for(
    output: Path, tmp_path: Path
) -> None:
    words = ["--sheet", str(tmp_path / "s.png"), "--animate", str(tmp_path / "moving")]

    assert main(["report", str(output), *words]) == 0

    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "moving/a.png.webp").read_bytes().startswith(b"RIFF")
    assert not (output / ".nightmend/report.html").exists()


def test_a_sheet_of_another_format_is_refused(
    output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(output), "--sheet", str(tmp_path / "s.gif")]) == 2
    assert "is a PNG" in capsys.readouterr().err
