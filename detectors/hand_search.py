"""Search a picture for hands: the whole first, then only where that has left doubt."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from detectors import hand_windows
from detectors.arrays import RgbArray, size_of
from detectors.geometry import Box
from detectors.hand_framing import (
    HandFrame,
    PointArray,
    cut,
    frame_of_landmarks,
    frame_of_palm,
)
from detectors.hand_hints import Hint
from detectors.hand_judging import HandView
from detectors.hand_nets import HandNets, Palm
from detectors.hand_windows import Window

PALM_ABOVE = 0.2
"""Palms with a lower score are not followed up.

Low, because the landmark network tells hands from other things far better: over four
looks its presence stays above 0.7 on hands and falls below 0.25 on other things.
"""

HINT_ABOVE = 0.1
"""Places that the scout gives a lower score are not searched."""

SURE_PALM = 0.7
"""Palm score from which a hand may be reported although no landmarks are trusted."""

HOPELESS_PRESENCE = 0.05
"""Below this at the first look, only a sure palm is looked at again."""

_MOST_PALMS = 40
"""Palms followed up in one picture; 8 ms each for most of them."""

_MOST_HINTS = 24
"""Places searched closely in one picture, the most promising first; 8 ms a look."""

_STRONG_HINT = 0.3
"""From this score on a place is looked at more than once before it is given up."""

_SURE_PRESENCE = 0.9
_FAIR_PALM = 0.5
"""A hand is settled when both are reached: nothing else is looked for at its place."""

_FILLS = 0.5
"""A settled hand that frames so much of a picture is what the picture shows."""

_COVERS = 0.6
"""A settled hand whose frame covers so much of a picture leaves no room for small ones.

In cut-outs of single hands, the search for small ones found only specks.
"""

_SETTLED_SHARE = 0.6
"""A window is not shown when so much of it lies in the frame of a settled hand."""

_LARGER = 2.0
"""A palm so many times as large as a settled hand's is another one, if at all."""

_BETTER = 0.15
"""A palm is followed up once more only when it scores so much better."""


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


class HandSearch:
    """What has been found in one picture so far."""

    def __init__(self, pixels: RgbArray, nets: HandNets) -> None:
        self.views: list[HandView] = []
        """Everything that may be a hand, in the order in which it was found."""

        self._pixels = pixels
        self._nets = nets
        self._size = size_of(pixels)
        self._followed: list[Palm] = []
        self._settled: list[HandView] = []

    def whole(self) -> None:
        """Look at the whole picture: once, where one hand is all that it shows."""
        first, *others = hand_windows.first_look(self._size)
        self._show(first)
        longest = max((view.frame.side_px for view in self._settled), default=0.0)
        if longest < _FILLS * max(self._size):
            for window in others:
                self._show(window)

    def is_covered(self) -> bool:
        """Tell whether one settled hand covers the picture."""
        whole = Box.whole(self._size)
        return any(
            view.frame.bounds().intersection(whole).area > _COVERS * whole.area
            for view in self._settled
        )

    def everywhere(self, people: Sequence[Box], hints: Sequence[Hint] | None) -> None:
        """Look at enlarged parts: those that hold an unsettled hint, or all of them.

        Args:
            people: Boxes of people, in picture pixels; may be empty.
            hints: Where hands may be; None when nothing is known about that.
        """
        for window in hand_windows.second_look(self._pixels, people):
            if self._is_settled(window.box):
                continue
            if hints is None or any(
                window.box.holds(hint.x, hint.y) for hint in self._open(hints)
            ):
                self._show(window)

    def closely(self, hints: Sequence[Hint]) -> None:
        """Look closely at the most promising places that are not settled.

        Args:
            hints: Where hands may be, the most promising first.
        """
        looked: list[Box] = []
        for hint in hints:
            windows = list(hand_windows.around(hint))
            double = any(windows[0].box.overlap(other) > 0.5 for other in looked)
            if double or not self._open([hint]):
                continue
            if len(looked) >= _MOST_HINTS:
                return
            looked.append(windows[0].box)
            tries = len(windows) if hint.score >= _STRONG_HINT else 1
            for window in windows[:tries]:
                before = len(self.views)
                self._show(window)
                if len(self.views) > before:
                    break

    def _show(self, window: Window) -> None:
        corner = np.array([window.box.x0, window.box.y0], np.float32)
        shown = hand_windows.show(self._pixels, window.box)
        for seen in self._nets.palms(shown, above=PALM_ABOVE, soften=window.soften):
            self._consider(_moved(seen, corner))

    def _consider(self, palm: Palm) -> None:
        """Follow a palm up unless that was done before, or its place is settled."""
        if len(self._followed) >= _MOST_PALMS or any(
            _explains(view, palm) for view in self._settled
        ):
            return
        for other in self._followed:
            if same_palm(palm, other) and palm.score < other.score + _BETTER:
                return
        self._followed.append(palm)
        view = _follow(self._pixels, self._nets, palm)
        if view is None:
            return
        self.views.append(view)
        if view.presence >= _SURE_PRESENCE and palm.score >= _FAIR_PALM:
            self._settled.append(view)

    def _is_settled(self, box: Box) -> bool:
        frames = (view.frame.bounds() for view in self._settled)
        return any(
            box.intersection(frame).area > _SETTLED_SHARE * box.area for frame in frames
        )

    def _open(self, hints: Sequence[Hint]) -> list[Hint]:
        """Return the hints that do not lie on a settled hand."""
        boxes = [view.frame.turned(0.0, 0.75).bounds() for view in self._settled]
        return [h for h in hints if not any(box.holds(h.x, h.y) for box in boxes)]


def same_palm(one: Palm, other: Palm) -> bool:
    """Tell whether two sightings are of one palm."""
    distance = float(np.linalg.norm(one.centre - other.centre))
    sides = sorted((one.side_px, other.side_px))
    return distance < 0.35 * sides[1] and sides[0] > 0.6 * sides[1]


def _explains(view: HandView, palm: Palm) -> bool:
    """Tell whether a palm is that of a settled hand, or a part of it."""
    x, y = (float(value) for value in palm.centre)
    known = view.frame.side_px / frame_of(palm).side_px
    return view.box().holds(x, y) and 1 / known < _LARGER


def frame_of(palm: Palm) -> HandFrame:
    """Return the frame that a palm implies."""
    return frame_of_palm(palm.centre, palm.side_px, palm.wrist, palm.middle_knuckle)


def _moved(palm: Palm, corner: PointArray) -> Palm:
    return replace(
        palm,
        centre=palm.centre + corner,
        wrist=palm.wrist + corner,
        middle_knuckle=palm.middle_knuckle + corner,
    )


def _follow(pixels: RgbArray, nets: HandNets, palm: Palm) -> HandView | None:
    """Return the refined view of a palm, or None when it is no hand."""
    first = view_at(pixels, nets, frame_of(palm), palm.score)
    if first.presence < HOPELESS_PRESENCE and palm.score < SURE_PALM:
        return None
    refined = view_at(
        pixels, nets, frame_of_landmarks(first.picture_points()), palm.score
    )
    best = refined if refined.presence >= first.presence * 0.5 else first
    hopeless = best.presence < HOPELESS_PRESENCE and palm.score < SURE_PALM
    return None if hopeless else best
