"""What every finished repair promises, checked on its folders as a user finds them."""

import contextlib
import hashlib
import io
import re
from collections import Counter
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np

from detectors.arrays import MaskArray
from pipeline.cli.main import main
from pipeline.metadata import jpeg, png, webp
from pipeline.metadata.facts import format_of
from pipeline.records import Outcome, Status
from pipeline.stages import blend
from tests.support.checks import decoded
from tests.support.runs import outcomes

MASK_BLUR_PX = 4
"""The default of `plan.mask_blur_px`, written out: these are promises to users."""

OWN_ENTRY = (b"nightmend\0", b"NMND")
"""What the one entry that a repair adds is known by: in PNG and JPEG, and in WebP."""

_POINTING = {"src", "href", "srcset", "data", "action", "poster"}


@dataclass(frozen=True)
class Repaired:
    """One call of `nightmend repair`, and what it left behind."""

    source: Path
    output: Path
    code: int
    said: str
    """What it printed."""

    @property
    def state(self) -> Path:
        return self.output / ".nightmend"

    @property
    def page(self) -> Path:
        return self.state / "report.html"

    def outcomes(self) -> dict[str, Outcome]:
        return outcomes(self.output)


def repair(source: Path, output: Path, *words: str) -> Repaired:
    """Call the real command in this process, on the engine that needs no model."""
    line = ["repair", str(source), "--out", str(output), "--engine", "classical"]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        code = main([*line, *words])
    root = source if source.is_dir() else source.parent
    return Repaired(root, output, code, said.getvalue())


def snapshot(folder: Path) -> dict[str, tuple[str, int]]:
    """Return digest and time of change of every file below a folder."""
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def assert_each_has_one_outcome(run: Repaired, keys: set[str]) -> None:
    """Every picture ended once, and none of them as failed."""
    ended = run.outcomes()
    failed = {key: o.problem for key, o in ended.items() if o.status is Status.FAILED}
    assert failed == {}
    assert set(ended) == keys
    delivered = {
        key
        for key, outcome in ended.items()
        if outcome.status in {Status.CLEAN, Status.KEPT, Status.REPAIRED}
    }
    assert delivered == keys
    written = Counter(outcome.output for outcome in ended.values())
    assert written == Counter(keys)


def assert_never_costs_more(outcome: Outcome) -> None:
    """What was kept is the cheapest of all that was tried, the original included."""
    for choice in outcome.choices:
        before, after = choice.cost_before.total, choice.cost_after.total
        tried = {
            attempt.number: attempt.cost.total
            for attempt in outcome.attempts
            if attempt.cost is not None
            and (attempt.pass_number, attempt.patch)
            == (choice.pass_number, choice.patch)
        }
        if choice.winner is None:
            assert after == before
        else:
            assert after < before
            assert after == tried[choice.winner] == min(tried.values())


def may_change(run: Repaired, outcome: Outcome) -> MaskArray:
    """Return the pixels that a repair was allowed to touch, from the masks it kept.

    Returns:
        (H, W) bool: the masks of all winners with the reach of their soft edges.
    """
    allowed = np.zeros((outcome.size.height, outcome.size.width), dtype=np.bool_)
    for choice in outcome.choices:
        if choice.winner is None:
            continue
        kept = cv2.imread(str(run.state / choice.mask), cv2.IMREAD_GRAYSCALE)
        assert kept is not None, f"the mask {choice.mask} was not kept"
        whole = np.zeros_like(allowed)
        whole[choice.window.rows, choice.window.columns] = kept > 127
        allowed |= blend.cover_for(whole, MASK_BLUR_PX, choice.mode) > 0
    return allowed


def assert_same_where_nothing_was_covered(run: Repaired, outcome: Outcome) -> None:
    """In a format that loses nothing, not a bit differs where the cover is 0."""
    before = decoded((run.source / outcome.key).read_bytes())
    after = decoded((run.output / outcome.output).read_bytes())
    allowed = may_change(run, outcome)
    assert before.shape == after.shape
    np.testing.assert_array_equal(after[~allowed], before[~allowed])
    assert (after[allowed] != before[allowed]).any()


def loses_nothing(path: Path) -> bool:
    """Tell whether a file's format keeps every pixel."""
    data = path.read_bytes()
    kind = format_of(data)
    return kind == "PNG" or (kind == "WEBP" and webp.split(data).lossless)


def metadata(data: bytes) -> list[bytes]:
    """Return everything in a file but its pixels, byte for byte, in order."""
    kind = format_of(data)
    if kind == "PNG":
        return [chunk.raw for chunk in png.split(data).extras]
    if kind == "JPEG":
        return [segment.raw for segment in jpeg.split(data).extras]
    return [chunk.raw for chunk in webp.split(data).extras]


def assert_metadata_carried(before: bytes, after: bytes) -> None:
    """All of it is there, byte for byte and in order, and one own entry more."""
    was, now = metadata(before), metadata(after)
    added = [part for part in now if part not in was]
    assert [part for part in now if part in was] == was
    assert len(added) == 1
    assert any(name in added[0][:32] for name in OWN_ENTRY)


def assert_page_stands_alone(page: Path) -> None:
    """The report opens from disk and asks for nothing outside itself."""
    text = page.read_text("utf-8")
    seen = _Pointers()
    seen.feed(text)
    outside = [
        target
        for target in seen.targets
        if not target.startswith(("data:", "#")) and not _is_beside(target, page)
    ]
    assert outside == []
    assert re.findall(r"url\((?!['\"]?(?:data:|#))[^)]*\)", text) == []
    # The one exception hands decisions to `nightmend review`, which serves the page.
    asking = r'@import|fetch\((?!"decisions")|XMLHttpRequest|WebSocket'
    assert re.findall(asking, text) == []


def _is_beside(target: str, page: Path) -> bool:
    return "://" not in target and (page.parent / target).is_file()


class _Pointers(HTMLParser):
    """Collects what a page's elements point at."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.targets += [
            value for name, value in attrs if name in _POINTING and value is not None
        ]
