"""What one stage hands to the next; frozen, and small wherever it travels."""

from collections.abc import Generator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal, TypeAlias

from detectors.arrays import CoverArray, MaskArray, RgbArray
from detectors.findings import Finding, Mark, Remedy, Severity
from detectors.geometry import Box, Size

Mode = Literal["only-masked", "whole-picture"]
MaskedContent = Literal["original", "fill", "latent-noise", "latent-nothing"]
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


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """What the chosen detectors said about one picture."""

    findings: tuple[Finding, ...]
    """Everything looked at, the places in order included; sorted by place."""

    looked: tuple[str, ...]
    """Names of the detectors that looked."""

    failed: tuple[tuple[str, str], ...] = ()
    """(detector, reason) of those that could not look."""


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """One connected piece of work: what to repaint, and why."""

    number: int
    box: Box
    """The bounding box of the mask, in picture pixels."""

    mask: MaskArray
    """(box.height, box.width) bool, True = repaint; never empty."""

    findings: tuple[Finding, ...]
    remedy: Remedy = "redraw"


@dataclass(frozen=True, slots=True, eq=False)
class PaintRequest:
    """A patch with everything an engine must know, and nothing it must look up."""

    patch: Patch
    mode: Mode
    reason: str
    """Why this mode, in one clause with its numbers."""

    window: Box
    """The part of the picture that is cut out, in picture pixels."""

    working: Size
    """The size at which the engine paints; equal to the window's when it is free."""

    pixels: RgbArray
    """(window H, window W, 3) uint8: the cut-out of the picture as accepted so far."""

    mask: MaskArray
    """(window H, window W) bool, True = repaint."""

    cover: CoverArray
    """(window H, window W) float32: how much of the new pixel is taken."""

    strength: float
    """Denoising strength, 0..1."""

    content: MaskedContent
    mask_blur_px: int
    prompt: str
    negative_prompt: str
    seeds: tuple[int, ...]
    """One per variation."""

    first_number: int = 0
    """The number of the first variation; a retry goes on counting."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One variation as an engine made it, before it is blended in."""

    patch: int
    number: int
    seed: int
    pixels: RgbArray | None
    """(window H, window W, 3) uint8, or None when this variation failed."""

    took_s: float
    problem: str = ""
    """Why there are no pixels: NaN, black, out of memory; "" when there are."""

    notes: tuple[str, ...] = ()
    """What the engine changed on its way, such as a rung of the memory ladder."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What is wrong with a region; each part is >= 0 and lower is better."""

    flaw: float
    seam: float
    drift: float
    total: float
    """The weighted sum; the only figure that candidates are compared by."""


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A finding without its outline."""

    detector: str
    kind: str
    box: Box
    confidence: float
    message: str = ""
    marks: tuple[Mark, ...] = ()
    remedy: Remedy = "redraw"
    severity: Severity = Severity.WARNING
    """From the detector's table of kinds, so that reports need no detector."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A candidate without its pixels."""

    pass_number: int
    patch: int
    number: int
    seed: int
    strength: float
    cost: Cost | None
    """None when the variation failed."""

    took_s: float
    problem: str = ""
    notes: tuple[str, ...] = ()
    picture: str = ""
    """Where its cut-out is kept, below the state folder; "" when it is not."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was decided for one patch in one pass."""

    pass_number: int
    patch: int
    winner: int | None
    """The candidate's number, or None: the original stays."""

    cost_before: Cost
    cost_after: Cost
    """Equal to `cost_before` when the original stays."""

    reason: str
    """Why, in one clause with its numbers."""

    box: Box
    window: Box
    working: Size
    mode: Mode
    mode_reason: str
    strength: float
    content: MaskedContent
    prompt: str
    negative_prompt: str
    remedy: Remedy
    kinds: tuple[str, ...]
    before: str = ""
    """Where the cut-out before is kept, below the state folder."""

    mask: str = ""
    """Where its mask is kept, below the state folder."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went for one picture; no pixels, so it may travel between processes."""

    key: str
    digest: str
    status: Status
    size: Size = Size(0, 0)  # noqa: RUF009  a NamedTuple is immutable
    findings: tuple[FindingRow, ...] = ()
    """What was there before."""

    remaining: tuple[FindingRow, ...] = ()
    """What is there in the end; equal to `findings` where nothing was changed."""

    attempts: tuple[Attempt, ...] = ()
    choices: tuple[Choice, ...] = ()
    checkpoints: tuple[str, ...] = ()
    """One picture per finished pass, below the state folder."""

    preview_before: str = ""
    """The picture as it came, at most 1024 px, below the state folder; for reports."""

    preview_after: str = ""
    """The same of the picture as it ended; "" when nothing was changed."""

    passes: int = 0
    past_passes: int = 0
    output: str = ""
    """Path below the output folder; "" when nothing was written."""

    output_digest: str = ""
    staged: str = ""
    """Name of the finished temporary file that waits beside its final place."""

    problem: str = ""
    """For skipped, unreadable and failed: what, where, what to do; else a remark."""

    engine: str = ""
    detector_failures: tuple[tuple[str, str], ...] = ()
    recipe: Recipe = field(default_factory=Recipe)
    stage_seconds: tuple[tuple[str, float], ...] = ()
    took_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where the files of one run go."""

    output: Path
    """Root of the mirrored tree."""

    state: Path
    """The state folder, `output/.nightmend` unless the user says otherwise."""

    run_id: str


@dataclass(frozen=True, slots=True)
class RunInfo:
    """One run, as the ledger knows it."""

    run_id: str
    command: str
    """"repair" or "check"."""

    argv: tuple[str, ...]
    sources: tuple[str, ...]
    output: str
    started: str
    """ISO 8601 with offset."""

    finished: str
    """ISO 8601 with offset; "" while it runs or when it was killed."""

    ended_by: str
    """"done", "signal", "limit" or "trouble: ..."; "" while it runs."""

    engine: str
    settings_json: str
    version: str
    planned: int
    """Pictures found at the start."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """The one thing that reports read."""

    info: RunInfo
    outcomes: tuple[Outcome, ...]
    """One per picture, sorted by key."""


class Reply(StrEnum):
    """What the flow answers to a candidate."""

    MORE = "more"
    ENOUGH = "enough"


@dataclass(frozen=True, slots=True, eq=False)
class Ask:
    """The flow wants these painted; their covers do not overlap."""

    requests: tuple[PaintRequest, ...]


FlowStep: TypeAlias = Ask | Reply
Flow: TypeAlias = Generator[FlowStep, Candidate | None, Outcome]
"""The work on one picture.

It yields an `Ask`; is sent each candidate as it is finished, in any order, and answers
each with a `Reply` for that candidate's patch; is sent None when nothing more will come
of this `Ask`; and then yields the next `Ask`, or returns the `Outcome`.
"""
