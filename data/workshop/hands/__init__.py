"""Draw hands, sound and flawed, with exact ground truth."""

from workshop.hands.render import (
    KINDS,
    POSE_NAMES,
    STYLES,
    RenderedHand,
    render_hand,
    render_pair,
    sample_hand,
)

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
