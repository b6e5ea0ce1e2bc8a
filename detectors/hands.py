"""Find hands, and say of each whether it is sound, flawed, or cannot be told."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from detectors import weights
from detectors.arrays import RgbArray, check_rgb
from detectors.findings import Finding, Kind, Mark, Severity
from detectors.geometry import Box
from detectors.hand_finding import PRESENCE_ABOVE, find_hands
from detectors.hand_hints import Guides, Scout
from detectors.hand_judges import open_judge
from detectors.hand_judging import HandJudge, HandView, Verdict, check_verdict
from detectors.hand_nets import HandNets
from detectors.hand_outline import Outline, back_to_picture, outline_of
from detectors.hand_pose import TIPS
from detectors.hand_scout import HandScout
from detectors.mediapipe_tasks import ObjectFinder

NAME = "hands"

KINDS: Mapping[str, Kind] = {
    "hand/extra-digit": Kind(
        "A hand shows more digits than a hand has.", Severity.ERROR, mend=True
    ),
    "hand/missing-digit": Kind(
        "A hand lacks a digit that should be seen.", Severity.ERROR, mend=True
    ),
    "hand/fused": Kind("Digits have grown together.", Severity.ERROR, mend=True),
    "hand/malformed": Kind(
        "A hand is bent, melted or proportioned as no hand is.",
        Severity.ERROR,
        mend=True,
    ),
    "hand/cannot-tell": Kind(
        "There is a hand, but whether it is sound cannot be told.",
        Severity.NOTE,
        mend=False,
    ),
    "hand/ok": Kind("A hand that looks sound.", Severity.FINE, mend=False),
}

_UNSTEADY = 0.2
"""Jitter, in palm lengths, from which the landmarks are not trusted.

