"""Figures of a run as inline SVG, drawn by matplotlib.

matplotlib writes colours and fonts into `style` attributes, which the page's content
security policy forbids, and which could not follow the reader's light or dark theme.
So every style becomes SVG attributes, and every colour a class of the page's own sheet.
"""

import io
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as Tree

from pipeline.records import Outcome, Status
from pipeline.reports.page_model import flaws_of
from pipeline.stopwatch import STAGES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, QUIET, LINE = "#000001", "#000002", "#000003"
GOOD, WARN, NOTE, PAPER = "#000004", "#000005", "#000006", "#000007"
CLASSES = {
    INK: "ink",
    QUIET: "quiet",
    LINE: "line",
    GOOD: "good",
    WARN: "warn",
    NOTE: "note",
    PAPER: "paper",
}
"""Stand-ins for the colours of the page's sheet, told apart by their value."""

SIZE_IN = (4.2, 2.6)
"""Inches; at 72 units an inch the labels come out at about 9 px on a phone."""

MAX_DOTS = 1500
"""Regions drawn one by one; of more, an even sample, so that the page stays small."""

MAX_KINDS = 8

LEAST_ROWS = 4
"""A figure of bars has room for at least so many."""

_SVG = "http://www.w3.org/2000/svg"
_LINK = "{http://www.w3.org/1999/xlink}href"
_DROPPED = frozenset({"metadata", "style"})


@dataclass(frozen=True, slots=True)
class Plot:
    """One figure."""

    title: str
    told: str
    """The same in words, for who cannot see it."""

    svg: str


def plots(outcomes: Sequence[Outcome]) -> tuple[Plot, ...]:
    """Return the figures that this run has numbers for."""
    drawn = (_costs(outcomes), _kinds(outcomes), _stages(outcomes))
    return tuple(plot for plot in drawn if plot is not None)


def _costs(outcomes: Sequence[Outcome]) -> Plot | None:
    """Draw the cost of every region before and after."""
    pairs = [
        (c.cost_before.total, c.cost_after.total, c.winner is not None)
        for outcome in outcomes
        for c in outcome.choices
    ]
    if not pairs:
        return None
    step = math.ceil(len(pairs) / MAX_DOTS)
    shown = pairs[::step]
    better = [(x, y) for x, y, won in shown if won]
    same = [(x, y) for x, y, won in shown if not won]

    def draw(axes: "Axes") -> None:
        top = max(max(x, y) for x, y, _ in shown) * 1.06 or 1.0
        axes.plot([0, top], [0, top], color=LINE, linewidth=1)
        for dots, colour in ((same, WARN), (better, GOOD)):
            xs, ys = [x for x, _ in dots], [y for _, y in dots]
            axes.plot(xs, ys, "o", color=colour, markersize=6, alpha=0.75, mew=0)
        axes.set(xlim=(0, top), ylim=(0, top), xlabel="cost before", ylabel="after")

    won = sum(winner for *_, winner in pairs)
    told = (
        f"{won} of {len(pairs)} regions cost less than before and lie below the "
        "line; on the line the original stays."
    )
    return Plot("Cost of each region, before and after", told, _svg(draw))


def _kinds(outcomes: Sequence[Outcome]) -> Plot | None:
    """Draw how many pictures with each kind of flaw were repaired."""
    all_of: Counter[str] = Counter()
    repaired: Counter[str] = Counter()
    for outcome in outcomes:
        seen = {row.kind for row in flaws_of(outcome)}
        all_of.update(seen)
        if outcome.status is Status.REPAIRED:
            mended = {
                k for c in outcome.choices if c.winner is not None for k in c.kinds
            }
            repaired.update(seen & mended)
    if not all_of or not any(outcome.choices for outcome in outcomes):
        return None
    kinds = [kind for kind, _ in all_of.most_common(MAX_KINDS)][::-1]

    def draw(axes: "Axes") -> None:
        totals = [all_of[kind] for kind in kinds]
        done = [repaired[kind] for kind in kinds]
        axes.barh(kinds, totals, color=LINE, height=0.62)
        axes.barh(kinds, done, color=GOOD, height=0.62)
        for row, (part, whole) in enumerate(zip(done, totals, strict=True)):
            _label(axes, whole, row, f"{part} of {whole}")
        axes.set_xlim(0, max(totals) * 1.3)
        _from_the_top(axes, len(kinds))
        axes.xaxis.set_visible(False)
        axes.spines["bottom"].set_visible(False)

    told = "; ".join(f"{k}: {repaired[k]} of {all_of[k]}" for k in reversed(kinds))
    return Plot("Pictures repaired, by kind of flaw", told, _svg(draw))


