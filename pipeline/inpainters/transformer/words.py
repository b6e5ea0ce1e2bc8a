"""Let a pipeline encode each distinct prompt once, and hear what it says about it.

Its text encoders are often larger than what paints, and every candidate of a region,
and most regions of a run, have the same words.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging

KEPT = 16
"""Encoded prompts held at a time; one of T5-XXL takes 4 MB in half precision."""

CUT = "input was truncated"
"""In what diffusers says where a prompt is longer than an encoder reads."""

CUT_NOTE = "the prompt is too long for one of the text encoders; its end was not read"


class Words:
    """Stands in for a pipeline's `encode_prompt`, and remembers."""

    def __init__(self, encode: Callable[..., Any]) -> None:
        self._encode = encode
        self._known: OrderedDict[str, tuple[Any, tuple[str, ...]]] = OrderedDict()
        self._said: dict[str, None] = {}

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Return what was encoded; pictures and tensors are never remembered."""
        values = (*given, *named.values())
        if not all(map(_is_plain, values)):
            code, said = self._fresh(given, named)
        else:
            key = repr((given, sorted(named.items())))
            if key not in self._known:
                self._known[key] = self._fresh(given, named)
                while len(self._known) > KEPT:
                    self._known.popitem(last=False)
            self._known.move_to_end(key)
            code, said = self._known[key]
        self._said |= dict.fromkeys(said)
        return code

    def said(self) -> tuple[str, ...]:
        """Return what there was to say about the words since the last time."""
        said = tuple(self._said)
        self._said.clear()
        return said

    def _fresh(self, given: Any, named: Any) -> tuple[Any, tuple[str, ...]]:
        with _heard() as messages:
            code = self._encode(*given, **named)
        return code, tuple(CUT_NOTE if CUT in text else text for text in messages)


class _Ear(logging.Handler):
    """Takes down warnings."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Take down diffusers' warnings in place of the terminal."""
    ear, level = _Ear(), transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    diffusers_logging.disable_default_handler()
    diffusers_logging.add_handler(ear)
    try:
        yield ear.messages
    finally:
        diffusers_logging.remove_handler(ear)
        diffusers_logging.enable_default_handler()
        transformers_logging.set_verbosity(level)


def remember_words(whole: Any) -> Words:
    """Wrap a pipeline's `encode_prompt` in a memory, and return that.

    Args:
        whole: diffusers' pipeline.
    """
    words = Words(whole.encode_prompt)
    whole.encode_prompt = words
    return words


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    plain = (str, int, float, bool, type(None))
    return isinstance(value, plain) or type(value).__name__ == "device"
