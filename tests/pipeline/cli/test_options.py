"""Options that several commands share reach the settings they stand for."""

from pathlib import Path

import pytest

from pipeline.cli import repair, watch
from pipeline.cli.main import main
from pipeline.errors import Stopped
from pipeline.runner.contract import Order
from pipeline.settings import Settings
from tests.support.runs import fill, picture


def settings_of(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    seen: list[Settings] = []

    def see(order: Order, **_: object) -> None:
        seen.append(order.task.settings)
        raise Stopped("that is enough")

    monkeypatch.setattr(repair, "_run", see)
    monkeypatch.setattr(watch, "_watch", lambda watching: see(watching.order))
    source = fill(tmp_path / "in", {"a.png": picture(1)})
    config = fill(tmp_path, {"none.toml": b""}) / "none.toml"
    where = [str(source), "--out", str(tmp_path / "out"), "--config", str(config)]

    main([words[0], *where, *words[1:]])

    return seen[0]


@pytest.mark.parametrize("command", ["repair", "watch"])
@pytest.mark.parametrize(
    "words",
    [
        ["--guidance-scale", "5.5", "--scheduler", "euler-a"],
        ["--cfg-scale", "5.5", "--sampler", "euler-a"],
    ],
)
def test_how_it_is_painted_is_told_in_the_words_of_the_field(
    command: str, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = ["--strength", "0.6", "--steps", "20"]

    settings = settings_of([command, *more, *words], tmp_path, monkeypatch)

    assert (settings.plan.strength, settings.inpaint.steps) == (0.6, 20)
    assert settings.inpaint.guidance_scale == 5.5
    assert settings.inpaint.scheduler == "euler-a"


@pytest.mark.parametrize("command", ["repair", "watch"])
def test_what_is_not_told_stays_as_it_was(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings_of([command], tmp_path, monkeypatch) == Settings()