def _stages(outcomes: Sequence[Outcome]) -> Plot | None:
    """Draw where the time went."""
    seconds: dict[str, float] = defaultdict(float)
    for outcome in outcomes:
        for stage, took_s in outcome.stage_seconds:
            seconds[stage] += took_s
    whole = sum(seconds.values())
    least = max(0.005 * whole, 0.001)
    rows = [(s, seconds[s]) for s in STAGES if seconds[s] > least][::-1]
    if not rows:
        return None

    def draw(axes: "Axes") -> None:
        longest = max(took_s for _, took_s in rows)
        axes.barh([s for s, _ in rows], [t for _, t in rows], color=NOTE, height=0.62)
        for row, (_, took_s) in enumerate(rows):
            _label(axes, took_s, row, f"{_short(took_s)}, {took_s / whole:.0%}")
        axes.set_xlim(0, longest * 1.45)
        _from_the_top(axes, len(rows))
        axes.xaxis.set_visible(False)
        axes.spines["bottom"].set_visible(False)

    told = "; ".join(f"{stage}: {_short(took_s)}" for stage, took_s in reversed(rows))
    return Plot("Where the time went", told, _svg(draw))


def _from_the_top(axes: "Axes", bars: int) -> None:
    """Leave room below a few bars, which would else be as thick as the plot."""
    axes.set_ylim(bars - max(bars, LEAST_ROWS) - 0.5, bars - 0.5)


def _label(axes: "Axes", x: float, y: float, words: str) -> None:
    """Write what a bar stands for beside its end."""
    axes.annotate(
        words, (x, y), (4, 0), textcoords="offset points", color=INK, va="center"
    )


def _short(seconds: float) -> str:
    for unit, name in ((3600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{seconds / unit:.1f} {name}"
    return f"{seconds:.1f} s"


def _svg(draw: "Callable[[Axes], None]") -> str:
    """Draw one pair of axes and return it as SVG that obeys the page's policy."""
    # matplotlib takes half a second to load, and only a report needs it.
    from matplotlib import rc_context  # noqa: PLC0415
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    settings: dict[Any, Any] = {
        "text.parse_math": False,
        "svg.fonttype": "none",
        "svg.hashsalt": "nightmend",
        "text.color": INK,
        "axes.labelcolor": QUIET,
        "axes.edgecolor": LINE,
        "xtick.color": QUIET,
        "ytick.color": QUIET,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "font.size": 9,
    }
    with rc_context(settings):
        figure = Figure(figsize=SIZE_IN, layout="constrained", facecolor="none")
        FigureCanvasSVG(figure)
        axes = figure.subplots()
        axes.set_facecolor("none")
        axes.tick_params(length=0)
        draw(axes)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return _themed(out.getvalue())


def _themed(drawn: str) -> str:
    """Turn styles into attributes and stand-in colours into classes."""
    Tree.register_namespace("", _SVG)
    Tree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    # Our own drawing, not a stranger's; labels come in as text only.
    root = Tree.fromstring(drawn.partition("<svg")[1] + drawn.partition("<svg")[2])  # noqa: S314
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.rpartition("}")[2] in _DROPPED:
                parent.remove(child)
    for element in root.iter():
        _restyle(element)
        if _LINK in element.attrib:
            element.set("href", element.attrib.pop(_LINK))
    for name in ("width", "height"):
        root.attrib.pop(name, None)
    for group in root.iter(f"{{{_SVG}}}g"):
        group.attrib.pop("id", None)  # Every figure would name its groups alike.
    root.set("aria-hidden", "true")
    return Tree.tostring(root, encoding="unicode")


def _restyle(element: Tree.Element) -> None:
    style = element.attrib.pop("style", "")
    pairs = (part.partition(":") for part in style.split(";") if ":" in part)
    given = {name.strip(): value.strip() for name, _, value in pairs}
    given.pop("font", None)
    if "font-size" in given or element.tag.endswith("}text"):
        given.pop("font-family", None)
    classes = []
    for name in ("fill", "stroke"):
        value = given.get(name, element.get(name, ""))
        if value in CLASSES:
            classes.append(f"{name}-{CLASSES[value]}")
            given.pop(name, None)
            element.attrib.pop(name, None)
    for name, value in given.items():
        element.set(name, value)
    if classes:
        element.set("class", " ".join(classes))
