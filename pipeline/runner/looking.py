"""Say what an outcome of looking depends on, besides the picture."""

import hashlib
import importlib.metadata
import json
from collections.abc import Iterator
from pathlib import Path

import detectors
import pipeline
from pipeline.runner.resume import detector_weights
from pipeline.settings import Settings

_CODE = (
    (detectors, "**/*.py"),
    (pipeline, "metadata/*.py"),
    (pipeline, "stages/*.py"),
    (pipeline, "codec.py"),
    (pipeline, "finish.py"),
    (pipeline, "flow.py"),
    (pipeline, "reading.py"),
    (pipeline, "records/*.py"),
)
"""The code that decodes and looks; a version number would be forgotten."""

_PACKAGES = (
    "ai-edge-litert",
    "mediapipe",
    "numpy",
    "opencv-python",
    "pillow",
    "torch",
    "ultralytics",
)
"""What computes for it; another version may see another thing."""


def looking_basis(settings: Settings) -> str:
    """Return a digest of all that decides what is seen in a picture.

    These are the settings of loading and of the chosen detectors, their weights, and
    the code and the libraries that decode and look. What counts as a flaw is not among
    them: that is worked out from what was seen.
    """
    chosen = settings.detect.detectors
    plain = settings.model_dump(mode="json")
    held = {
        "load": plain["load"],
        "detectors": chosen,
        "options": {name: plain.get(name) for name in chosen},
        # Both change how findings of one place are joined; see `pipeline.flow`.
        "people": [settings.mask.use_people, settings.people.stray_parts],
        "working_px": settings.plan.working_px,
        "weights": detector_weights(settings),
        "code": code_digest(),
        "packages": dict(_versions()),
    }
    text = json.dumps(held, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def code_digest() -> str:
    """Return a digest of the source files that decode and look."""
    held = hashlib.sha256()
    for package, pattern in _CODE:
        folder = Path(str(package.__file__)).parent
        for file in sorted(folder.glob(pattern)):
            held.update(f"{package.__name__}/{file.relative_to(folder)}\0".encode())
            held.update(hashlib.sha256(file.read_bytes()).digest())
    return held.hexdigest()


def _versions() -> Iterator[tuple[str, str]]:
    for name in _PACKAGES:
        try:
            yield name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield name, ""
