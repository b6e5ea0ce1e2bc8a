"""Give what was painted the grain of the picture that it was painted into.

A model's autoencoder returns film grain, sensor noise and the like weakened or not at
all, so that a repair shows as a smooth patch, however sound it is. How grainy a picture
is shows in the flattest squares of each brightness; how much of that the engine lost
shows where nothing was masked. What is lost is drawn anew inside the mask, as Gaussian
noise with the very covariance of those squares, in space and between colours: spot
noise, after Galerne, Gousseau and Morel, "Random Phase Textures" (2011).

The flattest squares of the whole picture are asked, since cloth or grass around a hand
would pass for grain, but hardly fills a picture. Where nothing is grainy nothing is
added.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from detectors.arrays import CoverArray, RgbArray

SIDE_PX = 16
"""Side of the squares that are measured."""

FINER_PX = 2.5
"""Standard deviation in pixels of the Gaussian that parts grain from shapes."""

MARGIN_PX = 8
"""Around a square that is copied out to be filtered: over three standard deviations."""

_INNER = slice(MARGIN_PX, MARGIN_PX + SIDE_PX)

MOST_A_SIDE, FEW_A_SIDE = 48, 20
"""Squares along either side at most: of a picture, and of each cut-out painted."""

STEPS = 8
"""Of brightness in which grain is measured: film shows less of it in deep shadow."""

FEWEST = 8
"""Squares of one brightness that say something about it."""

FLAT_SHARE = 0.1
"""Squares up to this quantile of a brightness count as flat."""

SPOTS = 6
"""Squares whose covariance is drawn from."""

DRAWN_PX = 384
"""Grain is drawn for so many pixels a side, and mirrored beyond: no eye tells."""

NORMAL = 1.4826
"""Standard deviation of a normal distribution, in medians of its absolute values."""

FAINTEST, STRONGEST = 0.7, 12.0
"""Levels of 255 outside which it is left alone: below, no one sees it; above, it is no
grain but a picture full of grass."""

WIDEST = 1.5
"""Grain of one brightness, in that of the least grainy one. Where more is seen, shapes
are mistaken for grain: in few pictures is each brightness seen flat somewhere."""

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Rec. 601, as in JPEG."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Grain:
    """How grainy a picture is, and how its grain looks."""

    levels: npt.NDArray[np.float64]
    """(STEPS,) standard deviation of the finest detail of flat squares, in levels of
    255, from dark to bright."""

    spots: tuple[Floats, ...]
    """(SIDE_PX, SIDE_PX, 3) each: flat squares of the picture without their mean, with
    a standard deviation of 1 in brightness."""


@dataclass(frozen=True, slots=True, eq=False)
class _Squares:
    """Squares of a picture, laid out evenly."""

    fine: Floats
    """(N, SIDE_PX, SIDE_PX, 3): what is finer than FINER_PX."""

    power: npt.NDArray[np.float64]
    """(N,) mean square of the fine brightness."""

    spread: npt.NDArray[np.float64]
    """(N,) its standard deviation as its median tells, which a line does not widen."""

    bright: npt.NDArray[np.float64]
    """(N,) mean brightness, 0..255."""


def grain_of(pixels: RgbArray) -> Grain | None:
    """Measure the grain of a picture; None where there is none to speak of.

    Args:
        pixels: (H, W, 3) uint8 RGB, the whole picture.
    """
    if min(pixels.shape[:2]) < SIDE_PX:
        return None
    squares = _squares_of(pixels, MOST_A_SIDE)
    levels = _levels(squares)
    if levels is None or not FAINTEST <= levels.max() <= STRONGEST:
        return None
    return Grain(levels, _spots(squares, levels))


def share_lost(original: RgbArray, painted: RgbArray, cover: CoverArray) -> float:
    """Return how much of the grain's power an engine lost where nothing was masked.

    Args:
        original: (H, W, 3) uint8 RGB, the cut-out that was sent.
        painted: (H, W, 3) uint8 RGB, what came back.
        cover: (H, W) float32; 0 is known.

    Returns:
        0 (all is there, or nothing is known) to 1, over the flatter quarter of squares.
    """
    if min(cover.shape) < SIDE_PX:
        return 0.0
    known = cover == 0
    before, after = (
        _squares_of(pixels, FEW_A_SIDE, known) for pixels in (original, painted)
    )
    if before.spread.size == 0:
        return 0.0
    flat = before.spread <= np.quantile(before.spread, 0.25)
    was, now = ((seen.spread[flat] ** 2).sum() for seen in (before, after))
    return float(np.clip(1 - now / was, 0, 1)) if was > 0 else 0.0


def grained(
    mixed: RgbArray, cover: CoverArray, grain: Grain, lost: float, seed: int
) -> RgbArray:
    """Return a blended cut-out with the grain that its new part lacks.

    Where old and new are mixed half and half, the old grain is halved, and more is
    added, so that it has the same strength all along the soft edge.

    Args:
        mixed: (H, W, 3) uint8 RGB, blended.
        cover: (H, W) float32 in 0..1 that it was blended by; 0 stays to the last bit.
        grain: Of the whole picture.
        lost: Share of the grain's power that is missing, from `share_lost`.
        seed: The same seed draws the same grain.
    """
    result = mixed.copy()
    rows, columns = (np.flatnonzero((cover > 0).any(axis=axis)) for axis in (1, 0))
    if lost <= 0 or rows.size == 0:
        return result
    place = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    here, share = mixed[place].astype(np.float32), cover[place]
    brightness = cv2.GaussianBlur(here @ LUMA, (0, 0), FINER_PX)
    strength = _at(grain.levels, brightness) * np.sqrt(lost * share * (2 - share))
    noise = _drawn(grain.spots, share.shape, seed)
    grainy = here + noise * strength[..., None].astype(np.float32)
    result[place] = np.rint(grainy.clip(0, 255)).astype(np.uint8)
    return result


def _squares_of(
    pixels: RgbArray, most: int, known: npt.NDArray[np.bool_] | None = None
) -> _Squares:
    """Measure squares all over a picture, or those that are known as a whole."""
    rows, columns = (_starts(length, most) for length in pixels.shape[:2])
    margin = ((MARGIN_PX, MARGIN_PX), (MARGIN_PX, MARGIN_PX), (0, 0))
    reach = SIDE_PX + 2 * MARGIN_PX
    padded = np.pad(pixels, margin, mode="symmetric")
    chosen = np.ix_(rows, columns)
    # Side by side with their margins, so that all are filtered at once.
    squares = sliding_window_view(padded, (reach, reach), axis=(0, 1))[chosen]
    sheet = squares.transpose(0, 3, 1, 4, 2).astype(np.float32)
    sheet = sheet.reshape(rows.size * reach, columns.size * reach, 3)
    softer = cv2.GaussianBlur(sheet, (0, 0), FINER_PX)
    fine, soft = (
        plane.reshape(rows.size, reach, columns.size, reach, 3)
        .transpose(0, 2, 1, 3, 4)[:, :, _INNER, _INNER]
        .reshape(-1, SIDE_PX, SIDE_PX, 3)
        for plane in (sheet - softer, softer)
    )
    if known is not None:
        whole = sliding_window_view(known, (SIDE_PX, SIDE_PX))[chosen].all(axis=(2, 3))
        fine, soft = fine[whole.ravel()], soft[whole.ravel()]
    light = (fine @ LUMA).reshape(-1, SIDE_PX**2).astype(np.float64)
    spread = NORMAL * np.median(np.abs(light), axis=1)
    bright = (soft @ LUMA).mean(axis=(1, 2), dtype=np.float64)
    return _Squares(fine, (light**2).mean(axis=1), spread, bright)


def _starts(length: int, most: int) -> npt.NDArray[np.int64]:
    """Return where squares begin along a side, half overlapping where there is room."""
    last = length - SIDE_PX
    count = min(most, last // (SIDE_PX // 2) + 1)
    return np.linspace(0, last, count).round().astype(np.int64)


def _levels(squares: _Squares) -> npt.NDArray[np.float64] | None:
    """Return the grain of each brightness; those seldom seen take their neighbours'."""
    step = np.clip(squares.bright * STEPS / 256, 0, STEPS - 1).astype(int)
    found, trust = np.zeros(STEPS), np.zeros(STEPS)
    for index in range(STEPS):
        spread = squares.spread[step == index]
        if spread.size >= FEWEST:
            found[index] = np.quantile(spread, FLAT_SHARE)
            trust[index] = min(spread.size, 8 * FEWEST)
    if not trust.any():
        return None
    # The darkest and the brightest are cut off at 0 and 255, and with them their grain.
    inner = np.flatnonzero(trust[1:-1]) + 1
    if inner.size:
        found = np.minimum(found, WIDEST * found[inner].min())
    apart = np.subtract.outer(np.arange(STEPS), np.arange(STEPS))
    # The second term reaches steps that nothing lies near.
    near = np.exp(-0.5 * (apart / 0.8) ** 2) + 1e-4 / (1.0 + np.abs(apart))
    weight = near * trust
    result: npt.NDArray[np.float64] = (weight @ found) / weight.sum(axis=1)
    return result


