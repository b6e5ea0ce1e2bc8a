"""Look up in a lamp's depth picture how much of the lamp each point sees."""

from __future__ import annotations

from typing import Any

import numpy as np

from workshop.hands.compiled import compiled


@compiled
def lit_share(
    point: Any, normal: Any, hit: Any, depth: Any, light: Any, blur: Any
) -> Any:
    """Return how much of a lamp each point sees, by looking around in its shadow map.

    Args:
        point: (H, W, 3) float32 points in the hand frame.
        normal: (H, W, 3) float32; points are moved along it against false shadows.
        hit: (H, W) bool, where there is a point.
        depth: (S, S) float32 distances seen from the lamp.
        light: (16,) float32 camera of the lamp, parallel rays.
        blur: Half width of the neighbourhood in map pixels.

    Returns:
        (H, W) float32 in 0..1; 1 where nothing was hit.
    """
    share = np.ones(hit.shape, np.float32)
    side = depth.shape[0]
    away = np.float32(0.3) + np.float32(0.25) * blur
    for y in range(hit.shape[0]):
        for x in range(hit.shape[1]):
            if not hit[y, x]:
                continue
            px = point[y, x, 0] + normal[y, x, 0] * away - light[0]
            py = point[y, x, 1] + normal[y, x, 1] * away - light[1]
            pz = point[y, x, 2] + normal[y, x, 2] * away - light[2]
            u = light[13] + light[12] * (light[3] * px + light[4] * py + light[5] * pz)
            v = light[14] - light[12] * (light[6] * px + light[7] * py + light[8] * pz)
            w = light[9] * px + light[10] * py + light[11] * pz
            seen = 0
            total = 0
            for dy in range(-2, 3):
                for dx in range(-2, 3):
                    column = int(u + dx * blur)
                    line = int(v + dy * blur)
                    if 0 <= column < side and 0 <= line < side:
                        total += 1
                        if depth[line, column] > w - 0.25:
                            seen += 1
            if total > 0:
                share[y, x] = seen / total
    return share
