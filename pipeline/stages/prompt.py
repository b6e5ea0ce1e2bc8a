"""Put together what the model is asked for."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pipeline.records import Patch, Recipe
from pipeline.settings import PromptSettings


class Words(NamedTuple):
    """What an engine is told about one patch."""

    prompt: str
    negative_prompt: str


_NETWORK = re.compile(r"<\s*(?:lora|lyco|hypernet)\s*:[^<>]*>", re.IGNORECASE)
_EDIT = re.compile(r"\[([^\[\]|:]*):([^\[\]|:]*):\s*[0-9.]+\s*\]")
_TURNS = re.compile(r"\[([^\[\]|]*)\|[^\[\]]*\]")
_WEIGHT = re.compile(r":\s*[0-9]*\.?[0-9]+\s*(?=\))")
_KEYWORD = re.compile(r"\s*\b(?:BREAK|AND)\b\s*")
_BRACKET = re.compile(r"(?<!\\)[()\[\]{}]")
_ESCAPED = re.compile(r"\\([()\[\]{}])")
_WORDS = re.compile(r"[^/-]+")
_COMMAS = re.compile(r"\s*,(?:\s*,)*\s*")


def words_for(patch: Patch, recipe: Recipe, settings: PromptSettings) -> Words:
    """Return the prompts for one patch.

    The words for each kind of finding come first, because a text encoder that reads 77
    tokens cuts off the end; then the user's prompt, or the picture's own. To remove
    something the prompt is empty, so that nothing is asked to be there, and the
    negative prompt is the user's alone.
    """
    if patch.remedy == "remove":
        return Words("", _cut(settings.negative_prompt or "", settings.max_words))
    kinds = tuple(dict.fromkeys(finding.kind for finding in patch.findings))
    own = recipe.prompt if settings.prompt is None else settings.prompt
    own_negative = (
        recipe.negative_prompt
        if settings.negative_prompt is None
        else settings.negative_prompt
    )
    limit = settings.max_words
    return Words(
        _joined([*_by_kind(kinds, settings.before), _cut(own, limit)]),
        _joined(
            [*_by_kind(kinds, settings.negative_before), _cut(own_negative, limit)]
        ),
    )


def plain(prompt: str) -> str:
    """Strip AUTOMATIC1111's and NovelAI's notation from a prompt, keeping its words.

    Extra networks (`<lora:name:1>`) are dropped: their files belong to another program.
    Weights and brackets go, their words stay, since text encoders would read "(((" as
    text. Of an edit `[from:to:0.5]` the end is kept, of turns `[a|b]` the first; BREAK
    and AND become commas. Escaped brackets become brackets.
    """
    text = _NETWORK.sub(" ", prompt)
    text = _EDIT.sub(r"\2", text)
    text = _TURNS.sub(r"\1", text)
    text = _WEIGHT.sub("", text)
    text = _KEYWORD.sub(", ", text)
    text = _BRACKET.sub("", text)
    text = _ESCAPED.sub(r"\1", text)
    text = " ".join(text.split())
    return _COMMAS.sub(", ", text).strip(" ,")


def _cut(prompt: str, max_words: int) -> str:
    """Return the first words of a plain prompt."""
    return " ".join(plain(prompt).split()[:max_words]).strip(" ,")


def _by_kind(kinds: Iterable[str], table: Mapping[str, str]) -> list[str]:
    """Look up each kind, then its words from the first on; each text once.

    So `hand/extra-digit` finds "hand", and so does `segment/left-hand`, as weights of
    the user's own may call it.
    """
    found = (
        next(
            (table[word] for word in (kind, *_WORDS.findall(kind)) if word in table), ""
        )
        for kind in kinds
    )
    return list(dict.fromkeys(found))


def _joined(texts: Iterable[str]) -> str:
    return ", ".join(text for text in texts if text)
