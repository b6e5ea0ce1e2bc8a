"""Native code is called where the kernel lets nothing out to a network."""

import ctypes
import errno
import os
import socket
import threading

import pytest

from detectors.sealed import SealedThread, call_sealed


@pytest.fixture(scope="module")
def thread() -> SealedThread:
    thread = SealedThread()
    thread.call(int)
    if not thread.sealed:
        pytest.skip("the kernel here seals no threads")
    return thread


def open_socket(family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM) -> int:
    """Make a socket as native code does, past Python's own module; 0 or the errno."""
    library = ctypes.CDLL(None, use_errno=True)
    descriptor = library.socket(family, kind, 0)
    if descriptor < 0:
        return ctypes.get_errno()
    os.close(descriptor)
    return 0


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_no_socket_of_the_internet_can_be_made(
    thread: SealedThread, family: int, kind: int
) -> None:
    assert thread.call(open_socket, family, kind) == errno.EACCES


def test_threads_that_are_started_there_are_sealed_too(thread: SealedThread) -> None:
    def in_another() -> int:
        answers: list[int] = []
        other = threading.Thread(target=lambda: answers.append(open_socket()))
        other.start()
        other.join()
        return answers[0]

    assert thread.call(in_another) == errno.EACCES


def test_names_cannot_be_looked_up_there(thread: SealedThread) -> None:
    with pytest.raises(OSError, match=r".+"):
        thread.call(socket.getaddrinfo, "play.googleapis.com", 443)


def test_the_rest_of_the_process_is_as_free_as_before(thread: SealedThread) -> None:
    thread.call(int)

    assert open_socket() == 0
    assert thread.call(open_socket, socket.AF_UNIX) == 0


def test_answers_and_errors_come_back(thread: SealedThread) -> None:
    assert thread.call(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        thread.call(divmod, 7, 0)
    assert thread.call(lambda: thread.call(int, "5")) == 5


def test_a_process_has_one_such_thread_and_a_fork_its_own() -> None:
    mine = call_sealed(threading.get_native_id)

    assert call_sealed(threading.get_native_id) == mine
    assert mine != threading.get_native_id()
