"""A picture before a run has done anything to it: found, identified, loaded."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal

from detectors.arrays import RgbArray
from detectors.geometry import Size

PictureFormat = Literal["PNG", "JPEG", "WEBP"]


class Status(StrEnum):
    """How it ended for one picture."""

    CLEAN = "clean"
    """Every chosen detector looked and none found a flaw."""

    FLAWED = "flawed"
    """Flaws were found, and the command does not repair (`check`)."""

    REPAIRED = "repaired"
    """At least one region was replaced by something better."""

    KEPT = "kept"
    """Flawed, and nothing tried was better; the original stays."""

    SKIPPED = "skipped"
    """A sound picture that cannot be repaired without losing something."""

    UNREADABLE = "unreadable"
    FAILED = "failed"
    QUARANTINED = "quarantined"
    """Given up after repeated crashes."""


@dataclass(frozen=True, slots=True)
class Found:
    """One picture file by its name; nobody has opened it yet."""

    root: Path
    key: str
    """Path below `root`, with `/` and suffix; the identity of the picture in a run."""


@dataclass(frozen=True, slots=True)
class Odd:
    """Something among the sources that is left alone, and why."""

    path: str
    reason: str
    """One clause, such as "is a link; links are not followed"."""

    status: Status = Status.SKIPPED
    """UNREADABLE or FAILED where something that was asked for cannot be done."""

    kind: str = ""
    """The rule of the gate that names it; "" where the status tells."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will look at."""

    found: tuple[Found, ...]
    """Sorted by key; no key twice."""

    odd: tuple[Odd, ...] = ()
    twins: tuple[tuple[str, ...], ...] = ()
    """Groups of keys that a file system may take for one: equal but for upper and lower
    case, or for the way in which accents are composed."""


@dataclass(frozen=True, slots=True)
class ImageRef:
    """One picture file; small, so it may travel to another process."""

    root: Path
    key: str
    """Path below `root`, with `/` and suffix; the identity of the picture in a run."""

    digest: str
    """SHA-256 of the file's bytes in hex; the identity of its content."""

    @property
    def path(self) -> Path:
        return self.root / self.key


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the picture was generated, as far as its metadata tells."""

    prompt: str = ""
    negative_prompt: str = ""
    generator: str = ""
    """Who wrote the metadata, such as "AUTOMATIC1111"; "" when there is none."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded picture, upright, with all that is needed to write it back."""

    ref: ImageRef
    pixels: RgbArray
    alpha: RgbArray | None
    """(H, W) uint8, upright like `pixels`, or None when the file has no alpha."""

    format: PictureFormat
    mode: str
    """Pillow's name for the stored mode: "RGB", "RGBA", "L" or "LA"."""

    orientation: int
    """EXIF orientation of the stored pixels, 1..8; 1 when stored upright."""

    encoded: bytes = field(repr=False)
    """The file as it was read: source of every metadata chunk that is carried over."""

    recipe: Recipe = field(default_factory=Recipe)
    past_passes: int = 0
    """Passes that earlier runs spent on this picture, from its own provenance."""

    @property
    def size(self) -> Size:
        return Size(int(self.pixels.shape[1]), int(self.pixels.shape[0]))
