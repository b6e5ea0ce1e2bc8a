"""Keep the native start-up log of the networks' runtimes off standard error."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

_CHATTER = (
    "Logging before InitGoogle",
    "acceleration to xnnpack by default",
    "Created TensorFlow Lite XNNPACK delegate",
    "Feedback manager requires a model with a single signature",
    "Using NORM_RECT without IMAGE_DIMENSIONS",
)
"""Lines of MediaPipe's and LiteRT's log that say nothing a person could act on."""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Drop known chatter from standard error, and let the rest through.

    The native logs have no switch. What it says at the start is caught in a temporary
    file, and every line that is not known chatter is written out afterwards.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            caught.seek(0)
            lines = caught.read().splitlines(keepends=True)
            known = [word.encode() for word in _CHATTER]
            os.write(
                2, b"".join(one for one in lines if not any(w in one for w in known))
            )
