"""Thumbnails that a run has not kept are drawn for the report."""

from dataclasses import replace
from pathlib import Path

from PIL import Image

from pipeline.album import thumb_of
from pipeline.files import digest_bytes
from pipeline.records import Outcome, Status
from pipeline.reports import thumbs
from tests.support.reports import repaired
from tests.support.runs import fill, picture


def checked(data: bytes) -> Outcome:
    return Outcome("a.png", digest_bytes(data), Status.FLAWED)


def test_a_checked_picture_is_drawn_from_its_file(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", {"a.png": picture(1)})
    outcome = checked(picture(1))

    thumbs.fill([outcome], tmp_path, {"a.png": source})

    with Image.open(tmp_path / thumb_of("a.png", outcome.digest)) as drawn:
        assert drawn.size == (96, 64)


def test_a_file_that_is_another_by_now_is_not_shown(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", {"a.png": picture(2)})
    outcome = checked(picture(1))

    thumbs.fill([outcome], tmp_path, {"a.png": source})

    assert not (tmp_path / thumb_of("a.png", outcome.digest)).exists()


def test_a_run_of_an_older_version_is_drawn_from_its_previews(tmp_path: Path) -> None:
    outcome = repaired(tmp_path)
    for digest in (outcome.digest, outcome.output_digest):
        (tmp_path / thumb_of(outcome.key, digest)).unlink()
    lost = replace(outcome, key="lost.png", preview_before="none.webp")

    thumbs.fill([lost, outcome], tmp_path, {})

    for digest in (outcome.digest, outcome.output_digest):
        assert (tmp_path / thumb_of(outcome.key, digest)).is_file()
