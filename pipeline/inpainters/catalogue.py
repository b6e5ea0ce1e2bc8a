"""The table of engines; list, look up, build."""

import difflib
import importlib
import json
from collections.abc import Mapping

from pipeline.errors import UsageError
from pipeline.inpainters import classical
from pipeline.inpainters.contract import Inpainter, InpainterSpec
from pipeline.inpainters.removals import with_fill
from pipeline.model_files import INDEX
from pipeline.models import locate
from pipeline.settings import InpaintSettings

BUILT_IN = (
    InpainterSpec(
        name="diffusion",
        sentence="Stable Diffusion 1.x, 2.x and XL checkpoints, inpainting or plain",
        target="pipeline.inpainters.diffusion.engine:build",
    ),
    InpainterSpec(
        name="transformer",
        sentence="Flux, SD 3, Qwen-Image, Z-Image: whole pipelines of diffusers",
        target="pipeline.inpainters.transformer.engine:build",
    ),
    InpainterSpec(
        name="classical",
        sentence="PatchMatch and Telea: removes things; no weights, runs anywhere",
        target="pipeline.inpainters.classical:build",
    ),
)


def by_name(
    specs: tuple[InpainterSpec, ...] = BUILT_IN,
) -> Mapping[str, InpainterSpec]:
    """Index the table.

    Raises:
        ValueError: a name is used twice.
    """
    table: dict[str, InpainterSpec] = {}
    for spec in specs:
        if spec.name in table:
            raise ValueError(f"two engines are called {spec.name!r}")
        table[spec.name] = spec
    return table


def module_of(
    settings: InpaintSettings, specs: tuple[InpainterSpec, ...] = BUILT_IN
) -> str:
    """Return the module that most likely builds the engine; the model is not looked at.

    Raises:
        UsageError: there is no such engine.
    """
    return _look_up(settings.engine, specs).target.partition(":")[0]


def build(
    settings: InpaintSettings, specs: tuple[InpainterSpec, ...] = BUILT_IN
) -> Inpainter:
    """Build the engine that the settings name; nothing is ever downloaded here.

    Raises:
        UsageError: there is no such engine, or its settings contradict each other.
        ModelMissing: its model is not on this machine.
        EnvironmentProblem: the device that was asked for is not there.
    """
    name = _fitting(settings) if settings.engine == "diffusion" else settings.engine
    spec = _look_up(name, specs)
    if settings.control != "none" and name != "diffusion":
        raise UsageError(
            f"inpaint.control = {settings.control!r} needs a Stable Diffusion 1.x, 2.x "
            f'or XL model, and the engine is {name!r}; set it to "none"'
        )
    only_there = [part for part in ("vae", "embeddings") if getattr(settings, part)]
    if only_there and name == "transformer":
        raise UsageError(
            f"inpaint.{only_there[0]} needs a Stable Diffusion 1.x, 2.x or XL model, "
            f"and the engine is {name!r}; leave it out"
        )
    module, function = spec.target.split(":")
    inpainter: Inpainter = getattr(importlib.import_module(module), function)(settings)
    if inpainter.draws and settings.removal == "fill":
        return with_fill(inpainter, classical.build(settings))
    return inpainter


def _look_up(name: str, specs: tuple[InpainterSpec, ...]) -> InpainterSpec:
    table = by_name(specs)
    if name not in table:
        near = difflib.get_close_matches(name, table, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UsageError(
            f"there is no engine {name!r}; {hint}known: {', '.join(table)}"
        )
    return table[name]


def _fitting(settings: InpaintSettings) -> str:
    """Return the engine that paints with the model: "diffusion" for one with a UNet.

    So `--model flux-fill` is enough, and nobody must know which engine that needs.

    Raises:
        ModelMissing, EnvironmentProblem, UsageError: there is no such model here.
    """
    path = locate(settings.model, settings.revision, settings.parts).path
    if not path.is_dir():
        return "diffusion"
    index = json.loads((path / INDEX).read_text(encoding="utf-8"))
    return "transformer" if "transformer" in index else "diffusion"