On 227 hands pasted into photographs at 32 to 160 px it was below 0.06 for nine of ten;
on what was mistaken for a hand it was above 0.08.
"""

_VERY_SURE = 0.9
"""Flaw probability that outweighs unsteady landmarks; a ruined hand has both."""

_SURE_KIND = 0.5
"""Share of a flaw among all flaws from which the hand is named after it."""

_NO_SKELETON = "no hand skeleton fits what looks like a palm"
_NEITHER = 0.5
"""Flaw probability of a hand about which nothing is known."""

_PEOPLE_FROM_PX = 1600
"""In smaller pictures the scout sees hands of people, however far away they are."""

_PERSON_CONFIDENCE = 0.3
_FINGER_NAMES = ("thumb", "index", "middle", "ring", "little")


class HandsDetector:
    """The detector `hands`."""

    def __init__(  # noqa: PLR0913  one argument per setting
        self,
        nets: HandNets,
        judge: HandJudge,
        *,
        min_side_px: int,
        suspect_above: float,
        cannot_tell_margin: float,
        second_look: bool,
        max_hands: int,
        people: ObjectFinder | None = None,
        scout: Scout | None = None,
    ) -> None:
        self._nets = nets
        self._judge = judge
        self._min_side_px = min_side_px
        self._suspect_above = suspect_above
        self._margin = cannot_tell_margin
        self._second_look = second_look
        self._max_hands = max_hands
        self._people = people
        self._scout = scout

    @property
    def name(self) -> str:
        return NAME

    @property
    def kinds(self) -> Mapping[str, Kind]:
        return KINDS

    def inspect(self, pixels: RgbArray) -> list[Finding]:
        """Return one finding per hand, from the top of the picture down.

        Args:
            pixels: (H, W, 3) uint8 RGB, 16x16 at least.

        Raises:
            DetectorFailed: a network failed.
        """
        findings = [self._finding(view, verdict) for view, verdict in self.look(pixels)]
        return sorted(findings, key=lambda one: (one.box.y0, one.box.x0, one.box.area))

    def look(self, pixels: RgbArray) -> list[tuple[HandView, Verdict]]:
        """Return every hand with its verdict, the largest first.

        Args:
            pixels: (H, W, 3) uint8 RGB, 16x16 at least.

        Raises:
            DetectorFailed: a network failed.
        """
        check_rgb(pixels)
        views = find_hands(
            pixels,
            self._nets,
            second_look=self._second_look,
            min_side_px=self._min_side_px,
            max_hands=self._max_hands,
            guides=Guides(self._scout, self._people_in(pixels)),
        )
        fitted = iter(
            self._judge.judge([view for view in views if _has_skeleton(view)])
        )
        return [
            (view, self._doubted(_steadied(view, next(fitted))))
            if _has_skeleton(view)
            else (view, Verdict(_NEITHER, _NO_SKELETON))
            for view in views
        ]

    def close(self) -> None:
        """Free the judge and the finder of people."""
        self._judge.close()
        if self._people is not None:
            self._people.close()

    def _people_in(self, pixels: RgbArray) -> list[Box]:
        if self._people is None or max(pixels.shape[:2]) < _PEOPLE_FROM_PX:
            return []
        return [seen.box for seen in self._people.find(pixels)]

    def _finding(self, view: HandView, verdict: Verdict) -> Finding:
        check_verdict(verdict)
        kind = self._kind_of(verdict)
        removal = verdict.surplus_mask is not None and kind == "hand/extra-digit"
        outline = _surplus(view, verdict) if removal else _whole(view, verdict)
        return Finding(
            detector=NAME,
            kind=kind,
            box=outline.box,
            confidence=verdict.p_flawed,
            outline=outline.mask,
            message=_message(verdict),
            marks=_marks(view, verdict),
            remedy="remove" if removal else "redraw",
            joints=_joints(view),
        )

    def _kind_of(self, verdict: Verdict) -> str:
        if verdict.doubt:
            return "hand/cannot-tell"
        if verdict.p_flawed < self._suspect_above:
            return "hand/ok"
        if not verdict.flaws:
            return "hand/malformed"
        likeliest = max(verdict.flaws, key=lambda flaw: verdict.flaws[flaw])
        sure = verdict.flaws[likeliest] >= _SURE_KIND
        return f"hand/{likeliest}" if sure else "hand/malformed"

    def _doubted(self, verdict: Verdict) -> Verdict:
        close = abs(verdict.p_flawed - self._suspect_above) < self._margin
        if verdict.doubt or not close:
            return verdict
        return replace(verdict, doubt="it is too close to the threshold")


def build(
    *,
    min_side_px: int,
    suspect_above: float,
    cannot_tell_margin: float,
    second_look: bool,
    max_hands: int,
    judge: HandJudge | None = None,
) -> HandsDetector:
    """Load the networks and the best judge whose weights are there.

    Args:
        min_side_px: Hands with a shorter short side are left out.
        suspect_above: Flaw probability from which a hand counts as malformed, 0..1.
        cannot_tell_margin: Hands this near to it are reported as "cannot tell".
        second_look: Search enlarged cut-outs too.
        max_hands: At most so many hands of a picture are judged, the largest first.
        judge: Judges instead of the best one that is installed.

    Raises:
        WeightsMissing: packaged networks are not installed.
        WeightsWrong: weights are not what they should be.
    """
    nets = HandNets.open()
    people, scout = None, None
    if second_look:
        scout = HandScout.open()
        found = weights.find("object_detector")
        people = ObjectFinder(found, threshold=_PERSON_CONFIDENCE, labels=("person",))
    return HandsDetector(
        nets,
        open_judge(nets) if judge is None else judge,
        min_side_px=min_side_px,
        suspect_above=suspect_above,
        cannot_tell_margin=cannot_tell_margin,
        second_look=second_look,
        max_hands=max_hands,
        people=people,
        scout=scout,
    )


def _has_skeleton(view: HandView) -> bool:
    return view.presence >= PRESENCE_ABOVE


def _steadied(view: HandView, verdict: Verdict) -> Verdict:
    """Doubt what was said of a hand whose landmarks move, unless it is very sure."""
    if view.jitter <= _UNSTEADY or verdict.doubt or verdict.p_flawed >= _VERY_SURE:
        return verdict
    return replace(verdict, doubt="the hand skeleton moves from look to look")


def _message(verdict: Verdict) -> str:
    counted = verdict.digits is not None
    seen = f"{verdict.digits} digits seen" if counted else ""
    return "; ".join(part for part in (seen, verdict.doubt) if part) or (
        "digits not counted"
    )


def _marks(view: HandView, verdict: Verdict) -> tuple[Mark, ...]:
    """Return the judge's evidence, else where the skeleton has its five tips.

    A digit without a name on it is then what a person looks for.
    """
    marks = verdict.marks
    if not marks and view.presence >= PRESENCE_ABOVE:
        tips = view.points[list(TIPS)]
        marks = tuple(
            Mark(name, float(x), float(y))
            for name, (x, y) in zip(_FINGER_NAMES, tips, strict=True)
        )
    if not marks:
        return ()
    places = view.frame.to_picture(np.array([[m.x, m.y] for m in marks], np.float32))
    return tuple(
        Mark(mark.label, float(x), float(y))
        for mark, (x, y) in zip(marks, places, strict=True)
    )


def _joints(view: HandView) -> tuple[tuple[float, float], ...]:
    """Return the landmarks in picture pixels; none where they fit nothing."""
    if not _has_skeleton(view):
        return ()
    return tuple((float(x), float(y)) for x, y in view.picture_points())


def _whole(view: HandView, verdict: Verdict) -> Outline:
    """Return all of the hand, with what the judge saw of it and found wrong."""
    known = [m for m in (verdict.hand_mask, verdict.flaw_mask) if m is not None]
    return outline_of(view, np.logical_or.reduce(known) if known else None)


def _surplus(view: HandView, verdict: Verdict) -> Outline:
    if verdict.surplus_mask is None:
        raise ValueError("only a verdict with a surplus digit can be cut down to it")
    return back_to_picture(verdict.surplus_mask, view.frame, view)
