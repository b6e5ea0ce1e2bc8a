"""Find every hand in a picture, the small ones too."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from detectors.arrays import RgbArray
from detectors.hand_hints import NOTHING_KNOWN, Guides
from detectors.hand_judging import HandView
from detectors.hand_nets import HandNets
from detectors.hand_search import (
    HINT_ABOVE,
    HOPELESS_PRESENCE,
    SURE_PALM,
    HandSearch,
    view_at,
)

PRESENCE_ABOVE = 0.3
"""Presence, the median of all looks, from which landmarks are trusted."""

_SURE_PRESENCE = 0.9
"""Presence from which the palm network is not asked again; hands have 0.97 and more.

Eyes, mouths and collars, enlarged, reach 0.6 to 0.8.
"""

_FAIRLY_SURE = 0.7
"""Presence that is as good where the landmarks hardly move, see `_is_steady`."""

_FAIR_PALM = 0.35
"""Palm score that is enough where the landmarks fit, though not surely."""

_SURE_AGAIN = 0.6
"""Palm score that is asked for in turned cut-outs where the landmarks are not sure."""

_SMALL_PX = 48
"""A smaller place is no hand where landmarks fit nothing: on fur and foam the palm
network finds a sure palm now and then, if it is shown enough windows."""

_PALM_AGAIN = ((0.0, 1.3), (0.4, 1.6))
"""Angle (radians) and scale of those."""

_SOFTENED_PX = 1.5

_MORE_LOOKS = ((0.0, 1.0, True), (0.3, 1.0, False), (-0.3, 1.15, False))
"""Angle (radians), scale, mirrored."""

_INSIDE = 0.6
"""Share of a box inside another one's reach from which they are one place."""

_FAINTER = 0.2
"""Presence by which a part of a hand falls behind the whole."""

_STEADY, _STEADIER = 0.1, 0.25
"""Jitter, in palm lengths, that is usual on hands that are fairly sure, and how much
more of it goes with full presence."""

_PLAIN_PRESENCE, _AT_REST = 0.97, 0.05
"""Presence in both, and jitter between them, from which two looks are enough."""

_RESTLESS = 0.25
"""Jitter beyond which a sure presence needs a palm as well: small hands hardly reach
it, and a cup of coffee, enlarged, does."""

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
    guides: Guides = NOTHING_KNOWN,
) -> list[HandView]:
    """Return the hands of a picture, largest first.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        nets: The two networks.
        second_look: Search enlarged cut-outs too.
        min_side_px: Hands whose landmark box has a shorter short side are left out.
        max_hands: At most so many are returned.
        guides: What is known about where hands may be.

    Raises:
        DetectorFailed: a network failed.
    """
    search = HandSearch(pixels, nets)
    search.whole()
    if second_look and not search.is_covered():
        scout = guides.scout
        hints = None if scout is None else scout.hints(pixels, above=HINT_ABOVE)
        search.everywhere(guides.people, hints)
        search.closely(hints or ())
    steadied = (look_again(view, nets) for view in _without_doubles(search.views))
    views = [view for view in steadied if _is_hand(view, nets)]
    kept = [view for view in views if not any(_hides(view, other) for other in views)]
    large = [view for view in kept if min(view.box().size) >= min_side_px]
    large.sort(key=lambda view: (-view.frame.side_px, view.frame.x, view.frame.y))
    return large[:max_hands]


def look_again(view: HandView, nets: HandNets) -> HandView:
    """Return the view with its presence and jitter taken over two to four looks."""
    points = view.picture_points()
    steady_px = _AT_REST * max(view.palm_px, 1.0)
    presences: list[float] = [view.presence]
    moved: list[float] = []
    for angle, scale, flip in _MORE_LOOKS:
        frame = view.again(angle=angle, scale=scale, flip=flip)
        other = view_at(view.pixels, nets, frame)
        presences.append(other.presence)
        distances = np.linalg.norm(other.picture_points() - points, axis=1)
        moved.append(float(distances.mean()))
        plain = min(presences) >= _PLAIN_PRESENCE and max(moved) < steady_px
        if plain or max(presences) < HOPELESS_PRESENCE:
            break
    return replace(
        view,
        presence=float(np.median(presences)),
        jitter=float(np.median(moved)) / max(view.palm_px, 1.0),
    )


def _is_hand(view: HandView, nets: HandNets) -> bool:
    if view.presence >= _SURE_PRESENCE and view.jitter < _RESTLESS:
        return True
    if _is_steady(view):
        return True
    fitting = view.presence >= PRESENCE_ABOVE and view.jitter < _NOWHERE
    if not fitting and max(view.box().size) < _SMALL_PX:
        return False
    if view.palm_score < (_FAIR_PALM if fitting else SURE_PALM):
        return False
    cuts = [view.cut(view.again(angle=a, scale=s)) for a, s in _PALM_AGAIN]
    if fitting:
        # Drawn hands seldom reach a sure presence, and show themselves when softened.
        cuts = [cv2.GaussianBlur(shown, (0, 0), _SOFTENED_PX) for shown in cuts]
    return all(nets.palms(shown, above=_SURE_AGAIN) for shown in cuts)


def _is_steady(view: HandView) -> bool:
    """Tell whether landmarks rest so well that their presence need not be sure.

    The surer the presence, the more they may move. `make eval-hands` counts what is
    taken for a hand on pictures without one.
    """
    surer = view.presence - _FAIRLY_SURE
    return surer >= 0 and view.jitter < _STEADY + _STEADIER * surer


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
