"""The grain of a picture, measured and drawn again."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from detectors.arrays import RgbArray
from pipeline.grain import Grain, grain_of, grained, share_lost
from pipeline.squares import FINER_PX, LUMA
from pipeline.stages import blend

Floats = npt.NDArray[np.float64]

HEIGHT, WIDTH = 200, 260


def _scene() -> Floats:
    """Smooth light from dark to bright, with a disc and dark lines across it."""
    ramp = np.linspace(50, 200, WIDTH)[None, :, None]
    scene = np.broadcast_to(ramp, (HEIGHT, WIDTH, 3)).copy()
    cv2.circle(scene, (120, 100), 50, (190.0, 120.0, 80.0), -1, cv2.LINE_AA)
    for x in range(20, WIDTH, 60):
        cv2.line(scene, (x, 0), (x + 30, HEIGHT), (10.0, 10.0, 10.0), 2, cv2.LINE_AA)
    return scene


def _noise(sigma: float, *, wide: float = 0.0, grey: float = 0.6) -> Floats:
    """Draw noise of which `grey` is common to the three colours, `wide` px wide."""
    source = np.random.default_rng(7)
    own = source.standard_normal((HEIGHT, WIDTH, 3))
    common = source.standard_normal((HEIGHT, WIDTH, 1))
    noise = np.sqrt(grey) * common + np.sqrt(1 - grey) * own
    if wide:
        noise = cv2.GaussianBlur(noise, (0, 0), wide)
    return np.asarray(sigma * noise / noise.std(), np.float64)


def _levels(picture: npt.NDArray[np.floating]) -> RgbArray:
    result: RgbArray = np.rint(picture).clip(0, 255).astype(np.uint8)
    return result


def _fine(picture: npt.NDArray[np.generic]) -> Floats:
    """Return what is finer than the Gaussian that parts grain from shapes."""
    exact = picture.astype(np.float64)
    return np.asarray(exact - cv2.GaussianBlur(exact, (0, 0), FINER_PX), np.float64)


def _of(picture: RgbArray) -> Grain:
    grain = grain_of(picture)
    assert grain is not None
    return grain


@pytest.mark.parametrize("sigma", [2.0, 5.0, 9.0])
@pytest.mark.parametrize("wide", [0.0, 0.8])
def test_grain_is_measured_beside_shapes_and_lines(sigma: float, wide: float) -> None:
    noise = _noise(sigma, wide=wide)
    truth = float((_fine(noise) @ LUMA).std())

    levels = _of(_levels(_scene() + noise)).levels[2:6]

    # The flattest tenth of squares has a little less than all of them.
    assert (levels > 0.75 * truth).all()
    assert (levels < 1.15 * truth).all()


def test_a_clean_picture_has_no_grain() -> None:
    assert grain_of(_levels(_scene())) is None


def test_what_is_textured_all_over_has_no_grain() -> None:
    assert grain_of(_levels(128 + _noise(30))) is None


def test_a_picture_smaller_than_a_square_has_no_grain() -> None:
    assert grain_of(_levels(128 + _noise(5))[:12, :12]) is None


@pytest.mark.parametrize("wide", [0.0, 0.8])
def test_drawn_grain_is_as_strong_wide_and_coloured_as_the_pictures(
    wide: float,
) -> None:
    picture = _levels(_scene() + _noise(5, wide=wide))
    smooth = np.full((120, 120, 3), 128, np.uint8)
    cover = np.ones((120, 120), np.float32)
    truth = _fine(_noise(5, wide=wide))

    drawn = grained(smooth, cover, _of(picture), 1.0, seed=3).astype(np.float64) - 128

    assert (drawn @ LUMA).std() == pytest.approx((truth @ LUMA).std(), rel=0.2)
    for along in (0, 1):
        assert _beside(drawn, along) == pytest.approx(_beside(truth, along), abs=0.12)
    assert np.abs(_alike(drawn) - _alike(truth)).max() < 0.2


def _alike(field: Floats) -> Floats:
    """Return the (3, 3) correlation of the colours."""
    return np.asarray(np.corrcoef(field.reshape(-1, 3).T), np.float64)


def _beside(field: Floats, axis: int) -> float:
    """Return the correlation of neighbours along an axis."""
    light = field @ LUMA
    return float((light * np.roll(light, 1, axis)).mean() / (light**2).mean())


def test_the_same_seed_draws_the_same_grain_and_another_does_not() -> None:
    grain = _of(_levels(_scene() + _noise(5)))
    smooth = np.full((64, 64, 3), 128, np.uint8)
    cover = np.ones((64, 64), np.float32)

    first, again, other = (grained(smooth, cover, grain, 1.0, s) for s in (3, 3, 4))

    np.testing.assert_array_equal(first, again)
    unlike = (first - 128.0).ravel() @ (other - 128.0).ravel()
    assert abs(unlike) < 0.1 * ((first - 128.0) ** 2).sum()


def test_grain_does_not_end_in_a_large_region() -> None:
    grain = _of(_levels(_scene() + _noise(5)))
    smooth = np.full((40, 1300, 3), 128, np.uint8)

    drawn = grained(smooth, np.ones((40, 1300), np.float32), grain, 1.0, seed=3)

    strength = drawn.astype(np.float64).std(axis=(0, 2))
    assert strength.reshape(13, -1).mean(axis=1) == pytest.approx(5, rel=0.15)


def test_nothing_changes_where_nothing_was_painted() -> None:
    picture = _levels(_scene() + _noise(5))
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[60:140, 80:180] = True
    cover = blend.cover_for(mask, 4, "only-masked")

    after = grained(picture, cover, _of(picture), 1.0, seed=3)

    np.testing.assert_array_equal(after[cover == 0], picture[cover == 0])
    assert (after[mask] != picture[mask]).any()


def test_grain_is_equally_strong_across_the_soft_edge() -> None:
    picture = _levels(128 + _noise(6))
    cover = np.broadcast_to(
        np.linspace(0, 1, WIDTH, dtype=np.float32), picture.shape[:2]
    )
    mixed = blend.blend(picture, np.full_like(picture, 128), cover)

    strength = (_fine(grained(mixed, cover, _of(picture), 1.0, 3)) @ LUMA).std(axis=0)
    without = (_fine(mixed) @ LUMA).std(axis=0)

    parts = strength.reshape(10, -1).mean(axis=1)
    assert parts.max() / parts.min() < 1.25
    assert without[-26:].mean() < 0.1 * without[:26].mean()


def test_dark_and_bright_have_grain_of_their_own() -> None:
    source = np.random.default_rng(1)
    light = np.broadcast_to(np.linspace(40, 215, WIDTH), (HEIGHT, WIDTH))
    sigma = np.linspace(4, 5.6, WIDTH)
    noise = sigma * source.standard_normal((HEIGHT, WIDTH))
    picture = _levels((light + noise)[..., None].repeat(3, axis=2))

    levels = _of(picture).levels

    assert levels[6] / levels[1] == pytest.approx(5.5 / 4.1, rel=0.12)


def _smoothed(picture: RgbArray, by: float) -> RgbArray:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), by), np.uint8)


def test_what_an_engine_lost_shows_where_nothing_was_masked() -> None:
    picture = _levels(_scene() + _noise(6))
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[60:140, 80:180] = True
    cover = blend.cover_for(mask, 4, "only-masked")
    half = _levels(_scene() + _noise(6) / np.sqrt(2))
    painted = picture.copy()
    painted[mask] = 128

    assert share_lost(picture, painted, cover) == 0
    assert share_lost(picture, _smoothed(picture, 3), cover) > 0.9
    assert share_lost(picture, half, cover) == pytest.approx(0.5, abs=0.1)


def test_with_nothing_left_unmasked_nothing_counts_as_lost() -> None:
    picture = _levels(_scene() + _noise(6))

    cover = np.ones((HEIGHT, WIDTH), np.float32)
    assert share_lost(picture, _smoothed(picture, 3), cover) == 0
