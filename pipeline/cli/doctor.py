"""nightmend doctor: weights, devices, packages, and the settings in force."""

import importlib.metadata
import importlib.util
import platform
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pipeline
from detectors import catalogue, weights
from pipeline import __version__, devices, models
from pipeline.cli import options
from pipeline.cli.detectors import lacks
from pipeline.errors import ExitCode, NightmendError
from pipeline.inpainters import catalogue as engines
from pipeline.model_networks import locate_network
from pipeline.model_presets import PRESETS
from pipeline.names import shown
from pipeline.settings_file import Loaded, load_settings

PACKAGES = (
    "torch",
    "diffusers",
    "transformers",
    "numpy",
    "opencv-python",
    "pillow",
    "mediapipe",
    "ai-edge-litert",
    "huggingface-hub",
    "ultralytics",
)
OWN_PACKAGES = ("pipeline", "detectors")


def command(
    config: options.ConfigFile = None, overrides: options.Overrides = None
) -> ExitCode:
    """Tell what is installed, what is missing, and which settings are in force.

    Exits 5 when the detectors and the engine of the settings cannot work here.
    """
    loaded = load_settings(config, overrides=overrides or (), start=Path.cwd())
    _print("Program", _program())
    _print("Packages", _versions())
    _print("Weights", _weights())
    chosen = set(loaded.settings.detect.detectors)
    detector_lacks = {spec.name: lacks(spec) for spec in catalogue.BUILT_IN}
    _print("Detectors", _lines(detector_lacks, chosen))
    engine = loaded.settings.inpaint.engine
    names = dict.fromkeys((*engines.by_name(), engine))
    engine_lacks = {name: _engine_lacks(name, loaded) for name in names}
    _print("Engines", _lines(engine_lacks, {engine}))
    _print("Settings", _settings(loaded))
    strangers = [name for name in OWN_PACKAGES if not _is_ours(name)]
    wrong = any(detector_lacks.get(name) for name in chosen) or strangers
    return ExitCode.ENVIRONMENT if wrong or engine_lacks[engine] else ExitCode.OK


def _print(title: str, lines: Iterator[str]) -> None:
    print(f"{title}:")
    for line in lines:
        print(f"  {line}")


def _program() -> Iterator[str]:
    yield f"nightmend {__version__} in {shown(Path(pipeline.__file__).parent)}"
    yield f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    yield f"{platform.platform()}, {platform.machine()}"
    for name in OWN_PACKAGES:
        if not _is_ours(name):
            yield (
                f"! the package {name!r} that Python finds is not this project's; "
                "another project of that name is installed here"
            )


def _is_ours(name: str) -> bool:
    """Tell whether a package of this name is found beside this program's own code."""
    spec = importlib.util.find_spec(name)
    home = Path(__file__).resolve().parents[2]
    return (
        spec is not None
        and spec.origin is not None
        and Path(spec.origin).resolve().is_relative_to(home / name)
    )


def _versions() -> Iterator[str]:
    for name in PACKAGES:
        try:
            yield f"{name} {importlib.metadata.version(name)}"
        except importlib.metadata.PackageNotFoundError:
            yield f"{name} is not installed"


def _weights() -> Iterator[str]:
    """Tell of each file of weights; of a whole model in one line while all is well."""
    shipped = [preset for preset in PRESETS if preset.shipped]
    rows = {row.name: row for row in weights.status()}
    for preset in shipped:
        mine = [row for name, row in rows.items() if name.startswith(f"{preset.name}/")]
        if mine and all(row.state == "ok" for row in mine):
            rows = {name: row for name, row in rows.items() if row not in mine}
            folder = weights.own_folder() / preset.name
            first = mine[0]
            files = f"{len(mine)} files"
            yield f"  {preset.name}: ok, {files}, {first.origin}, {first.licence}"
            yield f"    {shown(folder)}"
    for row in rows.values():
        mark = "  " if row.state == "ok" else "! "
        yield f"{mark}{row.name}: {row.state}, {shown(row.origin)}, {row.licence}"
        yield f"    {shown(row.detail)}"


def _lines(table: dict[str, tuple[str, ...]], chosen: set[str]) -> Iterator[str]:
    for name, problems in table.items():
        used = " (in use)" if name in chosen else ""
        yield f"{name}{used}: {'ready' if not problems else 'not ready'}"
        for problem in problems:
            yield f"  ! {shown(problem)}"


def _engine_lacks(name: str, loaded: Loaded) -> tuple[str, ...]:
    """Return what keeps an engine from working here, without loading its model."""
    if name not in engines.by_name():
        return (f"there is no engine {name!r}",)
    if name != "diffusion":
        package = engines.by_name()[name].package
        found = not package or importlib.util.find_spec(package) is not None
        return () if found else (f"the package {package!r} is not installed",)
    inpaint = loaded.settings.inpaint
    problems = []
    try:
        devices.choose_device(inpaint.device)
        models.locate(inpaint.model, inpaint.revision, inpaint.parts)
        if inpaint.control != "none" and inpaint.control_model:
            locate_network(inpaint.control_model)
    except NightmendError as error:
        problems.append(str(error))
    return tuple(problems)


def _settings(loaded: Loaded) -> Iterator[str]:
    """List every setting that is not a default, and where it came from."""
    yield f"file: {shown(loaded.file) if loaded.file else 'none'}"
    plain = loaded.settings.model_dump(mode="json")
    for section, values in plain.items():
        for name, value in values.items():
            key = f"{section}.{name}"
            origins = [o for k, o in loaded.origins.items() if f"{k}.".startswith(key)]
            mark = f"   <- {shown(origins[0])}" if origins else ""
            yield f"{key} = {shown(repr(value))}{mark}"
