"""What every engine offers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

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


@dataclass(frozen=True, slots=True)
class InpainterSpec:
    """One line of the catalogue of engines."""

    name: str
    sentence: str
    target: str
    """`module:function`; the function takes the inpaint settings and returns one."""

    package: str = ""
    """An optional package that must be installed, or ""."""
