"""Turn the flow of one picture, or of many, over one engine."""

from collections.abc import Generator
from contextlib import closing
from typing import TypeVar

from pipeline.inpainters.contract import Batch, Inpainter, PaintsTogether
from pipeline.inpainters.one_by_one import OneByOne
from pipeline.records import Candidate, FlowStep
from pipeline.runner.early_gate import EarlyGate
from pipeline.runner.several import Several

End = TypeVar("End")


def drive(
    flow: Generator[FlowStep, Candidate | None, End],
    inpainter: Inpainter | None,
    gate: EarlyGate | None = None,
    *,
    sparing: bool = False,
) -> End:
    """Paint what the flow asks for, until it returns.

    What the flow has enough of is not painted any further. When the engine gives up on
    a region, that region alone goes without; an exception of any other kind is raised
    inside the flow.

    Args:
        flow: The work on one picture.
        inpainter: None where nothing is painted.
        gate: Decides on previews; None leaves them out.
        sparing: See `open_batch`.

    Raises:
        What the flow raises.
    """
    batch = open_batch(inpainter, sparing=sparing)
    with closing(Several[End](batch, gate)) as several:
        ended = several.begin(flow)
        while not ended:
            ended = several.turn()
    return ended[0]


def open_batch(inpainter: Inpainter | None, *, sparing: bool) -> Batch | None:
    """Return where requests are handed in; None where there is no engine.

    Args:
        inpainter: Any engine, whether several requests share a batch on it or not.
        sparing: Flows are expected to have enough of a region before all of its
            variations are painted.
    """
    if inpainter is None:
        return None
    if isinstance(inpainter, PaintsTogether):
        return inpainter.open(sparing=sparing)
    return OneByOne(inpainter)
