"""Draw one page that shows what a run did: opens from disk, needs no network."""

import base64
import hashlib
import os
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipeline.files import write_whole
from pipeline.records import RunSummary
from pipeline.reports.page_model import percent, view_page

EMBED_UP_TO = 60
"""Pictures that are embedded; a longer run's page points at files beside it."""

SUFFIXES = {".webp": "image/webp", ".png": "image/png", ".jpg": "image/jpeg"}


def write(summary: RunSummary, state: Path) -> Path:
    """Write `report.html` into the state folder, and return its path.

    Args:
        summary: The run, as the ledger tells it.
        state: The folder that the artifacts' paths in the outcomes start from.
    """
    page = state / "report.html"
    write_whole(page, render(summary, state).encode())
    return page


def render(summary: RunSummary, state: Path) -> str:
    """Return the page as HTML.

    Every name, prompt and message in it comes from strangers: the template escapes all
    of them, and the content security policy lets only the page's own script run.
    """
    environment = Environment(
        loader=PackageLoader("pipeline.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shown"] = shown
    environment.filters["duration"] = duration
    pictures = PictureLinks(state, embed=len(summary.outcomes) <= EMBED_UP_TO)
    style, script = (_asset(environment, name) for name in ("report.css", "report.js"))
    return environment.get_template("report.html").render(
        page=view_page(summary),
        picture=pictures.link,
        percent=percent,
        style=Markup(style),  # noqa: S704  our own file, no outside text in it
        script=Markup(script),  # noqa: S704
        style_hash=_csp_hash(style),
        script_hash=_csp_hash(script),
    )


class PictureLinks:
    """Turns an artifact's path below the state folder into what an <img> can show."""

    def __init__(self, state: Path, *, embed: bool) -> None:
        self._state = state
        self._embed = embed

    def link(self, name: str) -> str:
        """Return a data URI or a relative one; "" when the file is not there."""
        path = self._state / name
        media_type = SUFFIXES.get(path.suffix.lower())
        if not name or media_type is None or not path.is_file():
            return ""
        if not self._embed:
            return quote(os.fsencode(name))
        data = base64.b64encode(path.read_bytes()).decode()
        return f"data:{media_type};base64,{data}"


def shown(text: str) -> str:
    """Return text as it can be shown: what is not UTF-8 becomes an escape."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def duration(seconds: float) -> str:
    """Return a length of time as people say it: "42 s", "3 min 5 s", "2 h 10 min"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _asset(environment: Environment, name: str) -> str:
    assert environment.loader is not None  # noqa: S101  set in `render`
    return environment.loader.get_source(environment, name)[0]


def _csp_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
