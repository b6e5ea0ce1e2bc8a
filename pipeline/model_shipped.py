"""The models that come with nightmend: small, and trained in this project.

They are diffusers folders beside the weights of the detectors. Which files belong to
them, and what each must be, stands in the list of digests there; nothing is opened that
is not as it is listed.
"""

from collections.abc import Mapping
from pathlib import Path

from detectors import weights
from detectors.errors import WeightsMissing, WeightsWrong
from pipeline.errors import EnvironmentProblem, ModelMissing, UsageError
from pipeline.files import digest_bytes
from pipeline.model_files import check_network, check_whole
from pipeline.model_presets import PRESETS, Preset

_WITHOUT = "repair without a model by `--engine classical`"


def shipped_folder(preset: Preset, revision: str = "") -> Path:
    """Return the diffusers folder of a shipped model, with every file in it checked.

    A ControlNet's is the folder of a lone network.

    Args:
        preset: The model.
        revision: What was asked for; there is only one, so "" or its digest.

    Raises:
        ModelMissing: this installation lacks it, or a part of it.
        EnvironmentProblem: a file is not the one that was shipped.
        UsageError: another revision is asked for.
    """
    if revision not in {"", shipped_digest(preset)}:
        raise UsageError(
            f"the model {preset.name} comes with nightmend, in one revision; ask for "
            "no other, and leave inpaint.revision empty"
        )
    for name in _files(preset):
        _check(preset, name)
    folder = weights.own_folder() / preset.name
    if preset.use == "control":
        check_network(folder)
    else:
        check_whole(folder, preset.name)
    return folder


def shipped_problems(preset: Preset) -> list[str]:
    """Return one sentence for each file that is missing or is not as shipped."""
    try:
        names = _files(preset)
    except ModelMissing as error:
        return [str(error)]
    problems = []
    for name in names:
        try:
            _check(preset, name)
        except EnvironmentProblem as error:
            problems.append(str(error))
    return problems


def shipped_digest(preset: Preset) -> str:
    """Return a SHA-256 in hex over the listed digests of its files; "" without any."""
    listed = sorted(weights.own_digests().items())
    mine = {name: held for name, held in listed if _owns(preset, name)}
    return digest_bytes(_lines(mine)) if mine else ""


def digest_of_others() -> str:
    """Return a SHA-256 in hex over the listed digests of the files of no such model.

    These are the detectors' own: a new model changes nothing of what they see.
    """
    shipped = [preset for preset in PRESETS if preset.shipped]
    others = {
        name: held
        for name, held in weights.own_digests().items()
        if not any(_owns(preset, name) for preset in shipped)
    }
    return digest_bytes(_lines(others))


def is_here(preset: Preset) -> bool:
    """Tell whether a shipped model lies whole on this machine."""
    try:
        shipped_folder(preset)
    except EnvironmentProblem:
        return False
    return True


def _files(preset: Preset) -> list[str]:
    """Return what is listed of a model, and what else lies in its folder.

    A model card and hidden files are left out: no library opens them.

    Raises:
        ModelMissing: nothing is listed, or there is no folder.
    """
    home = weights.own_folder()
    folder = home / preset.name
    listed = {name for name in weights.own_digests() if _owns(preset, name)}
    if not listed or not folder.is_dir():
        lacks = "is not there" if listed else f"is not in {weights.OWN_DIGESTS}"
        raise ModelMissing(
            f"the model {preset.name} comes with nightmend, and this installation "
            f"lacks it: {folder} {lacks}; install nightmend afresh or check the "
            f"repository out again, or {_WITHOUT}"
        )
    lying = {
        path.relative_to(home).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".md" and not path.name.startswith(".")
    }
    return sorted(listed | lying)


def _check(preset: Preset, name: str) -> None:
    if name not in weights.own_digests():
        # A library might load it in place of one that is listed.
        raise EnvironmentProblem(
            f"{weights.own_folder() / name} did not come with the model {preset.name}; "
            f"remove it, or {_WITHOUT}"
        )
    try:
        weights.own(name)
    except WeightsMissing as error:
        raise ModelMissing(
            f"the model {preset.name} is not whole: {error}; or {_WITHOUT}"
        ) from error
    except WeightsWrong as error:
        raise EnvironmentProblem(
            f"the model {preset.name} is not as it was shipped: {error}"
        ) from error


def _owns(preset: Preset, name: str) -> bool:
    return name.startswith(f"{preset.name}/")


def _lines(digests: Mapping[str, str]) -> bytes:
    """Write digests as `sha256sum` does."""
    return "".join(f"{held}  {name}\n" for name, held in digests.items()).encode()
