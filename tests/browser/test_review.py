"""The page as `nightmend review` serves it: what is decided is done at once."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.cli.desk import ReviewDesk
from pipeline.records import Status
from pipeline.review.serve import Server
from tests.support import runs
from tests.support.browsing import Watched
from tests.support.fakes import GREEN
from tests.support.runs import fill, outcomes, picture


@pytest.fixture
def output(tmp_path: Path) -> Path:
    files = {"a.png": picture(1), "b.png": picture(2, GREEN)}
    runs.repair(fill(tmp_path / "in", files), tmp_path / "out")
    return tmp_path / "out"


@pytest.fixture
def address(output: Path) -> Iterator[str]:
    desk = ReviewDesk(output, output / ".nightmend")
    desk.redraw()
    server = Server(desk)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server.address
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_rejection_puts_the_original_back_at_once(
    watched: Watched, output: Path, address: str
) -> None:
    page = watched.open(address)
    page.click("text=a.png >> nth=0")

    page.keyboard.press("r")

    told = "(document.querySelector('.told') || {}).textContent || ''"
    watched.until(f"({told}).startsWith('Written down')")
    assert (output / "a.png").read_bytes() == picture(1)
    assert page.inner_text(".head .badge") == "kept"
    assert page.locator("#slider").count() == 0
    page.keyboard.press("r")
    watched.until("document.querySelector('.head .badge').textContent === 'repaired'")
    assert outcomes(output)["a.png"].status is Status.REPAIRED
    assert page.locator("#slider").count() == 1


def test_what_cannot_be_done_is_told(
    watched: Watched, output: Path, address: str
) -> None:
    (output.parent / "in/a.png").write_bytes(picture(9))
    page = watched.open(address)
    page.click("text=a.png >> nth=0")

    page.keyboard.press("r")

    told = "(document.querySelector('.told') || {}).textContent || ''"
    watched.until(f"({told}).includes('no longer the picture')")
    assert outcomes(output)["a.png"].status is Status.REPAIRED
    watched.errors.clear()  # The browser notes the answer 409.
