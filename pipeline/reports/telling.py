"""What the formats of a check tell alike: which problems, in which words and order."""

from collections.abc import Iterable
from datetime import UTC, datetime

from detectors.findings import Severity
from pipeline.gate.problems import Checked, Problem
from pipeline.gate.selection import IGNORED, IGNORED_HERE, NOT_SELECTED
from pipeline.names import harmless

_UNWANTED = frozenset({NOT_SELECTED, IGNORED, IGNORED_HERE})


def told(checked: Checked) -> tuple[Problem, ...]:
    """Return the problems that are shown: all but those of rules nobody wants.

    What a baseline or a person excuses is shown as excused. What is ignored by a
    setting is not shown at all, as linters have it, unless nobody could look at the
    picture: that never vanishes.
    """
    return tuple(
        problem
        for problem in checked.problems
        if problem.excused not in _UNWANTED or problem.unjudged
    )


def standing(checked: Checked) -> tuple[Problem, ...]:
    """Return what formats that know no excuse show: what counts, and what is unknown.

    A picture that nobody could look at stays in sight, excused or not.
    """
    return tuple(one for one in told(checked) if one.unjudged or not one.excused)


def worst_first(problems: Iterable[Problem]) -> list[Problem]:
    """Sort by weight: what nobody could look at, then by severity and certainty."""

    def rank(problem: Problem) -> tuple[bool, bool, int, float]:
        certainty = 1.0 if problem.confidence is None else problem.confidence
        blind = problem.unjudged
        return bool(problem.excused), not blind, -problem.severity, -certainty

    return sorted(problems, key=rank)


def level(problem: Problem) -> str:
    """Return "note", "warning" or "error".

    A picture that nobody could judge is an error, and a note where that is excused.
    """
    if problem.unjudged:
        return "note" if problem.excused else "error"
    return Severity(problem.severity).name.lower()


def title(problem: Problem) -> str:
    """Return the rule as people look it up: "NM101 hand/extra-digit"."""
    return f"{problem.rule.code} {harmless(problem.rule.kind)}"


def sentence(problem: Problem) -> str:
    """Return what was seen, how sure that is, where, and why it is excused, if so."""
    words = [harmless(problem.message) or problem.rule.sentence]
    if problem.confidence is not None:
        words.append(f"(confidence {problem.confidence:.2f})")
    if problem.box is not None:
        box = problem.box
        words.append(f"at x={box.x0} y={box.y0}, {box.width}x{box.height} px")
    if problem.excused:
        words.append(f"[excused: {harmless(problem.excused)}]")
    return " ".join(words)


def tally(checked: Checked) -> str:
    """Return the whole check in a sentence, such as "2 problems in 1 of 9 pictures"."""
    counting, pictures = checked.counting, len(checked.summary.outcomes)
    excused = sum(1 for problem in told(checked) if problem.excused)
    touched = len({problem.key for problem in counting})
    words = f"{_count(len(counting), 'problem')} in {touched} of "
    words += _count(pictures, "picture")
    blind = len({problem.key for problem in counting if problem.unjudged})
    if blind:
        words += f", of which {blind} could not be judged"
    if excused:
        words += f"; {excused} excused"
    return words


def verdict(checked: Checked) -> str:
    """Return whether the check passes, in a sentence."""
    if not finished(checked):
        return "The check was ended early, so it does not pass."
    if checked.reason:
        return f"The check fails: {harmless(checked.reason)}."
    failing = checked.failing
    if not failing:
        return "The check passes."
    least = Severity(checked.fail_on).name.lower()
    least = least if checked.fail_on is Severity.ERROR else f"{least} or worse"
    seen = sum(1 for problem in failing if not problem.unjudged)
    blind = len({problem.key for problem in failing if problem.unjudged})
    parts = [f"{_count(seen, 'problem')} of severity {least}"] if seen else []
    if blind:
        parts.append(f"{_count(blind, 'picture')} that could not be judged")
    return f"The check fails: {' and '.join(parts)}."


def finished(checked: Checked) -> bool:
    """Tell whether the run came to its end by itself."""
    return checked.summary.info.ended_by == "done"


def utc(text: str) -> str:
    """Return a time as "2026-11-20T06:00:00Z"; "" for what is no time with its zone."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return ""
    known = time.tzinfo is not None
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if known else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
