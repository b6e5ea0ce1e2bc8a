"""Keep many drawn hands in few files, and read them back.

A shard is one .npz file. Pictures are JPEG at quality 95, without chroma loss; masks
are single bits; which digit a pixel shows is a PNG of small numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from workshop.hands.render import RenderedHand
from workshop.hands.scene import KINDS, POSE_NAMES, STYLES

RgbArray = npt.NDArray[np.uint8]
MaskArray = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

MOST_DIGITS = 10
"""Places for digits in the table of joints; no flaw draws more."""


@dataclass(frozen=True, slots=True, eq=False)
class Shard:
    """The hands of one file; every table has one row per hand."""

    size: int
    pictures: Bytes
    picture_ends: npt.NDArray[np.int64]
    labels: Bytes
    label_ends: npt.NDArray[np.int64]
    hand_bits: Bytes
    flaw_bits: Bytes
    joints: npt.NDArray[np.float16]
    """(N, MOST_DIGITS, 4, 2) x, y in pixels; nan where there is no digit."""
    wrist: npt.NDArray[np.float16]
    kind: npt.NDArray[np.int16]
    """Numbers into `KINDS`; 0 is ok."""
    style: npt.NDArray[np.int16]
    pose: npt.NDArray[np.int16]
    digits: npt.NDArray[np.int16]
    visible_digits: npt.NDArray[np.int16]
    palm_side: npt.NDArray[np.bool_]
    twin: npt.NDArray[np.int32]
    """Row of the other member of a pair, or -1."""
    seed: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.kind)

    def pixels(self, row: int) -> RgbArray:
        """Return one picture, (size, size, 3) uint8 RGB."""
        packed = _piece(self.pictures, self.picture_ends, row)
        read = cv2.imdecode(packed, cv2.IMREAD_COLOR)
        if read is None:
            raise ValueError(f"picture {row} of the shard is damaged; write it again")
        return np.ascontiguousarray(read[..., ::-1])

    def digit_labels(self, row: int) -> npt.NDArray[np.uint8]:
        """Return (size, size) uint8: 0 nothing, n + 1 where digit n is seen."""
        packed = _piece(self.labels, self.label_ends, row)
        read = cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE)
        if read is None:
            raise ValueError(f"labels {row} of the shard are damaged; write it again")
        return np.asarray(read, np.uint8)

    def hand(self, row: int) -> MaskArray:
        """Return (size, size) bool: palm and digits."""
        return self._mask(self.hand_bits, row)

    def flaw(self, row: int) -> MaskArray:
        """Return (size, size) bool: where the flaw shows; empty for sound hands."""
        shown = self._mask(self.flaw_bits, row)
        return shown if self.kind[row] > 0 else np.zeros_like(shown)

    def _mask(self, bits: Bytes, row: int) -> MaskArray:
        flat = np.unpackbits(bits[row], count=self.size * self.size)
        return flat.reshape(self.size, self.size).astype(bool)


def _piece(joined: Bytes, ends: npt.NDArray[np.int64], row: int) -> Bytes:
    start = 0 if row == 0 else int(ends[row - 1])
    return joined[start : int(ends[row])]


def _encoded(picture: npt.NDArray[np.uint8], suffix: str, *flags: int) -> Bytes:
    done, packed = cv2.imencode(suffix, picture, list(flags))
    if not done:
        raise OSError(f"OpenCV cannot encode {suffix}; check its build")
    return np.asarray(packed, np.uint8).reshape(-1)


def _jpeg(pixels: RgbArray) -> Bytes:
    return _encoded(
        pixels[..., ::-1],
        ".jpg",
        cv2.IMWRITE_JPEG_QUALITY,
        95,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    )


def _label_map(hand: RenderedHand) -> Bytes:
    numbers = np.arange(1, len(hand.digit_masks) + 1, dtype=np.uint8)
    labels = (hand.digit_masks * numbers[:, None, None]).max(axis=0)
    return _encoded(labels.astype(np.uint8), ".png")


def _joint_table(hands: Sequence[RenderedHand]) -> npt.NDArray[np.float16]:
    table = np.full((len(hands), MOST_DIGITS, 4, 2), np.nan, np.float16)
    for row, hand in enumerate(hands):
        table[row, : len(hand.joints)] = hand.joints
    return table


def write_shard(
    path: Path, hands: Sequence[RenderedHand], twins: Sequence[int]
) -> None:
    """Write hands into one file, wholly or not at all.

    Args:
        path: The .npz file to make.
        hands: All of one size.
        twins: For each hand the row of its twin, or -1.
    """
    pictures = [_jpeg(hand.pixels) for hand in hands]
    labels = [_label_map(hand) for hand in hands]
    tables = {
        "size": np.array(hands[0].pixels.shape[0]),
        "pictures": np.concatenate(pictures),
        "picture_ends": np.cumsum([len(piece) for piece in pictures]),
        "labels": np.concatenate(labels),
        "label_ends": np.cumsum([len(piece) for piece in labels]),
        "hand_bits": np.array([np.packbits(hand.hand) for hand in hands]),
        "flaw_bits": np.array([np.packbits(hand.flaw) for hand in hands]),
        "joints": _joint_table(hands),
        "wrist": np.array([hand.wrist for hand in hands], np.float16),
        "kind": np.array([KINDS.index(hand.kind) for hand in hands], np.int16),
        "style": np.array([STYLES.index(hand.style) for hand in hands], np.int16),
        "pose": np.array([POSE_NAMES.index(hand.pose) for hand in hands], np.int16),
        "digits": np.array([hand.digits for hand in hands], np.int16),
        "visible_digits": np.array([hand.visible_digits for hand in hands], np.int16),
        "palm_side": np.array([hand.palm_side for hand in hands], bool),
        "twin": np.array(twins, np.int32),
        "seed": np.array([hand.seed for hand in hands], np.int64),
    }
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        np.savez(file, allow_pickle=False, **tables)
    unfinished.replace(path)


def read_shard(path: Path) -> Shard:
    """Read one file; masks and pictures are unpacked only when asked for."""
    with np.load(path, allow_pickle=False) as stored:
        tables = {name: stored[name] for name in stored.files if name != "size"}
        return Shard(size=int(stored["size"]), **tables)


def shard_paths(folder: Path) -> list[Path]:
    """Return the shards of a set in order.

    Raises:
        FileNotFoundError: there is none.
    """
    found = sorted(folder.glob("shard-*.npz"))
    if not found:
        raise FileNotFoundError(
            f"no shard in {folder}; make some with: python -m workshop.hands.dataset"
        )
    return found


def read_shards(folder: Path) -> Iterator[Shard]:
    """Read a set shard by shard."""
    for path in shard_paths(folder):
        yield read_shard(path)
