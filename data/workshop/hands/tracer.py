"""Trace rays against smoothly blended solids, compiled and without Python's lock.

Every solid is one row of 24 float32 numbers:

=======  ==================================================================
columns  meaning
=======  ==================================================================
0-2      start point, or centre of a box
3-5      vector from start to end, or half sizes of a box
6, 7     radius at the start and at the end; 6 is the rounding of a box
8        1 / squared length of the vector
9        blend distance to the solids before it in the same group
10       0 round cone, 1 rounded box, 2 tube with flat ends
11       factor that flattens a tube's second cross axis
12-20    rows of the matrix from the hand frame to the solid's own frame
21-23    unused
=======  ==================================================================

Distances to rows of one group are joined by the polynomial smooth minimum; groups are
joined in turn with the group's own blend distance. Closest-hit search is sphere
tracing (Hart, "Sphere tracing", The Visual Computer 12, 1996); each tile of pixels
looks only at the solids that can touch it.
"""

# One file on purpose: a compiled function is made anew only when its own file changes,
# not when a function that it calls changes elsewhere.
# Kernels share their tables as plain arguments; records would slow them down.
# ruff: noqa: PLR0917

from __future__ import annotations

from typing import Any

import numpy as np

from workshop.hands.compiled import compiled, inlined

ROW = 24
TILE = 8
FAR = np.float32(1e9)


@inlined
def _smooth_min(a: Any, b: Any, k: Any) -> Any:
    gap = k - abs(a - b)
    low = min(a, b)
    if gap > 0.0:
        low -= gap * gap * np.float32(0.25) / k
    return low


@inlined
def _cone(row: Any, x: Any, y: Any, z: Any) -> Any:
    px, py, pz = x - row[0], y - row[1], z - row[2]
    h = (px * row[3] + py * row[4] + pz * row[5]) * row[8]
    h = min(max(h, np.float32(0.0)), np.float32(1.0))
    px -= h * row[3]
    py -= h * row[4]
    pz -= h * row[5]
    return np.sqrt(px * px + py * py + pz * pz) - (row[6] + (row[7] - row[6]) * h)


@compiled
def _box(row: Any, x: Any, y: Any, z: Any) -> Any:
    px, py, pz = x - row[0], y - row[1], z - row[2]
    zero = np.float32(0.0)
    qx = abs(row[12] * px + row[13] * py + row[14] * pz) - row[3]
    qy = abs(row[15] * px + row[16] * py + row[17] * pz) - row[4]
    qz = abs(row[18] * px + row[19] * py + row[20] * pz) - row[5]
    inside = min(max(qx, qy, qz), zero)
    qx, qy, qz = max(qx, zero), max(qy, zero), max(qz, zero)
    return np.sqrt(qx * qx + qy * qy + qz * qz) + inside - row[6]


@compiled
def _tube(row: Any, x: Any, y: Any, z: Any) -> Any:
    px, py, pz = x - row[0], y - row[1], z - row[2]
    u = row[12] * px + row[13] * py + row[14] * pz
    v = row[15] * px + row[16] * py + row[17] * pz
    w = (row[18] * px + row[19] * py + row[20] * pz) * row[11]
    length = np.float32(1.0) / np.sqrt(row[8])
    h = min(max(v / length, np.float32(0.0)), np.float32(1.0))
    side = np.sqrt(u * u + w * w) - (row[6] + (row[7] - row[6]) * h)
    ends = abs(v - length * np.float32(0.5)) - length * np.float32(0.5)
    return max(side / row[11], ends)


@inlined
def _solid(row: Any, x: Any, y: Any, z: Any) -> Any:
    if row[10] == 0.0:
        return _cone(row, x, y, z)
    if row[10] == 1.0:
        return _box(row, x, y, z)
    return _tube(row, x, y, z)


@compiled
def _distance(
    rows: Any, groups: Any, blends: Any, few: Any, count: Any, x: Any, y: Any, z: Any
) -> Any:
    """Return the distance from a point to the union of the listed solids."""
    total = FAR
    part = FAR
    current = -1
    for j in range(count):
        i = few[j]
        if groups[i] != current:
            if current >= 0:
                total = _smooth_min(total, part, blends[current])
            current = groups[i]
            part = FAR
        part = _smooth_min(part, _solid(rows[i], x, y, z), rows[i, 9])
    if current >= 0:
        total = _smooth_min(total, part, blends[current])
    return total


@compiled
def _nearest(rows: Any, few: Any, count: Any, x: Any, y: Any, z: Any) -> Any:
    """Return the number of the listed solid whose own surface is nearest."""
    best, found = FAR, -1
    for j in range(count):
        value = _solid(rows[few[j]], x, y, z)
        if value < best:
            best, found = value, few[j]
    return found


