"""Where the pictures for measuring come from; none of them was trained on."""

import csv
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from detectors.arrays import RgbArray
from detectors.hand_nets import HandNets
from detectors.hand_trials import HandLabel
from workshop.eval_hands.pairs import Pair
from workshop.hands import render_hand, render_pair
from workshop.judge.batches import is_held_out
from workshop.judge.make_edits import CLASS_OF, edits_of, landmarks_in
from workshop.judge.make_real import (
    group_of,
    main_hand,
    read_picture,
    rows_of,
    sample_of,
)
from workshop.judge.make_renders import SHARES

FIRST_SEED = 900_000_000
"""Training draws its seeds from 1,000,000 up, and never comes this far."""

SCENE_PX = 640


def rendered_pairs(n_pairs: int, first: int = FIRST_SEED) -> Iterator[Pair]:
    """Yield rendered pairs, every flaw and style in turn."""
    kinds = list(SHARES)
    styles = ("photo", "anime", "painted", "sketch")
    for number in range(n_pairs):
        kind, style = kinds[number % len(kinds)], styles[number % len(styles)]
        flawed, sound = render_pair(first + number, kind=kind, style=style, size=224)
        counted = flawed.visible_digits == flawed.digits
        yield Pair(
            flawed.pixels,
            sound.pixels,
            kind,
            style,
            flawed.digits if counted else None,
            f"render-{first + number}",
        )


def edited_pairs(labels: Path, nets: HandNets, most: int) -> Iterator[Pair]:
    """Yield edits of real hands whose group was held out, with a control as twin."""
    made = 0
    for number, row in enumerate(rows_of(labels)):
        if made >= most or not is_held_out(group_of(row)):
            continue
        view = main_hand(read_picture(labels.parent / row["file"]), nets)
        if view is None:
            continue
        sample = sample_of(view, row)
        points = landmarks_in(sample, nets)
        if points is None:
            continue
        rng = np.random.default_rng([20_000, number])
        made_here = list(edits_of(sample, points, rng))
        flawed = [one for one in made_here if one.label.flawed]
        sound = [one for one in made_here if not one.label.flawed]
        for one in flawed:
            made += 1
            yield Pair(
                one.pixels,
                sound[-1].pixels,
                CLASS_OF[one.label.detail],
                one.label.style,
                one.label.digits if one.label.open_hand else None,
                one.label.group,
            )


def real_hands(labels: Path) -> Iterator[tuple[HandLabel, RgbArray]]:
    """Yield real malformed hands, and real sound ones whose group was held out."""
    with labels.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        flawed = row["label"] == "bad"
        if flawed or is_held_out(group_of(row)):
            fingers = int(row["fingers"]) if row["fingers"].isdigit() else None
            label = HandLabel(
                row["file"], flawed, fingers, group_of(row), row["origin"]
            )
            yield label, read_picture(labels.parent / row["file"])


def scenes_with_a_hand(
    hand_px: int, n_scenes: int
) -> Iterator[tuple[RgbArray, tuple[float, float]]]:
    """Yield scenes with one small rendered hand, and the hand's centre (x, y).

    The hand's longer side is `hand_px`; it lies on a plain gradient with noise, away
    from the middle.
    """
    for number in range(n_scenes):
        seed = FIRST_SEED + 50_000_000 + number
        hand = render_hand(seed, pose="natural", style="photo", transparent=True)
        if hand.alpha is None:
            raise ValueError("a transparent render must have an alpha")
        rng = np.random.default_rng(seed)
        rows, columns = np.nonzero(hand.hand)
        extent = max(np.ptp(rows), np.ptp(columns)) + 1
        ratio = hand_px / float(extent)
        size = max(8, round(hand.pixels.shape[0] * ratio))
        small = cv2.resize(hand.pixels, (size, size), interpolation=cv2.INTER_AREA)
        cover = cv2.resize(hand.alpha, (size, size), interpolation=cv2.INTER_AREA)
        slope = np.linspace(70, 190, SCENE_PX)[:, None, None] * np.ones(
            (1, SCENE_PX, 3)
        )
        scene = slope + rng.normal(0, 6, (SCENE_PX, SCENE_PX, 3))
        start = int(rng.integers(20, SCENE_PX - size - 20))
        part = scene[start : start + size, start : start + size]
        part += (small - part) * cover[..., None]
        x, y = (
            start + float(axis.min() + axis.max()) / 2 * ratio
            for axis in (columns, rows)
        )
        yield scene.clip(0, 255).astype(np.uint8), (x, y)
