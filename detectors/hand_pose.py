"""Tell from landmarks how a hand is held."""

import numpy as np

from detectors.hand_framing import PointArray

TIPS = (4, 8, 12, 16, 20)
"""Landmarks of the tips, thumb first."""

_FINGERS = ((5, 6, 7, 8), (9, 10, 11, 12), (13, 14, 15, 16), (17, 18, 19, 20))
_STRAIGHT = 0.8
_REACH = 0.38


def is_open(points: PointArray) -> bool:
    """Tell whether all four fingers are stretched out and turned to the viewer.

    Each tip must be farther from its knuckle than 0.8 of the way along its joints, and
    than 0.38 of the palm. On such hands digits can be counted.

    Args:
        points: (21, 2) landmarks in pixels of anything.
    """
    palm = float(np.linalg.norm(points[9] - points[0])) + 1e-6
    for finger in _FINGERS:
        joints = points[list(finger)]
        along = float(np.linalg.norm(np.diff(joints, axis=0), axis=1).sum()) + 1e-6
        straight = float(np.linalg.norm(joints[-1] - joints[0]))
        if straight <= _STRAIGHT * along or straight <= _REACH * palm:
            return False
    return True
