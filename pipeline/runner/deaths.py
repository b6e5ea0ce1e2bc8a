"""Say in a clause how a worker process ended, and where it was then."""

import re
import signal

_FRAME = re.compile(r'File "(?P<path>[^"]+)", line (?P<line>\d+) in (?P<name>\S+)')
_THREAD = "(most recent call first)"


def how_it_ended(code: int | None) -> str:
    """Return how a process ended.

    Args:
        code: Its exit code; negative for a signal, as `subprocess` has it; None when it
            still lived and was killed.
    """
    if code is None:
        return "stopped answering"
    if code == -signal.SIGKILL:
        return (
            "was killed from outside (SIGKILL), as a system does that is out of memory"
        )
    if code < 0:
        number = signal.Signals(-code)
        return f"died of {number.name} ({signal.strsignal(number)})"
    return f"ended by itself with exit code {code}"


def where_it_was(trace: str) -> str:
    """Return the innermost frame of the thread that mattered, as ", in f (a.py:12)".

    Args:
        trace: What `faulthandler` wrote; "" when it wrote nothing.

    Returns:
        "" when the trace tells nothing.
    """
    current = trace.partition("Current thread")[2] or trace
    frame = _FRAME.search(current.partition(_THREAD)[2])
    if frame is None:
        return ""
    name = frame["path"].replace("\\", "/").rpartition("/")[2]
    return f", in {frame['name']} ({name}:{frame['line']})"
