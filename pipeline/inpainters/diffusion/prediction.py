"""What a checkpoint says about what its UNet predicts.

A file has no configuration, so that of its family's first model is taken for granted,
whose UNet predicts the noise. Trainers of others put empty tensors into the file to say
so, and ComfyUI goes by the same names (`supported_models.py` there).
"""

from collections.abc import Iterable, Mapping
from typing import Any

VELOCITY = "v_pred"
"""The UNet predicts the velocity between the picture and the noise."""

ZERO_SIGNAL = "ztsnr"
"""It was trained down to no signal at all; that means nothing where noise is
predicted, which is then all there is."""

EDM_FILE, EDM_SCHEDULER = "edm_", "EDM"
"""How the marks of a file and a folder's scheduler class begin whose UNet was trained
for the noise of "Elucidating the Design Space" (Karras et al. 2022), as those of
Playground 2.5 and CosXL were: their input is scaled otherwise at every step."""


def check_noise(marks: Iterable[str], scheduler: str = "") -> None:
    """Refuse what would come out as noise.

    Args:
        marks: Names in a file.
        scheduler: Class of a folder's scheduler.

    Raises:
        ValueError: the UNet was trained for another kind of noise than this engine
            makes.
    """
    edm = any(mark.startswith(EDM_FILE) for mark in marks)
    if edm or scheduler.startswith(EDM_SCHEDULER):
        raise ValueError(
            "it was trained for EDM noise, as Playground 2.5 and CosXL were, which "
            "this engine does not make; choose another model"
        )


def marked(header: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a file changes in the scheduler configuration of its family.

    Args:
        header: The table of contents of a .safetensors file.
    """
    if VELOCITY not in header:
        return {}
    changes: dict[str, Any] = {"prediction_type": "v_prediction"}
    if ZERO_SIGNAL in header:
        changes["rescale_betas_zero_snr"] = True
    return changes
