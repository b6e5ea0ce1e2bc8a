"""Tells of every step of this process that changes the disk.

Hooks of the interpreter itself (audit events, and the profiler's calls) see each call
that makes, names or removes a file, and every statement given to SQLite.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

CHANGES = frozenset({"os.link", "os.rename", "os.remove", "os.mkdir", "os.truncate"})
WRITING = os.O_WRONLY | os.O_RDWR

_listeners: list[Callable[[], None]] = []
_hooked: list[bool] = []


def _on_audit(event: str, details: tuple[Any, ...]) -> None:
    """Meet `sys.addaudithook`, which cannot be undone."""
    if not _listeners:
        return
    if event in CHANGES or (event == "open" and details[2] & WRITING):
        _tell()


def _on_profile(_: object, event: str, called: Any) -> None:
    """Meet `sys.setprofile`."""
    if event == "c_call" and called.__name__.startswith("execute"):
        _tell()


def _tell() -> None:
    """Tell whoever listens, who may change the disk itself."""
    listener = _listeners.pop()
    try:
        listener()
    finally:
        _listeners.append(listener)


@contextlib.contextmanager
def watching(listener: Callable[[], None]) -> Iterator[None]:
    """Call `listener` before every step that is made inside, in this thread."""
    if not _hooked:
        sys.addaudithook(_on_audit)
        _hooked.append(True)
    _listeners.append(listener)
    sys.setprofile(_on_profile)
    try:
        yield
    finally:
        sys.setprofile(None)
        _listeners.pop()
