"""The page is served to this machine and to who knows the secret, to nobody else."""

import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.review.serve import HOST, MAX_BODY, Server

PICTURE = f"pictures/ab/{'c' * 22}/thumb-0123.webp"


class FakeDesk:
    """Has a page and one picture, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.decided: list[bytes] = []

    def page(self) -> bytes:
        return b"<!doctype html>"

    def file(self, name: str) -> bytes | None:
        self.asked.append(name)
        return b"RIFF" if name == PICTURE else None

    def decide(self, body: bytes) -> dict[str, Any]:
        self.decided.append(body)
        return {"problem": "no" if b"bad" in body else ""}


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
def server(desk: FakeDesk) -> Iterator[Server]:
    made = Server(desk)
    thread = threading.Thread(target=made.serve_forever, args=(0.02,))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def ask(
    server: Server, method: str, path: str, body: bytes = b"", **headers: str
) -> http.client.HTTPResponse:
    """Send a request as it stands; a header named `a_b` goes out as `a-b`."""
    connection = http.client.HTTPConnection(HOST, server.server_port, timeout=5)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body or None, named)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response


def decide(server: Server, body: bytes = b"{}", **headers: str) -> int:
    given = {
        "Origin": f"http://{HOST}:{server.server_port}",
        "Content_Type": "application/json",
        **headers,
    }
    return ask(server, "POST", f"/{server.token}/decisions", body, **given).status


def test_the_address_opens_the_page_and_its_pictures(server: Server) -> None:
    page = ask(server, "GET", f"/{server.token}/")
    picture = ask(server, "GET", f"/{server.token}/{PICTURE}")

    assert (page.status, page.headers["Content-Type"]) == (
        200,
        "text/html; charset=utf-8",
    )
    assert (picture.status, picture.headers["Content-Type"]) == (200, "image/webp")
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["X-Frame-Options"] == "DENY"


def test_it_listens_on_this_machine_only(server: Server) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert len(server.token) >= 32


@pytest.mark.parametrize("path", ["/", "/wrong/", "/wrong/decisions", "//", "/%00/"])
def test_who_does_not_know_the_secret_learns_nothing(
    server: Server, desk: FakeDesk, path: str
) -> None:
    assert ask(server, "GET", path).status == 404
    assert desk.asked == []


@pytest.mark.parametrize(
    "name",
    [
        "../ledger.sqlite",
        "..%2fledger.sqlite",
        "%2e%2e/%2e%2e/etc/passwd",
        "ledger.sqlite",
        "lock",
        "/etc/passwd",
        f"pictures/ab/{'c' * 22}/../../../ledger.sqlite",
        f"{PICTURE}%00.webp",
        "report/../report.html",
        "report/details-00000-0123456789ab.json",
    ],
)
def test_only_names_that_this_program_gives_are_looked_for(
    server: Server, desk: FakeDesk, name: str
) -> None:
    assert ask(server, "GET", f"/{server.token}/{name}").status == 404
    assert desk.asked == []


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost:1", ""])
def test_a_foreign_host_name_is_turned_away(server: Server, host: str) -> None:
    assert ask(server, "GET", f"/{server.token}/", Host=host).status == 421


def test_a_decision_of_the_page_itself_is_taken(server: Server, desk: FakeDesk) -> None:
    assert decide(server, b"good") == 200
    assert decide(server, b"bad") == 409
    assert desk.decided == [b"good", b"bad"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Length": str(MAX_BODY + 1)}, 413),
        ({"Content_Length": "-1"}, 413),
    ],
)
def test_a_decision_of_another_site_is_not(
    server: Server, desk: FakeDesk, headers: dict[str, str], status: int
) -> None:
    assert decide(server, b"{}", **headers) == status
    assert desk.decided == []


def test_other_methods_are_not_answered(server: Server) -> None:
    assert ask(server, "PUT", f"/{server.token}/").status == 501
    assert ask(server, "POST", f"/{server.token}/other", b"{}").status == 404


def test_a_missing_picture_is_not_found(server: Server, desk: FakeDesk) -> None:
    name = f"pictures/00/{'0' * 22}/none.png"

    assert ask(server, "GET", f"/{server.token}/{name}").status == 404
    assert desk.asked == [name]


def test_what_is_answered_is_json(server: Server) -> None:
    connection = http.client.HTTPConnection(HOST, server.server_port, timeout=5)
    origin = f"http://localhost:{server.server_port}"
    headers = {"Origin": origin, "Content-Type": "application/json"}
    connection.request("POST", f"/{server.token}/decisions", b"{}", headers)

    assert json.loads(connection.getresponse().read()) == {"problem": ""}
    connection.close()
