"""Have what is to go filled from around it, and all else drawn by the model.

A model asked for a hand's surroundings where a finger was tends to draw a finger. A
fill that copies from around the hole cannot, and it works at the picture's own size.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pipeline.inpainters.contract import Batch, Inpainter, Made, PaintsTogether
from pipeline.inpainters.one_by_one import OneByOne
from pipeline.records import Candidate, PaintRequest


def with_fill(model: Inpainter, fill: Inpainter) -> Inpainter:
    """Return an engine that draws by the model, and removes by the fill.

    Args:
        model: Draws; where it paints several requests together, so does the result.
        fill: Needs no model and holds nothing.
    """
    kind = _FillsTogether if isinstance(model, PaintsTogether) else _Fills
    return kind(model, fill)


class _Fills:
    """Meets `pipeline.inpainters.contract.Inpainter`."""

    def __init__(self, model: Inpainter, fill: Inpainter) -> None:
        self._model = model
        self._fill = fill

    @property
    def name(self) -> str:
        """The model's: what a fill painted says so in its notes."""
        return self._model.name

    @property
    def draws(self) -> bool:
        return self._model.draws

    @property
    def native_px(self) -> int | None:
        return self._model.native_px

    @property
    def size_multiple(self) -> int:
        return self._model.size_multiple

    def paint(self, request: PaintRequest) -> Iterator[Candidate]:
        """Yield one candidate per seed, from whichever engine is meant.

        Raises:
            PaintFailed: no variation of this region can be painted at all.
        """
        if request.patch.remedy == "remove":
            return map(self._signed, self._fill.paint(request))
        return self._model.paint(request)

    def close(self) -> None:
        self._model.close()
        self._fill.close()

    def _signed(self, candidate: Candidate) -> Candidate:
        return replace(candidate, notes=(*candidate.notes, f"by {self._fill.name}"))


class _FillsTogether(_Fills):
    """Meets `PaintsTogether` too."""

    def open(self, *, sparing: bool) -> Batch:
        """Open the model's batch, and one for what is filled."""
        if not isinstance(self._model, PaintsTogether):
            raise TypeError(f"{self._model.name} paints one region at a time")
        return _TwoBatches(self._model.open(sparing=sparing), OneByOne(self))


class _TwoBatches:
    """Meets `Batch`; tickets of fills are negative, the model's stay as they are."""

    def __init__(self, drawn: Batch, filled: Batch) -> None:
        self._drawn = drawn
        self._filled = filled

    @property
    def room(self) -> bool:
        return self._drawn.room

    def submit(self, request: PaintRequest, *, preview_at: float = 0.0) -> int:
        """Take a request in; what is filled has no previews."""
        if request.patch.remedy == "remove":
            return -self._filled.submit(request)
        return self._drawn.submit(request, preview_at=preview_at)

    def advance(self) -> Sequence[Made]:
        """Fill first: that is quick, and what waits for it can go on."""
        filled = [replace(made, ticket=-made.ticket) for made in self._filled.advance()]
        return filled or self._drawn.advance()

    def settle(self, ticket: int) -> None:
        if ticket < 0:
            self._filled.settle(-ticket)
        else:
            self._drawn.settle(ticket)

    def drop(self, ticket: int, number: int, cost: float) -> None:
        if ticket > 0:
            self._drawn.drop(ticket, number, cost)
