"""An open hand as 21 points, measured off a drawing; not taken from the program."""

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]

DRAWN = (
    *((0, 0),),
    *((22, 15), (48, 38), (66, 56), (80, 70)),
    *((26, 84), (32, 122), (35, 144), (37, 163)),
    *((7, 87), (8, 131), (8, 157), (8, 178)),
    *((-11, 82), (-16, 123), (-19, 148), (-22, 169)),
    *((-28, 72), (-37, 104), (-41, 122), (-46, 141)),
)
"""Wrist at 0; x to the thumb's side, y to the fingertips."""


def open_hand(x: float, y: float, scale: float, turn: float = 0.0) -> Points:
    """Return a hand whose wrist is at (x, y) of a picture.

    Args:
        x: Pixels from the left.
        y: Pixels from the top.
        scale: Pixels of ten of its units; it is 178 long.
        turn: Clockwise, in radians; at 0 the fingers point up.
    """
    points = np.array(DRAWN, dtype=np.float64) * (scale / 10, -scale / 10)
    cosine, sine = np.cos(turn), np.sin(turn)
    turned: Points = points @ np.array([[cosine, sine], [-sine, cosine]]) + (x, y)
    return turned
