"""Read and write the weights that AUTOMATIC1111's notation gives to words of a prompt.

`(word)` counts 1.1 times as much, `(word:1.3)` 1.3 times and `[word]` 1 / 1.1 times;
brackets within brackets multiply, and one that is left open reaches to the end. BREAK
begins a new section, which a text encoder reads by itself. A backslash takes the
meaning from a bracket. ComfyUI, Forge, SD.Next, Fooocus and SwarmUI read the same.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

STRONGER = 1.1
"""What a pair of round brackets does to the words inside."""

MOST = 10.0
"""Weights are cut off here, either way: hundreds of brackets would overflow."""


class Piece(NamedTuple):
    """Words that count the same."""

    text: str
    weight: float


Sections: TypeAlias = tuple[tuple[Piece, ...], ...]
"""The pieces between two BREAKs, in the order of the prompt."""

_TOKEN = re.compile(
    r"\\(?P<literal>[()\[\]\\])"
    r"|(?P<open>[(\[])"
    r"|:\s*(?P<weight>[+-]?(?:\d{1,6}(?:\.\d{0,9})?|\.\d{1,9}))\s*\)"
    r"|(?P<close>[)\]])"
    r"|(?P<new>\bBREAK\b)"
    r"|(?P<text>.)",
    re.DOTALL,
)
_RESERVED = re.compile(r"[()\[\]\\]")
_COMMAS = re.compile(r"\s*,(?:\s*,)*\s*")
_WORD = re.compile(r"\S+")


@dataclass(slots=True)
class _Group:
    """What stands between a pair of brackets."""

    bracket: str
    factor: float
    parts: "list[str | _Group | None]" = field(default_factory=list)
    """Text, groups, and None for BREAK."""


def parse(prompt: str) -> Sections:
    """Read a prompt; text without brackets is one piece of weight 1.

    Returns:
        At least one section; sections and pieces without words are left out.
    """
    groups = _Open()
    for token in _TOKEN.finditer(prompt):
        if token["open"]:
            groups.begin(token["open"])
        elif not _ended(groups, token):
            groups.add(None if token["new"] else token["literal"] or token[0])
    return _sections(groups.closed())


def _ended(groups: "_Open", token: re.Match[str]) -> bool:
    """End a group where the token does that; False where it does not."""
    if token["weight"] is not None:
        return groups.end("(", float(token["weight"]))
    if token["close"]:
        return groups.end("(" if token["close"] == ")" else "[", None)
    return False


class _Open:
    """The groups whose closing bracket is still to come, each inside the one before."""

    def __init__(self) -> None:
        self._groups = [_Group("", 1.0)]
        self._counts = Counter[str]()

    def begin(self, bracket: str) -> None:
        factor = STRONGER if bracket == "(" else 1 / STRONGER
        self._groups.append(_Group(bracket, factor))
        self._counts[bracket] += 1

    def add(self, part: str | None) -> None:
        self._groups[-1].parts.append(part)

    def end(self, bracket: str, factor: float | None) -> bool:
        """End the innermost group of a bracket, and what was left open inside it.

        Returns:
            False where there is none.
        """
        if not self._counts[bracket]:
            return False
        while True:
            group = self._groups.pop()
            self._counts[group.bracket] -= 1
            self._groups[-1].parts.append(group)
            if group.bracket == bracket:
                group.factor = group.factor if factor is None else factor
                return True

    def closed(self) -> _Group:
        """End all groups, and return what holds them."""
        while len(self._groups) > 1:
            self.end(self._groups[-1].bracket, None)
        return self._groups[0]


def _sections(root: _Group) -> Sections:
    sections: list[list[Piece]] = [[]]
    waiting: list[tuple[str | _Group | None, float]] = [(root, 1.0)]
    while waiting:
        part, weight = waiting.pop()
        if part is None:
            sections.append([])
        elif isinstance(part, str):
            _append(sections[-1], part, weight)
        else:
            inside = max(-MOST, min(MOST, weight * part.factor))
            waiting.extend((each, inside) for each in reversed(part.parts))
    kept = (_trimmed(section) for section in sections)
    return tuple(section for section in kept if section) or ((),)


def _append(pieces: list[Piece], text: str, weight: float) -> None:
    if pieces and pieces[-1].weight == weight:
        text = pieces.pop().text + text
    pieces.append(Piece(text, weight))


def _trimmed(pieces: list[Piece]) -> tuple[Piece, ...]:
    """Take out surplus spaces and commas, also where two pieces meet."""
    kept: list[Piece] = []
    for piece in pieces:
        text = _COMMAS.sub(", ", re.sub(r"\s+", " ", piece.text))
        if not kept or kept[-1].text.endswith(", "):
            text = text.lstrip(" ,")
        elif kept[-1].text.endswith(" ") and not text.startswith(","):
            text = text.lstrip(" ")
        if text:
            kept.append(Piece(text, piece.weight))
    while kept:
        text = kept[-1].text.rstrip(" ,")
        last = kept.pop()
        if text:
            kept.append(last._replace(text=text))
            break
    return tuple(kept)


def written(sections: Sections) -> str:
    """Write sections down, so that `parse` reads the same."""
    return " BREAK ".join("".join(map(_piece, section)) for section in sections)


def _piece(piece: Piece) -> str:
    text = _RESERVED.sub(r"\\\g<0>", piece.text)
    return text if piece.weight == 1.0 else f"({text}:{piece.weight:.6g})"


def plain(prompt: str) -> str:
    """Return the words alone, for an encoder that would read the brackets as text."""
    sections = parse(prompt)
    return ", ".join("".join(piece.text for piece in pieces) for pieces in sections)


def first_words(sections: Sections, count: int) -> Sections:
    """Return the first words with their weights."""
    cut = (tuple(section) for section in _cut(sections, count))
    trimmed = (_trimmed(list(section)) for section in cut)
    return tuple(section for section in trimmed if section) or ((),)


def _cut(sections: Sections, count: int) -> Iterator[list[Piece]]:
    for section in sections:
        kept: list[Piece] = []
        for piece in section:
            ends = [word.end() for word in _WORD.finditer(piece.text)]
            if len(ends) > count:
                end = ends[count - 1] if count else 0
                yield [*kept, piece._replace(text=piece.text[:end])]
                return
            count -= len(ends)
            kept.append(piece)
        yield kept
