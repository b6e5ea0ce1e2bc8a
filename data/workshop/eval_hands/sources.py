"""Where the pictures for measuring come from; none of them was trained on."""

import csv
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from diffusers import AutoencoderKL

from detectors.arrays import RgbArray
from detectors.hand_nets import HandNets
from detectors.hand_trials import HandLabel
from workshop.eval_hands.pairs import Pair
from workshop.hands import render_pair
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
from workshop.judge.make_round_trips import round_trip, trip_of

FIRST_SEED = 900_000_000
"""Training draws its seeds from 1,000,000 up, and never comes this far."""


def default_labels() -> Path:
    """Return the labels of the shared folder of hands, there or not."""
    shared = os.environ.get("NIGHTMEND_SHARED", "../shared")
    return Path(shared) / "data" / "hands" / "labels.csv"


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


def decoded_pairs(pairs: Iterable[Pair], vae: Path) -> Iterator[Pair]:
    """Send pairs through an autoencoder; both members make the same trip.

    Args:
        pairs: Pictures of any size.
        vae: A diffusers folder.
    """
    network = AutoencoderKL.from_pretrained(str(vae)).eval()
    for number, pair in enumerate(pairs):
        trip = trip_of(f"decoded-{number}-{pair.group}")
        yield pair._replace(
            flawed=round_trip(pair.flawed, trip, network),
            sound=round_trip(pair.sound, trip, network),
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
