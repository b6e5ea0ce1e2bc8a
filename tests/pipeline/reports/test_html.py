"""The report page: what it shows, and what it must never do."""

import base64
import hashlib
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from detectors.findings import Mark, Severity
from detectors.geometry import Box, Size
from pipeline.records import (
    Attempt,
    Choice,
    Cost,
    FindingRow,
    Outcome,
    RunInfo,
    RunSummary,
    Status,
)
from pipeline.reports import html

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"


def _info(**changes: object) -> RunInfo:
    fields: dict[str, object] = {
        "run_id": "20260101-000000-abc",
        "command": "repair",
        "argv": ("repair", "in"),
        "sources": ("in",),
        "output": "out",
        "started": "2026-01-01T00:00:00+00:00",
        "finished": "2026-01-01T00:01:00+00:00",
        "ended_by": "done",
        "engine": "classical",
        "settings_json": "{}",
        "version": "0",
        "planned": 1,
    }
    return RunInfo(**{**fields, **changes})  # type: ignore[arg-type]


def _picture(state: Path, name: str) -> str:
    path = state / name
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((40, 60, 3), 128, np.uint8))
    return name


def _repaired(
    state: Path, *, text: str = "6 digits seen", key: str = "a.png"
) -> Outcome:
    before, after = Cost(0.9, 0.0, 0.0, 0.9), Cost(0.1, 0.1, 0.1, 0.125)
    box = Box(10, 10, 30, 30)
    row = FindingRow(
        "hands",
        "hand/extra-digit",
        box,
        0.93,
        text,
        (Mark("1", 12, 12),),
        "redraw",
        Severity.ERROR,
    )
    fine = FindingRow(
        "hands", "hand/ok", Box(40, 5, 50, 15), 0.1, severity=Severity.FINE
    )
    attempts = (
        Attempt(1, 0, 0, 77, 0.75, after, 1.0, picture=_picture(state, "v/0.webp")),
        Attempt(1, 0, 1, 78, 0.75, None, 1.0, problem=text),
    )
    choice = Choice(
        1,
        0,
        0,
        before,
        after,
        f"cost fell from 0.900 to 0.125 {text}",
        box,
        Box(0, 0, 40, 40),
        Size(512, 512),
        "only-masked",
        "the region is 1.2 %",
        0.75,
        "original",
        text,
        text,
        "redraw",
        ("hand/extra-digit",),
        before=_picture(state, "v/before.webp"),
        mask=_picture(state, "v/mask.png"),
    )
    return Outcome(
        key,
        "0" * 64,
        Status.REPAIRED,
        Size(60, 40),
        (row, fine),
        (fine,),
        attempts,
        (choice,),
        passes=1,
        output=key,
        preview_before=_picture(state, "v/pb.webp"),
        preview_after=_picture(state, "v/pa.webp"),
        took_s=3.0,
    )


def test_the_page_shows_every_variation_with_its_cost_and_why_the_winner_won(
    tmp_path: Path,
) -> None:
    summary = RunSummary(_info(), (_repaired(tmp_path),))

    page = html.render(summary, tmp_path)

    assert "cost fell from 0.900 to 0.125" in page
    assert "cost 0.125 = flaw 0.10, seam 0.10, drift 0.10" in page
    assert "chosen: variation 1" in page
    assert "hand/extra-digit" in page
    assert "the region is 1.2 %" in page


def test_a_short_run_is_one_file_that_points_at_nothing_outside(tmp_path: Path) -> None:
    summary = RunSummary(_info(), (_repaired(tmp_path),))

    page = html.write(summary, tmp_path).read_text()

    sources = re.findall(r'src="([^"]*)"', page)
    assert len(sources) == 5
    assert all(source.startswith("data:image/") for source in sources)
    assert "http://" not in page
    assert "https://" not in page


def test_a_long_run_points_at_files_beside_the_page_that_exist(tmp_path: Path) -> None:
    outcomes = tuple(
        _repaired(tmp_path, key=f"{n:03}.png") for n in range(html.EMBED_UP_TO + 1)
    )

    page = html.render(RunSummary(_info(), outcomes), tmp_path)

    sources = re.findall(r'src="([^"]*)"', page)
    assert sources
    assert all((tmp_path / source).is_file() for source in sources)


@pytest.mark.parametrize("place", ["key", "text", "source"])
def test_names_prompts_and_messages_of_strangers_stay_text(
    tmp_path: Path, place: str
) -> None:
    outcome = _repaired(
        tmp_path,
        text=HOSTILE if place == "text" else "x",
        key=HOSTILE if place == "key" else "a.png",
    )
    info = _info(sources=(HOSTILE if place == "source" else "in",))

    page = html.render(RunSummary(info, (outcome,)), tmp_path)

    assert page.count("<script") == 1
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "{{7*7}}" in page


def test_a_name_that_is_not_utf_8_is_shown_with_escapes(tmp_path: Path) -> None:
    outcome = _repaired(tmp_path, key="a\udcff.png")

    page = html.write(RunSummary(_info(), (outcome,)), tmp_path).read_text("utf-8")

    assert "a\\udcff.png" in page


def test_the_policy_admits_the_pages_own_script_and_no_other(tmp_path: Path) -> None:
    page = html.render(RunSummary(_info(), (_repaired(tmp_path),)), tmp_path)

    script = re.search(r"<script>(.*)</script>", page, re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src &#39;sha256-{digest}&#39;" in page or (
        f"script-src 'sha256-{digest}'" in page
    )
    assert "unsafe" not in page.split("</head>")[0]


def test_what_needs_a_person_stands_first(tmp_path: Path) -> None:
    outcomes = (
        Outcome("a.png", "", Status.CLEAN, Size(8, 8)),
        _repaired(tmp_path, key="b.png"),
        Outcome("c.png", "", Status.FAILED, Size(8, 8), problem="it broke"),
        Outcome("d.png", "", Status.KEPT, Size(8, 8)),
    )

    page = html.render(RunSummary(_info(planned=4), outcomes), tmp_path)

    places = [page.index(f"</span> {key}</h2>") for key in ("c.png", "d.png", "b.png")]
    assert places == sorted(places)
    assert "Look first at the 2 that need you" in page


def test_a_missing_artifact_leaves_the_page_whole(tmp_path: Path) -> None:
    outcome = _repaired(tmp_path)
    (tmp_path / "v/0.webp").unlink()

    page = html.render(RunSummary(_info(), (outcome,)), tmp_path)

    assert "chosen: variation 1" in page
    assert 'src=""' not in page


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.25, "0.2 s"), (42.0, "42 s"), (185.0, "3 min 5 s"), (7800.0, "2 h 10 min")],
)
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    assert html.duration(seconds) == text
