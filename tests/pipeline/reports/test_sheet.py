"""Contact sheets and animations: what a person prints, and what a person shares."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import UsageError
from pipeline.records import Outcome, Status
from pipeline.reports import animate, sheet
from pipeline.reports.lettering import fitting, font
from tests.support import runs
from tests.support.fakes import GREEN
from tests.support.reports import clean, repaired, summary
from tests.support.runs import fill, picture


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return the state folder of a run, as thumbnails are looked up in its ledger."""
    source = fill(tmp_path / "in", {"a.png": picture(1), "b.png": picture(2, GREEN)})
    runs.repair(source, tmp_path / "out")
    return tmp_path / "out" / ".nightmend"


def test_a_sheet_shows_each_picture_and_the_repaired_twice(state: Path) -> None:
    run = summary(
        repaired(state, key="mended.png", digest="1" * 64),
        clean(state, "clean.png", "2" * 64),
    )

    (file,) = sheet.write(run, state, state.parent / "sheet.png")

    with Image.open(file) as drawn:
        assert drawn.format == "PNG"
        pixels = np.asarray(drawn.convert("RGB")).astype(int)
    rows = pixels[sheet.MARGIN + 30 :][: sheet.PICTURE_H]
    grey = (rows == [160, 160, 160]).all(axis=2) | (rows == [100, 100, 100]).all(axis=2)
    columns = np.flatnonzero(grey.any(axis=0))
    assert (np.diff(columns) > 1).sum() == 2  # three pictures side by side


def test_many_pictures_go_on_several_sheets(state: Path) -> None:
    room = sheet.COLUMNS * sheet.ROWS
    outcomes = [
        Outcome(f"{n:03}.png", "", Status.UNREADABLE, problem="torn")
        for n in range(room + 1)
    ]

    written = sheet.write(summary(*outcomes), state, state.parent / "sheet.png")

    assert [path.name for path in written] == ["sheet.png", "sheet-2.png"]


def test_a_sheet_is_a_png_with_something_on_it(state: Path) -> None:
    with pytest.raises(UsageError, match=r"sheet\.jpg"):
        sheet.write(summary(clean(state, "a", "1" * 64)), state, Path("sheet.jpg"))
    with pytest.raises(UsageError, match="no picture"):
        sheet.write(summary(), state, Path("sheet.png"))


@pytest.mark.parametrize("name", ["a\udcff\n\u202e.png", "x" * 5000, "\u624b.png"])
def test_hostile_names_are_written_on_one_line(state: Path, name: str) -> None:
    run = summary(Outcome(name, "", Status.FAILED, problem=name))

    sheet.write(run, state, state.parent / "sheet.png")

    letters = font(15)
    assert letters.getlength(fitting(name.strip("\udcff"), letters, 200)) <= 200


def test_an_animation_goes_from_before_to_after_and_back(
    state: Path, tmp_path: Path
) -> None:
    run = summary(
        repaired(state, key="deep/a.png"), clean(state, "clean.png", "2" * 64)
    )

    (file,) = animate.write(run, state, tmp_path / "moving")

    assert file == tmp_path / "moving/deep/a.png.webp"
    with Image.open(file) as moving:
        assert getattr(moving, "n_frames", 1) == 2 * animate.STEPS + 2
        assert moving.info["loop"] == 0
        shades = []
        for frame in (0, animate.STEPS + 1):
            moving.seek(frame)
            shades.append(int(np.asarray(moving.convert("L"))[35, 50]))
    assert shades[0] > shades[1] + 30


def test_nothing_repaired_means_nothing_to_animate(state: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no picture was repaired"):
        animate.write(summary(clean(state, "a.png", "1" * 64)), state, tmp_path / "m")
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="name a folder"):
        animate.write(summary(), state, tmp_path / "file")
