"""Run native code in a thread that cannot open a way to a network.

MediaPipe's library reports its use to its maker: it asks for play.googleapis.com when a
task is made or closed, from threads of its own, and has no switch for it
(google-ai-edge/mediapipe, issue 6291). So its calls are made in one thread for which,
and for whose threads, the kernel refuses to make a socket of the Internet families. The
rest of the process is as free as before.

Linux on x86-64 and arm64 alone; elsewhere the calls are made in a thread without a
seal.
"""

import ctypes
import errno
import functools
import logging
import os
import platform
import queue
import socket
import struct
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

_ARCHITECTURES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
"""By machine: AUDIT_ARCH of linux/audit.h, and the number of the system call socket."""

_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _SECCOMP_MODE_FILTER = 22, 38, 2
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
"""Of linux/bpf_common.h: load a word, jump if equal, return."""

_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
"""Offsets in struct seccomp_data."""

_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EACCES


class _Program(ctypes.Structure):
    """struct sock_fprog of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


class SealedThread:
    """One thread that makes every call it is given, in turn."""

    def __init__(self) -> None:
        """Start the thread, and have it sealed before its first call."""
        self._calls: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = (
            queue.SimpleQueue()
        )
        self.sealed = False
        """Whether the kernel keeps it from the network."""

        self._thread = threading.Thread(target=self._work, daemon=True, name="sealed")
        self._thread.start()

    def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Return what a function returns in the thread, or raise what it raises."""
        if threading.current_thread() is self._thread:
            return function(*args, **kwargs)
        future: Future[R] = Future()
        self._calls.put((future, functools.partial(function, *args, **kwargs)))
        return future.result()

    def _work(self) -> None:
        self.sealed = seal()
        while True:
            future, call = self._calls.get()
            try:
                future.set_result(call())
            except BaseException as error:  # noqa: BLE001  it is raised by the caller
                future.set_exception(error)
            # What a call held must not live on until the next one.
            del future, call


def call_sealed(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Make a call in this process's sealed thread."""
    return _thread_of(os.getpid()).call(function, *args, **kwargs)


def seal() -> bool:
    """Keep this thread, and all that it will start, from sockets of the Internet.

    There is no way back. Sockets that are open already stay so.

    Returns:
        Whether the kernel agreed.
    """
    numbers = _ARCHITECTURES.get(platform.machine())
    if sys.platform != "linux" or numbers is None:
        log.info(
            "on this system (%s %s) nothing keeps MediaPipe's library from telling its "
            "maker that it is used; a firewall can",
            *(sys.platform, platform.machine()),
        )
        return False
    program = _instructions(*numbers)
    argument = _Program(len(program) // 8, program)
    library = ctypes.CDLL(None, use_errno=True)
    zero, one = ctypes.c_ulong(0), ctypes.c_ulong(1)
    if library.prctl(_PR_SET_NO_NEW_PRIVS, one, zero, zero, zero) == 0 and (
        library.prctl(
            _PR_SET_SECCOMP,
            ctypes.c_ulong(_SECCOMP_MODE_FILTER),
            ctypes.byref(argument),
            zero,
            zero,
        )
        == 0
    ):
        return True
    reason = os.strerror(ctypes.get_errno())
    log.info(
        "the kernel does not seal threads here (%s), so nothing keeps MediaPipe's "
        "library from telling its maker that it is used; a firewall can",
        reason,
    )
    return False


def _instructions(architecture: int, socket_call: int) -> bytes:
    """Return the filter, as an array of struct sock_filter."""
    inner, outer = int(socket.AF_INET), int(socket.AF_INET6)
    steps = (
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 0, 6, architecture),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_EQUAL, 0, 4, socket_call),
        (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        (_EQUAL, 1, 0, inner),
        (_EQUAL, 0, 1, outer),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    )
    return b"".join(struct.pack("HBBI", *step) for step in steps)


@functools.lru_cache(maxsize=1)
def _thread_of(_process: int) -> SealedThread:
    """Return the thread of a process; one that was forked has none of its parent's."""
    return SealedThread()
