"""Draw hands, sound and flawed, with exact ground truth."""

from workshop.hands.render import RenderedHand, render_hand, render_pair
from workshop.hands.scene import KINDS, POSE_NAMES, STYLES, sample_hand

POSES = POSE_NAMES

__all__ = [
    "KINDS",
    "POSES",
    "STYLES",
    "RenderedHand",
    "render_hand",
    "render_pair",
    "sample_hand",
]
