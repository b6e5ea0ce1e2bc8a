"""One set-up for the loggers of both packages.

The terminal gets short lines, written around the progress bar; `--log-file` gets
everything as JSON lines. Names and messages from files are hostile text: neither
place lets them steer a terminal or break a line.
"""

import contextlib
import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path

from tqdm import tqdm

from pipeline.errors import UsageError
from pipeline.names import shown

PACKAGES = ("pipeline", "detectors")
LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
"""By how often --verbose was given."""


def set_up(verbose: int = 0, log_file: Path | None = None) -> None:
    """Send the log of both packages to standard error, and to a file if one is named.

    Args:
        verbose: 0 shows warnings, 1 a line a picture, 2 everything.
        log_file: Gets one JSON object a line, at DEBUG; it is added to.

    Raises:
        UsageError: the file cannot be opened for writing.
    """
    console = _Console()
    console.setLevel(LEVELS[min(verbose, len(LEVELS) - 1)])
    handlers: list[logging.Handler] = [console]
    if log_file is not None:
        handlers.append(_json_lines(log_file))
    for name in PACKAGES:
        logger = logging.getLogger(name)
        for old in logger.handlers[:]:
            logger.removeHandler(old)
            old.close()
        for handler in handlers:
            logger.addHandler(handler)
        logger.setLevel(min(handler.level for handler in handlers))


class _Console(logging.Handler):
    """Writes lines to standard error without tearing a progress bar."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(_ShortLine())

    def emit(self, record: logging.LogRecord) -> None:
        # A terminal that was closed ends the run by its signal, not by its silence.
        with contextlib.suppress(OSError):
            tqdm.write(self.format(record), file=sys.stderr)


class _ShortLine(logging.Formatter):
    """`WARNING message`; the message on one harmless line, a traceback below it."""

    def format(self, record: logging.LogRecord) -> str:
        line = f"{record.levelname.lower()}: {shown(record.getMessage())}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


class _JsonLine(logging.Formatter):
    """One JSON object in ASCII, with the fields that a record brings along."""

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC)
        entry: dict[str, object] = {
            "time": when.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": shown(record.getMessage()),
        }
        for name, value in getattr(record, "fields", {}).items():
            entry[name] = shown(value) if isinstance(value, str) else value
        if record.exc_info:
            entry["traceback"] = shown(self.formatException(record.exc_info))
        return json.dumps(entry)


class _QuietFile(logging.FileHandler):
    """A log file whose trouble is told once and ends nothing."""

    told = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802
        if not self.told:
            self.told = True
            error = sys.exc_info()[1]
            tqdm.write(
                f"warning: the log file {shown(self.baseFilename)} cannot be written "
                f"({error}); the run goes on without it",
                file=sys.stderr,
            )

    def close(self) -> None:
        # What could not be written was told already.
        with contextlib.suppress(OSError):
            super().close()


def _json_lines(path: Path) -> logging.Handler:
    try:
        handler = _QuietFile(path, encoding="ascii")
    except OSError as error:
        raise UsageError(
            f"the log file {shown(path)} cannot be opened: {error.strerror}"
        ) from error
    handler.setLevel(logging.DEBUG)
    handler.setFormatter(_JsonLine())
    return handler
