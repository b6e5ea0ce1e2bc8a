"""What every engine offers, and what one that paints several regions at once adds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from pipeline.records import Candidate, PaintRequest


class Inpainter(Protocol):
    """Repaints the masked part of one cut-out.

    `paint` is lazy: the caller stops drawing from it as soon as it has enough, and what
    was not drawn is not painted. A variation that comes out NaN, black or not at all is
    a `Candidate` with `problem`, not an exception.
    """

    @property
    def name(self) -> str:
        """What did it, for provenance and reports: engine and model."""
        ...

    @property
    def draws(self) -> bool:
        """Tell whether it can draw something new.

        False when it only carries on what surrounds a hole: it can take a thing away,
        but not put a better one in its place.
        """
        ...

    @property
    def native_px(self) -> int | None:
        """The side of the squares the model was trained on; None when any size does."""
        ...

    @property
    def size_multiple(self) -> int:
        """Working sizes must be divisible by this, in pixels; 1 when any size does."""
        ...

    def paint(self, request: PaintRequest) -> Iterator[Candidate]:
        """Yield one candidate per seed, each sized like the request's window.

        Raises:
            PaintFailed: no variation of this region can be painted at all.
        """
        ...

    def close(self) -> None:
        """Free what it holds; calling it twice does no harm."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """Something that a batch brought forth."""

    ticket: int
    """Of the request that it belongs to."""

    candidate: Candidate | None
    """None where the request ended and there is nothing more to show."""

    preview: bool = False
    """What the candidate will roughly look like; it is not finished yet."""

    last: bool = False
    """Nothing more comes of this ticket."""


class Batch(Protocol):
    """Several requests, of one picture or of many, painted side by side.

    The caller hands in requests and calls `advance` until all that it wants has come.
    The finished candidates of a request come in the order of their numbers, so what the
    caller decides does not depend on what else was in the batch.
    """

    @property
    def room(self) -> bool:
        """Tell whether another request would help to keep the engine busy."""
        ...

    def submit(self, request: PaintRequest, *, preview_at: float = 0.0) -> int:
        """Take a request in, and return its ticket.

        Args:
            request: What to paint.
            preview_at: The share of its steps after which each candidate is shown as a
                preview; 0 shows none.

        Raises:
            PaintFailed: no variation of this region can be painted at all.
        """
        ...

    def advance(self) -> Sequence[Made]:
        """Work for a moment, and return what came of it; often nothing.

        Calling it with nothing submitted does no harm.
        """
        ...

    def settle(self, ticket: int) -> None:
        """Stop painting a request: enough came of it. An ended ticket is ignored."""
        ...

    def drop(self, ticket: int, number: int, cost: float) -> None:
        """Set a candidate aside, of which a preview was just shown.

        The cheapest of those set aside is taken up again when nothing else of its
        request comes out; the others end as candidates with a problem.
        """
        ...


@runtime_checkable
class PaintsTogether(Protocol):
    """An engine on which several requests share a batch; optional."""

    def open(self, *, sparing: bool) -> Batch:
        """Open a batch; an engine has one open at a time.

        Args:
            sparing: The caller expects to have enough of a region before all of its
                variations are painted. Those after the first are then begun only where
                that costs nothing.
        """
        ...


@dataclass(frozen=True, slots=True)
class InpainterSpec:
    """One line of the catalogue of engines."""

    name: str
    sentence: str
    target: str
    """`module:function`; the function takes the inpaint settings and returns one."""

    package: str = ""
    """An optional package that must be installed, or ""."""
