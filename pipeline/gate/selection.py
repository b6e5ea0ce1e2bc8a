"""Which rules count, where, and how much: the section `gate` of the settings."""

from collections.abc import Iterable
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import PurePosixPath

from detectors.findings import Severity
from pipeline.errors import UsageError
from pipeline.gate.problem import Problem
from pipeline.gate.rules import RULES, Rule, check_words, chosen
from pipeline.settings import Settings

NOT_SELECTED = "not selected"
IGNORED = "ignored"
IGNORED_HERE = "ignored for this path"

LOOKERS = {
    "hand/": "hands",
    "face/": "faces",
    "body/": "people",
    "segment/": "segments",
    "image/": "quality",
    "anatomy/": "segments",
}
"""Who must look for a rule to be able to speak; the rest need nobody."""

UNAIDED = frozenset({"image/duplicate", "image/near-duplicate", "image/size-outlier"})
"""Kinds that the gate finds itself, by laying pictures beside each other."""


class Selection:
    """Says of each problem whether its rule counts; the first kind of excuse."""

    def __init__(self, settings: Settings) -> None:
        """Read the settings.

        Raises:
            UsageError: a word names no rule.
        """
        gate = settings.gate
        check_words((*gate.select, *gate.ignore, *gate.severities))
        for words in gate.per_path.values():
            check_words(words)
        self._select, self._ignore = gate.select, gate.ignore
        self._per_path = gate.per_path
        self._severities = {
            word: Severity[name.upper()] for word, name in gate.severities.items()
        }
        self._looking = frozenset(settings.detect.detectors)
        self._globs = lru_cache(maxsize=65536)(self._ignored_at)

    def weighed(self, problem: Problem) -> Problem:
        """Return the problem with the severity that the settings give it.

        The longest word wins, so that "NM1" can be softened and "NM101" kept.
        """
        words = [word for word in self._severities if chosen(problem.rule, (word,))]
        if not words:
            return problem
        return replace(problem, severity=self._severities[max(words, key=len)])

    def reason_for(self, problem: Problem) -> str:
        """Return why the rule does not count for this picture; "" when it does."""
        return self._reason(problem.rule, problem.key)

    def cares_about(self, key: str) -> bool:
        """Tell whether any rule can object to this picture."""
        return any(self._can_speak(r) and not self._reason(r, key) for r in RULES)

    def looks_for(self, rule: Rule) -> bool:
        """Tell whether a check with these settings can object by this rule at all."""
        return self._can_speak(rule) and not self._general_reason(rule)

    def check(self) -> None:
        """Refuse a selection under which no check could ever fail.

        Raises:
            UsageError: no rule is left, or nobody looks for those that are.
        """
        left = [rule for rule in RULES if not self._general_reason(rule)]
        if not left:
            raise UsageError("the selection leaves no rule; see --select and --ignore")
        if not any(self._can_speak(rule) for rule in left):
            raise UsageError(
                f"nobody looks for what is selected ({_codes(left)}): the detectors "
                f"are {', '.join(sorted(self._looking))}; see --detect"
            )

    def _reason(self, rule: Rule, key: str) -> str:
        general = self._general_reason(rule)
        if general:
            return general
        return IGNORED_HERE if chosen(rule, self._globs(key)) else ""

    def _general_reason(self, rule: Rule) -> str:
        if not chosen(rule, self._select):
            return NOT_SELECTED
        return IGNORED if chosen(rule, self._ignore) else ""

    def _ignored_at(self, key: str) -> tuple[str, ...]:
        name = PurePosixPath(key).name
        return tuple(
            word
            for glob, words in self._per_path.items()
            if fnmatchcase(key, glob) or fnmatchcase(name, glob)
            for word in words
        )

    def _can_speak(self, rule: Rule) -> bool:
        if rule.kind in UNAIDED:
            return True
        family = rule.kind.partition("/")[0] + "/"
        return family not in LOOKERS or LOOKERS[family] in self._looking


def _codes(rules: Iterable[Rule]) -> str:
    return ", ".join(rule.code for rule in rules)
