"""No command that works on pictures talks to a network, as the kernel sees it.

Python's own hooks see nothing of what native libraries do, so the system calls are
counted.
"""

import shutil
from pathlib import Path

import pytest

from tests.pipeline.inpainters.tiny import save_family
from tests.support.network import reached, untraceable
from tests.support.photographs import installed
from tests.support.runs import fill, picture

TALKS = """
import contextlib, socket
with contextlib.suppress(OSError):
    socket.create_connection(("127.0.0.1", 9), timeout=1)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
    line.sendto(b"who is example.org?", ("127.0.0.1", 53))
"""


@pytest.fixture(scope="module", autouse=True)
def _can_trace(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip where system calls cannot be watched; and prove that they are."""
    if reason := untraceable(tmp_path_factory.mktemp("trace")):
        pytest.skip(reason)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = fill(tmp_path / "in", {"a.png": picture(1)})
    if "astronaut.png" in installed():
        shutil.copyfile(installed()["astronaut.png"], folder / "person.png")
    return folder


def test_what_is_sent_would_be_seen(tmp_path: Path) -> None:
    seen = reached(["-c", TALKS], tmp_path / "log")

    assert len(seen) == 2


def test_a_check_with_every_detector_reaches_nobody(
    source: Path, tmp_path: Path
) -> None:
    words = ["-m", "pipeline", "check", str(source), "--no-cache", "--exit-zero"]
    words += ["--detect", "hands,faces,people,quality"]

    assert reached(words, tmp_path / "log") == []


def test_a_repair_reaches_nobody(source: Path, tmp_path: Path) -> None:
    words = ["-m", "pipeline", "repair", str(source), "--out", str(tmp_path / "out")]
    words += ["--engine", "classical", "--passes", "1", "--min-free", "1MB"]

    assert reached(words, tmp_path / "log") == []


def test_a_repair_by_a_diffusion_model_reaches_nobody(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", {"a.png": picture(1)})
    white = fill(tmp_path / "masks", {"a.png": picture(2)})
    model = save_family("sd-4", tmp_path / "model")
    words = ["-m", "pipeline", "repair", str(source), "--out", str(tmp_path / "out")]
    words += ["--model", str(model), "--device", "cpu", "--detect", "quality"]
    words += ["--masks", str(white), "--variations", "1", "--passes", "1"]
    words += ["--set", "inpaint.steps=2", "--set", "choose.retry_steps=[]"]
    words += ["--min-free", "1MB"]

    assert reached(words, tmp_path / "log") == []
    assert (tmp_path / "out" / "a.png").is_file()
