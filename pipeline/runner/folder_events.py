"""Wake up when something changes in a folder; sleep otherwise."""

import logging
import threading
from collections.abc import Sequence
from pathlib import Path

import watchfiles

from pipeline.names import shown

log = logging.getLogger(__name__)

PATIENCE_S = 30.0
"""Between looks at a folder whose changes the system tells of; in case it forgets."""

POLL_S = 2.0
"""Between looks at a folder whose changes nobody tells of."""

IDLE_SHARE = 10
"""A look at a large folder takes a while; this many times as long is slept after."""


class FolderEvents:
    """Sleeps until a folder changes, or a while has passed.

    Folders on a network share tell nothing of what other machines write, and a folder
    may be gone: then only the while counts.
    """

    def __init__(
        self, folders: Sequence[Path], *, poll: bool = False, poll_s: float = POLL_S
    ) -> None:
        """Be ready to listen.

        Args:
            folders: Where to listen.
            poll: Do not even try, and look often instead.
            poll_s: Seconds between looks at folders that tell nothing.
        """
        self._poll_s = poll_s
        self._folders = folders
        self._poll = poll
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def close(self) -> None:
        """Stop listening; calling it twice does no harm."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def wake(self) -> None:
        """End the sleep; may be called by a signal's handler."""
        self._wake.set()

    def sleep(self, at_most_s: float | None, look_took_s: float) -> None:
        """Sleep until something happens.

        Args:
            at_most_s: Something is due then; None when nothing is.
            look_took_s: Seconds that the last look at the folder took.
        """
        heard_before = self._thread is not None and self._thread.is_alive()
        listening = not self._poll and self._listen()
        # What came between the last look and the first moment of listening is not told.
        while_s = PATIENCE_S if listening and heard_before else self._poll_s
        if at_most_s is not None:
            while_s = min(while_s, at_most_s)
        while_s = max(while_s, IDLE_SHARE * look_took_s, 0.05)
        self._wake.wait(while_s)
        self._wake.clear()

    def _listen(self) -> bool:
        """Listen, if that is possible; tell whether it is."""
        if self._thread is not None and self._thread.is_alive():
            return True
        if not all(folder.is_dir() for folder in self._folders):
            return False
        self._thread = threading.Thread(target=self._hear, daemon=True, name="events")
        self._thread.start()
        return True

    def _hear(self) -> None:
        try:
            changes = watchfiles.watch(
                *self._folders,
                watch_filter=None,
                stop_event=self._stop,
                debounce=200,
                rust_timeout=500,
                raise_interrupt=False,
            )
            for _ in changes:
                self._wake.set()
                if not all(folder.is_dir() for folder in self._folders):
                    return  # Another folder of that name would not be heard.
        except (OSError, RuntimeError) as error:
            log.debug("no events from %s: %s", shown(self._folders[0]), error)
            self._poll = True
