"""Names and prompts come from strangers; nothing they hold is more than text."""

import json
import os
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from pipeline.cli.main import main
from pipeline.errors import ExitCode
from pipeline.ledger import queries
from tests.support.runs import fill, picture, tree

PAYLOAD = "<img src=x onerror=alert(1)>"
BREAK_OUT = "</script><script>alert(2)</script>"
STEER = "\x1b[2J\x1b]0;owned\x07"
NAMES = (
    f"{PAYLOAD}.png",
    "<script>alert(2)<script>.png",
    "line\nbreak ::error::.png",
    f"steer{STEER}.png",
    "\u202egnp.exe.png",
    "--out=elsewhere.png",
    "' OR 1=1; DROP TABLE runs; --.png",
    "%s%n{0}.png",
    "=cmd|' !A0'.png",
    os.fsdecode(b"\xff\xfe.png"),
)
PROMPT = f"{PAYLOAD} {BREAK_OUT} {STEER} {{{{ 7*7 }}}} ../../etc/passwd"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of pictures with hostile names, each with a hostile prompt."""
    source = fill(tmp_path / "in", {name: picture(n) for n, name in enumerate(NAMES)})
    words = PngImagePlugin.PngInfo()
    words.add_text("parameters", f"{PROMPT}\nNegative prompt: {PROMPT}\nSteps: 20")
    for path in source.iterdir():
        with Image.open(path) as opened:
            opened.load()
            opened.save(path, pnginfo=words)
    fill(tmp_path / "masks", {name: picture(0) for name in NAMES})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_whole_run_takes_them_for_text(
    place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["repair", "in", "--out", "out", "--engine", "classical", "--detect"]
    words += ["quality", "--masks", "masks", "--passes", "1", "--variations", "1"]
    words += ["--min-free", "1MB", "-vv", "--log-file", "log"]
    words += ["--output-format", "jsonl=all.jsonl"]

    code = main(words)
    shown = capfd.readouterr()
    runs = main(["runs", "out"]), main(["report", "out"]), main(["verify", "out"])
    more = capfd.readouterr()

    assert code in {ExitCode.OK, ExitCode.FLAWS}
    assert runs == (0, 0, 0)
    assert set(tree(place / "out")) == set(NAMES)
    assert len(queries.summary(place / "out/.nightmend").outcomes) == len(NAMES)
    for text in (shown.out, shown.err, more.out, more.err):
        assert "\x1b" not in text
        assert "\x07" not in text
        assert "\u202e" not in text
        assert "\n::error" not in text
    for file in ("log", "all.jsonl"):
        for line in (place / file).read_text("ascii").splitlines():
            json.loads(line)


def test_the_report_holds_none_of_it_as_markup(place: Path) -> None:
    words = ["repair", "in", "--out", "out", "--engine", "classical", "--detect"]
    words += ["quality", "--masks", "masks", "--passes", "1", "--variations", "1"]

    main([*words, "--min-free", "1MB"])

    page = (place / "out/.nightmend/report.html").read_text("utf-8")
    assert PAYLOAD not in page
    assert "alert(2)</script>" not in page
    assert "\x1b" not in page


def test_links_that_lead_out_of_the_folder_are_named_and_not_followed(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(place / "secret", {"s.png": picture(1)})
    (place / "in" / "way").symlink_to(place / "secret")
    (place / "in" / "s.png").symlink_to(place / "secret/s.png")
    words = ["check", "in", "--detect", "quality", "--no-cache", "--exit-zero"]

    main([*words, "--output-format", "jsonl"])

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    linked = [line for line in lines if "link" in str(line.get("problem"))]
    assert len(linked) == 2
    assert all(line["status"] == "skipped" for line in linked)
