"""What a worker tells its supervisor: small records, sent as lines of JSON.

They are never pickled, so that nothing a worker sends can do more than be read.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pipeline.runner.contract import Result
from pipeline.wire import from_plain, to_plain


@dataclass(frozen=True, slots=True)
class Ready:
    """The tools are built, and the worker waits for a job."""

    engine: str
    modules: tuple[str, ...] = ()
    """What of this program it has imported by now."""


@dataclass(frozen=True, slots=True)
class Began:
    """A stage of the work on a picture begins; also a sign of life."""

    stage: str


@dataclass(frozen=True, slots=True)
class Finished:
    """A job is done, and the worker waits for the next."""

    result: Result
    resident_mib: float
    """The worker's memory now; 0 where the system does not tell."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The worker cannot go on, and says why; what it was at is not done."""

    code: int
    """The exit code that the trouble would have given the whole run."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Said:
    """A line for the log."""

    logger: str
    level: int
    text: str
    traceback: str = ""


Message: TypeAlias = Ready | Began | Finished | Refused | Said

_KINDS: Mapping[str, type[Message]] = {
    kind.__name__: kind for kind in (Ready, Began, Finished, Refused, Said)
}


def to_line(message: Message) -> bytes:
    """Return the message as one line of ASCII JSON."""
    return json.dumps([type(message).__name__, to_plain(message)]).encode("ascii")


def from_line(line: bytes) -> Message:
    """Return the message that `to_line` made the line from.

    Raises:
        ValueError: it is no such line.
    """
    try:
        name, plain = json.loads(line)
        kind = _KINDS[name]
    except (KeyError, TypeError) as error:
        raise ValueError(f"no message of a worker: {error!r}") from error
    return from_plain(kind, plain)
