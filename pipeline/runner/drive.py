"""Turn the flow of one picture over one engine."""

import logging
from collections.abc import Generator
from contextlib import closing
from typing import cast

from pipeline.errors import PaintFailed
from pipeline.inpainters.contract import Inpainter
from pipeline.records import Ask, Candidate, Flow, Outcome, PaintRequest, Reply

log = logging.getLogger(__name__)


def drive(flow: Flow, inpainter: Inpainter) -> Outcome:
    """Paint what the flow asks for, region by region, until it returns.

    What the flow has enough of is not painted: candidates are drawn one at a time.
    When the engine gives up on a region, that region alone goes without; an exception
    of any other kind ends the flow.

    Raises:
        Whatever the flow or the engine raises, except PaintFailed.
    """
    with closing(flow):
        try:
            step = next(flow)
            while True:
                for request in cast(Ask, step).requests:
                    _serve(request, flow, inpainter)
                step = flow.send(None)
        except StopIteration as end:
            return cast(Outcome, end.value)


def _serve(request: PaintRequest, flow: Flow, inpainter: Inpainter) -> None:
    """Send candidates for one request until the flow has enough or none is left."""
    with closing(_candidates(request, inpainter)) as candidates:
        for candidate in candidates:
            if flow.send(candidate) is Reply.ENOUGH:
                return


def _candidates(
    request: PaintRequest, inpainter: Inpainter
) -> Generator[Candidate, None, None]:
    """Draw from the engine; when it gives up, say so once, as a failed candidate."""
    drawn = 0
    try:
        for candidate in inpainter.paint(request):
            drawn += 1
            yield candidate
    except PaintFailed as error:
        log.warning("region %d was not painted: %s", request.patch.number, error)
        yield Candidate(
            patch=request.patch.number,
            number=request.first_number + drawn,
            seed=request.seeds[min(drawn, len(request.seeds) - 1)],
            pixels=None,
            took_s=0.0,
            problem=str(error),
        )
