"""Put a picture together again from its original and the variations that are kept."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import MaskArray, RgbArray
from pipeline.album import exact_of
from pipeline.errors import PictureProblem
from pipeline.records import Attempt, Choice, Decision, Outcome
from pipeline.stages import blend

Place = tuple[int, int]
"""(pass number, patch): what names a region of a picture."""

Layer = npt.NDArray[np.uint8]
"""(window H, window W, 4) uint8: what `blend.lifted` returned."""


class CannotRebuild(PictureProblem):
    """A decision cannot be carried out with what is kept."""


def chosen(outcome: Outcome, decision: Decision) -> tuple[Choice, ...]:
    """Return a picture's choices as a person wants them.

    Args:
        outcome: What the run itself made of the picture.
        decision: What the person decided.

    Raises:
        CannotRebuild: the decision names a region or a variation that is not there.
    """
    wanted = _wanted(outcome, decision)
    places = {_place(choice) for choice in outcome.choices}
    for place in wanted.keys() - places:
        raise CannotRebuild(f"there is no region {place[1] + 1} in pass {place[0]}")
    return tuple(
        _taking(choice, wanted[_place(choice)], outcome)
        if _place(choice) in wanted
        else choice
        for choice in outcome.choices
    )


def rebuild(
    original: RgbArray, outcome: Outcome, choices: tuple[Choice, ...], state: Path
) -> tuple[RgbArray, tuple[Choice, ...]]:
    """Lay the chosen variations over the original, in the order of the passes.

    A later pass painted over what the earlier ones had made. Where that is no longer
    there, the later repair is left out, since it would carry it in its soft edge.

    Args:
        original: (H, W, 3) uint8 RGB: the picture as it came.
        outcome: What the run made of it.
        choices: From `chosen`.
        state: Where the kept variations lie.

    Returns:
        (H, W, 3) uint8 RGB, and the choices with what was left out. Outside the covers
        of the chosen variations the pixels are the original's to the last bit.

    Raises:
        CannotRebuild: a variation is not kept, or not whole.
    """
    pixels = original.copy()
    changed: MaskArray = np.zeros(original.shape[:2], dtype=np.bool_)
    before = {_place(choice): choice.winner for choice in outcome.choices}
    result = []
    for one in sorted(choices, key=_place):
        choice, place = one, _place(one)
        layers = [
            _layer(outcome, choice, number, state)
            for number in {before[place], choice.winner} - {None}
        ]
        here = changed[choice.window.rows, choice.window.columns]
        touched = _touched(layers, here)
        if choice.winner is not None and (touched & here).any():
            choice = _left_out(choice)
        if choice.winner is not None:
            layer = _layer(outcome, choice, choice.winner, state)
            blend.lay(pixels[choice.window.rows, choice.window.columns], layer)
        if choice.winner != before[place]:
            here |= touched
        result.append(choice)
    return pixels, tuple(result)


def _wanted(outcome: Outcome, decision: Decision) -> Mapping[Place, int | None]:
    """Return the number to take for each region that the person spoke of."""
    if decision.verdict == "reject":
        return {_place(choice): None for choice in outcome.choices}
    wanted = {
        _place(choice): None
        for choice in outcome.choices
        if any(
            one.kind in choice.kinds and one.box.intersection(choice.box).area
            for one in decision.not_flaws
        )
    }
    return wanted | {(p.pass_number, p.patch): p.number for p in decision.picks}


def _taking(choice: Choice, number: int | None, outcome: Outcome) -> Choice:
    if number == choice.winner:
        return choice
    if number is None:
        return replace(
            choice,
            winner=None,
            cost_after=choice.cost_before,
            reason="the original was kept in review",
        )
    attempt = _attempt(outcome, choice, number)
    return replace(
        choice,
        winner=number,
        cost_after=attempt.cost or choice.cost_before,
        strength=attempt.strength,
        reason=f"variation {number} was picked in review",
    )


def _left_out(choice: Choice) -> Choice:
    return replace(
        choice,
        winner=None,
        cost_after=choice.cost_before,
        reason="left out: it was painted over something that was changed in review",
    )


def _attempt(outcome: Outcome, choice: Choice, number: int) -> Attempt:
    wanted = (*_place(choice), number)
    for attempt in outcome.attempts:
        if (attempt.pass_number, attempt.patch, attempt.number) == wanted:
            if not attempt.picture:
                break
            return attempt
    raise CannotRebuild(
        f"variation {number} of region {choice.patch + 1} in pass "
        f"{choice.pass_number} is not kept; see save.keep_variations"
    )


def _layer(outcome: Outcome, choice: Choice, number: int | None, state: Path) -> Layer:
    """Read the exact form of a variation, (window H, window W, 4) uint8 RGBA."""
    if number is None:
        raise ValueError("the original has no layer")
    path = state / exact_of(_attempt(outcome, choice, number).picture)
    try:
        encoded = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    except OSError as error:
        raise CannotRebuild(f"{path} is gone; it cannot be picked any more") from error
    found = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED) if encoded.size else None
    wanted = (choice.window.height, choice.window.width, 4)
    if found is None or found.shape != wanted or found.dtype != np.uint8:
        raise CannotRebuild(f"{path} is damaged; it cannot be picked any more")
    layer: Layer = cv2.cvtColor(found, cv2.COLOR_BGRA2RGBA)
    return layer


def _touched(layers: Iterable[Layer], like: MaskArray) -> MaskArray:
    touched: MaskArray = np.zeros_like(like)
    for layer in layers:
        touched |= layer[:, :, 3] > 0
    return touched


def _place(choice: Choice) -> Place:
    return choice.pass_number, choice.patch
