"""Say what is wrong with a region, before and after; lower is better.

A cost has four parts, each 0 or more:

flaw: in flaws. The sum over the places that detectors see in the region, each its
    probability of being flawed times the weight of its severity (`WEIGHTS`). What was
    to stay and is gone counts 1: a hand that vanished is not a repaired hand. What was
    to go and is still there counts as before. New flaws beside the region count too.
seam: the step across the soft edge, see `pipeline.changes.seam`.
drift: the shift of colour at large, see `pipeline.changes.drift`.
blur: the detail lost since the picture came, see `pipeline.changes.blur`. Only where a
    part is redrawn: what takes a thing's place when it goes may be as smooth as it is.

The total is flaw + seam_weight * seam + drift_weight * drift + blur_weight * blur.
Everything here depends on pixels alone, so the same cut-out always costs the same.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from detectors.arrays import CoverArray, RgbArray
from detectors.errors import DetectorFailed
from detectors.findings import Finding, Kind, Severity
from detectors.geometry import Box
from pipeline.changes import blur, drift, seam
from pipeline.grain import Grain
from pipeline.records import Cost, Inspection, Patch
from pipeline.settings import ScoreSettings

WEIGHTS: Mapping[Severity, float] = {
    Severity.FINE: 0.75,
    Severity.NOTE: 1.0,
    Severity.WARNING: 0.75,
    Severity.ERROR: 1.0,
}
"""What a certain flaw of this severity costs. FINE weighs as much as WARNING, so that a
place does not get cheaper by crossing a threshold from below."""

CANNOT_TELL = 1.0
"""The probability that a place of severity NOTE counts with: as much as any flaw. What
nobody can judge any more is not repaired, or the way to be chosen would be to smear a
hand until its detector gives up."""

GONE = 1.0
"""What a part costs that was to stay and has vanished: as much as any flaw can."""

USERS_MARK = 1.0
"""What a place costs that the user marked, as long as it was not repainted."""

SAME_PLACE = 0.3
"""Two boxes mark one place from this share of the smaller one's area."""

SAME_THING = 0.5
"""Two boxes mark one thing, not a thing and a part of it, from this overlap (IoU)."""

STRAY = "body"
"""A part of any sort that belongs to nobody; only the whole picture can show that."""

IN_REGION = 0.25
"""A place belongs to the region from this share of the smaller one's area."""

Look = Callable[[RgbArray], Inspection]


@dataclass(frozen=True, slots=True)
class Scale:
    """By what regions are measured; the same for a whole picture."""

    look: Look
    """The detectors that also looked at the whole picture."""

    kinds: Mapping[str, Kind]
    settings: ScoreSettings


@dataclass(frozen=True, slots=True, eq=False)
class Sharp:
    """By what the detail of a redrawn part is measured."""

    pixels: RgbArray
    """(H, W, 3) uint8 RGB: the place as the picture came, before any pass."""

    grain: Grain | None = None
    """What variations are given of it; see `pipeline.changes.blur`."""


@dataclass(frozen=True, slots=True, eq=False)
class Original:
    """A region as it was, worked out once for all its variations."""

    pixels: RgbArray
    """(H, W, 3) uint8 RGB: the region with the surroundings that detectors see."""

    sharp: Sharp | None
    """None where nothing is redrawn, so that no detail need be kept."""

    cover: CoverArray
    """(H, W) float32: how much of the new pixels is taken."""

    region: Box
    """The mask's bounding box; like all boxes here, in pixels of this cut-out."""

    places: tuple[Finding, ...]
    """Parts that detectors saw here, from this cut-out or from the whole picture."""

    doomed: tuple[Finding, ...]
    """What is to be removed."""

    by_user: bool
    """The user's own mask asked for this region."""

    cost: Cost


def measure_original(
    patch: Patch,
    view: Box,
    pixels: RgbArray,
    cover: CoverArray,
    scale: Scale,
    sharp: Sharp | None = None,
) -> Original:
    """Measure a region as it is, by the same function as its variations.

    Detectors may miss in the cut-out what they saw in the whole picture. Such a finding
    is added: these are the same pixels, so it holds.

    Args:
        patch: What is to be repainted, in picture pixels.
        view: Where the cut-out lies in the picture.
        pixels: (view H, view W, 3) uint8 RGB.
        cover: (view H, view W) float32.
        scale: Who looks, and what counts how much.
        sharp: What detail is measured by; None takes these pixels, without grain.

    Raises:
        DetectorFailed: a detector could not look.
    """
    seen = _parts(_look(pixels, scale), scale.kinds)
    known = tuple(f.shifted(-view.x0, -view.y0) for f in patch.findings)
    doomed = known if patch.remedy == "remove" else ()
    missed = (
        thing
        for thing in _parts(known, scale.kinds)
        if not (_is_seen(thing, seen) if thing in doomed else _is_there(thing, seen))
    )
    by_user = any(f.detector == "user" for f in known)
    redrawn = patch.remedy == "redraw" and not by_user
    unjudged = Original(
        pixels=pixels,
        sharp=(sharp or Sharp(pixels)) if redrawn else None,
        cover=cover,
        region=patch.box.shifted(-view.x0, -view.y0),
        places=(*seen, *missed),
        doomed=doomed,
        by_user=by_user,
        cost=Cost(0.0, 0.0, 0.0, 0.0),
    )
    flaw = _flaw(unjudged.places, unjudged, scale.kinds)
    flaw += USERS_MARK if unjudged.by_user else 0.0
    lost = _blur(unjudged, pixels)
    total = flaw + scale.settings.blur_weight * lost
    return replace(unjudged, cost=Cost(flaw, 0.0, 0.0, total, lost))


