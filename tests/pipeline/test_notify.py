"""Somebody is told how the night went: figures alone, and never at its cost."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from pipeline import notify
from pipeline.cli.telling import Telling, telling
from pipeline.errors import ExitCode, ModelMissing, UsageError
from pipeline.notify import Message, check_addresses, payload, tell
from pipeline.records import Outcome, Recipe, Status
from pipeline.runner.contract import RunResult
from pipeline.settings import NightSettings, Settings
from tests.support.runs import Silent

# apprise asks for a module that Python has announced to take away.
with_apprise = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")

MESSAGE = Message(
    "end", "repair", "run-1", "attic", "LIMIT", 10, 100, 60, 3600.0, {"repaired": 9}
)


class Hook:
    """A webhook on this machine."""

    def __init__(self, answer: int = 200) -> None:
        self.got: list[Any] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                hook.got.append(json.loads(self.rfile.read(length)))
                self.send_response(answer)
                if answer == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()

            def do_GET(self) -> None:
                hook.got.append("GET")

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/T0KEN"


@contextmanager
def listening(answer: int = 200) -> Iterator[Hook]:
    hook = Hook(answer)
    thread = threading.Thread(target=hook.server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield hook
    finally:
        hook.server.shutdown()
        thread.join()
        hook.server.server_close()


def test_a_webhook_gets_the_figures_and_a_line_to_show() -> None:
    with listening() as hook:
        taken = tell([hook.url], MESSAGE, 5.0)

    assert taken == 1
    assert hook.got[0]["text"] == (
        "nightmend repair (attic): ended: 60 of 100 pictures finished; 9 repaired; "
        "60 min; exit code 10 (LIMIT)"
    )
    assert hook.got[0]["exit_code"] == 10
    assert hook.got[0]["statuses"] == {"repaired": 9}


@pytest.mark.parametrize("answer", [302, 404, 500])
def test_an_address_that_refuses_is_logged_without_its_secret(
    answer: int, caplog: pytest.LogCaptureFixture
) -> None:
    with listening(answer) as hook:
        taken = tell([hook.url], MESSAGE, 5.0)

    assert taken == 0
    assert str(answer) in caplog.text
    assert "T0KEN" not in caplog.text
    assert "GET" not in hook.got


def test_one_that_fails_does_not_keep_it_from_the_next(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with listening() as hook:
        taken = tell(["http://127.0.0.1:9/T0KEN", hook.url], MESSAGE, 5.0)

    assert taken == 1
    assert "address 1 (http://...)" in caplog.text
    assert "T0KEN" not in caplog.text


def test_one_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "CUT_OFF_S", 0.1)
    release = threading.Event()

    def hang(_address: str, _message: Message, _timeout_s: float) -> None:
        release.wait(10)

    began = time.monotonic()
    taken = tell(["https://example.org"], MESSAGE, 0.1, hang)
    release.set()

    assert taken == 0
    assert time.monotonic() - began < 5


def test_whatever_a_service_raises_is_only_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_address: str, _message: Message, _timeout_s: float) -> None:
        raise ZeroDivisionError("T0KEN")

    assert tell(["slack://T0KEN"], MESSAGE, 1.0, fail) == 0
    assert "ZeroDivisionError" in caplog.text
    assert "T0KEN" not in caplog.text


@with_apprise
def test_services_are_reached_through_apprise() -> None:
    pytest.importorskip("apprise")
    with listening() as hook:
        tell([hook.url.replace("http://", "json://")], MESSAGE, 10.0)

    assert hook.got[0]["title"] == "nightmend repair (attic): ended"
    assert "60 of 100" in hook.got[0]["message"]


@with_apprise
@pytest.mark.parametrize("address", ["hook.example.org/x", "nonsense://x", ""])
def test_an_address_of_no_use_is_refused_before_the_night(address: str) -> None:
    pytest.importorskip("apprise")
    with pytest.raises(UsageError, match=r"night\.notify"):
        check_addresses([address])


def test_addresses_are_secrets_that_no_ledger_and_no_doctor_shows() -> None:
    settings = Settings.model_validate(
        {"night": {"notify": ["https://hooks.example.org/T0KEN"]}}
    )

    assert "T0KEN" not in settings.model_dump_json()
    assert "T0KEN" not in repr(settings)


class Spoken:
    """Remembers what was told."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def __call__(self, _to: object, message: Message, _timeout_s: float) -> None:
        self.messages.append(message)


