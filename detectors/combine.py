"""Join what several detectors say about one picture.

Detectors do not know each other; what follows only from several of them is worked out
here, from their findings alone.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import cv2
import numpy as np

from detectors.arrays import MaskArray
from detectors.findings import Finding
from detectors.geometry import Box, Size

PERSON = "person/seen"
STRAY_PART = "body/stray-part"

_PARTS = ("hand/", "face/")
"""Kinds whose places are parts of a body."""

_NO_FLAW = ("/ok", "/cannot-tell", "/seen")
"""How the kinds end that say nothing against a place."""

_SAME_PLACE = 0.5
"""Overlap of boxes, intersection over union, from which two findings mark one place."""

_SHARPEN_FROM = 0.7
"""Share of a part that must lie on a person before that person's outline cuts it."""

_SHARPEN_ROOM = 0.20
"""How far a cut mask may reach beyond the person; share of the part's shorter side.

The outlines come from a 257 px network and lose finger tips; the room gives them back.
"""

_UNSURE = "/cannot-tell"
"""How the kinds end of what may not be a hand or a face at all; it is never removed."""

_NEAR = 0.35
"""A part this near to a person belongs to that person; share of its longer side."""

_ATTACHED_FROM = 2.3
"""A person's region this many times the part's area is more than the part itself.

Measured on composed scenes and photographs: a lone head with its hair 1.5 to 1.9, a
head with shoulders 2.7 and more.
"""

_CROWD = 3
"""So many parts of one sort without an owner are a crowd whose bodies went unseen."""

_BORDER = 0.25
"""A part this near to the picture's border may belong to somebody outside; share of
its longer side."""

_SURE_PERSON_AREA = 4.0
"""Somebody must be in the picture whose box has this many times the part's area;
where nobody is seen at all, nobody can be missing."""


def combine(
    findings: Sequence[Finding], size: Size, *, use_people: bool, stray_parts: bool
) -> tuple[Finding, ...]:
    """Return the findings of all detectors, joined; sorted by place.

    Args:
        findings: What each detector said about one picture.
        size: The picture's size.
        use_people: Cut masks of hands and faces to the outline of their person.
        stray_parts: Report hands and faces that belong to nobody.
    """
    stray = find_stray_parts(findings, size) if stray_parts else ()
    # What belongs to nobody is to go, so how well it is drawn no longer matters.
    gone = {one.box for one in stray}
    kept = [one for one in findings if not (_is_part(one) and one.box in gone)]
    joined = join_duplicates([*kept, *stray])
    if use_people:
        joined = sharpen(joined, size)
    return tuple(sorted(joined, key=_place))


