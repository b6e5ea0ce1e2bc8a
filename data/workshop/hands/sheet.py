"""Lay many hands on one sheet, to be looked at: python -m workshop.hands.sheet OUT."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from workshop.hands.render import RenderedHand, render_hand, render_pair
from workshop.hands.scene import KINDS, POSE_NAMES, STYLES

RgbArray = npt.NDArray[np.uint8]


def _labelled(pixels: RgbArray, text: str) -> RgbArray:
    marked = pixels.copy()
    for colour, width in ((0, 3), (255, 1)):
        place = (3, pixels.shape[0] - 5)
        cv2.putText(marked, text, place, 0, 0.4, (colour,) * 3, width, cv2.LINE_AA)
    return marked


def _outlined(hand: RenderedHand) -> RgbArray:
    """Draw the edge of the flaw mask."""
    marked = hand.pixels.copy()
    kernel = np.ones((3, 3), np.uint8)
    edge = cv2.morphologyEx(hand.flaw.astype(np.uint8), cv2.MORPH_GRADIENT, kernel)
    marked[edge > 0] = (255, 40, 40)
    return marked


def _grid(rows: list[list[RgbArray]]) -> RgbArray:
    return np.vstack([np.hstack(row) for row in rows])


def pose_sheet(seed: int, columns: int, size: int, style: str | None) -> RgbArray:
    """One row per pose, all sound."""
    return _grid(
        [
            [
                _labelled(
                    render_hand(
                        seed + 97 * number + n, pose=pose, style=style, size=size
                    ).pixels,
                    pose,
                )
                for n in range(columns)
            ]
            for number, pose in enumerate(POSE_NAMES)
        ]
    )


def flaw_sheet(seed: int, columns: int, size: int, style: str | None) -> RgbArray:
    """One row per flaw: flawed with its mask outlined, then the twin."""
    rows = []
    for number, kind in enumerate(KINDS[1:]):
        row = []
        for n in range(columns // 2):
            bad, good = render_pair(
                seed + 97 * number + n, kind=kind, style=style, size=size
            )
            row += [_labelled(_outlined(bad), f"{kind} {bad.digits}"), good.pixels]
        rows.append(row)
    return _grid(rows)


def style_sheet(seed: int, columns: int, size: int) -> RgbArray:
    """Two rows per style, any pose."""
    rows = []
    for number, style in enumerate(STYLES * 2):
        first = seed + 1000 * number
        row = [render_hand(first + n, style=style, size=size) for n in range(columns)]
        rows.append([_labelled(hand.pixels, style) for hand in row])
    return _grid(rows)


def main() -> None:
    """Write one sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--show", choices=("poses", "flaws", "styles"), default="poses")
    parser.add_argument("--style", choices=STYLES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--size", type=int, default=160)
    args = parser.parse_args()
    if args.show == "poses":
        sheet = pose_sheet(args.seed, args.columns, args.size, args.style)
    elif args.show == "flaws":
        sheet = flaw_sheet(args.seed, args.columns, args.size, args.style)
    else:
        sheet = style_sheet(args.seed, args.columns, args.size)
    done, packed = cv2.imencode(".png", sheet[..., ::-1])
    if not done:
        raise OSError(f"OpenCV could not encode the sheet for {args.out}")
    args.out.write_bytes(packed.tobytes())


if __name__ == "__main__":
    main()
