"""What the page's script is given about each picture, as plain JSON values.

Names, prompts and messages are strangers' text. They are given as text, written into a
data block that holds no markup, and shown by the script as text only.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

from detectors.findings import Severity
from detectors.geometry import Box, Size
from pipeline import names
from pipeline.album import thumb_of
from pipeline.records import (
    Attempt,
    Choice,
    Cost,
    Decision,
    FindingRow,
    Outcome,
)
from pipeline.reports.page_model import SENTENCES, gain_of

Link = Callable[[str], str]
"""Turns a kept picture's name into what the page can show; "" when it is not there."""

FOCUS_GROWS = 0.35
"""How much a close-up shows around its place, on each side, in shares of it."""


def identity(key: str) -> str:
    """Return what names a picture in the page's address: harmless for any file name."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:12]


def card(outcome: Outcome, link: Link, decision: Decision | None) -> dict[str, Any]:
    """Return what the wall shows of one picture; short, as there may be thousands."""
    flaws = [row for row in outcome.findings if row.severity > Severity.NOTE]
    costs = outcome.choices
    plain: dict[str, Any] = {
        "id": identity(outcome.key),
        "name": names.shown(outcome.key),
        "status": outcome.status.value,
        "kinds": sorted({row.kind for row in flaws}),
        "digest": outcome.digest,
        "size": list(outcome.size),
        "took": round(outcome.took_s, 2),
        "thumb": link(thumb_of(outcome.key, outcome.digest)),
        "before": link(outcome.preview_before),
    }
    if costs:
        plain["gain"] = round(gain_of(outcome), 4)
        plain["cost"] = [
            round(max(c.cost_before.total for c in costs), 4),
            round(max(c.cost_after.total for c in costs), 4),
        ]
    if outcome.preview_after:
        plain["after"] = link(outcome.preview_after)
        plain["thumbAfter"] = link(thumb_of(outcome.key, outcome.output_digest))
    if (focus := _focus(outcome)) is not None:
        plain["focus"] = focus
    if outcome.problem:
        plain["problem"] = text(outcome.problem)
    if decision is not None:
        plain["decided"] = _decided(decision)
    return plain


def details(outcome: Outcome, link: Link, redo: str) -> dict[str, Any]:
    """Return everything else about one picture, for the large view."""
    return {
        "sentence": text(outcome.problem) or SENTENCES[outcome.status],
        "findings": [_finding(row) for row in _ranked(outcome.findings)],
        "left": [_finding(row) for row in _ranked(outcome.remaining)],
        "regions": [_region(choice, outcome, link) for choice in outcome.choices],
        "passes": [p for p in map(link, outcome.checkpoints) if p],
        "facts": [[name, value] for name, value in _facts(outcome) if value],
        "stages": [[name, round(s, 3)] for name, s in outcome.stage_seconds],
        "redo": redo,
    }


def text(value: str) -> str:
    """Return text as it can be shown: what is not UTF-8 becomes an escape."""
    return value.encode("utf-8", "backslashreplace").decode("utf-8")


def dumps(value: Any) -> str:
    """Return ASCII JSON that can stand inside a <script> block, whatever it holds."""
    plain = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        plain = plain.replace(sign, f"\\u{ord(sign):04x}")
    return plain


def _ranked(rows: Sequence[FindingRow]) -> list[FindingRow]:
    return sorted(rows, key=lambda row: (-row.severity, -row.confidence, row.kind))


def _focus(outcome: Outcome) -> list[float] | None:
    """Return the square that a close-up shows: [x, y, side] in picture pixels."""
    boxes = [choice.box for choice in outcome.choices if choice.winner is not None]
    boxes = boxes or [choice.box for choice in outcome.choices]
    boxes = boxes or [
        row.box for row in _ranked(outcome.findings) if row.severity > Severity.NOTE
    ]
    if not boxes or not outcome.size.width or not outcome.size.height:
        return None
    return _square(boxes[0], outcome.size)


def _square(box: Box, size: Size) -> list[float]:
    side = max(box.width, box.height) * (1 + 2 * FOCUS_GROWS)
    side = min(side, max(size))
    return [
        round(_within((box.x0 + box.x1 - side) / 2, size.width - side), 1),
        round(_within((box.y0 + box.y1 - side) / 2, size.height - side), 1),
        round(side, 1),
    ]


def _within(start: float, room: float) -> float:
    """Keep a span inside the picture; centre it where it is longer."""
    return room / 2 if room < 0 else min(max(start, 0.0), room)


def _decided(decision: Decision) -> dict[str, Any]:
    return {
        "verdict": decision.verdict,
        "picks": [
            {"pass_number": p.pass_number, "patch": p.patch, "number": p.number}
            for p in decision.picks
        ],
        "not_flaws": [
            {"kind": text(n.kind), "box": _corners(n.box)} for n in decision.not_flaws
        ],
        "note": text(decision.note),
    }


def _finding(row: FindingRow) -> dict[str, Any]:
    return {
        "kind": text(row.kind),
        "sure": round(row.confidence, 3),
        "message": text(row.message),
        "box": _corners(row.box),
        "severity": row.severity.name.lower(),
        "marks": [[text(m.label), round(m.x, 1), round(m.y, 1)] for m in row.marks],
    }


def _region(choice: Choice, outcome: Outcome, link: Link) -> dict[str, Any]:
    tried = [
        attempt
        for attempt in outcome.attempts
        if (attempt.pass_number, attempt.patch) == (choice.pass_number, choice.patch)
    ]
    tried.sort(key=_rank)
    return {
        "pass": choice.pass_number,
        "patch": choice.patch,
        "kinds": [text(kind) for kind in choice.kinds],
        "winner": choice.winner,
        "reason": text(choice.reason),
        "how": text(_how(choice)),
        "prompt": text(choice.prompt),
        "negative": text(choice.negative_prompt),
        "box": _corners(choice.box),
        "window": _corners(choice.window),
        "before": link(choice.before),
        "mask": link(choice.mask),
        "cost": _cost(choice.cost_before),
        "tried": [_attempt(attempt, link) for attempt in tried],
    }


def _rank(attempt: Attempt) -> tuple[bool, float, int]:
    total = attempt.cost.total if attempt.cost else 0.0
    return attempt.cost is None, total, attempt.number


def _how(choice: Choice) -> str:
    wish = "removed" if choice.remedy == "remove" else "redrawn"
    return (
        f"{choice.mode.replace('-', ' ')}: {choice.mode_reason}; painted at "
        f"{choice.working.width} x {choice.working.height}, denoising strength "
        f"{choice.strength:.2f}, masked content {choice.content.replace('-', ' ')}, "
        f"to be {wish}"
    )


def _attempt(attempt: Attempt, link: Link) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "seed": str(attempt.seed),
        "strength": attempt.strength,
        "cost": _cost(attempt.cost) if attempt.cost else None,
        "took": round(attempt.took_s, 2),
        "problem": text(attempt.problem),
        "notes": [text(note) for note in attempt.notes],
        "picture": link(attempt.picture),
    }


def _cost(cost: Cost) -> dict[str, float]:
    return {
        "flaw": round(cost.flaw, 4),
        "seam": round(cost.seam, 4),
        "drift": round(cost.drift, 4),
        "blur": round(cost.blur, 4),
        "total": round(cost.total, 4),
    }


def _corners(box: Box) -> list[int]:
    return [box.x0, box.y0, box.x1, box.y1]


def _facts(outcome: Outcome) -> list[tuple[str, str]]:
    recipe, size = outcome.recipe, outcome.size
    passes = f"{outcome.passes} in this run"
    if outcome.past_passes:
        passes += f", {outcome.past_passes} before"
    failures = (f"{name}: {why}" for name, why in outcome.detector_failures)
    return [
        ("Size", f"{size.width} x {size.height}" if size.width else ""),
        ("Passes", passes if outcome.choices else ""),
        ("Painted by", text(outcome.engine) if outcome.choices else ""),
        ("Written to", names.shown(outcome.output)),
        ("Could not look", text("; ".join(failures))),
        ("Made with", text(recipe.generator)),
        ("Prompt", text(recipe.prompt)),
        ("Negative prompt", text(recipe.negative_prompt)),
        ("SHA-256 of the original", outcome.digest),
        ("SHA-256 of the result", outcome.output_digest),
    ]