NIGHT = NightSettings(notify=(SecretStr("https://example.org/x"),), stall_s=0.2)
HOSTILE = Outcome(
    "/home/ann/secret folder/a.png",
    "d",
    Status.REPAIRED,
    problem="in /home/ann/secret folder",
    recipe=Recipe("a secret prompt"),
    findings=(),
)


def watching(night: NightSettings) -> tuple[Telling, Spoken, Silent]:
    spoken, inner = Spoken(), Silent()
    return Telling(inner, night, "repair", "run-1", tell=spoken), spoken, inner


def test_the_end_is_told_with_what_came_of_the_pictures_and_nothing_private() -> None:
    told, spoken, inner = watching(NIGHT)

    told.started(10, 4)
    told.finished(HOSTILE)
    told.finished(replace(HOSTILE, status=Status.FAILED))
    told.ended()
    told.conclude(ExitCode.SOME_FAILED)

    message = spoken.messages[-1]
    assert (message.planned, message.finished, message.exit_code) == (10, 6, 3)
    assert message.statuses == {"failed": 1, "repaired": 1}
    text = payload(message).decode() + message.title + message.text
    assert "secret" not in text
    assert "/home" not in text
    assert len(inner.outcomes) == 2


def test_a_stall_is_told_once_and_again_after_the_next_picture() -> None:
    told, spoken, _ = watching(NIGHT)

    told.started(10, 0)
    time.sleep(0.6)
    once = [message.event for message in spoken.messages]
    told.finished(HOSTILE)
    time.sleep(0.6)
    told.ended()

    assert once == ["stall"]
    assert [message.event for message in spoken.messages] == ["stall", "stall"]
    assert spoken.messages[0].exit_code is None


def test_only_what_was_asked_for_is_told() -> None:
    told, spoken, _ = watching(NIGHT.model_copy(update={"notify_on": ("end",)}))
    told.started(10, 0)
    time.sleep(0.5)
    told.ended()
    told.conclude(ExitCode.OK)

    assert [message.event for message in spoken.messages] == ["end"]


def test_without_an_address_nobody_is_told_and_no_thread_runs() -> None:
    told, spoken, _ = watching(NightSettings())
    before = threading.active_count()

    told.started(1, 0)
    during = threading.active_count()
    told.ended()
    told.conclude(ExitCode.OK)

    assert spoken.messages == []
    assert during == before


def test_a_run_that_could_not_begin_has_ended_too() -> None:
    with listening() as hook:
        night = NightSettings(notify=(SecretStr(hook.url),))
        with (
            pytest.raises(ModelMissing),
            telling(Silent(), night, "repair", "run-1"),
        ):
            raise ModelMissing("the model in /home/ann is not here")

    assert hook.got[0]["ended_by"] == "ENVIRONMENT"
    assert "/home" not in json.dumps(hook.got)


def test_a_result_is_told_as_it_is() -> None:
    with listening() as hook:
        night = NightSettings(notify=(SecretStr(hook.url),), label="attic")
        with telling(Silent(), night, "repair", "run-1") as (observer, conclude):
            observer.started(2, 0)
            observer.ended()
            conclude(RunResult("run-1", ExitCode.LIMIT, 2, 0))

    assert hook.got[0]["ended_by"] == "LIMIT"
    assert hook.got[0]["label"] == "attic"
