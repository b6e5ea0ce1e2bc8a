"""Look up what a table says about a kind of finding."""

import re
from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")

_WORDS = re.compile(r"[^/-]+")


def entry_for(kind: str, table: Mapping[str, T]) -> T | None:
    """Return the entry of a kind, else that of the first of its words that has one.

    So `hand/extra-digit` finds "hand", and so does `segment/left-hand`, as weights of
    the user's own may call it.
    """
    named = (word for word in (kind, *_WORDS.findall(kind)) if word in table)
    word = next(named, None)
    return None if word is None else table[word]
