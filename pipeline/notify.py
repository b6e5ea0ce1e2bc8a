"""Tell somebody far away how a run goes; nothing leaves unless an address was set.

A message holds figures and words of this program alone: no prompt, no file name and no
path, because it goes to places that others read. Whatever fails here is logged and
changes nothing.
"""

import importlib
import json
import logging
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from pipeline.errors import EnvironmentProblem, UsageError

log = logging.getLogger(__name__)

WEB = ("http", "https")
CUT_OFF_S = 2.0
"""What a service may take beyond its time before it is left behind."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is told."""

    event: str
    """"end" or "stall"."""

    command: str
    run_id: str
    label: str
    """What the user calls the run; "" when he does not."""

    ended_by: str
    """The name of the exit code; "" while the run lasts."""

    exit_code: int | None
    planned: int
    finished: int
    took_s: float
    statuses: Mapping[str, int] = field(default_factory=dict)
    """Pictures finished by this run, by how they ended."""

    @property
    def title(self) -> str:
        """Return a line such as "nightmend repair (attic): stalled"."""
        name = f" ({self.label})" if self.label else ""
        return f"nightmend {self.command}{name}: {_STATES.get(self.event, 'ended')}"

    @property
    def text(self) -> str:
        """Return a sentence with the figures."""
        tally = ", ".join(f"{count} {name}" for name, count in self.statuses.items())
        parts = [f"{self.finished} of {self.planned} pictures finished"]
        parts += [tally] if tally else []
        parts += [f"{self.took_s / 60:.0f} min"]
        if self.exit_code is not None:
            parts.append(f"exit code {self.exit_code} ({self.ended_by})")
        return "; ".join(parts)


_STATES = {"end": "ended", "stall": "no picture was finished for long"}

Deliver = Callable[[str, Message, float], None]
"""Delivers a message to an address within seconds, or raises."""


def check_addresses(addresses: Sequence[str]) -> None:
    """Refuse what cannot be an address, before the night begins.

    Raises:
        UsageError: an address has no scheme, or apprise does not know it.
        EnvironmentProblem: apprise is needed, and not installed.
    """
    for address in addresses:
        scheme = urlsplit(address).scheme.lower()
        if not scheme:
            raise UsageError(
                "night.notify: an address has no scheme; write https://... for a "
                "webhook, or an address of apprise such as ntfy://topic"
            )
        if scheme in WEB:
            continue
        if not _apprise().Apprise().add(address):
            raise UsageError(
                f"night.notify: apprise knows no address of that form ({scheme}://...)"
            )


def tell(
    addresses: Sequence[str],
    message: Message,
    timeout_s: float,
    deliver: Deliver | None = None,
) -> int:
    """Send a message to every address; one that fails is logged and passed over.

    Each is given its time and no more: what hangs is left behind.

    Args:
        addresses: Secrets, as a rule; never logged.
        message: What to tell.
        timeout_s: For each of them.
        deliver: How; None means over the network.

    Returns:
        How many took the message.
    """
    taken = 0
    for number, address in enumerate(addresses, start=1):
        problem = _within(deliver or send, address, message, timeout_s)
        if problem:
            scheme = urlsplit(address).scheme
            log.warning(
                "address %d (%s://...) was not told that the run %s: %s",
                number,
                scheme,
                "ended" if message.event == "end" else "stalls",
                problem,
            )
        else:
            taken += 1
    return taken


def send(address: str, message: Message, timeout_s: float) -> None:
    """Deliver a message by POST, or through apprise.

    Raises:
        OSError: it was not taken.
        EnvironmentProblem: apprise is not installed.
    """
    if urlsplit(address).scheme.lower() in WEB:
        _post(address, message, timeout_s)
        return
    service = _apprise().Apprise()
    if not service.add(address) or not service.notify(
        title=message.title, body=message.text
    ):
        raise OSError("the service did not take it")


def payload(message: Message) -> bytes:
    """Return what a webhook gets: our figures, and `text`, which chat services show."""
    plain: dict[str, Any] = {
        "text": f"{message.title}: {message.text}",
        **asdict(message),
        "statuses": dict(message.statuses),
        "took_s": round(message.took_s, 1),
    }
    return json.dumps(plain).encode("ascii")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """An address that was set is told, and no other."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _post(address: str, message: Message, timeout_s: float) -> None:
    request = urllib.request.Request(  # noqa: S310  http and https only, see WEB
        address,
        data=payload(message),
        headers={"Content-Type": "application/json", "User-Agent": "nightmend"},
        method="POST",
    )
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=timeout_s):
            pass
    except urllib.error.HTTPError as error:
        error.close()
        raise OSError(f"it answered {error.code}") from None
    except (urllib.error.URLError, HTTPException, ValueError) as error:
        # Without the error's own text: it may repeat the address.
        raise OSError(type(getattr(error, "reason", error)).__name__) from None


def _within(deliver: Deliver, address: str, message: Message, timeout_s: float) -> str:
    """Deliver in a thread that is not waited for longer than it was given.

    Returns:
        What went wrong; "" when nothing did.
    """
    problems: list[str] = []

    def work() -> None:
        try:
            deliver(address, message, timeout_s)
        except Exception as error:  # noqa: BLE001  somebody else's service
            known = isinstance(error, OSError | EnvironmentProblem)
            problems.append(str(error) if known else type(error).__name__)

    thread = threading.Thread(target=work, daemon=True, name="notify")
    thread.start()
    thread.join(timeout_s + CUT_OFF_S)
    if thread.is_alive():
        return f"it did not answer within {timeout_s:g} s"
    return problems[0] if problems else ""


def _apprise() -> Any:
    try:
        return importlib.import_module("apprise")
    except ImportError as error:
        raise EnvironmentProblem(
            "night.notify names a service, which needs the package apprise: install "
            "nightmend[notify], or give the address of a webhook (https://...)"
        ) from error
