"""Find a model on this machine, fetch it before the night, and prove it unchanged.

Nothing here is downloaded by `repair` or `check`: `locate` reads the disk alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import EnvironmentProblem, ModelMissing, UsageError
from pipeline.files import digest_file
from pipeline.model_files import (
    INDEX,
    NETWORK,
    check_suffix,
    check_whole,
    chosen_files,
    is_lone_network,
    is_small,
    is_weight,
    missing_parts,
    parts_preset,
)
from pipeline.model_hub import Hub, HubFile, HuggingFaceHub
from pipeline.model_lock import ModelLock, Pin, PinnedFile, user_lock
from pipeline.model_presets import PRESETS, Preset, preset_for
from pipeline.model_shipped import (
    is_here,
    shipped_digest,
    shipped_folder,
    shipped_problems,
)


@dataclass(frozen=True, slots=True)
class LocatedModel:
    """A model on this machine."""

    name: str
    """As the user named it; the file's or folder's name for a local one."""

    path: Path
    """A diffusers folder, or one .safetensors file."""

    commit: str = ""
    """Of a hub model; of a shipped one a digest of its files; else ""."""

    parts: Path | None = None
    """For a single file: the folder with its family's tokenizer and configurations."""


@dataclass(frozen=True, slots=True)
class ModelState:
    """What is known of one preset on this machine."""

    preset: Preset
    here: bool
    commit: str
    """The pinned one, or "" before the first fetch; a digest of a shipped model."""


def locate(
    model: str,
    revision: str,
    parts: Path | None,
    hub: Hub | None = None,
    lock: ModelLock | None = None,
) -> LocatedModel:
    """Find a model without asking the network.

    Args:
        model: A preset, a hub id, a diffusers folder, or one .safetensors file.
        revision: Commit of a hub model; "" takes the pinned one, else the preset's.
        parts: For a single file, the folder to take the tokenizer from; None looks for
            the fetched parts of its family.
        hub: Whose cache is searched; None means huggingface.co's.
        lock: The pins; None means the user's.

    Raises:
        ModelMissing: it is not here; the sentence names the two ways on.
        EnvironmentProblem: it is here, and of no use.
        UsageError: the name means nothing.
    """
    hub, lock = hub or HuggingFaceHub(), lock or user_lock()
    path = Path(model).expanduser()
    if path.is_dir():
        check_whole(path, model)
        return LocatedModel(path.resolve().name, path.resolve())
    if path.is_file():
        check_suffix(path)
        found = parts or _parts_for(path, hub, lock)
        return LocatedModel(path.stem, path.resolve(), parts=found)
    if path.suffix or model.startswith((".", "/", "~")):
        raise ModelMissing(
            f"there is no model at {path}; give a diffusers folder, a .safetensors "
            "file, or a name from `nightmend models list`, or repair without a model "
            "by `--engine classical`"
        )
    return _locate_preset(preset_for(model), revision, hub, lock)


