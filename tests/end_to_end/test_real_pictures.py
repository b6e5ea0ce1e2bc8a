"""The real command on real pictures keeps every promise, whatever it finds on them.

A few pictures get a mask of the user's, so that something is repaired in each format
and mode whether or not the detectors find a flaw.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from detectors.geometry import Box
from pipeline.cli.main import main
from pipeline.errors import ExitCode
from pipeline.ledger import queries
from pipeline.metadata import read_provenance
from pipeline.records import Outcome, Status
from tests.support.photographs import ROOT, bad_hands, installed
from tests.support.pictures import PARAMETERS, text_chunk, with_png_chunks
from tests.support.promises import (
    Repaired,
    assert_each_has_one_outcome,
    assert_metadata_carried,
    assert_never_costs_more,
    assert_page_stands_alone,
    assert_same_where_nothing_was_covered,
    loses_nothing,
    repair,
    snapshot,
)
from tests.support.runs import fill, tree

QUICK = (
    *("--variations", "1", "--passes", "1", "--set", "choose.retry_steps=[]"),
    *("--set", "inpaint.patch_radius_px=3"),
)
SMALL_ONLY = (*QUICK, "--set", "mask.max_area_share=0.04")
"""Enough to go through every stage; how well it repairs is not asked here."""

MASKS = {
    "astronaut.png": Box(20, 60, 70, 120),
    "camera.png": Box(400, 60, 440, 100),
    "deep/coffee.webp": Box(500, 20, 560, 70),
    "horse.png": Box(60, 60, 120, 140),
    "rocket.jpg": Box(60, 60, 100, 110),
}
"""Where the user asks for something to be repainted: plain places, but not all of one
colour."""

pytestmark = pytest.mark.timeout(900)  # a busy machine is no failure


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of real pictures of every format and mode."""
    found = installed()
    if len(found) < 8:
        pytest.skip("scikit-image and ultralytics are not installed with their data")
    folder = tmp_path_factory.mktemp("pictures")
    for name, path in found.items():
        shutil.copyfile(path, folder / name)
    (folder / "deep").mkdir()
    astronaut = (folder / "astronaut.png").read_bytes()
    told = text_chunk("parameters", PARAMETERS)
    (folder / "astronaut.png").write_bytes(with_png_chunks(astronaut, told))
    with Image.open(folder / "coffee.png") as coffee:
        coffee.save(folder / "deep/coffee.webp", lossless=True, xmp=b"<x:xmpmeta/>")
    return folder


@pytest.fixture(scope="module")
def masks(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("masks")
    for name, box in MASKS.items():
        with Image.open(source / name) as picture:
            drawn = np.zeros((picture.height, picture.width), np.uint8)
        drawn[box.rows, box.columns] = 255
        target = (folder / name).with_suffix(".png")
        target.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(target), drawn)
    return folder


@pytest.fixture(scope="module")
def untouched(source: Path) -> dict[str, tuple[str, int]]:
    return snapshot(source)


