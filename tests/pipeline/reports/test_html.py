"""The report page: what it is given to show, and what it must never hold."""

import base64
import hashlib
import json
import re
import struct
from pathlib import Path
from typing import Any

import pytest

from detectors.geometry import Size
from pipeline.errors import OutputTrouble
from pipeline.records import Outcome, Status
from pipeline.reports import html, page_data
from tests.support.reports import clean, fine, info, repaired, summary

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}<!--"


def data_of(page: str, name: str = "data") -> Any:
    """Return what stands in one of the page's data blocks."""
    found = re.search(
        rf'<script type="application/json" id="{name}">(.*?)</script>', page
    )
    assert found is not None
    return json.loads(found[1])


def test_the_page_has_every_variation_with_its_cost_and_why_the_winner_won(
    tmp_path: Path,
) -> None:
    page = html.render(summary(repaired(tmp_path)), tmp_path)

    (details,) = data_of(page)["details"]
    (region,) = details["regions"]
    best, other, failed = region["tried"]
    assert "cost fell from 0.900 to 0.125" in region["reason"]
    assert "the region is 1.2 %" in region["how"]
    assert (region["winner"], best["number"], other["number"]) == (0, 0, 2)
    assert best["cost"] == {
        "flaw": 0.1,
        "seam": 0.1,
        "drift": 0.1,
        "blur": 0.0,
        "total": 0.125,
    }
    assert (failed["cost"], failed["problem"]) == (None, "6 digits seen")
    assert details["findings"][0]["marks"][0] == ["1", 12, 12]
    assert len(details["passes"]) == 2


def test_a_short_run_is_one_file_that_points_at_nothing_outside(tmp_path: Path) -> None:
    page = html.write(summary(repaired(tmp_path)), tmp_path).read_text()

    pictures = data_of(page, "embedded")
    (card,) = data_of(page)["cards"]
    assert all(uri.startswith("data:image/") for uri in pictures.values())
    assert {card["thumb"], card["thumbAfter"], card["before"]} <= pictures.keys()
    assert not (tmp_path / html.FOLDER).exists()
    assert not re.findall(r'(?:src|href)="(?!#|data:,)', page)
    assert "http://www.w3.org" in page  # the only address is SVG's own name
    assert not re.findall(r"https?://(?!www\.w3\.org/)", page)


def test_a_long_run_points_at_files_beside_the_page_that_exist(tmp_path: Path) -> None:
    outcomes = [
        repaired(tmp_path, key=f"{n:03}.png", digest=f"{n:064x}")
        for n in range(html.EMBED_UP_TO + 1)
    ]

    page = html.write(summary(*outcomes), tmp_path).read_text()

    data = data_of(page)
    assert data_of(page, "embedded") == {}
    assert data["details"] == []
    assert len(data["files"]) == 2
    for file in data["files"]:
        assert (tmp_path / file).read_text().startswith("nightmendDetails(")
    for card in data["cards"]:
        assert (tmp_path / card["thumb"]).is_file()
        assert (tmp_path / card["after"]).is_file()


def test_a_page_drawn_again_leaves_no_old_details(tmp_path: Path) -> None:
    outcomes = [clean(tmp_path, f"{n:03}.png", f"{n:064x}") for n in range(100)]
    html.write(summary(*outcomes), tmp_path)

    page = html.write(summary(*outcomes[:70]), tmp_path).read_text()

    files = {path.name for path in (tmp_path / html.FOLDER).iterdir()}
    assert {f"{html.FOLDER}/{name}" for name in files} == set(data_of(page)["files"])


def test_one_file_of_a_long_run_holds_all_details(tmp_path: Path) -> None:
    outcomes = [clean(tmp_path, f"{n:03}.png", f"{n:064x}") for n in range(70)]

    page = html.render(summary(*outcomes), tmp_path)

    assert len(data_of(page)["details"]) == 70
    assert data_of(page)["files"] == []
    assert len(data_of(page, "embedded")) == 70


