"""What is told about a picture and a run: no pixels, so it may travel."""

from dataclasses import dataclass, field
from pathlib import Path

from detectors.findings import Mark, Remedy, Severity
from detectors.geometry import Box, Size
from pipeline.records.painting import MaskedContent, Mode
from pipeline.records.sources import Recipe, Status


@dataclass(frozen=True, slots=True)
class Cost:
    """What is wrong with a region; each part is >= 0 and lower is better."""

    flaw: float
    seam: float
    drift: float
    total: float
    """The weighted sum; the only figure that candidates are compared by."""

    blur: float = 0.0
    """A part like the others; last, since ledgers were written before there was one."""


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
class Likeness:
    """What a picture looks like, in few bits."""

    pixels: str
    """SHA-256 of the upright RGB pixels and the size, in hex: equal means the same."""

    look: str
    """128 bits in hex that change little when the picture does; "" for a picture that
    shows next to nothing, which is like every other such picture."""


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
    trouble: str = ""
    """The kind of trouble with the file, such as "file/truncated"; "" without one."""

    likeness: Likeness | None = None
    """What the picture looks like, for finding its like; None when nobody looked."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where the files of one run go."""

    output: Path
    """Root of the mirrored tree."""

    state: Path
    """The state folder, `output/.nightmend` unless the user says otherwise."""

    run_id: str
    lane: str = ""
    """What the names of temporary files begin with, where several runs share the
    output between them; "" for a run that has it alone."""


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
    """"done", "signal", "limit: ..." or "trouble: ..."; "" while it runs."""

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
