"""The import rule, file sizes, and a start that stays light."""

import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
MAX_LINES = 300
LONGER: dict[str, str] = {}
"""Files that may be longer, and why; only tables, never code."""

HEAVY = (
    "torch",
    "diffusers",
    "transformers",
    "ultralytics",
    "mediapipe",
    "ray",
    "cv2",
    "PIL",
    "numpy",
    "pydantic",
    "sqlite3",
)


def modules_after(code: str) -> set[str]:
    """Return what a fresh interpreter has loaded after running the code."""
    script = f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"
    shown = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return {line.split(".")[0] for line in shown.stdout.splitlines()}


def test_help_loads_no_heavy_library() -> None:
    loaded = modules_after("from pipeline.cli.main import main; main(['--help'])")

    assert loaded & set(HEAVY) == set()
    assert "typer" in loaded


@pytest.mark.parametrize("module", ["repair", "check", "models", "doctor"])
def test_no_command_loads_an_engine_before_it_needs_one(module: str) -> None:
    loaded = modules_after(f"import pipeline.cli.{module}")

    assert loaded & {"torch", "diffusers", "ultralytics", "mediapipe"} == set()


@pytest.mark.parametrize(
    ("package", "holed", "mended"),
    [
        # GHSA-8g5g-8vmr-9782, GHSA-5x8w-8jj5-q52h: overflows in the JPEG decoder.
        ("pillow", "12.3.0", "13.0.0"),
        # CVE-2026-24747: the unpickler that is said to load weights only.
        ("torch", "2.9.1", "2.10.0"),
    ],
)
def test_versions_with_holes_are_not_accepted(
    package: str, holed: str, mended: str
) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = {
        need.name: need.specifier for need in map(Requirement, project["dependencies"])
    }

    assert holed not in asked[package]
    assert mended in asked[package]
    assert version(package) in asked[package]


def test_imports_point_downwards() -> None:
    tool = Path(sys.executable).with_name("lint-imports")
    shown = subprocess.run(
        [tool], check=False, capture_output=True, text=True, cwd=ROOT
    )

    assert shown.returncode == 0, shown.stdout


@pytest.mark.parametrize("package", ["pipeline", "detectors"])
def test_no_file_grows_too_long(package: str) -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in (ROOT / package).rglob("*.py")
    }
    too_long = {
        name: length
        for name, length in lengths.items()
        if length > MAX_LINES and name not in LONGER
    }

    assert too_long == {}


@pytest.mark.parametrize("package", ["pipeline", "detectors"])
def test_every_file_opens_with_what_it_is_for(package: str) -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in (ROOT / package).rglob("*.py")
        if not path.read_text().startswith(('"""', 'r"""'))
    ]

    assert silent == []
