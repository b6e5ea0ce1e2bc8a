"""Turn findings, and the user's own mask, into patches to repaint."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np

from detectors.arrays import MaskArray, check_mask, size_of
from detectors.findings import Finding, Joints, Kind, Remedy, Severity
from detectors.geometry import Box, Size, bounding
from pipeline.records import Patch
from pipeline.settings import MaskSettings

USER_KIND = "user/mask"
USER_KINDS: Mapping[str, Kind] = {
    USER_KIND: Kind(
        "The user's own mask asks for this place to be repainted.",
        Severity.WARNING,
        mend=True,
    )
}


SAME_THING = 0.5
"""Two boxes mark one thing, not a thing and a part of it, from this overlap (IoU)."""


@dataclass(frozen=True, slots=True, eq=False)
class MaskPlan:
    """What will be repainted, and what was decided on the way."""

    patches: tuple[Patch, ...]
    """Sorted by place; numbered from 0; their covers do not overlap."""

    remarks: tuple[str, ...] = ()
    """One sentence for each place that was left out or treated unlike its finding."""


class _Region(NamedTuple):
    """The grown mask of one finding."""

    finding: Finding
    box: Box
    mask: MaskArray


def mendable(
    findings: Iterable[Finding], kinds: Mapping[str, Kind], min_confidence: float
) -> tuple[Finding, ...]:
    """Return the findings that repainting can cure and that are sure enough."""
    return tuple(
        finding
        for finding in findings
        if finding.confidence >= min_confidence
        and finding.kind in kinds
        and kinds[finding.kind].mend
        and kinds[finding.kind].severity > Severity.FINE
    )


def plan_patches(
    findings: Iterable[Finding],
    size: Size,
    settings: MaskSettings,
    *,
    apart_px: int,
    user_mask: MaskArray | None = None,
    seen: Iterable[Finding] = (),
) -> MaskPlan:
    """Grow each finding to a mask, join what is close, and drop what is out of bounds.

    Masks of findings are grown; the user's own mask is taken as it was drawn, and what
    lies that near to it is left to it: who paints a mask over one finger does not mean
    the hand. Places
    nearer than `settings.merge_px`, measured along the axes, become one patch, as do
    places whose soft edges would overlap.

    Args:
        findings: What to repaint; boxes and outlines in picture pixels.
        size: The picture's size.
        settings: Margins, merging and bounds.
        apart_px: The least distance at which two soft edges do not meet.
        user_mask: (H, W) bool of the whole picture, True = repaint, or None.
        seen: Everything found in the picture, hands in order included: a patch learns
            the poses of the hands that reach onto it.
    """
    wanted = _without_redrawing_what_goes(tuple(findings))
    regions = [r for f in wanted if (r := _region(f, size, settings)).mask.any()]
    near_px = max(settings.merge_px, apart_px)
    if user_mask is not None:
        check_mask(user_mask, size, "user_mask")
        user_mask = user_mask if user_mask.any() else None
        if user_mask is not None:
            regions = [r for r in regions if not _is_near(r, user_mask, near_px)]
    if not regions and user_mask is None:
        return MaskPlan(())
    hull = bounding(_extents(regions, user_mask))
    union = _union(regions, user_mask, hull)
    found = [
        _patch(box, part, regions, user_mask, settings.user_remedy)
        for box, part in _parts(union, hull, near_px)
    ]
    kept, remarks = [], []
    for patch in sorted(found, key=lambda p: (p.box.y0, p.box.x0, p.box.y1, p.box.x1)):
        remark, keep = _verdict(patch, size, settings)
        if remark:
            remarks.append(remark)
        if keep:
            kept.append(patch)
    poses = [finding.joints for finding in seen if finding.joints]
    numbered = (
        replace(patch, number=number, poses=_poses_on(patch, poses))
        for number, patch in enumerate(kept)
    )
    return MaskPlan(tuple(numbered), tuple(remarks))


def _without_redrawing_what_goes(findings: tuple[Finding, ...]) -> list[Finding]:
    """Drop what is to be redrawn where the same thing is to be removed anyway."""
    doomed = [finding for finding in findings if finding.remedy == "remove"]
    return [
        finding
        for finding in findings
        if finding.remedy == "remove"
        or not any(finding.box.overlap(d.box) >= SAME_THING for d in doomed)
    ]


def _region(finding: Finding, size: Size, settings: MaskSettings) -> _Region:
    """Grow one finding to its mask, clipped to the picture."""
    if finding.outline is None:
        margin = round(
            settings.margin_share * max(finding.box.width, finding.box.height)
        )
        box = finding.box.grown(margin)
        mask = np.ones((box.height, box.width), dtype=np.bool_)
    else:
        box, mask = finding.box, finding.outline
        check_mask(mask, box.size, f"outline of {finding.kind}")
    grown = dilate(mask, settings.grow_px)
    box = box.grown(settings.grow_px)
    inside = box.clipped(size)
    cut = inside.shifted(-box.x0, -box.y0)
    return _Region(finding, inside, grown[cut.rows, cut.columns])


def dilate(mask: MaskArray, radius_px: int) -> MaskArray:
    """Grow a mask by a disc, by the same length in every direction.

    Args:
        mask: (H, W) bool.
        radius_px: Radius of the disc; a pixel is taken when the centre of a masked one
            lies at most this far away.

    Returns:
        (H + 2 * radius_px, W + 2 * radius_px) bool.
    """
    padded = np.pad(mask, radius_px)
    if radius_px == 0 or not padded.any():
        return padded
    away = cv2.distanceTransform(
        (~padded).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
    )
    # The distances are exact square roots of whole numbers, up to float32 rounding.
    result: MaskArray = away <= radius_px + 1e-3
    return result


def _is_near(region: _Region, user_mask: MaskArray, near_px: int) -> bool:
    around = region.box.grown(near_px).clipped(size_of(user_mask))
    return bool(user_mask[around.rows, around.columns].any())


def _extents(regions: list[_Region], user_mask: MaskArray | None) -> list[Box]:
    boxes = [region.box for region in regions]
    if user_mask is not None:
        boxes.append(_bounds(user_mask))
    return boxes


def _bounds(mask: MaskArray) -> Box:
    """Return the bounding box of a mask that is not blank."""
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def _union(regions: list[_Region], user_mask: MaskArray | None, hull: Box) -> MaskArray:
    """Draw all masks into one, (hull H, hull W) bool."""
    union = np.zeros((hull.height, hull.width), dtype=np.bool_)
    for region in regions:
        at = region.box.shifted(-hull.x0, -hull.y0)
        union[at.rows, at.columns] |= region.mask
    if user_mask is not None:
        union |= user_mask[hull.rows, hull.columns]
    return union


def _parts(union: MaskArray, hull: Box, near_px: int) -> list[tuple[Box, MaskArray]]:
    """Split a mask into parts that are more than `near_px` from each other.

    A square of side 2 r + 1 laid over every pixel makes two parts touch exactly when
    they are at most 2 r + 1 apart along both axes.
    """
    side = 2 * (near_px // 2) + 1
    joined = cv2.dilate(union.astype(np.uint8), np.ones((side, side), dtype=np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    parts = []
    for label in range(1, count):
        left, top, width, height = (int(value) for value in stats[label, :4])
        rows, columns = slice(top, top + height), slice(left, left + width)
        part = union[rows, columns] & (labels[rows, columns] == label)
        tight = _bounds(part)
        box = tight.shifted(left + hull.x0, top + hull.y0)
        parts.append((box, part[tight.rows, tight.columns].copy()))
    return parts


def _patch(
    box: Box,
    part: MaskArray,
    regions: list[_Region],
    user_mask: MaskArray | None,
    user_remedy: Remedy,
) -> Patch:
    """Make a patch of one part, with the findings that it came from."""
    findings = [region.finding for region in regions if _meets(region, box, part)]
    if user_mask is not None:
        drawn = user_mask[box.rows, box.columns] & part
        if drawn.any():
            findings.append(_users(drawn, box, user_remedy))
    remedy: Remedy = (
        "remove" if all(f.remedy == "remove" for f in findings) else "redraw"
    )
    return Patch(0, box, part, tuple(findings), remedy)


def _meets(region: _Region, box: Box, part: MaskArray) -> bool:
    common = region.box.intersection(box)
    if common.area == 0:
        return False
    mine = common.shifted(-region.box.x0, -region.box.y0)
    theirs = common.shifted(-box.x0, -box.y0)
    both = region.mask[mine.rows, mine.columns] & part[theirs.rows, theirs.columns]
    return bool(both.any())


def _users(drawn: MaskArray, box: Box, remedy: Remedy) -> Finding:
    """Say that the user asked for this place."""
    tight = _bounds(drawn)
    return Finding(
        detector="user",
        kind=USER_KIND,
        box=tight.shifted(box.x0, box.y0),
        confidence=1.0,
        outline=drawn[tight.rows, tight.columns].copy(),
        message="marked by the user's mask",
        remedy=remedy,
    )


def _verdict(patch: Patch, size: Size, settings: MaskSettings) -> tuple[str, bool]:
    """Say whether a patch is repainted, with a remark where that needs one."""
    box, area = patch.box, int(patch.mask.sum())
    where = f"the region at {box.x0},{box.y0} ({box.width}x{box.height} px)"
    share = area / (size.width * size.height)
    if area < settings.min_area_px:
        limit = settings.min_area_px
        return f"{where} has {area} px, under mask.min_area_px = {limit}; left", False
    if share > settings.max_area_share:
        limit_share = settings.max_area_share
        return (
            f"{where} takes {share:.0%} of the picture, over mask.max_area_share = "
            f"{limit_share:.0%}; left as it is",
            False,
        )
    if len({finding.remedy for finding in patch.findings}) > 1:
        return (
            f"in {where} one thing is to be redrawn and another removed; they touch, "
            "so all of it is redrawn",
            True,
        )
    return "", True


def _poses_on(patch: Patch, poses: Iterable[Joints]) -> tuple[Joints, ...]:
    """Return the hands that reach into a patch; a surplus digit has no joints."""
    return tuple(
        joints for joints in poses if _extent(joints).intersection(patch.box).area
    )


def _extent(joints: Joints) -> Box:
    columns, rows = zip(*joints, strict=True)
    return Box.around(min(columns), min(rows), max(columns), max(rows))
