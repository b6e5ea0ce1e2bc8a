"""A page in a browser, and everything that must not happen in it."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Page


@dataclass
class Watched:
    """A page, and everything that must not happen in it."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, address: str | Path) -> Page:
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

    def note(self, said: ConsoleMessage) -> None:
        """Remember what the browser complains about."""
        if said.type in {"error", "warning"}:
            self.errors.append(said.text)
