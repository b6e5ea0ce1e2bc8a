"""Pictures for reports are kept small, under names that cannot harm."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.album import (
    PREVIEW_PX,
    THUMB_PX,
    Album,
    encode,
    exact_of,
    preview,
    thumb_of,
)
from tests.support.pictures import draw_scene


def test_a_picture_is_kept_as_webp_and_looks_the_same(tmp_path: Path) -> None:
    scene = draw_scene(96, 64)

    place = Album(tmp_path).keep("a/b.png", "p1-r0-v2", scene)

    with Image.open(tmp_path / place) as kept:
        assert kept.format == "WEBP"
        again = np.asarray(kept.convert("RGB")).astype(np.int16)
    assert place.endswith("/p1-r0-v2.webp")
    assert np.abs(again - scene).mean() < 6


def test_a_mask_is_kept_exactly(tmp_path: Path) -> None:
    mask = np.eye(40, dtype=np.bool_)

    place = Album(tmp_path).keep("a.png", "mask", mask)

    with Image.open(tmp_path / place) as kept:
        np.testing.assert_array_equal(np.asarray(kept) > 0, mask)


@pytest.mark.parametrize(
    "key",
    ["../../etc/passwd", "a\nb.png", "x" * 5000, "\udcff\udcfe.png", "a/../b.png"],
)
def test_a_hostile_key_stays_inside_the_folder(tmp_path: Path, key: str) -> None:
    state = tmp_path / "state"
    state.mkdir()

    place = Album(state).keep(key, "mask", np.ones((4, 4), dtype=np.bool_))

    assert (state / place).resolve().is_relative_to(state.resolve())
    assert place.isascii()
    assert len(place) < 120


def test_two_pictures_do_not_share_a_place(tmp_path: Path) -> None:
    album, mask = Album(tmp_path), np.ones((4, 4), dtype=np.bool_)

    assert album.keep("a.png", "mask", mask) != album.keep("a.jpg", "mask", mask)


@pytest.mark.parametrize("name", ["", "../up", "UPPER", "a b", "-x"])
def test_other_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        Album(tmp_path).keep("a.png", name, np.ones((4, 4), dtype=np.bool_))


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot keep"):
        Album(tmp_path).keep("a.png", "mask", np.ones((4, 4), dtype=np.float32))


def test_a_picture_longer_than_webp_allows_is_kept_all_the_same() -> None:
    data, suffix = encode(np.zeros((2, 16_400, 3), dtype=np.uint8))

    assert suffix == ".png"
    with Image.open(io.BytesIO(data)) as kept:
        assert kept.size == (16_400, 2)


def test_a_preview_is_shrunk_and_keeps_its_shape() -> None:
    small = preview(np.zeros((1500, 3000, 3), dtype=np.uint8))

    assert small.shape == (PREVIEW_PX // 2, PREVIEW_PX, 3)


def test_a_small_picture_is_its_own_preview() -> None:
    scene = draw_scene(96, 64)

    assert preview(scene) is scene


def test_a_layer_with_alpha_is_kept_to_the_last_bit(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    layer = rng.integers(0, 256, (20, 30, 4), dtype=np.uint8)

    place = Album(tmp_path).keep("a.png", "p1-r0-v2-exact", layer)

    with Image.open(tmp_path / place) as kept:
        np.testing.assert_array_equal(np.asarray(kept), layer)
    assert place == exact_of(place.replace("-exact.png", ".webp"))


def test_a_thumbnail_is_small_and_named_after_the_content(tmp_path: Path) -> None:
    Album(tmp_path).keep_thumb("a.png", "ab" * 32, draw_scene(960, 640))

    with Image.open(tmp_path / thumb_of("a.png", "ab" * 32)) as kept:
        assert kept.size == (THUMB_PX, round(THUMB_PX * 2 / 3))
    assert thumb_of("a.png", "cd" * 32) != thumb_of("a.png", "ab" * 32)
