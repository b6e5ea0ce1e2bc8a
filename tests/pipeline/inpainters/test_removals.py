"""What is to go is filled, what is to be better is drawn, and neither waits long."""

from dataclasses import replace

import pytest

from detectors.findings import Remedy
from detectors.geometry import Box, Size
from pipeline.inpainters import catalogue
from pipeline.inpainters.contract import Batch, Inpainter, Made, PaintsTogether
from pipeline.inpainters.one_by_one import OneByOne
from pipeline.inpainters.removals import with_fill
from pipeline.records import PaintRequest
from pipeline.settings import InpaintSettings
from tests.pipeline.requests import paint_request
from tests.support.fakes import FakeInpainter
from tests.support.shipped import NAME, real_model

SIZE, BOX = Size(64, 48), Box(20, 16, 36, 32)


class Together(FakeInpainter):
    """A fake on which several requests share a batch."""

    def open(self, *, sparing: bool) -> Batch:
        del sparing
        return OneByOne(self)


def asked(patch: int, remedy: Remedy) -> PaintRequest:
    given = paint_request(SIZE, BOX, patch=patch)
    fields = {name: getattr(given, name) for name in given.__slots__}
    return PaintRequest(**(fields | {"patch": replace(given.patch, remedy=remedy)}))


def all_of(batch: Batch, tickets: set[int]) -> list[Made]:
    made: list[Made] = []
    while tickets:
        for one in batch.advance():
            made.append(one)
            tickets -= {one.ticket} if one.last else set()
    return made


def test_each_kind_of_repair_goes_to_its_engine() -> None:
    model, fill = FakeInpainter(name="model"), FakeInpainter(name="fill", draws=False)
    engine = with_fill(model, fill)

    drawn = list(engine.paint(asked(0, "redraw")))
    gone = list(engine.paint(asked(1, "remove")))

    assert [number for _, number, _ in model.painted] == [0, 1, 2, 3]
    assert [patch for patch, _, _ in fill.painted] == [1, 1, 1, 1]
    assert all(candidate.notes == () for candidate in drawn)
    assert all(candidate.notes == ("by fill",) for candidate in gone)
    assert (engine.name, engine.draws, engine.native_px) == ("model", True, 64)


@pytest.mark.parametrize("kind", [FakeInpainter, Together])
def test_it_paints_together_where_its_model_does(kind: type[FakeInpainter]) -> None:
    engine = with_fill(kind(), FakeInpainter())

    assert isinstance(engine, PaintsTogether) == (kind is Together)


def test_in_a_batch_every_ticket_gets_its_own_candidates() -> None:
    model, fill = Together(name="model"), FakeInpainter(name="fill")
    engine = with_fill(model, fill)
    assert isinstance(engine, PaintsTogether)
    batch = engine.open(sparing=False)

    remedies: tuple[Remedy, ...] = ("redraw", "remove", "redraw", "remove")
    tickets = {
        batch.submit(asked(patch, remedy)): patch
        for patch, remedy in enumerate(remedies)
    }
    made = all_of(batch, set(tickets))

    assert len(tickets) == 4
    for ticket, patch in tickets.items():
        mine = [m.candidate for m in made if m.ticket == ticket and m.candidate]
        assert [candidate.patch for candidate in mine] == [patch] * 4
        assert [candidate.number for candidate in mine] == [0, 1, 2, 3]
        assert all(("by fill" in c.notes) == (patch in {1, 3}) for c in mine)


def test_what_is_settled_is_painted_no_further() -> None:
    model, fill = Together(), FakeInpainter()
    engine = with_fill(model, fill)
    assert isinstance(engine, PaintsTogether)
    batch = engine.open(sparing=True)
    filled = batch.submit(asked(0, "remove"))
    drawn = batch.submit(asked(1, "redraw"))

    (first,) = batch.advance()
    batch.settle(filled)
    batch.drop(filled, 0, 1.0)
    all_of(batch, {drawn})

    assert first.ticket == filled
    assert len(fill.painted) == 1
    assert len(model.painted) == 4


def test_closing_frees_both() -> None:
    model, fill = FakeInpainter(), FakeInpainter()

    with_fill(model, fill).close()

    assert (model.closed, fill.closed) == (1, 1)


@pytest.mark.parametrize(("removal", "drawn_by_model"), [("fill", 0), ("model", 1)])
def test_the_setting_decides_who_removes(removal: str, drawn_by_model: int) -> None:
    real_model()
    settings = InpaintSettings.model_validate(
        {"model": NAME, "device": "cpu", "steps": 1, "removal": removal}
    )
    engine: Inpainter = catalogue.build(settings)
    request = asked(0, "remove")
    fields = {name: getattr(request, name) for name in request.__slots__}
    request = PaintRequest(**(fields | {"seeds": (1,)}))

    (candidate,) = engine.paint(request)
    engine.close()

    assert candidate.problem == ""
    by_fill = any(note.startswith("by classical/") for note in candidate.notes)
    assert by_fill == (not drawn_by_model)
