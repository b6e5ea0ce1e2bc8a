"""Find every hand in a picture, the small ones too."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from detectors import hand_windows
from detectors.arrays import RgbArray, size_of
from detectors.geometry import Box
from detectors.hand_framing import HandFrame, cut, frame_of_landmarks, frame_of_palm
from detectors.hand_judging import HandView
from detectors.hand_nets import HandNets, Palm
from detectors.hand_windows import Window

PALM_ABOVE = 0.2
"""Palms with a lower score are not followed up.

Low, because the landmark network tells hands from other things far better: over four
looks its presence stays above 0.7 on hands and falls below 0.25 on other things.
"""

_MOST_PALMS = 32
"""Palms followed up in one picture, the surest first; 7 ms each."""

PRESENCE_ABOVE = 0.3
"""Presence, the median of four looks, from which landmarks are trusted."""

_SURE_PRESENCE = 0.9
"""Presence from which the palm network is not asked again; hands have 0.97 and more.

Eyes, mouths and collars, enlarged, reach 0.6 to 0.8.
"""

_HOPELESS_PRESENCE = 0.05
"""Below this at the first look, only a sure palm is looked at again."""

_SURE_PALM = 0.7
"""Palm score from which a hand may be reported although no landmarks are trusted..."""

_PALM_AGAIN = ((0.0, 1.3), (0.4, 1.6))
"""Angle (radians) and scale of those."""

_SOFTENED_PX = 1.5
_FAIR_PALM = 0.35
"""The same where the landmarks fit, though not surely."""

_SURE_AGAIN = 0.6
"""...when the palm network also finds it, this surely, in two turned cut-outs."""

_MORE_LOOKS = ((0.0, 1.0, True), (0.3, 1.0, False), (-0.3, 1.15, False))
"""Angle (radians), scale, mirrored."""

_INSIDE = 0.6
"""Share of a box inside another one's reach from which they are one place."""

_FAINTER = 0.2
"""Presence by which a part of a hand falls behind the whole."""

_STEADY = 0.1
"""Jitter, in palm lengths, that is usual on hands."""

_NOWHERE = 0.5
"""Jitter beyond which the landmarks fit nothing at all."""

_REACH_SHARE = 0.1
"""How far flesh, or a surplus digit, reaches beyond the landmarks' box, in frames."""

_BOGUS_SHARE = 0.45
"""A box smaller than this share of a bigger one that holds it is no hand of its own."""


def find_hands(
    pixels: RgbArray,
    nets: HandNets,
    *,
    second_look: bool,
    min_side_px: int,
    max_hands: int,
    people: Sequence[Box] = (),
) -> list[HandView]:
    """Return the hands of a picture, largest first.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        nets: The two networks.
        second_look: Search enlarged, overlapping cut-outs too.
        min_side_px: Hands whose landmark box has a shorter short side are left out.
        max_hands: At most so many are returned.
        people: Boxes of people, around which to search more closely still.

    Raises:
        DetectorFailed: a network failed.
    """
    palms: list[Palm] = []
    for window in hand_windows.first_look(size_of(pixels)):
        _add_palms(palms, pixels, window, nets)
    if second_look:
        for window in hand_windows.second_look(pixels, people):
            _add_palms(palms, pixels, window, nets)
    palms.sort(key=lambda palm: -palm.score)
    followed = (_follow(pixels, nets, palm) for palm in palms[:_MOST_PALMS])
    hopeful = _without_doubles([view for view in followed if view is not None])
    steadied = (_look_again(view, nets) for view in hopeful)
    views = [view for view in steadied if _is_hand(view, nets)]
    kept = [view for view in views if not any(_hides(view, other) for other in views)]
    large = [view for view in kept if min(view.box().size) >= min_side_px]
    large.sort(key=lambda view: (-view.frame.side_px, view.frame.x, view.frame.y))
    return large[:max_hands]


def view_at(
    pixels: RgbArray, nets: HandNets, frame: HandFrame, palm_score: float = 1.0
) -> HandView:
    """Return what the landmark network sees at a known frame, in one look."""
    crop = cut(pixels, frame)
    reading = nets.read(crop)
    return HandView(
        pixels=pixels,
        frame=frame,
        crop=crop,
        points=reading.points,
        world=reading.world,
        presence=reading.presence,
        right_hand=reading.right_hand,
        palm_score=palm_score,
    )


