"""Serve the report page on this machine only, and take decisions from it.

Whoever may open the address may change files, so the address holds a secret, only the
loopback interface is listened on, and a page of another site is turned away: by the
`Host` it would have to name, and by the `Origin` that a browser sends with a decision.
"""

import json
import logging
import re
import secrets
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from pipeline.names import shown

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
MAX_BODY = 2**20
"""Bytes of one decision; a click sends about 500."""

SERVED = re.compile(
    r"pictures/[0-9a-f]{2}/[0-9a-f]{22}/[a-z0-9][a-z0-9-]*\.(?P<picture>webp|png)"
    r"|report/details-[0-9]{5}-[0-9a-f]{12}\.(?P<script>js)"
)
"""The whole of what is served besides the page: names that this program gives."""

_TYPES = {"webp": "image/webp", "png": "image/png", "js": "text/javascript"}
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Desk(Protocol):
    """Knows the page and its files, and takes decisions."""

    def page(self) -> bytes: ...

    def file(self, name: str) -> bytes | None:
        """Return a file by a name that fits `SERVED`; None when it is not there."""
        ...

    def decide(self, body: bytes) -> dict[str, Any]:
        """Carry out what the page sent; "problem" says why not, in a sentence."""
        ...


class Server(ThreadingHTTPServer):
    """Listens on the loopback interface; `address` is what the person opens."""

    daemon_threads = True

    def __init__(self, desk: Desk, port: int = 0, token: str = "") -> None:
        """Listen.

        Args:
            desk: Who answers.
            port: 0 takes any that is free.
            token: The secret in the address; "" makes one.

        Raises:
            OSError: the port is taken.
        """
        super().__init__((HOST, port), _Handler)
        self.desk = desk
        self.token = token or secrets.token_urlsafe(24)
        self.one_at_a_time = threading.Lock()

    @property
    def hosts(self) -> frozenset[str]:
        """What a browser may call this server."""
        return frozenset(
            {f"{HOST}:{self.server_port}", f"localhost:{self.server_port}"}
        )

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.server_port}/{self.token}/"


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server
    server_version, sys_version = "nightmend", ""
    timeout = 30

    def do_GET(self) -> None:
        name = self._name()
        if name is None:
            return
        if not name:
            self._answer(
                HTTPStatus.OK, "text/html; charset=utf-8", self.server.desk.page()
            )
            return
        fits = SERVED.fullmatch(name)
        data = self.server.desk.file(name) if fits else None
        if fits is None or data is None:
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        suffix = fits["picture"] or fits["script"]
        self._answer(HTTPStatus.OK, _TYPES[suffix], data)

    def do_POST(self) -> None:
        name = self._name()
        if name is None:
            return
        if name != "decisions":
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        if not self._same_origin():
            self._refuse(HTTPStatus.FORBIDDEN)
            return
        if self.headers.get_content_type() != "application/json":
            self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BODY:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        body = self.rfile.read(int(length))
        with self.server.one_at_a_time:
            said = self.server.desk.decide(body)
        status = HTTPStatus.CONFLICT if said.get("problem") else HTTPStatus.OK
        self._answer(status, "application/json", json.dumps(said).encode())

    def _name(self) -> str | None:
        """Return what is asked for below the secret; None when it was refused."""
        if self.headers.get("Host", "") not in self.server.hosts:
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST)
            return None
        path = unquote(urlsplit(self.path).path)
        _, token, *rest = [*path.split("/", 2), "", ""][:3]
        if not secrets.compare_digest(token.encode(), self.server.token.encode()):
            self._refuse(HTTPStatus.NOT_FOUND)
            return None
        return rest[0]

    def _same_origin(self) -> bool:
        origins = {f"http://{host}" for host in self.server.hosts}
        site = self.headers.get("Sec-Fetch-Site", "same-origin")
        return self.headers.get("Origin") in origins and site == "same-origin"

    def _refuse(self, status: HTTPStatus) -> None:
        self.close_connection = True
        self._answer(status, "text/plain; charset=utf-8", f"{status.phrase}\n".encode())

    def _answer(self, status: HTTPStatus, media_type: str, data: bytes) -> None:
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Log at DEBUG, without the secret."""
        told = shown(format % args).replace(self.server.token, "...")
        log.debug("%s", told)