def _at(
    levels: npt.NDArray[np.float64], brightness: npt.NDArray[np.floating]
) -> npt.NDArray[np.float64]:
    """Return the level of grain at each brightness, between steps in proportion."""
    at = np.asarray(brightness, np.float64) * STEPS / 256 - 0.5
    return np.asarray(np.interp(at, np.arange(STEPS), levels))


def _spots(squares: _Squares, levels: npt.NDArray[np.float64]) -> tuple[Floats, ...]:
    """Choose squares that show grain and nothing else."""
    # Deep shadow and burnt light cut grain off: its look is taken from where it shows.
    expected = np.maximum(_at(levels, squares.bright), 0.5 * levels.max())
    unlike = np.abs(np.log((squares.spread + 1e-3) / expected))
    lined = np.abs(np.log((squares.power + 1e-3) / (squares.spread**2 + 1e-3)))
    order = np.argsort(unlike + lined, kind="stable")
    # Not the very likest alone, which are smoother than most.
    likely = order[: max(SPOTS, order.size // 5)]
    chosen = likely[np.linspace(0, likely.size - 1, SPOTS).round().astype(np.int64)]
    return tuple(_spot(squares.fine[index]) for index in chosen)


def _spot(fine: Floats) -> Floats:
    """Return a square without its mean, at a standard deviation of 1 in brightness."""
    plain = fine - fine.mean(axis=(0, 1))
    result: Floats = plain / max(float((plain @ LUMA).std()), 1e-3)
    return result


def _drawn(spots: tuple[Floats, ...], shape: tuple[int, ...], seed: int) -> Floats:
    """Draw (H, W, 3) noise that has the mean covariance of the spots."""
    source = np.random.default_rng(seed)
    height, width = (min(side, DRAWN_PX) for side in shape)
    noise = np.zeros((height, width, 3), np.float32)
    for spot in spots:
        size = (height + SIDE_PX, width + SIDE_PX)
        white = source.standard_normal(size, dtype=np.float32)
        for channel in range(3):
            taps = np.ascontiguousarray(spot[..., channel])
            spread = cv2.filter2D(white, -1, taps, anchor=(0, 0))
            noise[..., channel] += spread[:height, :width]
    beyond = ((0, shape[0] - height), (0, shape[1] - width), (0, 0))
    return np.pad(noise, beyond, "symmetric") / np.float32(
        SIDE_PX * np.sqrt(len(spots))
    )
