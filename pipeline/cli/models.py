"""nightmend models: list, fetch and verify inpainting models."""

from typing import Annotated

import typer

from pipeline import models
from pipeline.errors import ExitCode, UsageError
from pipeline.inpainters import catalogue
from pipeline.model_presets import preset_for
from pipeline.models import ModelState

_USES = {
    "inpainting": "paints, made for it",
    "plain": "paints",
    "parts": "for single files",
    "transformer": "paints, by its own pipeline",
    "control": "steers, as inpaint.control_model",
    "detector": "detector `segments`",
}


def list_models() -> ExitCode:
    """List the engines and the named models, and which of these are here."""
    for spec in catalogue.BUILT_IN:
        print(f"engine {spec.name:11}  {spec.sentence}")
    print()
    for state in models.states():
        print(_line(state))
    print(
        "\nAlso taken by --model: a hub id such as org/model, a diffusers folder, or "
        "one .safetensors file."
    )
    return ExitCode.OK


def fetch(
    names: Annotated[
        list[str], typer.Argument(help="Presets or hub ids.", metavar="NAME...")
    ],
    revision: Annotated[
        str, typer.Option(help="Commit or branch; default: the pinned one.")
    ] = "",
    update: Annotated[
        bool, typer.Option("--update", help="Pin what the hub holds now.")
    ] = False,
) -> ExitCode:
    """Fetch models before the night; a run itself never downloads.

    The first fetch pins the commit and the SHA-256 of each file; `verify` and later
    fetches compare with that.
    """
    if revision and len(names) > 1:
        raise UsageError("--revision goes with one model; fetch them one by one")
    for name in names:
        print(f"{name}:")
        path = models.fetch(
            name, revision, update, tell=lambda line: print(f"  {line}")
        )
        print(f"  in {path}")
        preset = preset_for(name)
        if preset.use == "detector":
            _, digest = models.weights_of(name)
            print(f'  use it by: --set segments.weights="{path}"')
            print(f'             --set segments.sha256="{digest}"')
    return ExitCode.OK


def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Presets or hub ids; default: all that were fetched, or came along."
        ),
    ] = None,
) -> ExitCode:
    """Compute the digests of fetched models again and compare them with the pins."""
    chosen = names or [state.preset.name for state in models.states() if state.commit]
    worst = ExitCode.OK
    for name in chosen:
        problems = models.verify(name)
        origin = "shipped" if preset_for(name).shipped else "fetched"
        print(f"{name}: {'NOT in order' if problems else f'as it was {origin}'}")
        for problem in problems:
            print(f"  ! {problem}")
            worst = ExitCode.ENVIRONMENT
    if not chosen:
        print("no model was fetched yet; see `nightmend models list`")
    return worst


SUBCOMMANDS = {"list": list_models, "fetch": fetch, "verify": verify}


def _line(state: ModelState) -> str:
    preset = state.preset
    here = "here" if state.here else "-"
    size = (
        f"{preset.size_mib / 1024:.1f} GiB"
        if preset.size_mib >= 1024
        else f"{preset.size_mib} MiB"
    )
    return (
        f"{preset.name:16} {here:5} {size:>9}  {preset.sentence}\n"
        f"{'':33}{_origin(state)}\n"
        f"{'':33}{preset.licence}; {_USES[preset.use]}"
    )


def _origin(state: ModelState) -> str:
    preset = state.preset
    if preset.shipped:
        held = f", digest {state.commit[:12]}" if state.commit else ""
        return f"comes with nightmend{held}"
    revision = state.commit[:12] or f"{preset.revision}, pinned on first fetch"
    return f"{preset.hub_id} @ {revision}"
