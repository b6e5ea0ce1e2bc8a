"""A real browser, headless and without a network; tests skip where there is none."""

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
playwright = pytest.importorskip("playwright.sync_api", reason="no playwright")


def program() -> str:
    """Return the browser's path; "" where none is installed."""
    named = os.environ.get("NIGHTMEND_BROWSER", "")
    return named or next(filter(None, map(shutil.which, NAMES)), "")


@dataclass
class Watched:
    """A page, and everything that must not happen in it."""

    page: "playwright.Page"
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, address: str | Path) -> "playwright.Page":
        if isinstance(address, Path):
            address = address.as_uri()
        self.page.goto(address)
        return self.page

    def until(self, expression: str, seconds: float = 10.0) -> None:
        """Wait until it holds; the page's policy forbids the library's own way."""
        deadline = time.monotonic() + seconds
        while not self.page.evaluate(expression):
            assert time.monotonic() < deadline, f"never: {expression}"
            self.page.wait_for_timeout(30)

    @property
    def left(self) -> list[str]:
        """The requests that went anywhere but to this disk or this machine."""
        mine = ("file:", "data:", "blob:", "http://127.0.0.1:")
        return [url for url in self.requests if not url.startswith(mine)]


@pytest.fixture(scope="session")
def browser() -> Iterator["playwright.Browser"]:
    path = program()
    if not path:
        pytest.skip("no Chromium is installed; apt-get install chromium")
    with playwright.sync_playwright() as started:
        # Every launch has a user-data-dir of its own.
        launched = started.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(params=["light"])
def watched(
    browser: "playwright.Browser", request: pytest.FixtureRequest
) -> Iterator[Watched]:
    """Yield a page, and afterwards hold that it was quiet and stayed at home."""
    options: dict[str, object] = {"viewport": {"width": 1280, "height": 900}}
    if request.param == "dark":
        options["color_scheme"] = "dark"
    if request.param == "phone":
        options = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
    context = browser.new_context(**options, service_workers="block")
    held = Watched(context.new_page())
    held.page.on("pageerror", lambda error: held.errors.append(str(error)))
    held.page.on("console", lambda said: _note(held, said))
    held.page.on("dialog", lambda dialog: held.errors.append(f"said {dialog.message}"))
    held.page.on("request", lambda asked: held.requests.append(asked.url))
    yield held
    context.close()
    assert held.errors == []
    assert held.left == []


def _note(held: Watched, said: "playwright.ConsoleMessage") -> None:
    if said.type in {"error", "warning"}:
        held.errors.append(said.text)