@pytest.fixture(scope="module")
def run(
    source: Path,
    masks: Path,
    untouched: dict[str, tuple[str, int]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Repaired:
    output = tmp_path_factory.mktemp("mended")
    return repair(source, output, "--masks", str(masks), *SMALL_ONLY)


@pytest.fixture(scope="module")
def ended(run: Repaired) -> dict[str, Outcome]:
    return run.outcomes()


def repaired_ones(ended: dict[str, Outcome]) -> Iterator[Outcome]:
    yield from (o for o in ended.values() if o.status is Status.REPAIRED)


def test_every_picture_has_one_outcome_and_none_failed(
    run: Repaired, source: Path
) -> None:
    assert run.code in {ExitCode.OK, ExitCode.FLAWS}
    assert_each_has_one_outcome(run, set(tree(source)))
    assert set(tree(run.output)) == set(tree(source))


def test_inputs_are_never_changed(
    run: Repaired, source: Path, untouched: dict[str, tuple[str, int]]
) -> None:
    assert run.output.is_dir()
    assert snapshot(source) == untouched


def test_what_the_user_masked_is_repaired_in_every_format(
    ended: dict[str, Outcome],
) -> None:
    assert {name: ended[name].status for name in MASKS} == dict.fromkeys(
        MASKS, Status.REPAIRED
    )


def test_the_kept_version_never_costs_more_than_the_original(
    ended: dict[str, Outcome],
) -> None:
    assert any(outcome.choices for outcome in ended.values())
    for outcome in ended.values():
        assert_never_costs_more(outcome)


def test_pixels_without_cover_are_the_original_to_the_last_bit(
    run: Repaired, ended: dict[str, Outcome]
) -> None:
    exact = [
        outcome
        for outcome in repaired_ones(ended)
        if loses_nothing(run.source / outcome.key)
    ]

    assert len(exact) >= 4
    for outcome in exact:
        assert_same_where_nothing_was_covered(run, outcome)


def test_see_through_and_grey_pictures_stay_what_they_are(run: Repaired) -> None:
    for name, mode in (("horse.png", "RGBA"), ("camera.png", "L")):
        with Image.open(run.source / name) as before:
            was = np.asarray(before)
        with Image.open(run.output / name) as after:
            assert after.mode == mode
            now = np.asarray(after)
        assert now.shape == was.shape
        if mode == "RGBA":
            np.testing.assert_array_equal(now[..., 3], was[..., 3])


def test_metadata_is_carried_byte_for_byte(
    run: Repaired, ended: dict[str, Outcome]
) -> None:
    for outcome in repaired_ones(ended):
        before = (run.source / outcome.key).read_bytes()
        after = (run.output / outcome.key).read_bytes()
        assert_metadata_carried(before, after)
        assert read_provenance(after) is not None


def test_what_was_not_repaired_is_the_same_file(
    run: Repaired, ended: dict[str, Outcome]
) -> None:
    before, after = tree(run.source), tree(run.output)

    same = [key for key, o in ended.items() if o.status is not Status.REPAIRED]
    assert {key: after[key] for key in same} == {key: before[key] for key in same}


def test_the_same_seed_gives_the_same_file_alone_and_elsewhere(
    run: Repaired, masks: Path, tmp_path: Path
) -> None:
    name = "astronaut.png"

    words = ["--masks", str(masks), *SMALL_ONLY]
    alone = repair(run.source / name, tmp_path / "alone", *words)

    assert alone.outcomes()[name].status is Status.REPAIRED
    assert (alone.output / name).read_bytes() == (run.output / name).read_bytes()


def test_the_report_opens_from_disk_and_points_at_nothing_outside(
    run: Repaired, ended: dict[str, Outcome]
) -> None:
    assert_page_stands_alone(run.page)

    text = run.page.read_text("utf-8")
    assert all(Path(outcome.key).name in text for outcome in repaired_ones(ended))
    assert str(run.page) in run.said


def test_the_ledger_agrees_with_the_folder(
    run: Repaired, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["verify", str(run.output)])

    count = len(tree(run.source))
    assert code == ExitCode.OK
    assert f"{count} of {count} outputs are as recorded" in capsys.readouterr().out


def test_the_same_command_again_does_nothing_and_changes_nothing(
    run: Repaired, masks: Path, ended: dict[str, Outcome]
) -> None:
    before = pictures_in(run.output)

    again = repair(run.source, run.output, "--masks", str(masks), *SMALL_ONLY)

    assert again.code == run.code
    assert pictures_in(run.output) == before
    assert again.outcomes() == ended
    assert len(queries.runs(run.state)) == 2
    assert queries.summary(run.state, queries.runs(run.state)[-1].run_id).outcomes == ()


def pictures_in(output: Path) -> dict[str, tuple[str, int]]:
    """Return digest and time of all that was delivered, artifacts and report too."""
    return {
        name: stamp
        for name, stamp in snapshot(output).items()
        if not Path(name).name.startswith(("ledger", "lock"))
    }


def test_badly_drawn_hands_go_through_like_all_else(tmp_path: Path) -> None:
    source = fill(
        tmp_path / "in", {name: p.read_bytes() for name, p in bad_hands().items()}
    )
    before = snapshot(source)

    run = repair(source, tmp_path / "out", *QUICK, "--variations", "2")

    assert run.code in {ExitCode.OK, ExitCode.FLAWS}
    assert_each_has_one_outcome(run, set(tree(source)))
    for outcome in run.outcomes().values():
        seen = {row.kind.partition("/")[0] for row in outcome.findings}
        assert "hand" in seen, f"no hand was seen on {outcome.key}"
        assert_never_costs_more(outcome)
    assert snapshot(source) == before


OFFLINE = """
import socket, sys
asked = []
def note(event, words):
    if event == "socket.getaddrinfo":
        asked.append(str(words[:2]))
    if event in ("socket.connect", "socket.sendto"):
        if words[0].family in (socket.AF_INET, socket.AF_INET6):
            asked.append(str(words[1]))
sys.addaudithook(note)
{work}
print("ASKED", asked, file=sys.stderr)
"""
"""A program that tells of every attempt to reach a network."""


def asked_for(work: str) -> str:
    """Run a program in a process of its own; return whom it tried to reach."""
    shown = subprocess.run(
        [sys.executable, "-c", OFFLINE.format(work=work)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "HF_HUB_OFFLINE": "0"},
    )
    return shown.stderr.rpartition("ASKED ")[2].strip()


def test_no_network_is_asked_for_anything(source: Path, tmp_path: Path) -> None:
    with Image.open(source / "astronaut.png") as astronaut:
        astronaut.crop((120, 0, 320, 280)).save(tmp_path / "a.png")
    picture, output = str(tmp_path / "a.png"), str(tmp_path / "out")
    look = ["check", picture]
    mend = ["repair", picture, "--out", output, "--engine", "classical", *QUICK]

    asked = asked_for(
        "from pipeline.cli.main import main\n"
        f"assert main({look!r}) in (0, 1)\n"
        f"assert main({mend!r}) in (0, 1)"
    )

    assert asked == "[]"


def test_an_attempt_to_reach_a_network_would_be_seen() -> None:
    asked = asked_for(
        "import contextlib\n"
        "with contextlib.suppress(OSError):\n"
        "    socket.create_connection(('127.0.0.1', 9), timeout=1)"
    )

    assert "127.0.0.1" in asked
