"""Tell a person why a command ended, and the shell with which code."""

import contextlib
import errno
import logging
import os
import sys
from pathlib import Path

from typer import Abort
from typer.exceptions import TyperException

from detectors.errors import DetectorError
from pipeline.errors import ExitCode, NightmendError, exit_code_for
from pipeline.names import shown

log = logging.getLogger(__name__)

_GONE = frozenset({errno.EPIPE, errno.EIO})
"""What a write says when the reader of a pipe, or the terminal, is gone."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What a write says when there is no room for it."""


def tell(error: Exception) -> int:
    """Print one sentence about the error and return the exit code.

    An error that nobody expected comes with its traceback.
    """
    if isinstance(error, TyperException):
        show = getattr(error, "show", None)
        if show is not None:
            show()
        else:
            _say(error.format_message())
        return ExitCode.USAGE
    if isinstance(error, Abort):
        return ExitCode.SIGINT
    if isinstance(error, NightmendError | DetectorError):
        _say(str(error))
        log.debug("stopped", exc_info=error)
        return exit_code_for(error)
    if isinstance(error, OSError) and error.errno in _GONE:
        # Whoever read our output has gone. What is still buffered must not raise again
        # while Python shuts down.
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115  open until the end
        return ExitCode.STOPPED
    if isinstance(error, OSError) and error.errno in _FULL:
        _say(f"what was to be written finds no room: {error.strerror}")
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115  open until the end
        return ExitCode.STOPPED
    log.critical("a bug ended the command; please report it", exc_info=error)
    return exit_code_for(error)


def _say(sentence: str) -> None:
    with contextlib.suppress(OSError):
        print(f"nightmend: {shown(sentence)}", file=sys.stderr)
