"""Training samples of the hand judge, and the shards they are stored in.

A sample is the surroundings of one hand, cut out upright at `REACH` times the frame
that the finder would have used, so that training can turn, shift and scale it. Members
of one pair show the same hand in the same pose and place; only the flaw differs.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import MaskArray, RgbArray
from detectors.hand_framing import HandFrame, PointArray, cut

STORED_PX = 288
"""Side of a stored cut-out."""

REACH = 1.3
"""Side of the stored cut-out in frames."""

STORED_MAP = 72
"""Side of the stored maps: one cell for 4x4 pixels, as the network draws them."""

MOST_TIPS = 10

THROUGH = "through-"
"""How the origins of samples begin that went through an autoencoder."""

KIND_OF = {
    "ok": "ok",
    "extra": "extra",
    "fork": "extra",
    "two_thumbs": "extra",
    "growth": "extra",
    "missing": "missing",
    "fused": "fused",
    "bend": "bent",
    "side": "bent",
    "twisted": "bent",
    "short": "length",
    "long": "length",
    "melt": "melt",
    "detached": "melt",
}
"""What the renderer calls a flaw -> the network's class."""


@dataclass(frozen=True, slots=True)
class Label:
    """What is known about one sample."""

    origin: str
    """"render", "edit" or "real"; with THROUGH before it after a round trip."""

    style: str
    kind: str
    """Class of the network: one of KIND_CLASSES."""

    detail: str
    """The flaw as its maker calls it, such as "two_thumbs"."""

    pair: str
    """Members of one pair share it."""

    group: str
    """Samples that must not be split between training and measuring share it."""

    digits: int = 0
    """How many digits the hand has; 0 when unknown."""

    visible: int = 0
    """How many of them can be seen; 0 when unknown."""

    open_hand: bool = False
    mapped: bool = False
    """True when `hand` and `tips` are known."""

    tipped: bool = False
    """True when `tips` is known although `hand` is not."""

    @property
    def flawed(self) -> bool:
        return self.kind != "ok"


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One cut-out with its ground truth."""

    pixels: RgbArray
    """(STORED_PX, STORED_PX, 3) uint8 RGB."""

    label: Label
    hand: npt.NDArray[np.uint8] = field(
        default_factory=lambda: np.zeros((STORED_MAP, STORED_MAP), np.uint8)
    )
    """(STORED_MAP, STORED_MAP) uint8: share of each cell that is hand, of 255."""

    flaw: npt.NDArray[np.uint8] = field(
        default_factory=lambda: np.zeros((STORED_MAP, STORED_MAP), np.uint8)
    )
    tips: PointArray = field(
        default_factory=lambda: np.full((MOST_TIPS, 2), np.nan, np.float32)
    )
    """(MOST_TIPS, 2) float32 in pixels of the cut-out; NaN where there is none."""


def surroundings(pixels: RgbArray, frame: HandFrame) -> RgbArray:
    """Return the cut-out that is stored for a hand with that frame."""
    return cut(pixels, frame.turned(0.0, REACH), STORED_PX)


def map_of(mask: MaskArray, frame: HandFrame) -> npt.NDArray[np.uint8]:
    """Return a mask of the picture as a map of the stored cut-out."""
    grey = np.repeat(mask.astype(np.uint8)[..., None] * 255, 3, axis=2)
    upright = cut(grey, frame.turned(0.0, REACH), STORED_PX)[..., 0]
    small: npt.NDArray[np.uint8] = cv2.resize(
        upright, (STORED_MAP, STORED_MAP), interpolation=cv2.INTER_AREA
    )
    return small


def points_of(points: PointArray, frame: HandFrame) -> PointArray:
    """Return points of the picture in pixels of the stored cut-out, padded with NaN."""
    padded = np.full((MOST_TIPS, 2), np.nan, np.float32)
    mapped = frame.turned(0.0, REACH).from_picture(points, STORED_PX)[:MOST_TIPS]
    padded[: len(mapped)] = mapped
    return padded


def write_shard(path: Path, samples: Iterable[Sample]) -> int:
    """Write samples into one .npz file, wholly or not at all; return how many."""
    kept = list(samples)
    coded = [_encode(sample.pixels) for sample in kept]
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as file:
        np.savez(
            file,
            jpeg=np.concatenate(coded),
            ends=np.cumsum([len(item) for item in coded]),
            hand=np.array([sample.hand for sample in kept]),
            flaw=np.array([sample.flaw for sample in kept]),
            tips=np.array([sample.tips for sample in kept]),
            labels=np.array(json.dumps([asdict(sample.label) for sample in kept])),
        )
    temporary.rename(path)
    return len(kept)


def _encode(pixels: RgbArray) -> npt.NDArray[np.uint8]:
    quality = [cv2.IMWRITE_JPEG_QUALITY, 95]
    coded: npt.NDArray[np.uint8] = cv2.imencode(
        ".jpg", np.ascontiguousarray(pixels[..., ::-1]), quality
    )[1].ravel()
    return coded


def read_shard(path: Path) -> Iterator[tuple[Label, bytes, Sample]]:
    """Yield (label, coded pixels, sample without pixels) of one shard."""
    nothing = np.zeros((0, 0, 3), np.uint8)
    with np.load(path) as stored:
        labels = [Label(**entry) for entry in json.loads(str(stored["labels"]))]
        jpeg, ends = stored["jpeg"], stored["ends"]
        hand, flaw, tips = stored["hand"], stored["flaw"], stored["tips"]
    start = 0
    for index, label in enumerate(labels):
        coded = jpeg[start : int(ends[index])].tobytes()
        start = int(ends[index])
        rest = Sample(nothing, label, hand[index], flaw[index], tips[index])
        yield label, coded, rest


def decode(coded: bytes) -> RgbArray:
    """Return the pixels of a stored sample, (STORED_PX, STORED_PX, 3) uint8 RGB."""
    found = cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_COLOR)
    if found is None:
        raise ValueError("a stored sample is damaged; make its shard again")
    rgb: RgbArray = np.ascontiguousarray(found[..., ::-1])
    return rgb
