"""Let a pipeline encode each distinct prompt once.

Its text encoders are often larger than what paints, and every candidate of a region,
and most regions of a run, have the same words.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

KEPT = 16
"""Encoded prompts held at a time; one of T5-XXL takes 4 MB in half precision."""


def remember_words(whole: Any) -> None:
    """Wrap a pipeline's `encode_prompt` in a memory.

    Args:
        whole: diffusers' pipeline.
    """
    whole.encode_prompt = _Remembered(whole.encode_prompt)


class _Remembered:
    """A function that is called once for the same plain arguments."""

    def __init__(self, encode: Callable[..., Any]) -> None:
        self._encode = encode
        self._known: OrderedDict[str, Any] = OrderedDict()

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Return what was encoded; pictures and tensors are never remembered."""
        values = (*given, *named.values())
        if not all(map(_is_plain, values)):
            return self._encode(*given, **named)
        key = repr((given, sorted(named.items())))
        if key not in self._known:
            self._known[key] = self._encode(*given, **named)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    plain = (str, int, float, bool, type(None))
    return isinstance(value, plain) or type(value).__name__ == "device"
