"""What the engine promises, on tiny random networks."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from detectors.geometry import Size
from pipeline.errors import PaintFailed
from pipeline.inpainters.diffusion.checkpoint import Checkpoint
from pipeline.inpainters.diffusion.denoise import Denoiser, Guidance
from pipeline.inpainters.diffusion.engine import DiffusionInpainter
from pipeline.inpainters.diffusion.finishing import Finishing, Raw
from pipeline.inpainters.diffusion.latents import LatentCodec
from pipeline.inpainters.diffusion.load import load_checkpoint
from pipeline.inpainters.diffusion.region import Preparation, Region
from pipeline.inpainters.diffusion.text import TextEncoding
from pipeline.inpainters.diffusion.trajectory import start
from pipeline.models import LocatedModel
from pipeline.records import Candidate, PaintRequest
from pipeline.settings import InpaintSettings
from tests.pipeline.inpainters.requests import hole, request, stripes

SIZE = Size(64, 64)
PIXELS, MASK = stripes(64, 64), hole(64, 64, (16, 24, 48, 48))


def load(folder: Path, dtype: torch.dtype = torch.float32) -> Checkpoint:
    located = LocatedModel("tiny", folder)
    return load_checkpoint(located, (), torch.device("cpu"), dtype)


def engine(folder: Path, **changes: object) -> DiffusionInpainter:
    options = {"steps": 4, "scheduler": "euler-a", "batch": 3} | changes
    return DiffusionInpainter(load(folder), InpaintSettings.model_validate(options))


def asked(**changes: object) -> PaintRequest:
    options = {"working": SIZE, "seeds": (5, 6, 7)} | changes
    return request(PIXELS, MASK, **options)  # type: ignore[arg-type]


def prepared(
    model: Checkpoint, settings: InpaintSettings | None = None, **changes: object
) -> Region:
    settings = settings or InpaintSettings(steps=4, scheduler="euler-a")
    return Preparation(model, LatentCodec(model), settings).prepare(asked(**changes))


class Calls:
    """Counts the samples that a network is run on."""

    def __init__(self, network: torch.nn.Module, method: str = "") -> None:
        self.batches: list[int] = []
        target = getattr(network, method) if method else network
        target.register_forward_pre_hook(self._note, with_kwargs=True)

    def _note(
        self, _: torch.nn.Module, given: tuple[torch.Tensor, ...], named: object
    ) -> None:
        self.batches.append(int(given[0].shape[0]))


def assert_alike(one: Candidate, other: Candidate) -> None:
    assert one.pixels is not None
    assert other.pixels is not None
    apart = np.abs(one.pixels.astype(int) - other.pixels)
    assert apart.max() <= 1


@pytest.mark.parametrize("family", ["sd-4", "sd-9", "xl-4"])
def test_a_candidate_is_the_same_alone_in_a_batch_and_in_any_order(
    families: Mapping[str, Path], family: str
) -> None:
    painter = engine(families[family])
    together = {c.seed: c for c in painter.paint(asked())}

    turned = {c.seed: c for c in painter.paint(asked(seeds=(7, 5, 6)))}
    alone = next(iter(painter.paint(asked(seeds=(7,)))))

    assert_alike(together[7], alone)
    for seed, candidate in together.items():
        assert_alike(candidate, turned[seed])


def test_candidates_of_different_seeds_differ(families: Mapping[str, Path]) -> None:
    one, other, _ = engine(families["sd-4"]).paint(asked())

    assert one.pixels is not None
    assert other.pixels is not None
    assert np.abs(one.pixels.astype(int) - other.pixels).mean() > 0.2


def test_numbers_go_on_counting(families: Mapping[str, Path]) -> None:
    shown = engine(families["sd-4"], batch=2).paint(asked(first_number=4, patch=2))

    assert [(c.patch, c.number, c.seed) for c in shown] == [
        (2, 4, 5),
        (2, 5, 6),
        (2, 6, 7),
    ]


def test_what_is_not_drawn_is_not_painted(families: Mapping[str, Path]) -> None:
    painter = DiffusionInpainter(
        model := load(families["sd-4"]), InpaintSettings(steps=4, batch=1)
    )
    calls = Calls(model.unet)

    next(iter(painter.paint(asked(strength=0.5))))

    assert calls.batches == [2, 2]


@pytest.mark.parametrize(("family", "encoded"), [("sd-4", [1]), ("sd-9", [2])])
def test_a_region_is_encoded_in_one_call(
    families: Mapping[str, Path], family: str, encoded: list[int]
) -> None:
    model = load(families[family])
    calls = Calls(model.vae, "encoder")

    list(DiffusionInpainter(model, InpaintSettings(steps=2)).paint(asked()))

    assert calls.batches == encoded


def test_many_candidates_are_decoded_a_few_at_a_time(
    families: Mapping[str, Path],
) -> None:
    model = load(families["sd-4"])
    calls = Calls(model.vae, "decoder")

    pictures, _ = LatentCodec(model).decode(torch.zeros(9, 4, 8, 8))

    assert calls.batches == [4, 4, 1]
    assert len(pictures) == 9


def test_each_distinct_prompt_is_encoded_once(families: Mapping[str, Path]) -> None:
    model = load(families["xl-4"])
    calls = Calls(model.text_encoders[0])
    text = TextEncoding(model, 0)

    for prompt in ("a", "b", "a", "b", "b"):
        text.encode(prompt)

    assert calls.batches == [1, 1]


def test_clip_skip_takes_an_earlier_layer_through_the_final_norm(
    families: Mapping[str, Path],
) -> None:
    model = load(families["sd-4"])
    encoder, tokenizer = model.text_encoders[0], model.tokenizers[0]
    ids = tokenizer("hand", padding="max_length", return_tensors="pt").input_ids
    with torch.no_grad():
        layers = encoder(ids, output_hidden_states=True).hidden_states
        inner = getattr(encoder, "text_model", encoder)
        expected = inner.final_layer_norm(layers[-2])[0]

    found = TextEncoding(model, 1).encode("hand").hidden

    torch.testing.assert_close(found, expected)


def test_a_prompt_that_is_too_long_is_said_to_be_cut(
    families: Mapping[str, Path],
) -> None:
    candidate = next(
        iter(engine(families["sd-4"], steps=2).paint(asked(prompt="x" * 305)))
    )

    assert "5 tokens too long" in candidate.notes[0]


def test_sdxl_at_full_strength_is_run_at_099_and_says_so(
    families: Mapping[str, Path],
) -> None:
    painter = engine(families["xl-9"], steps=2)

    full = next(iter(painter.paint(asked(strength=1.0, seeds=(5,)))))
    nearly = next(iter(painter.paint(asked(strength=0.99, seeds=(5,)))))

    assert "run at 0.99" in full.notes[0]
    assert nearly.notes == ()
    assert_alike(full, nearly)


@pytest.mark.parametrize("family", ["sd-4", "sd-9", "xl-9"])
def test_guidance_outside_its_interval_costs_nothing_and_changes_nothing(
    families: Mapping[str, Path], family: str
) -> None:
    model = load(families[family])
    settings = InpaintSettings(steps=4, scheduler="euler")
    region = prepared(model, settings, strength=1.0)
    sigmas = region.conditions.schedule.sigmas
    middle = (sigmas[1] + sigmas[2]) / 2

    late = Denoiser(model, Guidance(6.0, from_sigma=middle))
    early = Denoiser(model, Guidance(6.0, to_sigma=middle))
    off = Denoiser(model, Guidance(6.0, from_sigma=1e6))
    alone = Denoiser(model, Guidance(1.0))

    def run(denoiser: Denoiser) -> tuple[list[int], torch.Tensor]:
        trajectory, samples = start(region.conditions, 1), []
        while not trajectory.finished:
            samples.append(denoiser.step([trajectory]))
        return samples, trajectory.latents

    steps = len(sigmas)
    assert run(late)[0] == [2, 2] + [1] * (steps - 2)
    assert run(early)[0] == [1, 1] + [2] * (steps - 2)
    torch.testing.assert_close(run(off)[1], run(alone)[1])
    assert not torch.allclose(run(late)[1], run(alone)[1])


def test_a_variation_that_is_not_finite_fails_alone(
    families: Mapping[str, Path],
) -> None:
    region = prepared(model := load(families["sd-4"]))
    done = [start(region.conditions, seed) for seed in (1, 2)]
    done[0].latents[0, 3, 3] = float("nan")
    raws = [Raw(region, n, t.seed, t.latents, 0.1) for n, t in enumerate(done)]

    bad, good = Finishing(LatentCodec(model)).finish(raws, 4)

    assert bad.pixels is None
    assert "NaN" in bad.problem
    assert good.pixels is not None
    assert good.problem == ""


def test_networks_that_return_nan_yield_candidates_with_a_problem(
    families: Mapping[str, Path],
) -> None:
    model = load(families["sd-4"])
    model.unet.conv_out.bias.data[:] = float("nan")

    shown = list(DiffusionInpainter(model, InpaintSettings(steps=2)).paint(asked()))

    assert [c.pixels for c in shown] == [None] * 3
    assert all("NaN" in c.problem for c in shown)


def test_a_decoder_that_overflows_is_run_once_more_in_float32(
    families: Mapping[str, Path],
) -> None:
    model = load(families["sd-4"], torch.bfloat16)

    def overflow(_: torch.nn.Module, __: object, given: torch.Tensor) -> torch.Tensor:
        return given if given.dtype == torch.float32 else given * float("inf")

    model.vae.decoder.register_forward_hook(overflow)

    pictures, again = LatentCodec(model).decode(torch.zeros(2, 4, 16, 16))

    assert again == [True, True]
    assert all(picture is not None for picture in pictures)
    assert model.vae.dtype == torch.bfloat16


def test_latents_survive_the_statistics_of_a_vae(families: Mapping[str, Path]) -> None:
    model = load(families["xl-4"])
    plain = LatentCodec(model).encode([PIXELS])
    model.vae.register_to_config(
        latents_mean=[0.1, -0.2, 0.3, 0.0], latents_std=[0.5, 2.0, 1.0, 4.0]
    )
    normed = LatentCodec(model)

    encoded = normed.encode([PIXELS])

    mean = torch.tensor([0.1, -0.2, 0.3, 0.0]).view(1, 4, 1, 1)
    spread = torch.tensor([0.5, 2.0, 1.0, 4.0]).view(1, 4, 1, 1)
    factor = model.vae.config.scaling_factor
    expected = (plain / factor - mean) / spread * factor
    torch.testing.assert_close(encoded, expected)
    model.vae.register_to_config(latents_mean=None, latents_std=None)
    one, other = normed.decode(encoded)[0][0], LatentCodec(model).decode(plain)[0][0]
    assert one is not None
    assert other is not None
    assert np.abs(one.astype(int) - other).max() <= 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [({"working": Size(62, 64)}, "62x64 is not divisible by 4")],
)
def test_a_size_that_the_model_cannot_do_is_refused(
    families: Mapping[str, Path], changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(PaintFailed, match=sentence):
        engine(families["sd-4"]).paint(asked(**changes))


def test_a_blank_mask_is_refused(families: Mapping[str, Path]) -> None:
    with pytest.raises(PaintFailed, match="blank"):
        engine(families["sd-4"]).paint(request(PIXELS, np.zeros_like(MASK)))


def test_closing_twice_does_no_harm_and_painting_afterwards_is_refused(
    families: Mapping[str, Path],
) -> None:
    painter = engine(families["sd-4"])

    painter.close()
    painter.close()

    with pytest.raises(PaintFailed, match="closed"):
        painter.paint(asked())


def test_a_window_of_odd_size_comes_back_at_its_size(
    families: Mapping[str, Path],
) -> None:
    odd = request(stripes(53, 37), hole(53, 37, (10, 8, 30, 30)), working=SIZE)

    candidate = next(iter(engine(families["sd-9"], steps=2).paint(odd)))

    assert candidate.pixels is not None
    assert candidate.pixels.shape == (37, 53, 3)


def test_a_plain_unet_leaves_the_latents_around_the_mask_as_encoded(
    families: Mapping[str, Path],
) -> None:
    region = prepared(load(families["sd-4"]), blur_px=0)
    trajectory = start(region.conditions, 1)
    denoiser = Denoiser(load(families["sd-4"]), Guidance(3.0))

    while not trajectory.finished:
        denoiser.step([trajectory])

    around = region.conditions.mask[0] == 0
    torch.testing.assert_close(
        trajectory.latents[:, around], region.conditions.encoded[:, around]
    )
    assert trajectory.predicted is not None
    assert trajectory.predicted.shape == trajectory.latents.shape


def out_of_memory_above(rows: int, calls: list[int]) -> Callable[..., None]:
    def check(_: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        calls.append(int(given[0].shape[0]))
        if calls[-1] > rows:
            raise torch.OutOfMemoryError("CUDA out of memory")

    return check


def test_too_little_memory_for_a_batch_paints_one_by_one_and_remembers(
    families: Mapping[str, Path],
) -> None:
    model, calls = load(families["sd-4"]), list[int]()
    painter = DiffusionInpainter(model, InpaintSettings(steps=2, batch=3))
    expected = [c.pixels for c in painter.paint(asked(strength=0.5))]
    model.unet.register_forward_pre_hook(out_of_memory_above(2, calls))

    shown = list(painter.paint(asked(strength=0.5)))
    again = list(painter.paint(asked(strength=0.5)))

    assert calls == [6, 2, 2, 2, 2, 2, 2]
    assert [c.seed for c in shown] == [5, 6, 7]
    assert all("one by one" in c.notes[-1] for c in (*shown, *again))
    for pixels, candidate in zip(expected, shown, strict=True):
        assert pixels is not None
        assert candidate.pixels is not None
        assert np.abs(pixels.astype(int) - candidate.pixels).max() <= 1


def test_too_little_memory_for_anything_is_a_problem_and_no_rung_is_tried_twice(
    families: Mapping[str, Path],
) -> None:
    model, calls = load(families["sd-4"]), list[int]()
    model.unet.register_forward_pre_hook(out_of_memory_above(0, calls))
    painter = DiffusionInpainter(model, InpaintSettings(steps=2, batch=2))

    shown = list(painter.paint(asked(seeds=(5, 6))))

    # Two by two, one by one, and smaller; then the second one, smaller.
    assert all("too little memory for 64x64" in c.problem for c in shown)
    assert calls == [4, 2, 2, 2]