def fetch(
    name: str,
    revision: str,
    update: bool,
    hub: Hub | None = None,
    lock: ModelLock | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Path:
    """Fetch a model and pin it.

    Args:
        name: A preset or a hub id.
        revision: Commit or branch; "" takes the pinned commit, else the preset's.
        update: Take what the preset's branch holds now, and pin that instead.
        hub: Where to fetch from; None means huggingface.co.
        lock: The pins; None means the user's.
        tell: Is told one line per file.

    Returns:
        The model's folder; for a preset of one file, that file.

    Raises:
        EnvironmentProblem: the hub cannot be reached or lacks the model, or what came
            is not what was pinned.
        UsageError: the name means nothing.
    """
    hub, lock = hub or HuggingFaceHub(), lock or user_lock()
    preset = preset_for(name)
    if preset.shipped:
        tell("comes with nightmend: its files are compared with their digests")
        return shipped_folder(preset, revision)
    pin = lock.read().get(preset.hub_id)
    wanted = revision or (pin.commit if pin and not update else preset.revision)
    listing = hub.listing(preset.hub_id, wanted, preset.gated)
    files = chosen_files(listing.files, preset)
    known = pin.files if pin and pin.commit == listing.commit else {}
    pinned: dict[str, PinnedFile] = {}
    paths: dict[str, Path] = {}
    for file in files:
        tell(f"{file.name}  {file.size / 2**20:.1f} MiB")
        path = hub.download(preset.hub_id, listing.commit, file.name, preset.gated)
        pinned[file.name] = _checked(path, file, known.get(file.name))
        paths[file.name] = path
    lock.record(preset.hub_id, Pin(commit=listing.commit, files=pinned))
    if preset.files:
        return paths[preset.files[0]]
    return paths[INDEX if INDEX in paths else NETWORK].parent


def verify(
    name: str, hub: Hub | None = None, lock: ModelLock | None = None
) -> list[str]:
    """Compute the digests of a fetched or shipped model again.

    Returns:
        One sentence per file that is missing or differs; [] when all are as pinned.

    Raises:
        ModelMissing: it was never fetched by this program.
        UsageError: the name means nothing.
    """
    hub, lock = hub or HuggingFaceHub(), lock or user_lock()
    preset = preset_for(name)
    if preset.shipped:
        return shipped_problems(preset)
    pin = lock.read().get(preset.hub_id)
    files = {} if pin is None else _files_of(preset, pin)
    if pin is None or not files:
        raise ModelMissing(
            f"{name} was never fetched; do so with `nightmend models fetch {name}`"
        )
    problems = []
    for file, expected in sorted(files.items()):
        path = hub.cached(preset.hub_id, pin.commit, file)
        if path is None or not path.is_file():
            problems.append(f"{file} is missing; fetch {name} again")
        elif digest_file(path) != expected.sha256:
            problems.append(f"{path} is not the file that was fetched; remove it")
    return problems


def states(hub: Hub | None = None, lock: ModelLock | None = None) -> list[ModelState]:
    """Tell for every preset whether it is on this machine; asks no network."""
    hub, lock = hub or HuggingFaceHub(), lock or user_lock()
    pins = lock.read()
    found = []
    for preset in PRESETS:
        if preset.shipped:
            found.append(ModelState(preset, is_here(preset), shipped_digest(preset)))
            continue
        pin = pins.get(preset.hub_id)
        mine = pin is not None and bool(_files_of(preset, pin))
        found.append(
            ModelState(
                preset,
                _missing_of(preset, pin, hub) is None,
                pin.commit if pin is not None and mine else "",
            )
        )
    return found


def weights_of(
    name: str, hub: Hub | None = None, lock: ModelLock | None = None
) -> tuple[Path, str]:
    """Return the file of a detector's preset and its pinned SHA-256.

    Raises:
        ModelMissing: it was not fetched.
        UsageError: the name means nothing, or the preset is not one file.
    """
    hub, lock = hub or HuggingFaceHub(), lock or user_lock()
    preset = preset_for(name)
    pin = lock.read().get(preset.hub_id)
    pinned = pin.files.get(preset.files[0]) if pin and preset.files else None
    path = (
        hub.cached(preset.hub_id, pin.commit, preset.files[0])
        if pin and pinned
        else None
    )
    if path is None or pinned is None:
        raise ModelMissing(
            f"the weights {name} are not on this machine; fetch them with "
            f"`nightmend models fetch {name}`"
        )
    return path, pinned.sha256


def _locate_preset(
    preset: Preset, revision: str, hub: Hub, lock: ModelLock
) -> LocatedModel:
    if preset.use == "control":
        raise UsageError(f"{preset.name} only steers; see inpaint.control_model")
    if preset.shipped:
        folder = shipped_folder(preset, revision)
        return LocatedModel(preset.name, folder, commit=shipped_digest(preset))
    pin = lock.read().get(preset.hub_id)
    commit = revision or (pin.commit if pin else preset.revision)
    index = hub.cached(preset.hub_id, commit, INDEX)
    if index is None or (preset.use != "parts" and missing_parts(index.parent)):
        size = f", about {preset.size_mib / 1024:.1f} GiB" if preset.size_mib else ""
        raise ModelMissing(
            f"the model {preset.name} ({preset.hub_id}{size}) is not on this machine: "
            f"fetch it once with `nightmend models fetch {preset.name}`, or repair "
            "without it by `--engine classical`"
        )
    return LocatedModel(preset.name, index.parent, commit=index.parent.name)


def _parts_for(file: Path, hub: Hub, lock: ModelLock) -> Path:
    name = parts_preset(file)
    if not name:
        raise EnvironmentProblem(
            f"{file} does not say of which family it is; name a diffusers folder of "
            "its family by inpaint.parts, whose tokenizer and configurations it needs"
        )
    try:
        return _locate_preset(preset_for(name), "", hub, lock).path
    except ModelMissing as error:
        raise ModelMissing(
            f"{file} needs the tokenizer and configurations of its family: fetch them "
            f"once with `nightmend models fetch {name}`, name a diffusers folder by "
            "inpaint.parts, or repair without a model by `--engine classical`"
        ) from error


def _missing_of(preset: Preset, pin: Pin | None, hub: Hub) -> str | None:
    """Name a file that is needed and not here; None when all are."""
    commit = pin.commit if pin else preset.revision
    needed = preset.files or (INDEX,)
    for file in needed:
        path = hub.cached(preset.hub_id, commit, file)
        if path is None:
            return file
        if file == INDEX and preset.use != "parts" and missing_parts(path.parent):
            return missing_parts(path.parent)[0]
    return None


def _files_of(preset: Preset, pin: Pin) -> dict[str, PinnedFile]:
    """Return what of a pin belongs to a preset; several may share a repository."""
    if preset.files:
        return {name: pin.files[name] for name in preset.files if name in pin.files}
    if preset.use == "parts":
        return {name: file for name, file in pin.files.items() if is_small(name)}
    whole = any(map(is_weight, pin.files)) or is_lone_network(pin.files)
    return dict(pin.files) if whole else {}


def _checked(path: Path, file: HubFile, known: PinnedFile | None) -> PinnedFile:
    digest = digest_file(path)
    expected = known.sha256 if known else file.sha256
    if expected and digest != expected:
        raise EnvironmentProblem(
            f"{path} is damaged or was replaced: its SHA-256 is {digest}, expected "
            f"{expected}; remove it and fetch again"
        )
    return PinnedFile(size=path.stat().st_size, sha256=digest)