def join_duplicates(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Join flaws that different detectors mark at one place of one kind of part.

    A detector that knows the part stays before one that only knows a class, and then
    the surer one, with the outline of both. Places in order are never joined: a user's
    own weights may ask for every hand to be redrawn, the sound ones too. What one
    detector says twice is left as it is.
    """
    kept: list[Finding] = []
    for one in sorted(findings, key=_rank):
        twin = next((other for other in kept if _twins(one, other)), None)
        if twin is None:
            kept.append(one)
        else:
            kept[kept.index(twin)] = _joined(twin, one)
    return tuple(sorted(kept, key=_place))


def sharpen(findings: Iterable[Finding], size: Size) -> tuple[Finding, ...]:
    """Cut the masks of hands and faces back to the person that they lie on.

    A mask is cut only where most of it lies on a person, and never to less than half;
    so a wrong outline costs nothing.
    """
    listed = tuple(findings)
    people = [one for one in listed if one.kind == PERSON and one.outline is not None]
    return tuple(
        _sharpened(one, people, size) if _is_part(one) else one for one in listed
    )


def find_stray_parts(findings: Iterable[Finding], size: Size) -> tuple[Finding, ...]:
    """Return a finding per hand or face that belongs to nobody in the picture.

    Precision comes first. A part is stray only when it is surely one, when somebody
    clearly larger is in the picture, when it is neither on, nor near, nor attached to a
    person, when it does not reach the border, beyond which its owner may be, and when
    there are not many such.

    Args:
        findings: Of at least the detector `people` and one of `hands` and `faces`.
        size: The picture's size.
    """
    listed = tuple(findings)
    people = [one for one in listed if one.kind == PERSON]
    parts = [one for one in listed if _is_part(one) and not _is_unsure(one)]
    stray = [part for part in parts if _is_stray(part, people, size)]
    sorts = Counter(_part_of(part) for part in stray)
    return tuple(_as_stray(part) for part in stray if sorts[_part_of(part)] < _CROWD)


def _is_stray(part: Finding, people: list[Finding], size: Size) -> bool:
    longer = max(part.box.width, part.box.height)
    room = part.box.grown(round(_BORDER * longer))
    if room.clipped(size) != room:
        return False
    near = part.box.grown(round(_NEAR * longer))
    owners = [one for one in people if near.intersection(one.box).area > 0]
    if any(_area(one) > _ATTACHED_FROM * _area(part) for one in owners):
        return False
    others = [one for one in people if one not in owners]
    return any(one.box.area > _SURE_PERSON_AREA * part.box.area for one in others)


def _as_stray(part: Finding) -> Finding:
    what = "hand" if part.kind.startswith("hand/") else "face"
    return Finding(
        "people",
        STRAY_PART,
        part.box,
        0.9,
        part.outline,
        f"a {what} away from everybody",
        part.marks,
        "remove",
    )


def _twins(one: Finding, other: Finding) -> bool:
    if one.detector == other.detector or not (_is_flaw(one) and _is_flaw(other)):
        return False
    same_part = _part_of(one) == _part_of(other)
    return same_part and one.box.overlap(other.box) >= _SAME_PLACE


def _rank(finding: Finding) -> tuple[bool, float, str]:
    return finding.kind.startswith("segment/"), -finding.confidence, finding.detector


def _is_part(finding: Finding) -> bool:
    return finding.kind.startswith(_PARTS)


def _is_unsure(finding: Finding) -> bool:
    return finding.kind.endswith(_UNSURE)


def _is_flaw(finding: Finding) -> bool:
    return not finding.kind.endswith(_NO_FLAW)


def _part_of(finding: Finding) -> str:
    """Return what a finding is about, whoever found it: "hand", "face" or its kind."""
    if finding.kind == STRAY_PART:
        return STRAY_PART
    words = finding.kind.replace("/", "-").split("-")
    return next((part for part in ("hand", "face") if part in words), finding.kind)


def _joined(first: Finding, second: Finding) -> Finding:
    box = first.box.union(second.box)
    outline = np.zeros((box.height, box.width), np.bool_)
    for one in (first, second):
        place = one.box.shifted(-box.x0, -box.y0)
        outline[place.rows, place.columns] |= _mask(one)
    words = f"also seen by {second.detector}"
    message = f"{first.message}; {words}" if first.message else words
    return replace(first, box=box, outline=outline, message=message)


def _sharpened(part: Finding, people: list[Finding], size: Size) -> Finding:
    mask = _mask(part)
    wanted = int(mask.sum())
    room = round(_SHARPEN_ROOM * min(part.box.width, part.box.height))
    best: MaskArray | None = None
    for person in people:
        on_person = _placed(person, part.box)
        if int((mask & on_person).sum()) < _SHARPEN_FROM * wanted:
            continue
        cut: MaskArray = mask & _grown(person, part.box, room, size)
        best = cut if best is None else best | cut
    if best is None or int(best.sum()) < 0.5 * wanted or best.sum() == wanted:
        return part
    return replace(part, outline=best)


def _grown(person: Finding, window: Box, room: int, size: Size) -> MaskArray:
    """Return the person's outline, `room` px wider, in a window of the picture."""
    wide = window.grown(room).clipped(size)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * room + 1, 2 * room + 1))
    grown = cv2.dilate(_placed(person, wide).astype(np.uint8), kernel) > 0
    inside = window.shifted(-wide.x0, -wide.y0)
    return np.asarray(grown[inside.rows, inside.columns], np.bool_)


def _placed(finding: Finding, window: Box) -> MaskArray:
    """Return a finding's mask as it falls into a window of the picture."""
    placed = np.zeros((window.height, window.width), np.bool_)
    common = finding.box.intersection(window)
    if common.area:
        source = common.shifted(-finding.box.x0, -finding.box.y0)
        target = common.shifted(-window.x0, -window.y0)
        mask = _mask(finding)
        placed[target.rows, target.columns] = mask[source.rows, source.columns]
    return placed


def _mask(finding: Finding) -> MaskArray:
    if finding.outline is not None:
        return finding.outline
    return np.ones((finding.box.height, finding.box.width), np.bool_)


def _area(finding: Finding) -> int:
    return int(_mask(finding).sum())


def _place(finding: Finding) -> tuple[int, int, str, str]:
    return finding.box.y0, finding.box.x0, finding.detector, finding.kind
