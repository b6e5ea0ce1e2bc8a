"""The report page in a real browser: opened from disk, as a person does."""

import json
import sys
import time
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from detectors.geometry import Box
from pipeline.records import Outcome, Status
from pipeline.reports import html
from pipeline.review.forms import parse
from tests.support.browsing import Watched
from tests.support.reports import SIZE, clean, finding, repaired, summary

HOSTILE = (
    "<img src=x onerror=alert({n})>.png",
    "</script><script>alert({n})</script>.png",
    "javascript:alert({n}).png",
    "'\"><svg/onload=alert({n})>.png",
    "{{{{constructor.constructor('alert({n})')()}}}}.png",
    "<!--<script>alert({n})//.png",
    "\u202egnp.{n}",
    "a\udcff\udcfe{n}.png",
    "x\u2028alert({n})\n.png",
    "__proto__{n}",
)


def digest(number: int) -> str:
    return f"{number:064x}"


def folder(tmp_path: Path) -> Path:
    """Draw a page with a picture of every ending, and return it."""
    kept = Outcome("kept.png", digest(3), Status.KEPT, SIZE, (finding(),), (finding(),))
    torn = Outcome("torn.png", "", Status.UNREADABLE, problem="it is cut short")
    return html.write(
        summary(
            repaired(tmp_path, key="mended.png", digest=digest(1)),
            clean(tmp_path, "clean.png", digest(2)),
            kept,
            torn,
        ),
        tmp_path,
    )


def names(watched: Watched) -> list[str]:
    return watched.page.locator("#wall bdi").all_text_contents()


def test_the_wall_shows_every_picture_the_worst_first(
    watched: Watched, tmp_path: Path
) -> None:
    watched.open(folder(tmp_path))

    assert names(watched) == ["torn.png", "kept.png", "mended.png", "clean.png"]
    assert watched.page.locator("#wall img").count() == 3
    images = "[...document.querySelectorAll('#wall img')]"
    watched.until(f"{images}.every(image => image.naturalWidth)")


def test_filters_and_sorting_choose_what_is_shown(
    watched: Watched, tmp_path: Path
) -> None:
    page = watched.open(folder(tmp_path))

    page.click(".chip.repaired")
    assert names(watched) == ["mended.png"]
    page.click(".chip.clean")
    assert names(watched) == ["mended.png", "clean.png"]
    page.click(".chip.repaired")
    page.click(".chip.clean")
    page.select_option("#kind", "hand/extra-digit")
    assert names(watched) == ["kept.png", "mended.png"]
    page.select_option("#sort", "gain")
    assert names(watched) == ["mended.png", "kept.png"]
    page.select_option("#kind", "")
    page.fill("#search", "TORN")
    watched.until("document.querySelectorAll('#wall bdi').length === 1")
    assert page.inner_text("#count") == "1 of 4 pictures"


def test_the_slider_uncovers_what_was_before(watched: Watched, tmp_path: Path) -> None:
    page = watched.open(folder(tmp_path))
    page.click("text=mended.png >> nth=0")

    page.locator("#slider").fill("20")

    clip = "getComputedStyle(document.querySelector('.stage .after')).clipPath"
    assert "80%" in page.evaluate(clip)
    page.keyboard.press("d")
    blend = "getComputedStyle(document.querySelector('.stage .after')).mixBlendMode"
    assert page.evaluate(blend) == "difference"
    page.click(".modes [data-mode=before]")
    assert not page.locator(".stage .after img").is_visible()


def test_blinking_shows_one_and_then_the_other(
    watched: Watched, tmp_path: Path
) -> None:
    page = watched.open(folder(tmp_path))
    page.click("text=mended.png >> nth=0")

    page.keyboard.press("b")

    page.wait_for_selector(".stage[data-mode=blink].off", timeout=5000)
    page.wait_for_selector(".stage[data-mode=blink]:not(.off)", timeout=5000)