def _add_palms(
    palms: list[Palm], pixels: RgbArray, window: Window, nets: HandNets
) -> None:
    """Add what is new in one window; a palm seen before keeps its better sighting."""
    corner = np.array([window.box.x0, window.box.y0], np.float32)
    shown = hand_windows.show(pixels, window.box)
    for seen in nets.palms(shown, above=PALM_ABOVE, soften=window.soften):
        palm = replace(
            seen,
            centre=seen.centre + corner,
            wrist=seen.wrist + corner,
            middle_knuckle=seen.middle_knuckle + corner,
        )
        doubles = [index for index, old in enumerate(palms) if _same_palm(palm, old)]
        if not doubles:
            palms.append(palm)
        elif all(palm.score > palms[index].score for index in doubles):
            palms[doubles[0]] = palm


def _follow(pixels: RgbArray, nets: HandNets, palm: Palm) -> HandView | None:
    """Return the refined view of a palm, or None when it is no hand."""
    frame = frame_of_palm(palm.centre, palm.side_px, palm.wrist, palm.middle_knuckle)
    first = view_at(pixels, nets, frame, palm.score)
    if first.presence < _HOPELESS_PRESENCE and palm.score < _SURE_PALM:
        return None
    refined = view_at(
        pixels, nets, frame_of_landmarks(first.picture_points()), palm.score
    )
    best = refined if refined.presence >= first.presence * 0.5 else first
    hopeless = best.presence < _HOPELESS_PRESENCE and palm.score < _SURE_PALM
    return None if hopeless else best


def _look_again(view: HandView, nets: HandNets) -> HandView:
    """Return the view with its presence and jitter taken over four looks."""
    points = view.picture_points()
    presences, moved = [view.presence], []
    for angle, scale, flip in _MORE_LOOKS:
        frame = view.again(angle=angle, scale=scale, flip=flip)
        other = view_at(view.pixels, nets, frame)
        presences.append(other.presence)
        distances = np.linalg.norm(other.picture_points() - points, axis=1)
        moved.append(float(distances.mean()))
        if max(presences) < _HOPELESS_PRESENCE:
            break
    return replace(
        view,
        presence=float(np.median(presences)),
        jitter=float(np.median(moved)) / max(view.palm_px, 1.0),
    )


def _is_hand(view: HandView, nets: HandNets) -> bool:
    steady = view.jitter < _NOWHERE
    if view.presence >= _SURE_PRESENCE and steady:
        return True
    fitting = view.presence >= PRESENCE_ABOVE and steady
    if view.palm_score < (_FAIR_PALM if fitting else _SURE_PALM):
        return False
    cuts = [view.cut(view.again(angle=a, scale=s)) for a, s in _PALM_AGAIN]
    if fitting:
        # Drawn hands seldom reach a sure presence, and show themselves when softened.
        cuts = [cv2.GaussianBlur(shown, (0, 0), _SOFTENED_PX) for shown in cuts]
    return all(nets.palms(shown, above=_SURE_AGAIN) for shown in cuts)


def _without_doubles(views: Sequence[HandView]) -> list[HandView]:
    ranked = sorted(
        views, key=lambda view: -view.presence * float(np.sqrt(view.frame.side_px))
    )
    kept: list[HandView] = []
    for view in ranked:
        if not any(_same_hand(view, other) for other in kept):
            kept.append(view)
    return kept


def _same_hand(one: HandView, other: HandView) -> bool:
    return one.box().overlap(other.box()) > 0.4


def _hides(view: HandView, other: HandView) -> bool:
    """Tell whether a view is a bogus part of another, better one."""
    if view is other or view.frame.side_px > other.frame.side_px:
        return False
    away = float(np.hypot(view.frame.x - other.frame.x, view.frame.y - other.frame.y))
    fits = view.presence >= PRESENCE_ABOVE
    if not fits and other.presence >= _SURE_PRESENCE and away < other.frame.side_px:
        return True  # Forearms and sleeves look like palms to the palm network.
    reach = other.box().grown(round(_REACH_SHARE * other.frame.side_px))
    box = view.box()
    if box.intersection(reach).area < _INSIDE * box.area:
        return False
    tiny = view.frame.side_px < _BOGUS_SHARE * other.frame.side_px
    shaky = view.jitter > max(_STEADY, 2 * other.jitter)
    return tiny or shaky or view.presence < other.presence - _FAINTER


def _same_palm(one: Palm, other: Palm) -> bool:
    distance = float(np.linalg.norm(one.centre - other.centre))
    sides = sorted((one.side_px, other.side_px))
    return distance < 0.35 * sides[1] and sides[0] > 0.6 * sides[1]
