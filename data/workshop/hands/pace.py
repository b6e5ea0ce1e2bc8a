"""Say how long pictures take on this machine: python -m workshop.hands.pace."""

from __future__ import annotations

import argparse
import time

import cv2

from workshop.hands.render import render_hand
from workshop.hands.scene import STYLES


def main() -> None:
    """Print seconds a picture for each style, on one core."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--size", type=int, default=192)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    render_hand(0, size=args.size)
    for style in STYLES:
        wall, used = time.perf_counter(), time.process_time()
        for seed in range(args.count):
            render_hand(1000 + seed, style=style, size=args.size)
        wall = (time.perf_counter() - wall) / args.count
        used = (time.process_time() - used) / args.count
        print(f"{style}: {wall:.3f} s a picture, {used:.3f} s of processor time")


if __name__ == "__main__":
    main()
