"""Lay a prompt out in chunks that a text encoder reads one by one.

A CLIP encoder reads 77 tokens, of which the first and the last are marks. As in
AUTOMATIC1111 a longer prompt is read in chunks of 75 tokens, and the UNet is told all
of them, one after the other. A chunk that is full ends at a comma where there is one
among its last 20 tokens, so that no phrase is torn; BREAK ends one early.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from pipeline.emphasis import Piece, Sections

MOST_CHUNKS = 4
"""Chunks that are read: 300 tokens. More say little about a hand, and prompts of
different lengths share one call of the UNet only at a common multiple of them."""

LOOK_BACK = 20
"""Tokens at the end of a full chunk among which a comma is looked for; AUTOMATIC1111's
own default."""


@dataclass(frozen=True, slots=True)
class Token:
    """One place in a chunk."""

    number: int
    weight: float = 1.0
    vector: tuple[str, int] | None = None
    """Of an embedding: its trigger, and which of its vectors stands here."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A prompt, ready for one text encoder."""

    chunks: tuple[tuple[Token, ...], ...]
    """At least one; all as long as the encoder reads, marks included."""

    dropped: int
    """Tokens at the end for which there was no room."""


def lay_out(
    tokenizer: Any, sections: Sections, embeddings: Mapping[str, int]
) -> Layout:
    """Split a prompt into chunks.

    Args:
        tokenizer: Of the text encoder.
        sections: The prompt.
        embeddings: How many vectors stand for each trigger, which is in small letters;
            at most as many as a chunk has room for.
    """
    room = int(tokenizer.model_max_length) - 2
    comma = tokenizer(",", add_special_tokens=False).input_ids
    chunks: list[list[Token]] = []
    for section in sections:
        units = _units(tokenizer, section, embeddings)
        chunks += _filled(units, room, comma[0] if len(comma) == 1 else None)
    dropped = sum(len(chunk) for chunk in chunks[MOST_CHUNKS:])
    kept = chunks[:MOST_CHUNKS] or [[]]
    return Layout(tuple(_marked(tokenizer, c, room) for c in kept), dropped)


def _units(
    tokenizer: Any, section: Sequence[Piece], embeddings: Mapping[str, int]
) -> Iterator[tuple[Token, ...]]:
    """Yield what must not be torn: single tokens, and the vectors of an embedding."""
    triggers = "|".join(
        re.escape(name) for name in sorted(embeddings, key=len, reverse=True)
    )
    splitter = re.compile(rf"(?<![\w-])({triggers})(?![\w-])", re.IGNORECASE)
    for text, weight in section:
        for part in splitter.split(text) if triggers else (text,):
            if part.lower() in embeddings:
                count = embeddings[part.lower()]
                vectors = ((part.lower(), place) for place in range(count))
                # The number is only a stand-in, which the vector takes the place of.
                yield tuple(Token(0, weight, vector) for vector in vectors)
                continue
            if part.strip():
                numbers = tokenizer(
                    part, add_special_tokens=False, verbose=False
                ).input_ids
                yield from ((Token(number, weight),) for number in numbers)


def _filled(
    units: Iterator[tuple[Token, ...]], room: int, comma: int | None
) -> list[list[Token]]:
    chunks: list[list[Token]] = [[]]
    for unit in units:
        full = chunks[-1]
        if len(full) + len(unit) > room:
            torn = _after_comma(full, comma) if len(full) == room else []
            if torn:
                del full[-len(torn) :]
            chunks.append(torn)
        if len(chunks[-1]) + len(unit) > room:
            chunks.append([])
        chunks[-1].extend(unit)
    return chunks


def _after_comma(chunk: Sequence[Token], comma: int | None) -> list[Token]:
    """Return what follows the last comma, where that is near the end."""
    tail = chunk[-LOOK_BACK - 1 :]
    places = [
        place
        for place, token in enumerate(tail)
        if token.number == comma and token.vector is None
    ]
    return list(tail[places[-1] + 1 :]) if places else []


def _marked(tokenizer: Any, chunk: Sequence[Token], room: int) -> tuple[Token, ...]:
    padding = (Token(tokenizer.pad_token_id),) * (room - len(chunk))
    first, last = Token(tokenizer.bos_token_id), Token(tokenizer.eos_token_id)
    return tuple(chain([first], chunk, [last], padding))
