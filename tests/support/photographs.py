"""Where real pictures are found: inside installed packages, and in a shared folder."""

import importlib.util
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

INSTALLED = {
    "skimage": (
        "data/astronaut.png",
        "data/camera.png",
        "data/chelsea.png",
        "data/coffee.png",
        "data/horse.png",
        "data/rocket.jpg",
    ),
    "ultralytics": ("assets/bus.jpg", "assets/zidane.jpg"),
}
"""Import name of a package to pictures in its folder; between them RGB, grey, see-
through, odd sizes, profiles, XMP, comments, people, hands and faces."""

SHARED_HANDS = ("ai_039_hv148.jpg", "ai_060_gan25.jpg")
"""Badly drawn hands in the shared folder, of two generators."""


def installed() -> dict[str, Path]:
    """Return the pictures that came with packages, by file name."""
    found = (
        folder / name
        for package, names in INSTALLED.items()
        if (folder := _folder_of(package)) is not None
        for name in names
    )
    return {path.name: path for path in found if path.is_file()}


def shared() -> Path | None:
    """Return the folder of further labelled pictures, or None where there is none."""
    named = os.environ.get("NIGHTMEND_SHARED")
    folder = Path(named) if named else ROOT.parent / "shared"
    return folder if folder.is_dir() else None


def bad_hands() -> dict[str, Path]:
    """Return some badly drawn hands by file name; skip the test without them."""
    folder = shared()
    if folder is None:
        pytest.skip("no labelled hands: set NIGHTMEND_SHARED to their folder")
    paths = [folder / "data" / "hands" / "bad" / name for name in SHARED_HANDS]
    found = {path.name: path for path in paths if path.is_file()}
    if not found:
        pytest.skip(f"no badly drawn hands in {folder}")
    return found


def _folder_of(package: str) -> Path | None:
    """Return the folder of an installed package, without importing it."""
    spec = importlib.util.find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None
