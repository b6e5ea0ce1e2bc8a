"""The table of engines; list, look up, build."""

import difflib
import importlib
from collections.abc import Mapping

from pipeline.errors import UsageError
from pipeline.inpainters.contract import Inpainter, InpainterSpec
from pipeline.settings import InpaintSettings

BUILT_IN = (
    InpainterSpec(
        name="diffusion",
        sentence="Stable Diffusion 1.x, 2.x and XL checkpoints, inpainting or plain",
        target="pipeline.inpainters.diffusion.engine:build",
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


def build(
    settings: InpaintSettings, specs: tuple[InpainterSpec, ...] = BUILT_IN
) -> Inpainter:
    """Build the engine that the settings name; nothing is ever downloaded here.

    Raises:
        UsageError: there is no such engine, or its settings contradict each other.
        ModelMissing: its model is not on this machine.
        EnvironmentProblem: the device that was asked for is not there.
    """
    table = by_name(specs)
    if settings.engine not in table:
        near = difflib.get_close_matches(settings.engine, table, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UsageError(
            f"there is no engine {settings.engine!r}; {hint}known: {', '.join(table)}"
        )
    module, function = table[settings.engine].target.split(":")
    inpainter: Inpainter = getattr(importlib.import_module(module), function)(settings)
    return inpainter
