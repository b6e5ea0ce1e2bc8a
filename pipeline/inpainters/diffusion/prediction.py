"""What a single file says about what its UNet predicts.

A file has no configuration, so that of its family's first model is taken for granted,
whose UNet predicts the noise. Trainers of others put empty tensors into the file to say
so, and ComfyUI goes by the same names (`supported_models.py` there).
"""

from collections.abc import Mapping
from typing import Any

VELOCITY = "v_pred"
"""The UNet predicts the velocity between the picture and the noise."""

ZERO_SIGNAL = "ztsnr"
"""It was trained down to no signal at all; that means nothing where noise is
predicted, which is then all there is."""


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
