"""A real browser, headless and without a network; tests skip where there is none."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.support.browsing import Watched

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def program() -> str:
    """Return the browser's path; "" where none is installed."""
    named = os.environ.get("NIGHTMEND_BROWSER", "")
    return named or next(filter(None, map(shutil.which, NAMES)), "")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = program()
    if not path:
        pytest.skip("no Chromium is installed; apt-get install chromium")
    with sync_playwright() as started:
        # Every launch has a user-data-dir of its own.
        launched = started.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(params=["light"])
def watched(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Watched]:
    """Yield a page, and afterwards hold that it was quiet and stayed at home."""
    options: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
    if request.param == "dark":
        options["color_scheme"] = "dark"
    if request.param == "phone":
        options = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
    context = browser.new_context(**options, service_workers="block")
    held = Watched(context.new_page())
    held.page.on("pageerror", lambda error: held.errors.append(str(error)))
    held.page.on("console", held.note)
    held.page.on("dialog", lambda dialog: held.errors.append(f"said {dialog.message}"))
    held.page.on("request", lambda asked: held.requests.append(asked.url))
    yield held
    context.close()
    assert held.errors == []
    assert held.left == []
