"""The one entry that a repaired picture carries about its repairs."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

KEYWORD = "nightmend"
"""Keyword of the PNG text chunk, and opening of the JPEG segment."""

MAX_BYTES = 60_000
"""The longest entry that is written or read: a JPEG segment holds 65,533 bytes."""


def _printable(text: str) -> str:
    """Escape what UTF-8 cannot hold: the name of a model's folder may not be UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


class _Entry(BaseModel):
    """Frozen; what a newer version added is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Repair(_Entry):
    """One region that was replaced."""

    kinds: tuple[str, ...]
    """Kinds of the findings that led to it."""

    box: tuple[int, int, int, int]
    """x0, y0, x1, y1 in pixels of the upright picture, half-open."""

    engine: Annotated[str, AfterValidator(_printable)]
    """Engine and model, as `Inpainter.name` gives them."""

    seed: int
    strength: float
    """Denoising strength, 0..1."""

    mode: str
    """"only-masked" or "whole-picture"."""

    cost_before: float
    cost_after: float
    pass_number: int = 1
    """The pass over the picture's life in which it was made, from 1."""


class Provenance(_Entry):
    """What this tool did to a picture over its whole life."""

    version: str
    """Version of the tool that wrote the entry."""

    passes: Annotated[int, Field(ge=0, le=10_000)]
    """Passes over the picture's life, those of earlier runs included."""

    repairs: tuple[Repair, ...] = ()
    """Oldest first."""

    omitted: Annotated[int, Field(ge=0)] = 0
    """How many of the oldest repairs no longer fit."""


def to_bytes(provenance: Provenance) -> bytes:
    """Return the entry as one line of ASCII JSON of at most `MAX_BYTES`.

    The oldest repairs are left out when it would be longer, and counted in `omitted`.
    """
    while True:
        text = provenance.model_dump_json(ensure_ascii=True).encode("ascii")
        if len(text) <= MAX_BYTES or not provenance.repairs:
            return text
        surplus = 1 + len(provenance.repairs) // 8
        provenance = provenance.model_copy(
            update={
                "repairs": provenance.repairs[surplus:],
                "omitted": provenance.omitted + surplus,
            }
        )


def from_bytes(text: bytes) -> Provenance | None:
    """Return the entry, or None when the text is not one; it never raises."""
    if len(text) > MAX_BYTES:
        return None
    try:
        return Provenance.model_validate_json(text)
    except ValidationError:
        return None
