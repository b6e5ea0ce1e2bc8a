"""Render the training pictures: pairs of a flawed hand and its sound twin.

Run: python -m workshop.tiny_hands.pictures FOLDER --count 6000 --workers 2
Stops and resumes at whole shards; the same seeds give the same pictures.
"""

import argparse
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.inpainters.diffusion.hand_pose import DIGITS
from workshop.hands import KINDS, render_pair
from workshop.hands.render import RenderedHand

SIZE = 224
"""Side of a stored picture in pixels, where no other is asked for."""

SHARD = 125
FIRST_SEED = 5_000_000
"""Seeds from here on are for training; the evaluation draws from below."""

STYLES = {"photo": 0.7, "anime": 0.15, "painted": 0.15}
FLAWED_KINDS = tuple(kind for kind in KINDS if kind != "ok")

LEGIBLE = ("open", "spread", "together", "relaxed", "natural", "counting")
"""Poses that show most of the digits, which is what a repaired hand is judged by."""

LEGIBLE_SHARE = 0.8
"""Share of the pairs in those poses; a small network cannot learn everything at once.
The others are drawn as the renderer draws them when nothing is asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Shard:
    """Some pairs; index 0 of the second axis is the flawed hand, 1 its twin."""

    pixels: npt.NDArray[np.uint8]
    """(N, 2, side, side, 3) RGB."""

    hands: npt.NDArray[np.bool_]
    """(N, 2, side, side): palm and digits."""

    digits: npt.NDArray[np.uint8]
    """(N, 2, side, side): 1 + the index of the visible digit, 0 elsewhere."""

    joints: npt.NDArray[np.float32]
    """(N, 21, 2): the twin's wrist, then its thumb to little finger from root to tip;
    x and y in pixels, which may lie outside of the picture."""

    labels: npt.NDArray[np.str_]
    """(N, 4): kind, digits of the flawed hand, style, pose."""

    @property
    def side(self) -> int:
        """Side of its pictures in pixels."""
        return len(self.hands[0, 0])


def draw_pair(seed: int, size: int) -> tuple[RenderedHand, RenderedHand]:
    """Draw a flawed hand and its twin, of the kinds, styles and poses that are learnt.

    Args:
        seed: Decides everything.
        size: Side of the pictures in pixels.
    """
    rng = np.random.default_rng([seed, 77])
    kind = str(rng.choice(FLAWED_KINDS))
    style = str(rng.choice(list(STYLES), p=list(STYLES.values())))
    legible = bool(rng.random() < LEGIBLE_SHARE)
    pose = str(rng.choice(LEGIBLE)) if legible else None
    return render_pair(seed, kind=kind, pose=pose, style=style, size=size)


def render_shard(number: int, size: int = SIZE) -> Shard:
    """Render the pairs of one shard; a function of its number and size alone."""
    pixels, hands, digits, joints, labels = [], [], [], [], []
    for seed in range(number * SHARD, (number + 1) * SHARD):
        pair = draw_pair(FIRST_SEED + seed, size)
        flawed = pair[0]
        pixels.append([hand.pixels for hand in pair])
        hands.append([hand.hand for hand in pair])
        digits.append([_number_digits(hand.digit_masks) for hand in pair])
        joints.append(skeleton_of(pair[1]))
        labels.append([flawed.kind, str(flawed.digits), flawed.style, flawed.pose])
    return Shard(
        np.array(pixels),
        np.array(hands),
        np.array(digits),
        np.array(joints),
        np.array(labels),
    )


def skeleton_of(sound: RenderedHand) -> npt.NDArray[np.float32]:
    """Return the (21, 2) joints of a sound hand, in the order of hand landmarks."""
    chains = dict(zip(sound.names, sound.joints, strict=True))
    wrist = np.array([sound.wrist], np.float32)
    return np.concatenate([wrist, *(chains[name] for name in DIGITS)])


def _number_digits(masks: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    numbered = np.zeros(masks.shape[1:], np.uint8)
    for number, mask in enumerate(masks, start=1):
        numbered[mask] = number
    return numbered


def save_shard(shard: Shard, path: Path) -> None:
    """Write a shard; a reader never sees half of one."""
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as file:
        np.savez(
            file,
            pixels=shard.pixels,
            hands=np.packbits(shard.hands, axis=-1),
            digits=shard.digits,
            joints=shard.joints,
            labels=shard.labels,
        )
    temporary.rename(path)


def load_shard(path: Path) -> Shard:
    """Read a shard that `save_shard` wrote."""
    with np.load(path) as stored:
        pixels, packed = stored["pixels"], stored["hands"]
        hands = np.unpackbits(packed, axis=-1, count=pixels.shape[2])
        return Shard(
            pixels,
            hands.astype(bool),
            stored["digits"],
            stored["joints"],
            stored["labels"],
        )


def take_in(folder: Path, shards: dict[Path, Shard]) -> None:
    """Read the shards that have come to lie in a folder since the last call."""
    for path in sorted(folder.glob("*.npz")):
        if path not in shards:
            shards[path] = load_shard(path)


def write_shard(number: int, size: int, path: Path) -> None:
    """Render one shard and write it, on one core."""
    cv2.setNumThreads(1)
    save_shard(render_shard(number, size), path)


def main() -> None:
    """Render shards until there are enough pairs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=6000)
    parser.add_argument("--size", type=int, default=SIZE)
    parser.add_argument("--first", type=int, default=0, help="shard to begin with")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    first = arguments.first
    paths = {
        number: arguments.folder / f"pairs-{number:04}.npz"
        for number in range(first, first - (-arguments.count // SHARD))
    }
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(arguments.workers, mp_context=context) as pool:
        jobs = [
            pool.submit(write_shard, number, arguments.size, path)
            for number, path in paths.items()
            if not path.exists()
        ]
        for done, job in enumerate(as_completed(jobs), start=1):
            job.result()
            print(f"{done * SHARD} pairs more", flush=True)


if __name__ == "__main__":
    main()
