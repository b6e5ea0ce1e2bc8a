"""Read and write a baseline: one JSON file, sorted, a line a fact, made for diffs."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from detectors.geometry import Box
from pipeline.errors import OutputTrouble, UsageError
from pipeline.files import write_whole
from pipeline.gate.baseline import Baseline, Entry
from pipeline.names import shown

FORMAT = "nightmend-baseline-1"
DEFAULT_NAME = ".nightmend-baseline.json"
_BOX = re.compile(r"\[\s+(-?\d+),\s+(-?\d+),\s+(-?\d+),\s+(-?\d+)\s+\]")
"""A box that `json` has spread over six lines; no text holds a real line break."""

MAX_BYTES = 256 * 2**20

Text = Annotated[str, Field(max_length=4096)]
Pixel = Annotated[int, Field(ge=-(2**31), lt=2**31)]


class _Entry(BaseModel):
    """One entry as it is written."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    path: Text
    rule: Annotated[str, Field(pattern=r"^NM\d{3}$")]
    kind: Text
    digest: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
    box: tuple[Pixel, Pixel, Pixel, Pixel] | None = None
    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")]
    reason: Text = ""
    expires: date | None = None
    added: date | None = None


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: str
    entries: tuple[_Entry, ...]


def read(file: Path, today: date) -> Baseline:
    """Return the baseline that a file holds.

    Raises:
        UsageError: there is none, or it is not one that this version can read.
    """
    name = shown(file)
    try:
        if file.stat().st_size > MAX_BYTES:
            raise UsageError(f"{name} is too large for a baseline")
        held = _File.model_validate_json(file.read_bytes())
    except OSError as error:
        raise UsageError(
            f"the baseline {name} cannot be read ({error.strerror}); make one with: "
            "nightmend baseline create"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"{name} is not a baseline: {shown(place)}: {shown(first['msg'])}"
        ) from error
    if held.format != FORMAT:
        raise UsageError(
            f"{name} has the format {shown(held.format)}, and this version reads "
            f"{FORMAT}; update nightmend, or make it anew"
        )
    return Baseline((_from_file(entry) for entry in held.entries), today)


def write(file: Path, baseline: Baseline) -> None:
    """Write a baseline, wholly or not at all.

    Raises:
        OutputTrouble: it cannot be written.
    """
    plain = {"format": FORMAT, "entries": [_plain(one) for one in baseline.entries]}
    text = _BOX.sub(r"[\1, \2, \3, \4]", json.dumps(plain, indent=1)) + "\n"
    try:
        write_whole(file.absolute(), text.encode())
    except OSError as error:
        raise OutputTrouble(
            f"the baseline {shown(file)} cannot be written: {error.strerror}"
        ) from error


def _plain(entry: Entry) -> dict[str, object]:
    box = entry.box
    return {
        "path": entry.path,
        "rule": entry.rule,
        "kind": entry.kind,
        "digest": entry.digest,
        "box": None if box is None else [box.x0, box.y0, box.x1, box.y1],
        "fingerprint": entry.fingerprint,
        "reason": entry.reason,
        "expires": entry.expires.isoformat() if entry.expires else None,
        "added": entry.added.isoformat() if entry.added else None,
    }


def _from_file(entry: _Entry) -> Entry:
    try:
        box = Box(*entry.box) if entry.box is not None else None
    except ValueError as error:
        raise UsageError(f"a baseline entry of {shown(entry.path)}: {error}") from error
    return Entry(
        entry.rule,
        entry.kind,
        entry.digest,
        entry.path,
        box,
        entry.fingerprint,
        entry.reason,
        entry.expires,
        entry.added,
    )
