import io
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline.metadata import jpeg
from pipeline.metadata.jpeg_scan import Unwalkable, layout_of
from pipeline.metadata.jpeg_splice import splice
from tests.support import pictures

Stored = npt.NDArray[np.uint8]
WIDTH, HEIGHT = 93, 70
KINDS: list[dict[str, Any]] = [
    {"quality": 25},
    {"quality": 95, "subsampling": 0},
    {"quality": 80, "subsampling": 1},
    {"quality": 90, "optimize": True},
    {"quality": 15, "optimize": True},
    {"quality": 80, "restart_marker_rows": 1},
    {"quality": 80, "restart_marker_blocks": 3},
    {"quality": 80, "keep_rgb": True},
]


def decoded(data: bytes) -> Stored:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def encode_like(parts: jpeg.JpegParts, cutout: Stored) -> bytes:
    options: dict[str, Any] = {}
    if cutout.ndim == 3:
        first = parts.frame.components[0]
        numbers = {(1, 1): 0, (2, 1): 1, (2, 2): 2}
        options["subsampling"] = numbers[first.across, first.down]
    tables = [list(table) for table in jpeg.quantisation(parts)][:2]
    return pictures.encoded(
        cutout, "JPEG", qtables=tables, keep_rgb=parts.is_rgb, **options
    )


def spliced(data: bytes, after: Stored) -> tuple[bytes, npt.NDArray[np.bool_]]:
    parts = jpeg.split(data)
    result = splice(
        parts, decoded(data), after, lambda cutout: encode_like(parts, cutout)
    )
    return result.data, result.same


def drawn(grey: bool = False, **options: Any) -> bytes:
    scene = pictures.draw_scene(WIDTH, HEIGHT)
    return pictures.encoded(scene[:, :, 0] if grey else scene, "JPEG", **options)


@pytest.mark.parametrize("options", [*KINDS, {"grey": True, "quality": 80}])
def test_only_the_touched_squares_and_one_pixel_around_change(
    options: dict[str, Any],
) -> None:
    data = drawn(**options)
    before = decoded(data)
    after = before.copy()
    after[20:37, 30:52] = np.random.default_rng(1).integers(
        0, 256, after[20:37, 30:52].shape
    )
    after[-3:, -3:] = 0

    result, same = spliced(data, after)

    now = decoded(result)
    np.testing.assert_array_equal(now[same], before[same])
    side = 16
    reach = np.zeros((HEIGHT, WIDTH), dtype=bool)
    reach[16 - 1 : 48 + 1, 16 - 1 : 64 + 1] = True
    reach[HEIGHT // side * side - 1 :, WIDTH // side * side - 1 :] = True
    assert (same | reach).all()
    assert not same[20:37, 30:52].any()


@pytest.mark.parametrize("options", KINDS)
def test_the_touched_squares_show_what_was_painted(options: dict[str, Any]) -> None:
    data = drawn(**options)
    after = decoded(data).copy()
    after[16:48, 32:64] = 200

    result, _ = spliced(data, after)

    inner = decoded(result)[18:46, 34:62].astype(int)
    assert np.abs(inner - 200).max() <= 3


@pytest.mark.parametrize("options", [*KINDS, {"grey": True, "quality": 80}])
def test_a_picture_without_a_change_is_the_same_file(options: dict[str, Any]) -> None:
    data = drawn(**options)

    result, same = spliced(data, decoded(data))

    assert result == data
    assert same.all()


def test_all_that_is_not_coded_data_stays_as_it_was() -> None:
    data = drawn(quality=80)
    after = 255 - decoded(data)

    result, same = spliced(data, after)

    assert not same.any()
    before, now = jpeg.split(data), jpeg.split(result)
    assert [s.raw for s in now.segments[:-1]] == [s.raw for s in before.segments[:-1]]


def test_a_table_without_room_gives_way_to_the_standard_one() -> None:
    # Noise uses so many codes that the fitted table reaches the longest allowed ones.
    noise = np.random.default_rng(5).integers(0, 256, (400, 400), dtype=np.uint8)
    scene = pictures.draw_scene(400, 400)[:, :, 0]
    mixed = np.where(np.arange(400)[:, None] < 200, noise, scene).astype(np.uint8)
    data = pictures.encoded(mixed, "JPEG", quality=60, optimize=True)
    before = decoded(data)
    after = before.copy()
    after[8:16, 8:16] = np.indices((8, 8)).sum(axis=0) % 2 * 255

    result, same = spliced(data, after)

    np.testing.assert_array_equal(decoded(result)[same], before[same])
    assert same.sum() >= 400 * 400 - 100
    assert len(layout_of(jpeg.split(data)).tables[1, 0].codes) < 162
    assert len(layout_of(jpeg.split(result)).tables[1, 0].codes) == 162


def test_a_progressive_file_is_left_to_others() -> None:
    data = drawn(progressive=True)

    with pytest.raises(Unwalkable):
        spliced(data, 255 - decoded(data))


def test_a_cutout_of_other_tables_is_not_taken() -> None:
    data = drawn(quality=80)
    parts = jpeg.split(data)

    with pytest.raises(Unwalkable):
        splice(
            parts,
            decoded(data),
            255 - decoded(data),
            lambda cutout: pictures.encoded(cutout, "JPEG", quality=20),
        )


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 70),
    st.integers(1, 70),
    st.sampled_from(KINDS),
    st.integers(0, 2**32 - 1),
)
def test_any_change_of_any_picture_keeps_the_rest(
    width: int, height: int, options: dict[str, Any], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    scene = pictures.draw_scene(width, height, seed=seed % 100)
    data = pictures.encoded(scene, "JPEG", **options)
    before = decoded(data)
    after = before.copy()
    for _ in range(int(rng.integers(0, 4))):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        after[y : y + 9, x : x + 9] = rng.integers(0, 256, 3)

    result, same = spliced(data, after)

    np.testing.assert_array_equal(decoded(result)[same], before[same])
    again, _ = spliced(result, decoded(result))
    assert again == result