def test_the_large_view_tells_all_that_was_tried(
    watched: Watched, tmp_path: Path
) -> None:
    page = watched.open(folder(tmp_path))
    page.click("text=mended.png >> nth=0")

    told = page.inner_text(".side")
    assert "0.125 = flaw 0.10, seam 0.10, drift 0.10, blur 0.00" in told
    assert "variation 0, chosen" in told
    assert "AUTOMATIC1111" in told
    assert page.locator(".stage .mark").first.inner_text() == "1"
    assert page.locator(".stage rect").count() == 2
    page.click("#show-masks")
    assert page.locator(".stage .masks img").is_visible()
    page.keyboard.press("z")
    assert page.evaluate("stage.scale") > 1
    page.click("#show-marks")
    assert page.locator(".stage rect").count() == 0
    page.select_option(".bars select", "0")
    assert page.locator(".stage .after .whole").is_visible()


def test_decisions_are_saved_as_a_file_that_can_be_applied(
    watched: Watched, tmp_path: Path
) -> None:
    page = watched.open(folder(tmp_path))
    page.click("text=mended.png >> nth=0")

    page.click("text=Accept")
    page.click("[aria-label='Pick variation 2 of region 1, pass 1']")
    page.click("[aria-label='hand/extra-digit is not a flaw']")
    page.fill("#note", "keep </script> it")
    page.press("#note", "Enter")
    page.click("#close-viewer")
    with page.expect_download() as saved:
        page.click("#save")

    read = parse(saved.value.path().read_bytes(), "the download")
    (one,) = read.decisions
    assert (one.digest, one.verdict, one.note) == (
        digest(1),
        "accept",
        "keep </script> it",
    )
    assert (one.picks[0].number, one.picks[0].patch) == (2, 0)
    assert one.not_flaws[0].kind == "hand/extra-digit"
    assert Box(*one.not_flaws[0].box) == finding().box
    assert "accepted" in page.inner_text("#wall li:nth-child(3)")


def test_a_reload_keeps_what_was_decided_and_forgetting_drops_it(
    watched: Watched, tmp_path: Path
) -> None:
    page = watched.open(folder(tmp_path))
    page.click("text=mended.png >> nth=0")
    page.keyboard.press("r")
    page.click("#close-viewer")

    page.reload()

    assert "1 decision not saved" in page.inner_text("#pending")
    page.click("#forget")
    assert not page.locator("#pending").is_visible()
    page.reload()
    assert not page.locator("#pending").is_visible()


def test_everything_can_be_done_with_the_keyboard(
    watched: Watched, tmp_path: Path
) -> None:
    page = watched.open(folder(tmp_path))
    focused = "document.activeElement.getAttribute('aria-label') || ''"

    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused).startswith("mended.png")
    page.keyboard.press("Enter")
    page.wait_for_selector(".stage")
    page.keyboard.press("a")
    accept = page.locator(".decide .accept")
    assert accept.get_attribute("aria-pressed") == "true"
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#viewer-name") == "clean.png"
    page.keyboard.press("Escape")
    # The dialog tells in a later turn that it was closed, and then the focus goes back.
    watched.until(f"({focused}).startsWith('clean.png')")
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("torn")
    watched.until("document.querySelectorAll('#wall bdi').length === 1")


def test_a_closed_view_leaves_the_address_at_once(
    watched: Watched, tmp_path: Path
) -> None:
    page = watched.open(folder(tmp_path))
    page.click("text=mended.png >> nth=0")
    assert page.evaluate("location.hash") != ""

    close = "document.querySelector('#close-viewer').click()"

    # In the same turn: the dialog's own event comes later than a reload might.
    assert page.evaluate(f"() => {{ {close}; return location.hash; }}") == ""


def test_a_link_opens_its_picture(watched: Watched, tmp_path: Path) -> None:
    page = watched.open(folder(tmp_path))

    page.click(".reasons a")

    assert page.inner_text("#viewer-name") == "torn.png"
    assert "it is cut short" in page.inner_text("#viewer")


