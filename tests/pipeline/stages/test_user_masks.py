import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detectors.geometry import Size
from pipeline.errors import NotSupported, Unreadable, UsageError
from pipeline.stages.user_masks import find_mask, load_mask
from tests.support import pictures

SIZE = Size(12, 8)
LEFT = np.zeros((8, 12), dtype=np.uint8)
LEFT[:, :6] = 255


def put(path: Path, array: np.ndarray, kind: str = "PNG", **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pictures.encoded(array, kind, **options))


@pytest.mark.parametrize("name", ["a/b.png", "a/b.webp", "a/b.jpg"])
def test_a_mask_is_found_by_the_picture_s_path_whatever_its_suffix(
    tmp_path: Path, name: str
) -> None:
    kind = {"png": "PNG", "webp": "WEBP", "jpg": "JPEG"}[
        name[-3:].replace("ebp", "webp")
    ]
    put(tmp_path / name, LEFT, kind)

    mask = load_mask(tmp_path, "a/b.jpeg", SIZE)

    np.testing.assert_array_equal(mask, LEFT > 127)


def test_the_picture_s_own_suffix_comes_first(tmp_path: Path) -> None:
    put(tmp_path / "b.png", 255 - LEFT)
    put(tmp_path / "b.webp", LEFT, "WEBP", lossless=True)

    assert find_mask(tmp_path, "b.webp") == tmp_path / "b.webp"
    assert find_mask(tmp_path, "b.jpg") == tmp_path / "b.png"


def test_a_picture_without_a_mask_has_none(tmp_path: Path) -> None:
    put(tmp_path / "other.png", LEFT)

    assert load_mask(tmp_path, "a.png", SIZE) is None
    assert load_mask(None, "a.png", SIZE) is None


def test_one_file_is_the_mask_of_every_picture(tmp_path: Path) -> None:
    put(tmp_path / "mask.png", LEFT)

    for key in ("a.png", "deep/b.jpg"):
        mask = load_mask(tmp_path / "mask.png", key, SIZE)
        np.testing.assert_array_equal(mask, LEFT > 127)


@pytest.mark.parametrize("size", [Size(24, 16), Size(7, 5), Size(1, 1), Size(512, 3)])
def test_a_mask_of_another_size_is_fitted_by_its_nearest_pixels(
    tmp_path: Path, size: Size
) -> None:
    put(tmp_path / "a.png", LEFT)

    mask = load_mask(tmp_path, "a.png", size)

    assert mask is not None
    assert mask.shape == (size.height, size.width)
    assert mask.dtype == np.bool_
    if size.width > 1:
        assert mask[:, 0].all()
        assert not mask[:, -1].any()


def test_grey_edges_are_cut_in_the_middle(tmp_path: Path) -> None:
    grey = np.array([[0, 127, 128, 255]], dtype=np.uint8)
    put(tmp_path / "a.png", grey)

    mask = load_mask(tmp_path, "a.png", Size(4, 1))

    assert mask is not None
    assert mask.tolist() == [[False, False, True, True]]


@pytest.mark.parametrize("colour", [0, 255])
def test_what_is_painted_on_a_see_through_layer_is_repainted(
    tmp_path: Path, colour: int
) -> None:
    layer = np.dstack([np.full_like(LEFT, colour)] * 3 + [LEFT])
    put(tmp_path / "a.png", layer)

    np.testing.assert_array_equal(load_mask(tmp_path, "a.png", SIZE), LEFT > 127)


def test_alpha_that_is_opaque_everywhere_says_nothing(tmp_path: Path) -> None:
    layer = np.dstack([LEFT] * 3 + [np.full_like(LEFT, 255)])
    put(tmp_path / "a.png", layer)

    np.testing.assert_array_equal(load_mask(tmp_path, "a.png", SIZE), LEFT > 127)


@pytest.mark.parametrize("mode", ["1", "P"])
def test_masks_of_one_bit_or_with_a_palette_are_taken(
    tmp_path: Path, mode: str
) -> None:
    Image.fromarray(LEFT).convert(mode).save(tmp_path / "a.png")

    np.testing.assert_array_equal(load_mask(tmp_path, "a.png", SIZE), LEFT > 127)


def test_an_empty_mask_stays_empty(tmp_path: Path) -> None:
    put(tmp_path / "a.png", np.zeros_like(LEFT))

    mask = load_mask(tmp_path, "a.png", SIZE)

    assert mask is not None
    assert not mask.any()


def test_masks_that_are_nowhere_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--masks"):
        load_mask(tmp_path / "gone", "a.png", SIZE)


def test_a_damaged_mask_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(pictures.encoded(LEFT, "PNG")[:-5])

    with pytest.raises(Unreadable, match=r"mask .*a\.png"):
        load_mask(tmp_path, "a.png", SIZE)


def test_an_animated_mask_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    first, second = Image.fromarray(LEFT), Image.fromarray(255 - LEFT)
    first.save(buffer, "PNG", save_all=True, append_images=[second])
    (tmp_path / "a.png").write_bytes(buffer.getvalue())

    with pytest.raises(NotSupported, match="animated"):
        load_mask(tmp_path, "a.png", SIZE)


def test_a_name_that_with_another_suffix_is_too_long_has_no_mask(
    tmp_path: Path,
) -> None:
    key = "a" * 251 + ".png"

    assert load_mask(tmp_path, key, SIZE) is None
