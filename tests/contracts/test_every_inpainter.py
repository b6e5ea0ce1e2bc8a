"""One suite for every engine of the catalogue, and for the fake beside them."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from detectors.arrays import RgbArray
from detectors.geometry import Size
from pipeline.inpainters.catalogue import BUILT_IN, build
from pipeline.inpainters.contract import Inpainter
from pipeline.records import Candidate, MaskedContent, PaintRequest
from pipeline.settings import InpaintSettings
from tests.pipeline.inpainters.requests import hole, request, stripes
from tests.pipeline.inpainters.tiny import save_family
from tests.pipeline.inpainters.tiny_whole import save_whole
from tests.support.fakes import FakeInpainter

Make = Callable[[Path], Inpainter]


def _tiny_diffusion(folder: Path) -> Inpainter:
    return build(
        InpaintSettings(
            engine="diffusion", model=str(folder), steps=2, batch=2, dtype="float32"
        )
    )


def _tiny_whole(folder: Path) -> Inpainter:
    model = save_whole("flux-fill", folder.parent)
    return build(
        InpaintSettings(
            engine="transformer", model=str(model), steps=2, dtype="float32"
        )
    )


def _classical(_: Path) -> Inpainter:
    return build(InpaintSettings(engine="classical"))


MAKERS: Mapping[str, Make] = {
    "diffusion": _tiny_diffusion,
    "transformer": _tiny_whole,
    "classical": _classical,
    "fake": lambda _: FakeInpainter(),
}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)  # networks this small only wait for each other's threads
    return save_family("sd-9", tmp_path_factory.mktemp("contract"))


@pytest.fixture(params=[*(spec.name for spec in BUILT_IN), "fake"])
def engine(request: pytest.FixtureRequest, checkpoint: Path) -> Iterator[Inpainter]:
    made = MAKERS[request.param](checkpoint)
    yield made
    made.close()


def asked(
    seeds: tuple[int, ...] = (3, 4, 5),
    first_number: int = 0,
    content: MaskedContent = "original",
) -> PaintRequest:
    return request(
        stripes(60, 44),
        hole(60, 44, (20, 12, 40, 30)),
        seeds=seeds,
        first_number=first_number,
        working=Size(64, 64),
        content=content,
    )


def pixels_of(candidate: Candidate) -> RgbArray:
    assert candidate.problem == ""
    assert candidate.pixels is not None
    return candidate.pixels


def test_it_says_what_it_is(engine: Inpainter) -> None:
    assert engine.name
    assert engine.size_multiple >= 1
    assert engine.native_px is None or engine.native_px > 0


def test_there_is_one_candidate_per_seed_sized_like_the_window(
    engine: Inpainter,
) -> None:
    shown = list(engine.paint(asked(first_number=6)))

    assert [(c.number, c.seed) for c in shown] == [(6, 3), (7, 4), (8, 5)]
    for candidate in shown:
        pixels = pixels_of(candidate)
        assert pixels.shape == (44, 60, 3)
        assert pixels.dtype == np.uint8
        assert candidate.took_s >= 0


def test_the_request_is_not_changed(engine: Inpainter) -> None:
    given = asked()
    before = (given.pixels.copy(), given.mask.copy(), given.cover.copy())

    list(engine.paint(given))

    for now, then in zip((given.pixels, given.mask, given.cover), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_the_same_request_gives_the_same_pixels(engine: Inpainter) -> None:
    once, again = (list(engine.paint(asked())) for _ in range(2))

    for one, other in zip(once, again, strict=True):
        np.testing.assert_array_equal(pixels_of(one), pixels_of(other))


def test_what_was_drawn_does_not_depend_on_stopping_early(engine: Inpainter) -> None:
    first = next(iter(engine.paint(asked())))

    whole = next(iter(list(engine.paint(asked()))))

    np.testing.assert_array_equal(pixels_of(first), pixels_of(whole))


def test_the_hole_is_repainted(engine: Inpainter) -> None:
    given = asked()

    for candidate in engine.paint(given):
        changed = pixels_of(candidate)[given.mask] != given.pixels[given.mask]
        assert changed.any()


@pytest.mark.parametrize(
    "content", ["original", "fill", "latent-noise", "latent-nothing"]
)
def test_every_masked_content_is_understood(
    engine: Inpainter, content: MaskedContent
) -> None:
    assert len(list(engine.paint(asked(seeds=(1,), content=content)))) == 1


def test_closing_twice_does_no_harm(engine: Inpainter) -> None:
    engine.close()
    engine.close()


def test_every_engine_of_the_catalogue_is_tried_here() -> None:
    assert {spec.name for spec in BUILT_IN} == set(MAKERS) - {"fake"}