def test_500_hostile_names_and_prompts_run_nothing(
    watched: Watched, tmp_path: Path
) -> None:
    texts = [HOSTILE[n % len(HOSTILE)].format(n=n) for n in range(500)]
    first = repaired(tmp_path, text=texts[0], key=texts[0], digest=digest(0))
    outcomes = [
        first,
        *(
            Outcome(
                text, digest(n), Status.FAILED, SIZE, (finding(text),), problem=text
            )
            for n, text in enumerate(texts[1:], start=1)
        ),
    ]

    page = watched.open(html.write(summary(*outcomes, sources=(texts[1],)), tmp_path))

    for place in (0, 120, 240, 499):
        page.evaluate(f"openViewer(cards[{place}])")
        page.wait_for_selector(".side")
        page.keyboard.press("Escape")
        page.wait_for_selector(".side", state="hidden")
    assert page.evaluate("cards.length") == 500
    assert page.evaluate("document.querySelectorAll('script[src^=http]').length") == 0
    assert page.locator("img[src=x]").count() == 0


def test_the_policy_stops_what_is_not_the_pages_own(
    watched: Watched, tmp_path: Path
) -> None:
    path = folder(tmp_path)
    text = path.read_text()
    path.write_text(
        text.replace(
            "</main>", "<script>alert(1)</script><img src=x onerror=alert(2)></main>"
        )
    )

    watched.open(path)
    watched.page.wait_for_timeout(200)

    said = [error for error in watched.errors if "Content Security Policy" in error]
    assert len(said) == 2
    assert not [error for error in watched.errors if error.startswith("said ")]
    watched.errors.clear()


def test_a_page_of_10000_pictures_opens_at_once_and_holds_few_elements(
    watched: Watched, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    thumb = repaired(tmp_path, key="one.png", digest=digest(1))
    outcomes = [
        Outcome(
            f"folder/{n:05}.png",
            digest(1),
            Status.REPAIRED if n % 3 == 0 else Status.CLEAN,
            SIZE,
            (finding(),),
            preview_before=thumb.preview_before,
            preview_after=thumb.preview_after if n % 3 == 0 else "",
            choices=thumb.choices if n % 3 == 0 else (),
            attempts=thumb.attempts if n % 3 == 0 else (),
        )
        for n in range(10_000)
    ]
    path = html.write(summary(*outcomes), tmp_path)

    started = time.monotonic()
    page = watched.open(path)
    page.wait_for_selector("#wall .card")
    opened_s = time.monotonic() - started

    nodes = page.evaluate("document.querySelectorAll('*').length")
    assert page.inner_text("#count") == "10,000 pictures"
    assert nodes < 2500
    page.evaluate("scrollTo(0, document.body.scrollHeight / 2)")
    watched.until("[...wall.made.keys()].some(n => n > 4000 && n < 6000)")
    assert page.locator("#wall li").count() < 120
    page.evaluate("openViewer(wall.shown[5000])")
    page.wait_for_selector(".side")
    loaded = page.evaluate("document.querySelectorAll('script[src]').length")
    assert loaded == 1
    size_mib = path.stat().st_size / 2**20
    with capsys.disabled():
        told = f"{size_mib:.1f} MiB, open in {opened_s:.2f} s, {nodes} nodes"
        sys.stdout.write(f"\n10,000 pictures: {told}\n")


@pytest.mark.parametrize("watched", ["light", "dark", "phone"], indirect=True)
def test_axe_finds_nothing_serious(watched: Watched, tmp_path: Path) -> None:
    page = watched.open(folder(tmp_path))
    found = _serious(watched)
    page.evaluate("openViewer(cards.find(one => one.status === 'repaired'))")
    page.wait_for_selector(".side")
    found += _serious(watched)

    assert found == []


def _serious(watched: Watched) -> list[str]:
    response = Axe().run(watched.page).response
    return [
        f"{one['id']}: {json.dumps([node['html'][:200] for node in one['nodes'][:3]])}"
        for one in response["violations"]
        if one["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize("watched", ["phone"], indirect=True)
def test_a_phone_never_scrolls_sideways(watched: Watched, tmp_path: Path) -> None:
    page = watched.open(folder(tmp_path))
    wide = "document.documentElement.scrollWidth - innerWidth"

    assert page.evaluate(wide) <= 0
    page.evaluate("openViewer(cards.find(one => one.status === 'repaired'))")
    page.wait_for_selector(".side")
    assert page.evaluate("viewer.dialog.scrollWidth - innerWidth") <= 0
