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

from detectors.arrays import CoverArray, RgbArray
from pipeline.squares import (
    FINER_PX,
    LUMA,
    MARGIN_PX,
    SIDE_PX,
    Floats,
    Squares,
    squares_of,
)

MOST_A_SIDE, FEW_A_SIDE = 48, 20
"""Squares along either side at most: of a picture, and of each cut-out painted."""

STEPS = 8
"""Of brightness in which grain is measured: film shows less of it in deep shadow."""

FEWEST = 8
"""Squares of one brightness that say something about it."""

FLAT_SHARE, SHORT = 0.1, 1.05
"""Squares up to this quantile of a brightness count as flat; in pure noise they show so
much less of it than is there (a test)."""

SPOTS = 6
"""Squares whose covariance is drawn from."""

RESTORED = 3.0
"""How much at most coarse parts of grain are raised that were parted off as shapes."""

DRAWN_PX = 384
"""Grain is drawn for so many pixels a side, and mirrored beyond: no eye tells."""

FAINTEST, STRONGEST = 0.7, 12.0
"""Levels of 255 outside which it is left alone: below, no one sees it; above, it is no
grain but a picture full of grass."""

WIDEST = 1.5
"""Grain of one brightness, in that of the least grainy one. Where more is seen, shapes
are mistaken for grain: in few pictures is each brightness seen flat somewhere."""


@dataclass(frozen=True, slots=True, eq=False)
class Grain:
    """How grainy a picture is, and how its grain looks."""

    levels: npt.NDArray[np.float64]
    """(STEPS,) standard deviation of the finest detail of flat squares, in levels of
    255, from dark to bright."""

    spots: tuple[Floats, ...]
    """(side, side, 3) each: flat squares of the picture without their mean; what is
    fine of them has a standard deviation of 1 in brightness over SIDE_PX each way."""

    def level_at(self, brightness: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Return the grain at each brightness in levels of 255.

        Args:
            brightness: Of any shape, 0..255; between steps in proportion.
        """
        at = np.asarray(brightness, np.float64) * STEPS / 256 - 0.5
        return np.asarray(np.interp(at, np.arange(STEPS), self.levels))

    def bands(self, sigmas: tuple[float, ...]) -> npt.NDArray[np.float64]:
        """Return how much of its power lies between Gaussians, from fine to wide.

        Args:
            sigmas: Standard deviations of the Gaussians in pixels, rising; the first
                band is what is finer than the first one.

        Returns:
            (len(sigmas),) mean squares of brightness, where the level is 1.
        """
        beyond = round(4 * max(sigmas))
        power = np.zeros(len(sigmas))
        for spot in self.spots:
            light = np.pad(spot @ LUMA, beyond)
            softer = [cv2.GaussianBlur(light, (0, 0), sigma) for sigma in sigmas]
            parts = np.diff(np.stack([light, *softer]), axis=0)
            power += (parts**2).sum(axis=(1, 2), dtype=np.float64)
        return power / (SIDE_PX**2 * len(self.spots))


def grain_of(pixels: RgbArray) -> Grain | None:
    """Measure the grain of a picture; None where there is none to speak of.

    Args:
        pixels: (H, W, 3) uint8 RGB, the whole picture.
    """
    if min(pixels.shape[:2]) < SIDE_PX:
        return None
    squares = squares_of(pixels, MOST_A_SIDE)
    levels = _levels(squares)
    if levels is None or not FAINTEST <= levels.max() <= STRONGEST:
        return None
    return Grain(levels, _spots(squares, Grain(levels, ())))


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
        squares_of(pixels, FEW_A_SIDE, known) for pixels in (original, painted)
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
    strength = grain.level_at(brightness) * np.sqrt(lost * share * (2 - share))
    noise = _drawn(grain.spots, share.shape, seed)
    grainy = here + noise * strength[..., None].astype(np.float32)
    result[place] = np.rint(grainy.clip(0, 255)).astype(np.uint8)
    return result


def _levels(squares: Squares) -> npt.NDArray[np.float64] | None:
    """Return the grain of each brightness; those seldom seen take their neighbours'."""
    step = np.clip(squares.bright * STEPS / 256, 0, STEPS - 1).astype(int)
    found, trust = np.zeros(STEPS), np.zeros(STEPS)
    for index in range(STEPS):
        spread = squares.spread[step == index]
        if spread.size >= FEWEST:
            found[index] = SHORT * np.quantile(spread, FLAT_SHARE)
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


def _spots(squares: Squares, grain: Grain) -> tuple[Floats, ...]:
    """Choose squares that show grain and nothing else."""
    # Deep shadow and burnt light cut grain off: its look is taken from where it shows.
    expected = np.maximum(grain.level_at(squares.bright), 0.5 * grain.levels.max())
    unlike = np.abs(np.log((squares.spread + 1e-3) / expected))
    order = np.argsort(unlike + squares.lined, kind="stable")
    # Not the very likest alone, which are smoother than most.
    likely = order[: max(SPOTS, order.size // 5)]
    chosen = likely[np.linspace(0, likely.size - 1, SPOTS).round().astype(np.int64)]
    return tuple(_spot(squares.fine[index]) for index in chosen)


def _spot(fine: Floats) -> Floats:
    """Return a square as it was before its coarse parts were taken for shapes."""
    plain = fine - fine.mean(axis=(0, 1))
    plain /= max(float((plain @ LUMA).std()), 1e-3)
    wider = np.pad(plain, ((MARGIN_PX, MARGIN_PX), (MARGIN_PX, MARGIN_PX), (0, 0)))
    along = np.fft.fftfreq(len(wider))
    squared = np.add.outer(along**2, along**2)
    passed = 1 - np.exp(-2 * (np.pi * FINER_PX) ** 2 * squared)
    spectrum = np.fft.fft2(wider, axes=(0, 1))
    whole = spectrum / np.maximum(passed, 1 / RESTORED)[..., None]
    return np.asarray(np.fft.ifft2(whole, axes=(0, 1)).real, np.float32)


def _drawn(spots: tuple[Floats, ...], shape: tuple[int, ...], seed: int) -> Floats:
    """Draw (H, W, 3) noise that has the mean covariance of the spots."""
    source = np.random.default_rng(seed)
    height, width = (min(side, DRAWN_PX) for side in shape)
    noise = np.zeros((height, width, 3), np.float32)
    for spot in spots:
        size = (height + len(spot), width + len(spot))
        white = source.standard_normal(size, dtype=np.float32)
        for channel in range(3):
            taps = np.ascontiguousarray(spot[..., channel])
            spread = cv2.filter2D(white, -1, taps, anchor=(0, 0))
            noise[..., channel] += spread[:height, :width]
    beyond = ((0, shape[0] - height), (0, shape[1] - width), (0, 0))
    scale = np.float32(SIDE_PX * np.sqrt(len(spots)))
    return np.pad(noise, beyond, "symmetric") / scale
