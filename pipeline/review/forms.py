"""The small file that the report page saves: which pictures, and what was decided."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from detectors.geometry import Box
from pipeline.errors import UsageError
from pipeline.names import shown
from pipeline.records import Decision, NotAFlaw, Pick, Verdict

MAX_BYTES = 20 * 2**20
"""More is not read; a decision takes about 300 bytes."""

Pixel = Annotated[int, Field(ge=0, le=1_000_000)]
Count = Annotated[int, Field(ge=0, le=100_000)]


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PickForm(_Form):
    """Take this variation of a region; no number keeps what was there before."""

    pass_number: Count
    patch: Count
    number: Count | None = None


class NotAFlawForm(_Form):
    """One finding that is none."""

    kind: Annotated[str, Field(min_length=1, max_length=200)]
    box: tuple[Pixel, Pixel, Pixel, Pixel]


class DecisionForm(_Form):
    """Everything decided about one picture."""

    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """SHA-256 of the original file."""

    name: Annotated[str, Field(max_length=20_000)] = ""
    """For people only; the picture is found by its digest."""

    verdict: Verdict = ""
    picks: Annotated[tuple[PickForm, ...], Field(max_length=1000)] = ()
    not_flaws: Annotated[tuple[NotAFlawForm, ...], Field(max_length=1000)] = ()
    note: Annotated[str, Field(max_length=2000)] = ""

    def decision(self, key: str, decided: str) -> Decision:
        """Return the record, for the picture of that key."""
        return Decision(
            key=key,
            digest=self.digest,
            verdict=self.verdict,
            picks=tuple(Pick(p.pass_number, p.patch, p.number) for p in self.picks),
            not_flaws=tuple(NotAFlaw(n.kind, Box(*n.box)) for n in self.not_flaws),
            note=self.note,
            decided=decided,
        )


class ReviewFile(_Form):
    """The whole file."""

    format: Literal["nightmend-review-1"]
    run: Annotated[str, Field(max_length=200)] = ""
    decisions: Annotated[tuple[DecisionForm, ...], Field(max_length=200_000)]


def parse(data: bytes, source: str) -> ReviewFile:
    """Read what the page saved.

    Args:
        data: The file's content.
        source: What to call it in a message.

    Raises:
        UsageError: it is not such a file.
    """
    if len(data) > MAX_BYTES:
        raise UsageError(f"{shown(source)} is larger than {MAX_BYTES >> 20} MiB")
    try:
        return ReviewFile.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UsageError(
            f"{shown(source)} is not a file of decisions: {where}: {first['msg']}; "
            "save it from the report page"
        ) from error


def read(path: Path) -> ReviewFile:
    """Read a file that the page saved.

    Raises:
        UsageError: it cannot be read, or is not such a file.
    """
    try:
        with path.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {shown(path)}: {error.strerror}") from error
    return parse(data, str(path))
