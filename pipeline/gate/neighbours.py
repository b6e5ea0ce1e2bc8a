"""What is wrong with pictures only beside each other: duplicates, outliers, names."""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from statistics import median, quantiles

from pipeline.gate.findings import about
from pipeline.gate.likes import nearest_before
from pipeline.gate.problem import Problem
from pipeline.gate.rules import rule_for
from pipeline.names import shown
from pipeline.records import Outcome
from pipeline.settings import GateSettings

_LEAST_PICTURES = 8
"""In a smaller folder there is no telling what is usual."""

_FENCE = 3.0
"""Interquartile ranges beyond a quartile from which Tukey calls a value far out."""


def problems_between(
    outcomes: Sequence[Outcome], gate: GateSettings
) -> Iterator[Problem]:
    """Yield what is wrong with pictures beside each other, without fingerprints yet.

    Args:
        outcomes: Sorted by key; the first of several like pictures is the original.
        gate: What counts as alike and as an outlier.
    """
    seen = [outcome for outcome in outcomes if outcome.likeness is not None]
    yield from _duplicates(seen)
    yield from _near_duplicates(seen, gate.near_duplicate_bits)
    yield from _size_outliers(seen, gate.size_outlier)
    yield from _names(outcomes)


def _duplicates(outcomes: Iterable[Outcome]) -> Iterator[Problem]:
    rule = rule_for("image/duplicate")
    for first, *others in _groups(outcomes, _pixels):
        for other in others:
            same = "same file" if first.digest == other.digest else "same pixels"
            yield about(other, rule, f"{same} as {shown(first.key)}")


def _near_duplicates(outcomes: Iterable[Outcome], bits: int) -> Iterator[Problem]:
    rule = rule_for("image/near-duplicate")
    originals = [
        first
        for first, *_ in _groups(outcomes, _pixels, least=1)
        if first.likeness is not None and first.likeness.look
    ]
    looks = [one.likeness.look for one in originals if one.likeness is not None]
    for at, (like, distance) in sorted(nearest_before(looks, bits).items()):
        name = shown(originals[like].key)
        words = f"looks like {name} ({distance} of 128 bits differ)"
        yield about(originals[at], rule, words)


def _size_outliers(outcomes: Iterable[Outcome], times: float) -> Iterator[Problem]:
    rule = rule_for("image/size-outlier")
    for group in _groups(outcomes, _folder, least=_LEAST_PICTURES):
        sides = [_side(outcome) for outcome in group]
        low, _, high = quantiles(sides, n=4, method="inclusive")
        usual, room = median(sides), _FENCE * (high - low)
        for outcome, side in zip(group, sides, strict=True):
            far_out = side < low - room or side > high + room
            ratio = max(side, usual) / max(min(side, usual), 1e-9)
            if far_out and ratio >= times:
                word = "smaller" if side < usual else "larger"
                size = f"{outcome.size.width}x{outcome.size.height}"
                words = f"{size}, {ratio:.1f} times {word} than is usual in its folder"
                yield about(outcome, rule, words)


def _names(outcomes: Iterable[Outcome]) -> Iterator[Problem]:
    pictures = [outcome for outcome in outcomes if outcome.trouble not in _NO_PICTURE]
    stems, twins = rule_for("file/same-stem"), rule_for("file/twin-name")
    for first, *others in _groups(pictures, _stem):
        for other in others:
            yield about(other, stems, f"same name as {shown(first.key)} but for suffix")
    for first, *others in _groups(pictures, _folded):
        for other in others:
            yield about(
                other, twins, f"some file systems take it for {shown(first.key)}"
            )


_NO_PICTURE = frozenset({"file/not-taken", "file/clash"})
"""Entries that have no place of their own in the tree of pictures."""


def _groups(
    outcomes: Iterable[Outcome], by: Callable[[Outcome], Hashable], least: int = 2
) -> Iterator[list[Outcome]]:
    """Yield those that have something in common, in the order in which they came."""
    groups: dict[Hashable, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        groups[by(outcome)].append(outcome)
    yield from (group for group in groups.values() if len(group) >= least)


def _pixels(outcome: Outcome) -> str:
    return outcome.likeness.pixels if outcome.likeness is not None else ""


def _folder(outcome: Outcome) -> str:
    return str(PurePosixPath(outcome.key).parent)


def _stem(outcome: Outcome) -> str:
    return str(PurePosixPath(outcome.key).with_suffix(""))


def _folded(outcome: Outcome) -> str:
    key = outcome.key
    return (key if key.isascii() else unicodedata.normalize("NFC", key)).casefold()


def _side(outcome: Outcome) -> float:
    return float((outcome.size.width * outcome.size.height) ** 0.5)