@pytest.mark.parametrize("place", ["key", "text", "source", "engine"])
def test_names_prompts_and_messages_of_strangers_stay_text(
    tmp_path: Path, place: str
) -> None:
    outcome = repaired(
        tmp_path,
        text=HOSTILE if place == "text" else "x",
        key=HOSTILE if place == "key" else "a.png",
    )
    changes = {"sources": (HOSTILE,)} if place == "source" else {}
    if place == "engine":
        changes = {"engine": HOSTILE}  # type: ignore[dict-item]

    page = html.render(summary(outcome, **changes), tmp_path)

    assert page.count("<script") == 3
    assert "<img src=x" not in page
    assert "<!--" not in page
    assert "{{7*7}}" in page.replace("&#39;", "'")


def test_a_name_that_is_not_utf_8_is_shown_with_escapes(tmp_path: Path) -> None:
    outcome = repaired(tmp_path, key="a\udcff.png", text="b\udcfe")

    page = html.write(summary(outcome), tmp_path).read_text("utf-8")

    assert data_of(page)["cards"][0]["name"] == "a\\xff.png"
    assert "b\\udcfe" in data_of(page)["details"][0]["findings"][0]["message"]


def test_the_policy_admits_the_pages_own_script_and_no_other(tmp_path: Path) -> None:
    page = html.render(summary(repaired(tmp_path)), tmp_path)

    script = re.search(r"<script>(.*)</script>", page, re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    policy = page.split("</head>")[0]
    assert f"script-src 'sha256-{digest}' 'strict-dynamic'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert " style=" not in page
    assert not re.search(r"\son\w+=", page.split("<script")[0])


def test_what_needs_a_person_stands_first(tmp_path: Path) -> None:
    outcomes = (
        Outcome("a.png", "", Status.CLEAN, Size(8, 8)),
        repaired(tmp_path, key="b.png"),
        Outcome("c.png", "", Status.FAILED, Size(8, 8), problem="it broke"),
        Outcome("d.png", "", Status.KEPT, Size(8, 8), remaining=(fine(),)),
    )

    page = html.render(summary(*outcomes), tmp_path)

    names = [card["name"] for card in data_of(page)["cards"]]
    assert names == ["c.png", "d.png", "b.png", "a.png"]
    assert "Look first at the 2 that need you" in page
    assert "it broke" in page.split("<main>")[1].split("</section>")[0]


def test_the_same_trouble_is_told_once_for_all(tmp_path: Path) -> None:
    outcomes = [
        Outcome(f"{n}.png", "", Status.UNREADABLE, problem=f"{n}.png is cut off")
        for n in range(30)
    ]

    page = html.render(summary(*outcomes), tmp_path)

    assert "30 unreadable</span> the picture is cut off" in page


def test_a_missing_artifact_leaves_the_page_whole(tmp_path: Path) -> None:
    outcome = repaired(tmp_path)
    (tmp_path / "v/0.webp").unlink()

    page = html.render(summary(outcome), tmp_path)

    tried = data_of(page)["details"][0]["regions"][0]["tried"]
    assert (tried[0]["picture"], tried[1]["picture"]) == ("", "v/2.webp")


def test_an_empty_run_says_so(tmp_path: Path) -> None:
    page = html.render(summary(), tmp_path)

    assert "No picture was looked at" in page
    assert data_of(page)["cards"] == []


def test_numbers_that_are_none_are_refused_before_the_page_is_broken() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        page_data.dumps(float("nan"))


def test_every_picture_has_a_thumbnail_that_is_small(tmp_path: Path) -> None:
    outcomes = [clean(tmp_path, "a.png", "1" * 64), repaired(tmp_path, key="b.png")]

    page = html.write(summary(*outcomes), tmp_path).read_text()

    pictures = data_of(page, "embedded")
    for card in data_of(page)["cards"]:
        data = base64.b64decode(pictures[card["thumb"]].partition(",")[2])
        assert data[:4] == b"RIFF"
        assert struct.unpack("<I", data[4:8])[0] < 20_000


def test_a_page_that_cannot_be_written_says_where(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()

    with pytest.raises(OutputTrouble, match=str(tmp_path)):
        html.write(summary(repaired(tmp_path)), tmp_path)


def test_settings_that_are_not_json_are_shown_as_they_are(tmp_path: Path) -> None:
    page = html.render(summary(settings_json="{<odd>"), tmp_path)

    assert "{&lt;odd&gt;" in page
    assert info().run_id in page


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.25, "0.2 s"), (42.0, "42 s"), (185.0, "3 min 5 s"), (7800.0, "2 h 10 min")],
)
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    assert html.duration(seconds) == text
