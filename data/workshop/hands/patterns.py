"""Small functions of position that patterns are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from workshop.hands.compiled import compiled

Plane = npt.NDArray[np.float32]


@compiled
def _cell(x: Any, y: Any, z: Any, seed: Any) -> Any:
    """Return a fixed pseudo-random number in 0..1 for a lattice point."""
    h = np.uint32(x * 374761393 + y * 668265263 + z * 2147483647 + seed * 974711)
    h = np.uint32((h ^ (h >> np.uint32(13))) * np.uint32(1274126177))
    return np.float32((h ^ (h >> np.uint32(16))) & np.uint32(0xFFFF)) / np.float32(
        65535
    )


@compiled
def noise(points: Any, frequency: Any, seed: Any) -> Any:
    """Return smooth value noise, (N,) float32 in -1..1, at (N, 3) points."""
    out = np.empty(points.shape[0], np.float32)
    for n in range(points.shape[0]):
        total = np.float32(0.0)
        x, y, z = (
            points[n, 0] * frequency,
            points[n, 1] * frequency,
            points[n, 2] * frequency,
        )
        ix, iy, iz = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
        fx, fy, fz = x - ix, y - iy, z - iz
        fx = fx * fx * (3 - 2 * fx)
        fy = fy * fy * (3 - 2 * fy)
        fz = fz * fz * (3 - 2 * fz)
        for dz in range(2):
            for dy in range(2):
                for dx in range(2):
                    weight = (fx if dx else 1 - fx) * (fy if dy else 1 - fy)
                    weight *= fz if dz else 1 - fz
                    total += weight * _cell(ix + dx, iy + dy, iz + dz, seed)
        out[n] = total * 2 - 1
    return out


def bump(x: Plane, width: float) -> Plane:
    """Return a bell of the given half width."""
    result: Plane = np.exp(-((x / width) ** 2))
    return result


def smooth(x: Plane, low: float, high: float) -> Plane:
    """Return 0 below `low`, 1 above `high`, and a soft step between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    result: Plane = t * t * (3 - 2 * t)
    return result


def polyline_distance(xy: Plane, knots: list[tuple[float, float]]) -> Plane:
    """Return the (N,) distance of points to a curve through a few knots."""
    t = np.linspace(0, len(knots) - 1, 26)
    xs = np.interp(t, range(len(knots)), [k[0] for k in knots])
    ys = np.interp(t, range(len(knots)), [k[1] for k in knots])
    kernel = np.ones(7) / 7
    xs[3:-3] = np.convolve(xs, kernel, "valid")
    ys[3:-3] = np.convolve(ys, kernel, "valid")
    gap = (xy[:, 0, None] - xs[None].astype(np.float32)) ** 2
    gap += (xy[:, 1, None] - ys[None].astype(np.float32)) ** 2
    result: Plane = np.sqrt(gap.min(axis=1))
    return result