def measure(original: Original, after: RgbArray, scale: Scale) -> Cost:
    """Measure one variation, already blended in.

    Args:
        original: The region as it was.
        after: (H, W, 3) uint8 RGB, equal to the original where its cover is 0.
        scale: The same as for the original.

    Raises:
        DetectorFailed: a detector could not look.
    """
    flaw = _flaw(_parts(_look(after, scale), scale.kinds), original, scale.kinds)
    edge = seam(original.pixels, after, original.cover)
    shift = drift(original.pixels, after, original.cover)
    lost = _blur(original, after)
    weights = scale.settings
    total = flaw + weights.seam_weight * edge + weights.drift_weight * shift
    return Cost(flaw, edge, shift, total + weights.blur_weight * lost, lost)


def _blur(original: Original, pixels: RgbArray) -> float:
    sharp = original.sharp
    return blur(sharp.pixels, pixels, original.cover, sharp.grain) if sharp else 0.0


def _look(pixels: RgbArray, scale: Scale) -> tuple[Finding, ...]:
    inspection = scale.look(pixels)
    if inspection.failed:
        name, reason = inspection.failed[0]
        raise DetectorFailed(f"detector {name} could not judge the region: {reason}")
    return inspection.findings


def _part(kind: str) -> str:
    return kind.partition("/")[0]


def _parts(
    findings: Iterable[Finding], kinds: Mapping[str, Kind]
) -> tuple[Finding, ...]:
    """Keep what can be mended: neither whole pictures, nor outlines of people."""
    mended = {_part(name) for name, kind in kinds.items() if kind.mend}
    return tuple(
        f for f in findings if f.kind in kinds and _part(f.kind) in mended - {"user"}
    )


def _flaw(
    places: tuple[Finding, ...], original: Original, kinds: Mapping[str, Kind]
) -> float:
    """Add up what is wrong; see the head of this file."""
    here = [p for p in places if _share(p.box, original.region) >= IN_REGION]
    beside = [p for p in places if _share(p.box, original.region) < IN_REGION]
    left = [p for p in here if not _is_seen(p, original.doomed)]
    return (
        sum(_weight(place, kinds) for place in left)
        + sum(_still_there(thing, here, kinds) for thing in original.doomed)
        + sum(_risen(place, original.places, kinds) for place in beside)
        + GONE * _gone(places, original, kinds)
    )


def _weight(place: Finding, kinds: Mapping[str, Kind]) -> float:
    severity = kinds[place.kind].severity
    least = CANNOT_TELL if severity is Severity.NOTE else 0.0
    return WEIGHTS[severity] * max(place.confidence, least)


def _is_seen(thing: Finding, places: Iterable[Finding]) -> bool:
    """Tell whether this very thing is among the places, not what it is a part of."""
    return any(
        (
            _part(place.kind) == _part(thing.kind)
            or STRAY in (_part(place.kind), _part(thing.kind))
        )
        and place.box.overlap(thing.box) >= SAME_THING
        for place in places
    )


def _still_there(
    thing: Finding, places: list[Finding], kinds: Mapping[str, Kind]
) -> float:
    """Return what a thing to be removed costs: nothing once it is gone."""
    seen = [place for place in places if _is_seen(thing, (place,))]
    if not seen:
        return 0.0
    return max(_weight(thing, kinds), *(_weight(place, kinds) for place in seen))


def _risen(
    place: Finding, before: tuple[Finding, ...], kinds: Mapping[str, Kind]
) -> float:
    """Return by how much a flawed place beside the region got worse."""
    if kinds[place.kind].severity < Severity.WARNING:
        return 0.0
    was = [_weight(old, kinds) for old in before if _is_there(place, (old,))]
    return max(0.0, _weight(place, kinds) - max(was, default=0.0))


def _gone(
    places: tuple[Finding, ...], original: Original, kinds: Mapping[str, Kind]
) -> int:
    """Count the parts of the region that were to stay and that nobody sees any more.

    Only parts of which detectors also report the good ones (hands, faces): where they
    report flaws alone, seeing nothing is the success. Nothing is missed where the user
    drew the mask, since only the user knows what was to stay there.
    """
    if original.by_user:
        return 0
    reported = {_part(n) for n, k in kinds.items() if k.severity == Severity.FINE}
    to_stay = (
        place
        for place in original.places
        if _part(place.kind) in reported
        and _share(place.box, original.region) >= IN_REGION
        and not _is_seen(place, original.doomed)
    )
    return sum(not _is_there(place, places) for place in to_stay)


def _is_there(place: Finding, places: Iterable[Finding]) -> bool:
    """Tell whether a part of the same sort is seen at this place."""
    return any(
        _part(place.kind) == _part(other.kind)
        and _share(place.box, other.box) >= SAME_PLACE
        for other in places
    )


def _share(one: Box, other: Box) -> float:
    """Return the common area as a share of the smaller box, 0..1."""
    smaller = min(one.area, other.area)
    return one.intersection(other).area / smaller if smaller else 0.0
