"""Paint on while the caller judges what has come.

Detectors take a good part of a second of the processor for each candidate, in which an
accelerator would have nothing to do. Here a thread goes on with the batch meanwhile.
What comes of a request is the same: its candidates come in the order of their numbers,
and the caller, who is in one thread as before, judges one after the other.
"""

import threading
from collections.abc import Sequence
from queue import SimpleQueue

from pipeline.inpainters.contract import Batch, Made
from pipeline.records import PaintRequest


class Ahead:
    """Meets `Batch`, around another one that from now on is used by nobody else."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._come: SimpleQueue[Made | BaseException] = SimpleQueue()
        self._open: set[int] = set()
        """Tickets of which more may come; the thread paints while there are any."""

        self._trouble: list[BaseException] = []
        """What is to be raised once all that came before it has been handed out."""

        self._thread: threading.Thread | None = None
        self._painting = False
        # Two locks: one that is let go and taken again at once, as the thread does, is
        # hardly ever got by anybody else.
        self._turn = threading.Lock()
        self._used = threading.Lock()

    @property
    def room(self) -> bool:
        with self._turn, self._used:
            return self._batch.room

    def submit(self, request: PaintRequest, *, preview_at: float = 0.0) -> int:
        """Take a request in; see `Batch`."""
        with self._turn, self._used:
            ticket = self._batch.submit(request, preview_at=preview_at)
            self._open.add(ticket)
            if not self._painting:
                self._painting = True
                # A daemon: a device that hangs must not keep the program alive.
                self._thread = threading.Thread(target=self._paint_on, daemon=True)
                self._thread.start()
        return ticket

    def advance(self) -> Sequence[Made]:
        """Wait until something has come, and return all that has.

        Raises:
            What the other batch raises.
        """
        come: list[Made] = []
        while not self._trouble and (self._open or not self._come.empty()):
            one = self._come.get()
            if isinstance(one, BaseException):
                self._trouble.append(one)
            else:
                come.append(one)
            if self._come.empty():
                break
        if self._trouble and not come:
            raise self._trouble.pop()
        return come

    def settle(self, ticket: int) -> None:
        with self._turn, self._used:
            self._batch.settle(ticket)
            self._open.discard(ticket)
        self._end_if_idle()

    def drop(self, ticket: int, number: int, cost: float) -> None:
        with self._turn, self._used:
            self._batch.drop(ticket, number, cost)

    def _paint_on(self) -> None:
        while True:
            with self._turn:
                pass
            with self._used:
                # Said before the batch is let go, so that `submit` sees it.
                self._painting = bool(self._open) and self._step()
                if not self._painting:
                    return

    def _step(self) -> bool:
        """Let the batch work for a moment; False where it can do so no more."""
        try:
            made = self._batch.advance()
        except BaseException as error:  # noqa: BLE001  raised by `advance`
            self._come.put(error)
            self._open.clear()
            return False
        for one in made:
            self._come.put(one)
        self._open -= {one.ticket for one in made if one.last}
        return True

    def _end_if_idle(self) -> None:
        if self._thread is not None and not self._open:
            self._thread.join()
            self._thread = None