@compiled
def _bounds(rows: Any, camera: Any, grow: Any) -> Any:
    """Return per solid (x0, y0, x1, y1, radius, nearest, farthest) on the screen.

    The first four are the ends of its axis in pixels, the fifth a radius in pixels
    that covers the solid and its blend; the last two are depths along the view.
    """
    bounds = np.empty((rows.shape[0], 7), np.float32)
    for i in range(rows.shape[0]):
        row = rows[i]
        boxed = row[10] == 1.0
        if boxed:
            reach = np.sqrt(row[3] ** 2 + row[4] ** 2 + row[5] ** 2) + row[6]
        else:
            reach = max(row[6], row[7]) * max(np.float32(1.0), 1 / row[11])
        reach += row[9] + grow
        low, high, widest = FAR, -FAR, np.float32(0.0)
        for end in range(2):
            shift = np.float32(end) if not boxed else np.float32(0.0)
            px = row[0] + shift * row[3] - camera[0]
            py = row[1] + shift * row[4] - camera[1]
            pz = row[2] + shift * row[5] - camera[2]
            sx = camera[3] * px + camera[4] * py + camera[5] * pz
            sy = camera[6] * px + camera[7] * py + camera[8] * pz
            sz = camera[9] * px + camera[10] * py + camera[11] * pz
            scale = camera[12]
            if camera[15] == 0.0:
                scale = camera[12] / max(sz, np.float32(1.0))
            bounds[i, 2 * end] = camera[13] + sx * scale
            bounds[i, 2 * end + 1] = camera[14] - sy * scale
            widest = max(widest, reach * scale * np.float32(1.08))
            low, high = min(low, sz - reach), max(high, sz + reach)
        bounds[i, 4], bounds[i, 5], bounds[i, 6] = widest, low, high
    return bounds


@compiled
def _touching(bounds: Any, x: Any, y: Any, reach: Any, few: Any) -> Any:
    """List the solids whose covered strip comes within `reach` pixels of a point."""
    count = 0
    for i in range(bounds.shape[0]):
        ax, ay = bounds[i, 0], bounds[i, 1]
        bx, by = bounds[i, 2] - ax, bounds[i, 3] - ay
        px, py = x - ax, y - ay
        length = bx * bx + by * by
        h = np.float32(0.0)
        if length > 0.0:
            h = (px * bx + py * by) / length
            h = min(max(h, np.float32(0.0)), np.float32(1.0))
        px -= h * bx
        py -= h * by
        limit = bounds[i, 4] + reach
        if px * px + py * py < limit * limit:
            few[count] = i
            count += 1
    return count


@compiled
def _ray(camera: Any, x: Any, y: Any, ray: Any) -> None:
    """Write origin and unit direction of a pixel's ray into `ray`, (6,) float32."""
    u = (x - camera[13]) / camera[12]
    v = (camera[14] - y) / camera[12]
    for axis in range(3):
        across = camera[3 + axis] * u + camera[6 + axis] * v
        ray[axis] = camera[axis]
        ray[3 + axis] = camera[9 + axis]
        if camera[15] == 0.0:
            ray[3 + axis] += across
        else:
            ray[axis] += across
    norm = np.sqrt(ray[3] ** 2 + ray[4] ** 2 + ray[5] ** 2)
    for axis in range(3):
        ray[3 + axis] /= norm


@compiled
def _march(
    rows: Any,
    groups: Any,
    blends: Any,
    few: Any,
    count: Any,
    ray: Any,
    start: Any,
    stop: Any,
) -> Any:
    """Return the distance along a ray to the first surface, or -1."""
    t = start
    for _ in range(64):
        d = _distance(
            rows,
            groups,
            blends,
            few,
            count,
            ray[0] + ray[3] * t,
            ray[1] + ray[4] * t,
            ray[2] + ray[5] * t,
        )
        if d < 0.006:
            return t + d
        t += d * np.float32(0.96)
        if t > stop:
            return np.float32(-1.0)
    return np.float32(-1.0)


@compiled
def _slope(
    rows: Any, groups: Any, blends: Any, few: Any, count: Any, at: Any, out: Any
) -> None:
    """Write the unit outward normal at a point into `out`, (3,) float32.

    Four samples at the corners of a tetrahedron, as is usual for distance fields.
    """
    step = np.float32(0.03)
    gx = gy = gz = np.float32(0.0)
    for corner in range(4):
        ex = np.float32(1.0 if corner in (0, 3) else -1.0)
        ey = np.float32(1.0 if corner in (1, 3) else -1.0)
        ez = np.float32(1.0 if corner in (2, 3) else -1.0)
        d = _distance(
            rows,
            groups,
            blends,
            few,
            count,
            at[0] + ex * step,
            at[1] + ey * step,
            at[2] + ez * step,
        )
        gx += ex * d
        gy += ey * d
        gz += ez * d
    norm = np.sqrt(gx * gx + gy * gy + gz * gz) + np.float32(1e-9)
    out[0], out[1], out[2] = gx / norm, gy / norm, gz / norm


@compiled
def _openness(
    rows: Any, groups: Any, blends: Any, few: Any, count: Any, at: Any, normal: Any
) -> Any:
    """Return how much of the sky a point sees, 0..1, from four steps outwards."""
    blocked = np.float32(0.0)
    weight = np.float32(0.55)
    for reach in (0.25, 0.6, 1.1, 1.9):
        step = np.float32(reach)
        d = _distance(
            rows,
            groups,
            blends,
            few,
            count,
            at[0] + normal[0] * step,
            at[1] + normal[1] * step,
            at[2] + normal[2] * step,
        )
        blocked += weight * max(step - d, np.float32(0.0)) / step
        weight *= np.float32(0.72)
    return max(np.float32(1.0) - blocked, np.float32(0.0))


