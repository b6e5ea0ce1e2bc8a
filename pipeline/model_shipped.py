"""The models that nightmend brings along: small, trained in this project."""

from pathlib import Path

from detectors.errors import WeightsMissing, WeightsWrong
from detectors.weights import own, own_folder, own_names
from pipeline.errors import EnvironmentProblem, ModelMissing
from pipeline.model_presets import Preset


def shipped_folder(preset: Preset) -> Path:
    """Return the diffusers folder of a shipped model, each of its files checked.

    Raises:
        ModelMissing: this installation lacks it.
        EnvironmentProblem: one of its files is not the one that was shipped.
    """
    names = [name for name in own_names() if name.startswith(f"{preset.name}/")]
    try:
        if not names:
            raise WeightsMissing(f"no model {preset.name!r} in {own_folder()}")
        for name in names:
            own(name)
    except WeightsMissing as error:
        raise ModelMissing(
            f"the model {preset.name} is not whole: {error}; or repair without it by "
            "`--engine classical`"
        ) from error
    except WeightsWrong as error:
        raise EnvironmentProblem(str(error)) from error
    return own_folder() / preset.name


def is_here(preset: Preset) -> bool:
    """Tell whether a shipped model lies whole on this machine."""
    try:
        shipped_folder(preset)
    except (ModelMissing, EnvironmentProblem):
        return False
    return True
