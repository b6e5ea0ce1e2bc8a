"""Draw one page that shows what a run did: opens from disk, needs no network.

A small run is one file. A large one has its pictures and the details of each beside it,
which the page asks for as they come into view: the wall alone is kept in the page.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipeline.files import write_whole
from pipeline.ledger import queries
from pipeline.ledger.store import FILE_NAME as LEDGER_NAME
from pipeline.names import shown
from pipeline.records import Outcome, RunInfo, RunSummary
from pipeline.reports import page_data, thumbs
from pipeline.reports.page_model import PageView, view_page
from pipeline.reports.pictures import Pictures
from pipeline.reports.plots import plots
from pipeline.reports.redo import Redo
from pipeline.review import remembered

EMBED_UP_TO = 60
"""Pictures that one file holds; a longer run's page has files beside it."""

EMBED_BYTES = 24 * 2**20
"""Bytes of pictures that one file holds."""

DETAILS_PER_FILE = 40
"""Pictures whose details are asked for at once; a file is about 200 kB."""

FOLDER = "report"
"""Where the details of a large run lie, beside the page."""

STYLES = ("base", "summary", "wall", "viewer", "regions")
SCRIPTS = (
    "dom",
    "data",
    "decisions",
    "filters",
    "wall",
    "stage",
    "regions",
    "viewer",
    "keys",
    "main",
)
"""Parts of the page's style and script, in the order in which they are joined."""


def write(summary: RunSummary, state: Path) -> Path:
    """Write `report.html` and what belongs to it into the state folder.

    Args:
        summary: The run, as the ledger tells it.
        state: The folder that the artifacts' paths in the outcomes start from.

    Returns:
        The path of the page.
    """
    roots = _roots(state)
    thumbs.fill(summary.outcomes, state, roots)
    small = len(summary.outcomes) <= EMBED_UP_TO
    pictures = Pictures(state, embed_bytes=EMBED_BYTES if small else 0)
    view, redo = view_page(summary), Redo(summary.info, roots)
    cards = _cards(view, state, pictures)
    if small:
        text = _page(
            view, pictures, _data(view, cards, details=_all(view, pictures, redo))
        )
    else:
        files = _write_details(view, state, pictures, redo)
        text = _page(view, pictures, _data(view, cards, files=files))
    page = state / "report.html"
    write_whole(page, text.encode())
    _drop_old_details(state, text)
    return page


def render(summary: RunSummary, state: Path) -> str:
    """Return the page as one file, whatever the run's size.

    Pictures are embedded as long as `EMBED_BYTES` last, the worst first.
    """
    roots = _roots(state)
    thumbs.fill(summary.outcomes, state, roots)
    pictures = Pictures(state, embed_bytes=EMBED_BYTES, link=False)
    view, redo = view_page(summary), Redo(summary.info, roots)
    cards = _cards(view, state, pictures)
    details = _all(view, pictures, redo)
    return _page(view, pictures, _data(view, cards, details=details))


def _cards(view: PageView, state: Path, pictures: Pictures) -> list[object]:
    decided = remembered.decisions(state)
    return [
        page_data.card(one, pictures.link, decided.get(one.digest))
        for one in view.ranked
    ]


def _data(
    view: PageView,
    cards: Sequence[object],
    *,
    files: Sequence[str] = (),
    details: Sequence[object] = (),
) -> str:
    """Return what the page's script reads, as JSON without any markup in it."""
    data = {
        "run": page_data.text(view.summary.info.run_id),
        "cards": cards,
        "perFile": DETAILS_PER_FILE,
        "files": files,
        "details": details,
    }
    return page_data.dumps(data)


def _all(view: PageView, pictures: Pictures, redo: Redo) -> list[object]:
    return [_details(one, pictures, redo) for one in view.ranked]


def _details(outcome: Outcome, pictures: Pictures, redo: Redo) -> object:
    return page_data.details(outcome, pictures.link, redo.command(outcome))


def _write_details(
    view: PageView, state: Path, pictures: Pictures, redo: Redo
) -> list[str]:
    """Write the details of some pictures at a time; a name changes with its content.

    Returns:
        The files' names below the state folder.
    """
    names = []
    for number, start in enumerate(range(0, len(view.ranked), DETAILS_PER_FILE)):
        part = view.ranked[start : start + DETAILS_PER_FILE]
        text = page_data.dumps([_details(one, pictures, redo) for one in part])
        digest = hashlib.sha256(text.encode()).hexdigest()
        name = f"{FOLDER}/details-{number:05}-{digest[:12]}.js"
        # A page on disk may not fetch, but its own script may load scripts.
        script = f"nightmendDetails({number},{text});\n"
        write_whole(state / name, script.encode())
        names.append(name)
    return names


def _drop_old_details(state: Path, page: str) -> None:
    """Delete the details of a page that was drawn before."""
    folder = state / FOLDER
    for old in folder.glob("details-*.js") if folder.is_dir() else ():
        if old.name not in page:
            old.unlink(missing_ok=True)


def _page(view: PageView, pictures: Pictures, data: str) -> str:
    """Return the page; every name, prompt and message in it comes from strangers.

    The template escapes them, the script shows them as text, and the content security
    policy lets only the page's own script run, and the files which that script names.
    """
    environment = Environment(
        loader=PackageLoader("pipeline.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shown"] = shown
    environment.filters["text"] = page_data.text
    environment.filters["duration"] = duration
    environment.filters["identity"] = page_data.identity
    style = _joined("styles", STYLES, "css")
    script = _joined("scripts", SCRIPTS, "js")
    return environment.get_template("report.html").render(
        page=view,
        info=view.summary.info,
        plots=plots(view.ranked),
        settings=_settings(view.summary.info),
        # Our own files and figures, and JSON in which no markup is left.
        svg=Markup,
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        data=Markup(data),  # noqa: S704
        embedded=Markup(page_data.dumps(pictures.embedded)),  # noqa: S704
        style_hash=_csp_hash(style),
        script_hash=_csp_hash(script),
    )


def _settings(info: RunInfo) -> str:
    """Return the run's settings to be read by people."""
    try:
        return json.dumps(json.loads(info.settings_json), indent=1)
    except ValueError:
        return page_data.text(info.settings_json)


def _roots(state: Path) -> dict[str, Path]:
    """Return the source folder of every picture, as far as a ledger tells."""
    if not (state / LEDGER_NAME).is_file():
        return {}
    return queries.roots(state)


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


def _joined(folder: str, names: Sequence[str], suffix: str) -> str:
    place = resources.files("pipeline.reports") / "templates" / folder
    return "\n".join((place / f"{name}.{suffix}").read_text() for name in names)


def _csp_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
