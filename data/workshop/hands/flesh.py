"""Clothe a skeleton: bones become the solids that the tracer understands."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from workshop.hands.anatomy import Digit, HandSpec
from workshop.hands.skeleton import Chain, Floats, chains_of, forearm_frame
from workshop.hands.solids import cone_row, prop_row, tube_row

PALM, FOREARM, DIGIT, SLEEVE, PROP = range(5)


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """The solids of one hand, and what each of them is."""

    rows: npt.NDArray[np.float32]
    """(P, 24), see `tracer`."""
    groups: npt.NDArray[np.int32]
    blends: npt.NDArray[np.float32]
    part: npt.NDArray[np.int16]
    """(P,) PALM, FOREARM, DIGIT, SLEEVE or PROP."""
    digit: npt.NDArray[np.int16]
    """(P,) number of the digit, or -1."""
    bone: npt.NDArray[np.int16]
    """(P,) 0, 1, 2 from root to tip, or -1."""
    frame: npt.NDArray[np.float32]
    """(P, 3, 3) columns sideways, along, palmward of the bone."""
    chains: tuple[Chain, ...]


@dataclass(slots=True)
class _Builder:
    """Collects solids; `Body` is its frozen result."""

    rows: list[npt.NDArray[np.float32]] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    marks: list[tuple[int, int, int]] = field(default_factory=list)
    frames: list[Floats] = field(default_factory=list)
    blends: list[float] = field(default_factory=list)

    def group(self, blend: float) -> None:
        self.blends.append(blend)

    def put(
        self,
        row: npt.NDArray[np.float32],
        part: int,
        digit: int = -1,
        bone: int = -1,
        frame: Floats | None = None,
    ) -> None:
        self.rows.append(row)
        self.groups.append(len(self.blends) - 1)
        self.marks.append((part, digit, bone))
        self.frames.append(np.eye(3) if frame is None else frame)

    def done(self, chains: tuple[Chain, ...]) -> Body:
        marks = np.array(self.marks, np.int16)
        return Body(
            rows=np.ascontiguousarray(self.rows, np.float32),
            groups=np.array(self.groups, np.int32),
            blends=np.array(self.blends, np.float32),
            part=marks[:, 0],
            digit=marks[:, 1],
            bone=marks[:, 2],
            frame=np.ascontiguousarray(self.frames, np.float32),
            chains=chains,
        )


def _palm(out: _Builder, spec: HandSpec, chains: tuple[Chain, ...]) -> None:
    """Add carpus, metacarpals, both eminences, knuckles and webs."""
    g = spec.girth
    for digit, chain in zip(spec.digits, chains, strict=True):
        if digit.grown_from == "surface":
            continue
        root = chain.joints[0]
        if digit.is_thumb:
            _thumb_root(out, chain, g, np.sign(digit.root[0]) or 1.0)
            continue
        carpus = np.array([root[0] * 0.42, 1.3, 0.05])
        thick = chain.radii[0]
        out.put(cone_row(carpus, root, (1.45 * g, thick * 1.12), 0.9), PALM)
        flesh = root + np.array([0.0, -1.3, 0.55])
        deep = carpus + np.array([0.0, 2.2, 0.35])
        out.put(cone_row(deep, flesh, (1.1 * g, 0.86 * g), 0.7), PALM)
        knuckle = root + chain.frames[0] @ np.array([0.0, -0.1, -0.36])
        out.put(
            cone_row(knuckle, knuckle, (thick * (0.66 + 0.1 * spec.bony),) * 2, 0.4),
            PALM,
        )
        web = root + chain.frames[0][:, 1] * digit.lengths[0] * 0.26
        row = cone_row(root, web, (thick * 1.02, thick * 0.98), 0.8)
        out.put(row, PALM)
    out.put(
        cone_row(
            np.array([-2.0, 1.5, 0.55]),
            np.array([-2.75, 5.4, 0.5]),
            (1.3 * g, 1.05 * g),
            0.9,
        ),
        PALM,
    )


def _thumb_root(out: _Builder, chain: Chain, g: float, side: float) -> None:
    """Add the ball of the thumb and the fold of skin towards the index finger."""
    root, knuckle = chain.joints[0], chain.joints[1]
    out.put(cone_row(root, knuckle, (1.45 * g, 1.12 * g), 0.9), PALM)
    belly = 0.6 * root + 0.4 * knuckle + np.array([-0.6 * side, 0.2, 0.05])
    out.put(cone_row(belly, belly, (1.35 * g,) * 2, 1.2), PALM)
    inner = np.array([1.5 * side, 5.4, 0.25])
    fold = 0.35 * root + 0.65 * knuckle
    out.put(cone_row(fold, inner, (0.75 * g, 0.95 * g), 1.2), PALM)


def _forearm(out: _Builder, spec: HandSpec) -> None:
    """Add the wrist, the two bones' worth of forearm and the ulna's head."""
    g = spec.girth
    frame = forearm_frame(spec)
    for side in (1.0, -1.0):
        wrist = frame @ np.array([1.22 * side * g, -0.4, 0.0])
        middle = frame @ np.array([1.45 * side * g, -7.0, 0.1])
        elbow = frame @ np.array([1.9 * side * g, -24.0, 0.1])
        out.put(cone_row(wrist, middle, (1.5 * g, 1.75 * g), 0.9), FOREARM, frame=frame)
        out.put(cone_row(middle, elbow, (1.75 * g, 2.6 * g), 0.9), FOREARM, frame=frame)
    inside = frame @ np.array([0.0, -24.0, 0.1])
    out.put(
        cone_row(frame @ np.array([0.0, -2.0, 0.0]), inside, (1.55 * g, 2.75 * g), 0.7),
        FOREARM,
        frame=frame,
    )
    heel = frame @ np.array([-1.75 * g, -1.1, -0.85])
    out.put(cone_row(heel, heel, (0.72 * g,) * 2, 0.7), FOREARM, frame=frame)
    bridge = frame @ np.array([0.0, -1.0, 0.0])
    out.put(
        cone_row(bridge, np.array([0.0, 1.6, 0.1]), (1.6 * g, 1.75 * g), 0.9), FOREARM
    )


def _digit(out: _Builder, spec: HandSpec, number: int, chain: Chain) -> None:
    """Add the three bones of one digit, its pads and the swell of its joints."""
    digit = spec.digits[number]
    r = chain.radii
    ends = ((r[0], r[1]), (r[1], r[2]), (r[2] * 0.98, r[3]))
    first = 1 if digit.is_thumb and digit.grown_from == "knuckle" else 0
    for bone in range(first, 3):
        frame = chain.frames[bone]
        start, end = chain.starts[bone], chain.joints[bone + 1]
        waist = 1.0 - 0.03 * spec.bony if bone < 2 else 1.0
        radii = (ends[bone][0] * waist, ends[bone][1] * waist)
        out.put(cone_row(start, end, radii, 0.4), DIGIT, number, bone, frame)
        out.put(_pad_row(digit, chain, bone, radii), DIGIT, number, bone, frame)
        if bone > 0 and not digit.gap:
            swell = r[bone] * (0.93 + 0.05 * spec.bony)
            back = start - frame[:, 2] * 0.05
            out.put(cone_row(back, back, (swell,) * 2, 0.4), DIGIT, number, bone, frame)


def _pad_row(
    digit: Digit, chain: Chain, bone: int, radii: tuple[float, float]
) -> npt.NDArray[np.float32]:
    """Return the cushion on the palm side of a bone; bending squeezes it outwards."""
    frame = chain.frames[bone]
    start, end = chain.starts[bone], chain.joints[bone + 1]
    bent = digit.flex[bone] + digit.flex[min(bone + 1, 2)]
    bulge = float(np.clip((bent - 1.6) / 1.4, 0.0, 1.0)) if not digit.is_thumb else 0.0
    fat = (0.84 + 0.1 * bulge) * 0.5 * (radii[0] + radii[1])
    middle = 0.5 * (start + end) + frame[:, 2] * radii[1] * (0.22 + 0.38 * bulge)
    reach = frame[:, 1] * digit.lengths[bone] * 0.17
    if bone == 2:
        middle, fat = middle + reach * 1.1, radii[1] * 0.97
    return cone_row(middle - reach, middle + reach, (fat, fat * 0.96), 0.4)


def _bridges(out: _Builder, chains: tuple[Chain, ...], spec: HandSpec) -> None:
    """Fill the room between digits that are grown together."""
    for one, other, share in spec.fused:
        a, b = chains[one], chains[other]
        for bone in range(3):
            for step in (0.0, 0.33, 0.67, 1.0):
                if (bone + step) / 3.0 > share:
                    continue
                p = a.starts[bone] * (1 - step) + a.joints[bone + 1] * step
                q = b.starts[bone] * (1 - step) + b.joints[bone + 1] * step
                radii = (a.radii[bone] * 0.85, b.radii[bone] * 0.85)
                out.put(cone_row(p, q, radii, 0.4), DIGIT, other, bone, b.frames[bone])


def _dressing(out: _Builder, spec: HandSpec, chains: tuple[Chain, ...]) -> None:
    """Add sleeve, ring, strap and things; each is a group that does not blend."""
    if spec.sleeve is not None:
        frame = forearm_frame(spec)
        at, slack = spec.sleeve.starts_at, spec.sleeve.slack
        start = frame @ np.array([0.0, -26.0, 0.1])
        end = frame @ np.array([0.0, -at, 0.0])
        widest = (1.9 + 2.6) * spec.girth + slack
        wide = (2.75 + 0.055 * at) * spec.girth + slack
        out.group(0.05)
        out.put(tube_row(start, end, (widest, wide), frame, 1.28), SLEEVE, frame=frame)
    for digit, chain in zip(spec.digits, chains, strict=True):
        if digit.name == spec.ring and digit.grown_from == "knuckle":
            bone = chain.frames[0]
            middle = 0.42 * chain.starts[0] + 0.58 * chain.joints[1]
            half = bone[:, 1] * 0.16
            wide = float(chain.radii[:2].mean()) * 1.07
            out.group(0.02)
            out.put(
                tube_row(middle - half, middle + half, (wide,) * 2, bone, 1.0), PROP
            )
    if spec.band:
        frame = forearm_frame(spec)
        start, end = frame @ np.array([0, -1.9 - spec.band, 0]), frame @ [0, -1.9, 0]
        wide = 3.12 * spec.girth
        out.group(0.02)
        out.put(tube_row(start, end, (wide,) * 2, frame, 1.5), PROP)
    for prop in spec.props:
        out.group(0.02)
        out.put(prop_row(prop), PROP)


def flesh_out(spec: HandSpec) -> Body:
    """Return the solids of a hand, in its own frame; a left hand is mirrored."""
    chains = chains_of(spec)
    out = _Builder()
    out.group(0.05)
    _palm(out, spec, chains)
    _forearm(out, spec)
    for blob in spec.blobs:
        out.put(
            cone_row(np.array(blob.start), np.array(blob.end), blob.radii, blob.blend),
            PALM,
        )
    joined = {digit for one, other, _ in spec.fused for digit in (one, other)}
    if joined:
        out.group(0.06 + spec.melt)
        for number in sorted(joined):
            _digit(out, spec, number, chains[number])
        _bridges(out, chains, spec)
    for number, chain in enumerate(chains):
        if number not in joined:
            out.group(0.06 + spec.melt)
            _digit(out, spec, number, chain)
    _dressing(out, spec, chains)
    body = out.done(chains)
    return _mirrored(body) if spec.left else body


def _mirrored(body: Body) -> Body:
    """Return the body with x turned around."""
    rows, frame = body.rows.copy(), body.frame.copy()
    rows[:, 0] *= -1
    cones = body.rows[:, 10] != 1.0
    rows[cones, 3] *= -1
    rows[:, [12, 15, 18]] *= -1
    frame[:, 0, :] *= -1
    flip = np.array([-1.0, 1.0, 1.0])
    chains = tuple(
        Chain(
            joints=c.joints * flip,
            frames=c.frames * flip[:, None],
            radii=c.radii,
            starts=c.starts * flip,
        )
        for c in body.chains
    )
    return Body(
        rows=rows,
        groups=body.groups,
        blends=body.blends,
        part=body.part,
        digit=body.digit,
        bone=body.bone,
        frame=frame,
        chains=chains,
    )
