"""Put together what the model is asked for."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pipeline.by_kind import entry_for
from pipeline.emphasis import first_words, parse, written
from pipeline.records import Patch, Recipe
from pipeline.settings import PromptSettings


class Words(NamedTuple):
    """What an engine is told about one patch, in AUTOMATIC1111's notation."""

    prompt: str
    negative_prompt: str


_NETWORK = re.compile(r"<\s*(?:lora|lyco|hypernet)\s*:[^<>]*>", re.IGNORECASE)
_EMBEDDING = re.compile(
    r"<\s*embed(?:ding)?\s*:([^<>]*)>|\bembedding:([\w-]+)(?:\.(?:pt|bin|safetensors))?"
)
_EDIT = re.compile(r"\[([^\[\]|:]*):([^\[\]|:]*):\s*[0-9.]+\s*\]")
_TURNS = re.compile(r"\[([^\[\]|]*)\|[^\[\]]*\]")
_AND = re.compile(r" ?\bAND\b ?")
_BRACE = re.compile(r"\\?[{}]")
_INVOKE = re.compile(
    r"(?P<group>\))?(?P<signs>\+{1,9}|-{1,9})(?=[\s,)]|$)|\)(?P<number>\d*\.?\d+)"
)


def words_for(patch: Patch, recipe: Recipe, settings: PromptSettings) -> Words:
    """Return the prompts for one patch.

    The words for each kind of finding come first, because what comes first weighs most
    and an encoder that cuts cuts off the end; then the user's prompt, or the picture's
    own. To remove something the prompt is empty, so that nothing is asked to be there,
    and the negative prompt is the user's alone.
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
    limit, program = settings.max_words, recipe.generator
    own = _cut(own, limit, program if settings.prompt is None else "")
    own_negative = _cut(
        own_negative, limit, program if settings.negative_prompt is None else ""
    )
    return Words(
        _joined([*_by_kind(kinds, settings.before), own]),
        _joined([*_by_kind(kinds, settings.negative_before), own_negative]),
    )


def tidied(prompt: str, generator: str = "") -> str:
    """Bring a picture's own prompt into the notation that the engines read.

    Weights and BREAK stay; InvokeAI's `(word)1.3` and `(word)++` become `(word:1.3)`
    and `(word:1.21)`. Extra networks (`<lora:fluffy:1>`) are dropped: their files
    belong to another program. The name of an embedding stays, as a word, see
    `inpaint.embeddings`. Of an edit `[from:to:0.5]` the end is kept, of turns `[a|b]`
    the first; AND becomes a comma, and braces go.
    """
    # A hostile text of a hundred thousand spaces is not for every pattern to go over.
    text = _NETWORK.sub(" ", " ".join(prompt.split()))
    text = _EMBEDDING.sub(lambda found: found[1] or found[2] or "", text)
    if generator == "InvokeAI":
        text = _INVOKE.sub(_weight_of_invoke, text)
    text = _EDIT.sub(r"\2", text)
    text = _TURNS.sub(r"\1", text)
    text = _AND.sub(", ", text)
    return written(parse(_BRACE.sub("", text)))


def _weight_of_invoke(found: re.Match[str]) -> str:
    if found["number"]:
        return f":{found['number']})"
    signs = found["signs"]
    if not found["group"]:
        return signs if signs == "-" else ""
    return f":{(1.1 if signs[0] == '+' else 0.9) ** len(signs):.4g})"


def _cut(prompt: str, max_words: int, generator: str = "") -> str:
    """Return the first words of a prompt, with their weights."""
    return written(first_words(parse(tidied(prompt, generator)), max_words))


def _by_kind(kinds: Iterable[str], table: Mapping[str, str]) -> list[str]:
    """Look up the words of each kind; each text once."""
    found = (entry_for(kind, table) or "" for kind in kinds)
    return list(dict.fromkeys(found))


def _joined(texts: Iterable[str]) -> str:
    return ", ".join(text for text in texts if text)
