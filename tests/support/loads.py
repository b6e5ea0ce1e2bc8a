"""Counts how often each model is really loaded, by watching the loaders being called.

Nothing is replaced: Python tells of every call while the watch lasts, and the few
functions through which a model can come into memory are picked out by name.
"""

import hashlib
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from detectors.sealed import call_sealed

_CONTENT = ("model_content", "model_path", "buffer")
_LITERT = "Interpreter.__init__"
_MEDIAPIPE = "create_from_options"
_FILES = frozenset({"load_file", "load_torch_file"})
_COMPILED = frozenset({"readNet", "readNetFromONNX", "readNetFromTFLite"})
"""OpenCV's own functions; they are called with the path as their first argument."""


@contextmanager
def counted_loads() -> Iterator[Counter[str]]:
    """Count model loads by content while the context lasts.

    Watched are this thread and the one in which MediaPipe's calls are made.
    """
    counts: Counter[str] = Counter()

    def watch(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            name = _loaded_by_python(frame)
        elif event == "c_call" and argument.__name__ in _COMPILED:
            name = f"{argument.__name__} at {frame.f_code.co_qualname}"
        else:
            return
        if name:
            counts[name] += 1

    before = sys.getprofile()
    sys.setprofile(watch)
    call_sealed(sys.setprofile, watch)
    try:
        yield counts
    finally:
        call_sealed(sys.setprofile, None)
        sys.setprofile(before)


def _loaded_by_python(frame: FrameType) -> str:
    """Return a name for the model that a call loads, or ""."""
    called = frame.f_code.co_qualname
    if called == _LITERT:
        held = (frame.f_locals.get(name) for name in _CONTENT)
        # A copy that keeps its inner maps runs slower, so the faces' landmark network
        # (2 MB) is held in both ways; each way is a model of its own here.
        inner = frame.f_locals.get("experimental_preserve_all_tensors")
        way = "with inner maps " if inner else ""
        return f"LiteRT {way}{_short(next(one for one in held if one))}"
    if called.endswith(f".{_MEDIAPIPE}"):
        base = frame.f_locals["options"].base_options
        what = base.model_asset_path or base.model_asset_buffer
        return f"MediaPipe {_short(what)}"
    if called in _FILES and "safetensors" in frame.f_code.co_filename:
        return f"safetensors {_short(frame.f_locals['filename'])}"
    return ""


def _short(model: object) -> str:
    """Name a model by its file, or by the digest of its content."""
    if isinstance(model, bytes):
        return f"content {hashlib.sha256(model).hexdigest()[:12]}"
    return str(model).rpartition("/")[2]
