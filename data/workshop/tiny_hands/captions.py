"""What a rendered hand is called, so that a prompt means something to the model."""

import numpy as np

COUNTS = {3: "three", 4: "four", 5: "five", 6: "six", 7: "seven"}
FLAW_WORDS = {
    "extra": "extra fingers",
    "fork": "extra fingers",
    "growth": "extra fingers",
    "two_thumbs": "extra fingers",
    "missing": "missing fingers",
    "fused": "fused fingers",
}
STYLE_WORDS = {
    "photo": "photo",
    "anime": "anime",
    "painted": "painting",
    "sketch": "sketch",
}
POSE_WORDS = {"thumbs_up": "thumbs up", "together": "fingers together"}

_PHRASES = (
    *COUNTS.values(),
    *FLAW_WORDS.values(),
    *STYLE_WORDS.values(),
    "perfect malformed hand hands natural pose detailed skin finger digits",
    "open spread relaxed curl fist pointing pinch counting side hanging",
    "foreshortened holding cupping carrying together thumbs up deformed",
)

WORDS = sorted({word for phrase in _PHRASES for word in phrase.split()})
"""Words that are one token each; any other word is spelt out in bytes."""


def caption(
    kind: str, digits: int, style: str, pose: str, rng: np.random.Generator
) -> str:
    """Return a caption in the words that the default prompts of the program use.

    Args:
        kind: The renderer's name of the flaw, or "ok".
        digits: How many digits the hand really has.
        style: The renderer's style.
        pose: The renderer's pose.
        rng: Decides which parts are left out, so that no part is always there.
    """
    count = COUNTS.get(digits, "five")
    if kind == "ok":
        parts = [f"perfect hand, {count} fingers", "natural pose, detailed skin"]
    else:
        parts = [f"malformed hand, {count} fingers", FLAW_WORDS.get(kind, "deformed")]
    parts += [f"{STYLE_WORDS[style]}", POSE_WORDS.get(pose, pose)]
    kept = [part for part in parts if rng.random() < 0.8]
    return ", ".join(kept)
