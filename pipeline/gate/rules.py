"""The table of rules: look one up by its code or by what a detector found."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import replace

from pipeline.errors import UsageError
from pipeline.gate.anatomy_rules import ANATOMY
from pipeline.gate.file_rules import FILE
from pipeline.gate.picture_rules import PICTURE
from pipeline.gate.rule import Rule

__all__ = ["RULES", "Rule", "by_code", "check_words", "chosen", "rule_for"]

RULES: tuple[Rule, ...] = (*ANATOMY, *PICTURE, *FILE)
"""Every rule, by its code."""

_BY_KIND = {rule.kind: rule for rule in RULES}
_BY_CODE = {rule.code: rule for rule in RULES}
_BODY = ("hand/", "face/", "body/", "person/")
_PREFIX = re.compile(r"NM\d{0,3}", re.IGNORECASE)


def rule_for(kind: str) -> Rule:
    """Return the rule for a kind of finding.

    A kind that has no rule of its own, such as one of a user's weights, gets a copy of
    the rule for its family, with that kind in it.
    """
    known = _BY_KIND.get(kind)
    if known is not None:
        return known
    if kind.startswith("segment/"):
        return replace(_BY_CODE["NM190"], kind=kind)
    family = "NM199" if kind.startswith(_BODY) else "NM299"
    return replace(_BY_CODE[family], kind=kind)


def by_code(code: str) -> Rule:
    """Return the rule with a code such as "NM101", or with a kind.

    Raises:
        UsageError: there is none; the text names the nearest.
    """
    rule = _BY_CODE.get(code.upper()) or _BY_KIND.get(code.lower())
    if rule is None:
        names = [*_BY_CODE, *_BY_KIND]
        near = difflib.get_close_matches(code, names, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UsageError(
            f"there is no rule {code!r}; {hint}list them with: nightmend rule"
        )
    return rule


def chosen(rule: Rule, words: Iterable[str]) -> bool:
    """Tell whether a word names the rule: "NM101", "NM1", a kind, or "hand/"."""
    return any(_names(word, rule) for word in words)


def check_words(words: Iterable[str]) -> None:
    """Refuse a word that names no rule, so that a slip does not go unnoticed.

    Raises:
        UsageError: a word is neither a code, its first letters, nor a kind.
    """
    for word in words:
        if not word.startswith("segment/") and not any(
            _names(word, rule) for rule in RULES
        ):
            by_code(word)


def _names(word: str, rule: Rule) -> bool:
    if _PREFIX.fullmatch(word):
        return rule.code.startswith(word.upper())
    return rule.kind == word or (word.endswith("/") and rule.kind.startswith(word))
