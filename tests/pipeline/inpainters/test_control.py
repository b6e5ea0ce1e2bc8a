"""ControlNets in the own denoise loop."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import safetensors.torch
import torch

from detectors.geometry import Size
from pipeline.errors import EnvironmentProblem, ModelMissing, UsageError
from pipeline.inpainters.catalogue import build
from pipeline.inpainters.diffusion.checkpoint import Checkpoint
from pipeline.inpainters.diffusion.control import ControlNet
from pipeline.inpainters.diffusion.control_load import load_control
from pipeline.inpainters.diffusion.denoise import Denoiser, Guidance
from pipeline.inpainters.diffusion.engine import DiffusionInpainter
from pipeline.inpainters.diffusion.load import load_checkpoint
from pipeline.inpainters.diffusion.region import Region
from pipeline.inpainters.diffusion.trajectory import Trajectory, start
from pipeline.models import LocatedModel
from pipeline.records import PaintRequest, Patch
from pipeline.settings import InpaintSettings
from tests.pipeline.inpainters.hand_points import open_hand
from tests.pipeline.inpainters.requests import hole, request, stripes
from tests.pipeline.inpainters.single_file import unet_name
from tests.pipeline.inpainters.tiny import WIDTH, WIDTH_2

CPU = torch.device("cpu")
STEPS, GUIDANCE, SEED, SCALE = 4, 5.0, 11, 0.7
PIXELS, MASK = stripes(64, 64), hole(64, 64, (16, 24, 48, 48))
PROMPT, NEGATIVE = "five fingers", "extra fingers"


def network(*, xl: bool = False) -> Any:
    """Make a random ControlNet; one that is fresh would be all zeros at its ends."""
    torch.manual_seed(5)
    changes: dict[str, Any] = {}
    if xl:
        changes = {
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": 6 * 8 + WIDTH_2,
        }
    made = diffusers.ControlNetModel(
        in_channels=4,
        block_out_channels=(16, 32),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        cross_attention_dim=WIDTH + WIDTH_2 if xl else WIDTH,
        attention_head_dim=4,
        norm_num_groups=8,
        # Two halvings: a latent of the tiny VAE is 4 px.
        conditioning_embedding_out_channels=(8, 8, 16),
        **changes,
    ).eval()
    with torch.no_grad():
        for weight in made.parameters():
            if not weight.any():
                weight.normal_(0, 0.3)
    return made


@pytest.fixture(scope="session")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    folder = tmp_path_factory.mktemp("nets")
    for kind in ("sd", "xl"):
        network(xl=kind == "xl").save_pretrained(folder / kind)
    return {kind: folder / kind for kind in ("sd", "xl")}


def settings(net: Path | str, **changes: Any) -> InpaintSettings:
    values = {
        "scheduler": "ddim",
        "steps": STEPS,
        "guidance_scale": GUIDANCE,
        "dtype": "float32",
        "control": "inpaint",
        "control_model": str(net),
        "control_scale": SCALE,
    }
    return InpaintSettings.model_validate(values | changes)


def loaded(folder: Path) -> Checkpoint:
    return load_checkpoint(LocatedModel("tiny", folder), (), CPU, torch.float32)


def asked(**changes: Any) -> PaintRequest:
    given: dict[str, Any] = {
        "working": Size(64, 64),
        "strength": 0.8,
        "blur_px": 0,
        "prompt": PROMPT,
        "negative_prompt": NEGATIVE,
    }
    return request(PIXELS, MASK, **(given | changes))


def finished(denoiser: Denoiser, region: Region) -> torch.Tensor:
    trajectory = start(region.conditions, SEED)
    while not trajectory.finished:
        denoiser.step([trajectory])
    return trajectory.latents


def theirs(folder: Path, net: Path, **window: float) -> torch.Tensor:
    xl = folder.name.startswith("xl")
    kind = "StableDiffusionXL" if xl else "StableDiffusion"
    extra: dict[str, Any] = {} if xl else {"safety_checker": None}
    whole = getattr(diffusers, f"{kind}ControlNetInpaintPipeline").from_pretrained(
        folder,
        controlnet=diffusers.ControlNetModel.from_pretrained(net),
        **extra,
    )
    whole.set_progress_bar_config(disable=True)
    _take_the_mode(whole.vae)
    signal = torch.from_numpy(PIXELS.astype(np.float32) / 255).permute(2, 0, 1)
    shown = signal.clone()
    shown[:, torch.from_numpy(MASK)] = -1.0
    with torch.no_grad():
        latents: torch.Tensor = whole(
            PROMPT,
            negative_prompt=NEGATIVE,
            image=signal[None],
            mask_image=torch.from_numpy(MASK).float()[None, None],
            control_image=shown[None],
            generator=torch.Generator().manual_seed(SEED),
            height=64,
            width=64,
            num_inference_steps=STEPS,
            strength=0.8,
            guidance_scale=GUIDANCE,
            controlnet_conditioning_scale=SCALE,
            output_type="latent",
            **window,
        ).images
    return latents[0]


def _take_the_mode(vae: Any) -> None:
    """Draw nothing when encoding, as the own loop does."""
    encode = vae.encode

    def told(pictures: torch.Tensor) -> Any:
        output = encode(pictures)
        output.latent_dist.sample = lambda generator=None: output.latent_dist.mode()
        return output

    vae.encode = told


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("family", ["sd-4", "sd-9", "xl-4"])
def test_latents_equal_those_of_diffusers(
    families: Mapping[str, Path], nets: Mapping[str, Path], family: str
) -> None:
    checkpoint, wanted = loaded(families[family]), settings(nets[family[:2]])
    control = load_control(wanted, checkpoint)
    region = DiffusionInpainter(checkpoint, wanted).prepare(asked())

    mine = finished(Denoiser(checkpoint, Guidance(GUIDANCE), control=control), region)

    expected = theirs(families[family], nets[family[:2]])
    torch.testing.assert_close(mine, expected, atol=1e-4, rtol=0)
    free = finished(Denoiser(checkpoint, Guidance(GUIDANCE)), region)
    assert not torch.allclose(mine, free, atol=1e-2)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_it_begins_and_ends_where_diffusers_does(
    families: Mapping[str, Path], nets: Mapping[str, Path]
) -> None:
    checkpoint = loaded(families["sd-4"])
    wanted = settings(nets["sd"], control_from=0.3, control_to=0.7)
    control = load_control(wanted, checkpoint)
    region = DiffusionInpainter(checkpoint, wanted).prepare(asked())

    mine = finished(Denoiser(checkpoint, Guidance(GUIDANCE), control=control), region)

    window = {"control_guidance_start": 0.3, "control_guidance_end": 0.7}
    expected = theirs(families["sd-4"], nets["sd"], **window)
    torch.testing.assert_close(mine, expected, atol=1e-4, rtol=0)


def test_it_steers_the_steps_that_lie_wholly_between_its_shares(
    families: Mapping[str, Path],
) -> None:
    checkpoint, wanted = loaded(families["sd-4"]), settings("unused", steps=8)
    region = DiffusionInpainter(checkpoint, wanted).prepare(asked(strength=0.5))
    trajectory = start(region.conditions, SEED)
    control = ControlNet("half", None, 1.0, 0.25, 0.75)

    steered = []
    for done in range(4):
        trajectory.steps_done = done
        steered.append(control.steers(trajectory))

    assert steered == [False, True, True, False]


def test_regions_with_and_without_a_hand_share_a_batch(
    families: Mapping[str, Path], nets: Mapping[str, Path]
) -> None:
    checkpoint = loaded(families["sd-9"])
    wanted = settings(nets["sd"], control="hand-pose")
    engine = DiffusionInpainter(checkpoint, wanted)
    control = load_control(wanted, checkpoint)
    denoiser = Denoiser(checkpoint, Guidance(GUIDANCE), control=control)
    hand, plain = engine.prepare(with_hand(asked())), engine.prepare(asked())
    alone = [finished(denoiser, region) for region in (hand, plain)]

    both: list[Trajectory] = [start(r.conditions, SEED) for r in (hand, plain)]
    while not both[0].finished:
        denoiser.step(both)

    assert hand.notes == ()
    assert plain.notes == (
        "no hand's joints are known here; painted without the ControlNet",
    )
    for trajectory, expected in zip(both, alone, strict=True):
        torch.testing.assert_close(trajectory.latents, expected, atol=1e-4, rtol=0)
    assert not torch.allclose(alone[0], alone[1], atol=1e-2)


def with_hand(request: PaintRequest) -> PaintRequest:
    pose = tuple((float(x), float(y)) for x, y in open_hand(32, 56, 2.2))
    patch = Patch(0, request.patch.box, request.mask, (), poses=(pose,))
    fields = {name: getattr(request, name) for name in request.__slots__}
    return PaintRequest(**(fields | {"patch": patch}))


def test_a_compiled_unet_is_steered_too(
    families: Mapping[str, Path], nets: Mapping[str, Path]
) -> None:
    checkpoint = loaded(families["sd-9"])
    painted = []
    for compiled in (False, True):
        wanted = settings(nets["sd"], steps=2, compile=compiled, batch=2)
        control = load_control(wanted, checkpoint)
        engine = DiffusionInpainter(
            checkpoint, wanted, control=control, compile_backend="eager"
        )
        painted.append([c.pixels for c in engine.paint(asked(seeds=(1, 2, 3)))])

    for plain, fast in zip(*painted, strict=True):
        assert plain is not None
        assert fast is not None
        np.testing.assert_allclose(plain.astype(int), fast.astype(int), atol=1)


def test_the_engine_paints_with_a_network_from_a_folder(
    families: Mapping[str, Path], nets: Mapping[str, Path]
) -> None:
    model = str(families["sd-9"])
    engine, free = (
        build(settings(net, model=model, steps=2, control=control))
        for net, control in ((nets["sd"], "inpaint"), ("", "none"))
    )

    (steered,) = engine.paint(asked(seeds=(1,)))
    (unsteered,) = free.paint(asked(seeds=(1,)))

    assert steered.pixels is not None
    assert unsteered.pixels is not None
    assert (steered.pixels != unsteered.pixels).any()


def test_a_file_of_another_shape_is_refused(
    families: Mapping[str, Path], nets: Mapping[str, Path]
) -> None:
    # The tiny network's picture embedding is not that of real ones.
    file = nets["sd"] / "diffusion_pytorch_model.safetensors"

    with pytest.raises(EnvironmentProblem, match="cannot be loaded"):
        load_control(settings(file), loaded(families["sd-9"]))


@pytest.mark.parametrize("original", [False, True])
def test_a_file_of_the_usual_shape_is_read_without_its_configuration(
    families: Mapping[str, Path], tmp_path: Path, original: bool
) -> None:
    checkpoint = loaded(families["sd-9"])
    torch.manual_seed(6)
    usual = diffusers.ControlNetModel.from_unet(loaded(families["sd-4"]).unet)
    file = tmp_path / "control.safetensors"
    tensors = usual.state_dict()
    if original:
        tensors = {f"control_model.{_first_name(n)}": t for n, t in tensors.items()}
    safetensors.torch.save_file(tensors, file)

    found = load_control(settings(file), checkpoint)

    assert found is not None
    assert found.channels == 4
    for name, weight in usual.state_dict().items():
        assert torch.equal(found.network.state_dict()[name], weight)


def _first_name(name: str) -> str:
    """Return what the first releases called a tensor of a ControlNet."""
    for now, then in (
        ("controlnet_down_blocks", "zero_convs"),
        ("controlnet_mid_block", "middle_block_out.0"),
        ("controlnet_cond_embedding.conv_in", "input_hint_block.0"),
        ("controlnet_cond_embedding.conv_out", "input_hint_block.14"),
    ):
        if name.startswith(f"{now}."):
            rest = name.removeprefix(f"{now}.")
            if then == "zero_convs":
                place, _, kind = rest.partition(".")
                return f"zero_convs.{place}.0.{kind}"
            return f"{then}.{rest}"
    if name.startswith("controlnet_cond_embedding.blocks."):
        place, kind = name.split(".")[2:]
        return f"input_hint_block.{2 * (int(place) + 1)}.{kind}"
    return unet_name(name)


def test_a_network_of_another_family_is_refused(
    families: Mapping[str, Path], nets: Mapping[str, Path]
) -> None:
    with pytest.raises(EnvironmentProblem, match="made for another family"):
        load_control(settings(nets["xl"]), loaded(families["sd-4"]))


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"control_model": ""}, UsageError, "names no ControlNet"),
        ({"control_from": 0.5, "control_to": 0.5}, UsageError, "must be smaller"),
        ({"control_model": "./nowhere"}, ModelMissing, "no network at"),
    ],
)
def test_settings_that_cannot_be_met_say_so(
    families: Mapping[str, Path],
    changes: dict[str, Any],
    error: type[Exception],
    says: str,
) -> None:
    with pytest.raises(error, match=says):
        load_control(settings("some", **changes), loaded(families["sd-4"]))


def test_other_engines_refuse_to_be_steered() -> None:
    with pytest.raises(UsageError, match="needs a Stable Diffusion"):
        build(InpaintSettings(engine="classical", control="inpaint"))


def union() -> Any:
    """Make a random ControlNet Union as large as `network`."""
    return diffusers.ControlNetUnionModel(
        in_channels=4,
        block_out_channels=(16, 32),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        cross_attention_dim=WIDTH,
        transformer_layers_per_block=1,
        attention_head_dim=4,
        norm_num_groups=8,
        conditioning_embedding_out_channels=(8, 8, 16),
        addition_time_embed_dim=8,
        num_trans_channel=16,
        num_trans_head=2,
        num_proj_channel=16,
    )


@pytest.mark.parametrize(
    ("says", "named"),
    [
        ("ControlNetUnionModel", "is a ControlNetUnionModel, and"),
        # What its first release said of itself.
        ("ControlNetModel", "is a ControlNet Union, and"),
    ],
)
def test_a_union_is_not_taken_for_a_plain_controlnet(
    families: Mapping[str, Path], tmp_path: Path, says: str, named: str
) -> None:
    union().save_pretrained(tmp_path / "union")
    config = tmp_path / "union" / "config.json"
    config.write_text(config.read_text().replace("ControlNetUnionModel", says))

    with pytest.raises(EnvironmentProblem, match=named):
        load_control(settings(tmp_path / "union"), loaded(families["sd-4"]))


@pytest.mark.parametrize("prefix", ["", "control_model."])
def test_a_file_with_a_union_is_refused(
    families: Mapping[str, Path], tmp_path: Path, prefix: str
) -> None:
    file = tmp_path / "union.safetensors"
    tensors = {f"{prefix}{n}": t for n, t in union().state_dict().items()}
    safetensors.torch.save_file(tensors, file)

    with pytest.raises(EnvironmentProblem, match="is a ControlNet Union, and"):
        load_control(settings(file), loaded(families["sd-4"]))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"mid_block.resnets.0.conv1.bias": None}, "lacks mid_block.* 0 other"),
        ({"a.b": torch.zeros(1), "c": torch.ones(1)}, "holds a.b and 1 other"),
    ],
)
@pytest.mark.parametrize("single", [False, True])
def test_weights_too_few_or_too_many_are_refused(
    families: Mapping[str, Path],
    tmp_path: Path,
    changes: dict[str, torch.Tensor | None],
    says: str,
    single: bool,
) -> None:
    usual = diffusers.ControlNetModel.from_unet(loaded(families["sd-4"]).unet)
    usual.save_pretrained(tmp_path / "net")
    file = tmp_path / "net" / "diffusion_pytorch_model.safetensors"
    tensors = safetensors.torch.load_file(file) | changes
    kept = {name: each for name, each in tensors.items() if each is not None}
    safetensors.torch.save_file(kept, file, {"format": "pt"})

    with pytest.raises(EnvironmentProblem, match=says):
        load_control(
            settings(file if single else file.parent), loaded(families["sd-4"])
        )