@compiled
def _fill_between(depth: Any, openness: Any) -> None:
    """Give every other pixel the mean of its neighbours on the same surface."""
    high, wide = depth.shape
    for y in range(high):
        for x in range(wide):
            if (x + y) % 2 == 0 or depth[y, x] < 0:
                continue
            total, weight = np.float32(0.0), np.float32(0.0)
            for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
                line, column = y + dy, x + dx
                if 0 <= line < high and 0 <= column < wide and depth[line, column] > 0:
                    near = np.float32(1.0)
                    if abs(depth[line, column] - depth[y, x]) > 0.4:
                        near = np.float32(0.02)
                    total += near * openness[line, column]
                    weight += near
            if weight > 0:
                openness[y, x] = total / weight


@compiled
def trace(rows: Any, groups: Any, blends: Any, camera: Any, size: Any) -> Any:
    """Trace one picture.

    Args:
        rows: (P, 24) float32 solids, sorted by group.
        groups: (P,) int32 group of each solid.
        blends: (G,) float32 blend distance of each group to those before it.
        camera: (16,) float32: position, right, up, forward (three numbers each),
            focal length in pixels, centre x, centre y, 1 for parallel rays.
        size: (2,) int64 height and width in pixels.

    Returns:
        depth (H, W) float32 along the ray or -1, solid (H, W) int16 or -1, point,
        normal (H, W, 3) float32 in the hand frame, openness (H, W) float32 0..1.
    """
    high, wide = size[0], size[1]
    depth = np.full((high, wide), -1.0, np.float32)
    solid = np.full((high, wide), -1, np.int16)
    point = np.zeros((high, wide, 3), np.float32)
    normal = np.zeros((high, wide, 3), np.float32)
    openness = np.ones((high, wide), np.float32)
    tight = _bounds(rows, camera, np.float32(0.1))
    loose = _bounds(rows, camera, np.float32(1.2))
    few = np.empty(rows.shape[0], np.int32)
    many = np.empty(rows.shape[0], np.int32)
    ray = np.empty(6, np.float32)
    half = np.float32(TILE / 2)
    for top in range(0, high, TILE):
        for left in range(0, wide, TILE):
            count = _touching(
                tight, left + half, top + half, half * np.float32(1.5), few
            )
            if count == 0:
                continue
            more = _touching(
                loose, left + half, top + half, half * np.float32(1.5), many
            )
            start, stop = FAR, -FAR
            for j in range(count):
                start = min(start, tight[few[j], 5])
                stop = max(stop, tight[few[j], 6])
            start = max(start, np.float32(0.0))
            for y in range(top, min(top + TILE, high)):
                for x in range(left, min(left + TILE, wide)):
                    _ray(camera, np.float32(x + 0.5), np.float32(y + 0.5), ray)
                    t = _march(
                        rows,
                        groups,
                        blends,
                        few,
                        count,
                        ray,
                        start,
                        stop * np.float32(1.3),
                    )
                    if t < 0.0:
                        continue
                    depth[y, x] = t
                    for axis in range(3):
                        point[y, x, axis] = ray[axis] + ray[3 + axis] * t
                    at = point[y, x]
                    solid[y, x] = _nearest(rows, few, count, at[0], at[1], at[2])
                    _slope(rows, groups, blends, few, count, at, normal[y, x])
                    if (x + y) % 2 == 0:
                        openness[y, x] = _openness(
                            rows, groups, blends, many, more, at, normal[y, x]
                        )
    _fill_between(depth, openness)
    return depth, solid, point, normal, openness


@compiled
def trace_depth(rows: Any, groups: Any, blends: Any, camera: Any, size: Any) -> Any:
    """Trace distances only, as a light does for its shadow map; arguments as above."""
    high, wide = size[0], size[1]
    depth = np.full((high, wide), FAR, np.float32)
    tight = _bounds(rows, camera, np.float32(0.1))
    few = np.empty(rows.shape[0], np.int32)
    ray = np.empty(6, np.float32)
    half = np.float32(TILE / 2)
    for top in range(0, high, TILE):
        for left in range(0, wide, TILE):
            count = _touching(
                tight, left + half, top + half, half * np.float32(1.5), few
            )
            if count == 0:
                continue
            start, stop = FAR, -FAR
            for j in range(count):
                start = min(start, tight[few[j], 5])
                stop = max(stop, tight[few[j], 6])
            for y in range(top, min(top + TILE, high)):
                for x in range(left, min(left + TILE, wide)):
                    _ray(camera, np.float32(x + 0.5), np.float32(y + 0.5), ray)
                    t = _march(rows, groups, blends, few, count, ray, start, stop + 1.0)
                    if t >= 0.0:
                        depth[y, x] = t
    return depth
