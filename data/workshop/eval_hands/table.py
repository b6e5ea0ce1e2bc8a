"""Turn measured figures into the tables of data/docs/eval-hands.md."""

from collections.abc import Iterator, Mapping
from typing import Any

_HEAD = """# What the hands detector was measured at

Generated: `make eval-hands`. Drawn hands come from seeds that nobody trains on; real
sound hands, and the ones that were edited, from groups that were held out.
"""

_SETS = (
    ("renders", "drawn pairs"),
    ("edits", "edited real hands, against edited sound ones"),
    ("decoded", "the same, after the autoencoder of tiny-hands"),
    ("real", "open real crops"),
)

_COUNTED = ("sound", "surplus")


def table_of(result: Mapping[str, Any]) -> str:
    """Return Markdown; parts that were not measured are left out.

    Args:
        result: As `workshop.eval_hands` writes it.
    """
    lines = [_HEAD]
    named = [(name, title) for name, title in _SETS if name in result]
    if named:
        lines += ["## Judging", "", *_judging(result, named), ""]
    pairs = [name for name in ("renders", "edits") if name in result]
    for name in pairs:
        lines += [*_by_kind(name, result[name]), ""]
    if named:
        lines += ["## Counting", "", *_counting(result, named), ""]
    if "finding" in result:
        lines += ["## Finding", "", *_finding(result["finding"]), ""]
    if "removal" in result:
        lines += ["## Taking one digit away", "", *_removal(result["removal"]), ""]
    return "\n".join(lines)


def _judging(result: Mapping[str, Any], named: list[tuple[str, str]]) -> Iterator[str]:
    yield (
        "| on | flawed / sound | AUC (95 %) | recall at 5 % false alarms | at 10 % | "
        "calibration error | cannot tell | s a hand |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for name, title in named:
        for part, what in (("all", title), ("open_wrong_count", "- open, wrong count")):
            yield _row(what, result[name][part])


def _row(what: str, part: Mapping[str, Any]) -> str:
    cells = (
        what,
        f"{part['n_bad']} / {part['n_ok']}",
        _with_interval(part, "auc"),
        _with_interval(part, "recall_at_5fpr"),
        _with_interval(part, "recall_at_10fpr"),
        _number(part["ece"]),
        _number(part["cannot_tell_share"]),
        _number(part["seconds_per_hand"]),
    )
    return f"| {' | '.join(cells)} |"


def _by_kind(name: str, part: Mapping[str, Any]) -> Iterator[str]:
    yield f"By flaw, {dict(_SETS)[name]}; pairs differ in nothing but the flaw:"
    yield ""
    yield "| flaw | pairs | in the right order | AUC against all sound ones |"
    yield "| --- | --- | --- | --- |"
    for kind, row in part["pairs_right_by_kind"].items():
        auc = _number(part["auc_by_kind"].get(kind))
        yield f"| {kind} | {row['n']} | {_number(row['right'])} | {auc} |"
    yield f"| all | {part['n_pairs']} | {_with_interval(part, 'pairs_right')} | |"


def _counting(result: Mapping[str, Any], named: list[tuple[str, str]]) -> Iterator[str]:
    yield "Open hands that show more than five clear fingertips:"
    yield ""
    yield "| on | sound | with a surplus digit |"
    yield "| --- | --- | --- |"
    for name, title in named:
        counts = [result[name].get(f"six_or_more_on_{what}") for what in _COUNTED]
        shown = [
            "-" if n is None else f"{n['over_five']} of {n['open']}" for n in counts
        ]
        yield f"| {title} | {' | '.join(shown)} |"


def _finding(part: Mapping[str, Any]) -> Iterator[str]:
    seen, empty = part["with_a_hand"], part["without"]
    recall = seen["recall"]
    sizes = list(recall["all"])
    yield (
        f"One hand at a time on pictures of 1024x768 ({seen['hands']} hands; real ones "
        "are cut out of photographs): share found, by its longer side in px."
    )
    yield ""
    yield f"| | {' | '.join(sizes)} |"
    yield f"| --- | {' | '.join('---' for _ in sizes)} |"
    for origin, shares in recall.items():
        yield f"| {origin} | {' | '.join(_number(shares[size]) for size in sizes)} |"
    yield ""
    found = sum(empty["found"].values())
    yield (
        f"On {empty['pictures']} pictures without a hand, {found} places were taken "
        "for one. Processor time for finding alone: "
        f"{_number(seen['seconds_per_picture'])} s a picture with a hand, "
        f"{_number(empty['seconds_per_picture'])} s without."
    )


def _removal(part: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"Of {part['hands']} drawn hands with a digit too many, one was offered for "
        f"removal on {part['offered']}. Against the digit's exact mask: IoU "
        f"{_number(part['iou_median'])} (median), {_number(part['covered_median'])} "
        f"of the digit covered, {_number(part['elsewhere_median'])} of what was "
        "offered on other parts of the hand; IoU above a half on "
        f"{_number(part['iou_above_half'])} of them."
    )


def _with_interval(part: Mapping[str, Any], name: str) -> str:
    interval = part.get(f"{name}_ci")
    shown = _number(part[name])
    if interval is None:
        return shown
    return f"{shown} ({_number(interval[0])}-{_number(interval[1])})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
