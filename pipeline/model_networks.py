"""Find a lone network, such as a ControlNet or a VAE, on this machine."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pipeline.errors import ModelMissing, UsageError
from pipeline.model_files import NETWORK, check_network, check_suffix
from pipeline.model_hub import Hub, HuggingFaceHub
from pipeline.model_lock import ModelLock, user_lock
from pipeline.model_presets import preset_for
from pipeline.model_shipped import shipped_folder

Setting = Literal["inpaint.control_model", "inpaint.vae"]
DO_WITHOUT: Mapping[Setting, str] = {
    "inpaint.control_model": 'set inpaint.control = "none"',
    "inpaint.vae": "leave inpaint.vae out",
}


def locate_network(
    model: str,
    hub: Hub | None = None,
    lock: ModelLock | None = None,
    setting: Setting = "inpaint.control_model",
) -> Path:
    """Find a network without asking the network of computers.

    Args:
        model: A preset, a hub id, a folder with config.json and safetensors weights, or
            one .safetensors file.
        hub: Whose cache is searched; None means huggingface.co's.
        lock: The pins; None means the user's.
        setting: Which one names it.

    Returns:
        The folder or the file.

    Raises:
        ModelMissing: it is not here.
        EnvironmentProblem: it is here, and of no use.
        UsageError: the name means nothing, or a whole model.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        check_network(path)
        return path.resolve()
    if path.is_file():
        check_suffix(path)
        return path
    if path.suffix == ".safetensors" or model.startswith((".", "/", "~")):
        raise ModelMissing(f"there is no network at {path}; see {setting}")
    hub, lock = hub or HuggingFaceHub(), lock or user_lock()
    preset = preset_for(model)
    if preset.shipped and preset.use != "control":
        raise UsageError(f"{model} is a whole model and no network; see {setting}")
    if preset.shipped:
        return shipped_folder(preset)
    pin = lock.read().get(preset.hub_id)
    commit = pin.commit if pin else preset.revision
    config = hub.cached(preset.hub_id, commit, NETWORK)
    if config is None or not any(config.parent.glob("*.safetensors")):
        raise ModelMissing(
            f"the network {model} is not on this machine: fetch it once with "
            f"`nightmend models fetch {model}`, or {DO_WITHOUT[setting]}"
        )
    return config.parent
