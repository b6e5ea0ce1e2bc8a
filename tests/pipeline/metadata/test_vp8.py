import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.metadata import vp8, webp
from pipeline.metadata.damaged import Damaged
from tests.support import pictures


def frame(quality: int, width: int = 120, height: int = 96) -> bytes:
    scene = pictures.draw_scene(width, height)
    data = pictures.encoded(scene, "WEBP", quality=quality)
    return next(c.body for c in webp.split(data).chunks if c.kind == b"VP8 ")


@pytest.mark.parametrize("quality", [10, 30, 50, 70, 80, 90, 95, 100])
def test_the_quality_is_found_again(quality: int) -> None:
    assert vp8.quality_of(frame(quality)) == pytest.approx(quality, abs=2.5)


def test_too_short_a_frame_is_damage() -> None:
    with pytest.raises(Damaged):
        vp8.quality_of(b"\0" * 11)


@given(st.binary(min_size=12, max_size=60))
def test_garbage_gives_some_quality(garbage: bytes) -> None:
    assert 0.0 <= vp8.quality_of(garbage) <= 100.0
