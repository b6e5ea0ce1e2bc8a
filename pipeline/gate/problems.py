"""What a check found, weighed by the rules: the one thing that its formats read."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from detectors.findings import Severity
from pipeline.errors import ExitCode, worst
from pipeline.gate.findings import problems_of
from pipeline.gate.neighbours import problems_between
from pipeline.gate.problem import Excuses, Problem, fingerprint, place_of
from pipeline.gate.selection import Selection
from pipeline.records import Outcome, RunSummary, Status
from pipeline.settings import Settings

__all__ = ["Checked", "Excuses", "Problem", "checked"]

LOOKED_AT = frozenset({Status.CLEAN, Status.FLAWED, Status.REPAIRED, Status.KEPT})


@dataclass(frozen=True, slots=True)
class Checked:
    """A run, and what the gate makes of it."""

    summary: RunSummary
    problems: tuple[Problem, ...]
    """Sorted by key, code and place; those that are excused are among them."""

    fail_on: Severity
    """The least severity that fails the check."""

    code: ExitCode
    """What the pictures call for, apart from what ended the run."""

    reason: str = ""
    """Why it is not green although no problem says so; "" when one does."""

    @property
    def counting(self) -> tuple[Problem, ...]:
        """The problems that nothing excuses."""
        return tuple(problem for problem in self.problems if not problem.excused)

    @property
    def excused(self) -> tuple[Problem, ...]:
        """The problems that do not count, each with its reason."""
        return tuple(problem for problem in self.problems if problem.excused)

    @property
    def failing(self) -> tuple[Problem, ...]:
        """The problems for which the check fails."""
        return tuple(
            problem
            for problem in self.problems
            if not problem.excused
            and (problem.unjudged or problem.severity >= self.fail_on)
        )


def checked(
    summary: RunSummary,
    settings: Settings,
    baseline: Excuses | None = None,
    *,
    review: Excuses | None = None,
    allow_empty: bool = False,
) -> Checked:
    """Weigh what a run found.

    Args:
        summary: The run.
        settings: Which rules count, and how much; the settings of the run.
        baseline: Problems that were there before, and do not count.
        review: What a person decided about single places.
        allow_empty: A run that looked at nothing is fine.
    """
    selection = Selection(settings)
    raw = [
        *(
            one
            for outcome in summary.outcomes
            for one in problems_of(outcome, settings)
        ),
        *problems_between(summary.outcomes, settings.gate),
    ]
    known = [one for one in (review, baseline) if one is not None]
    problems = tuple(
        _excused(selection.weighed(problem), selection, known)
        for problem in _named(raw)
    )
    least = Severity[settings.run.fail_on.upper()]
    weighed = Checked(summary, problems, least, ExitCode.OK)
    code = worst([_code(problem) for problem in weighed.failing])
    reason = _looked_at_nothing(summary.outcomes, selection)
    if reason and code is ExitCode.OK and not allow_empty:
        return replace(weighed, code=ExitCode.USAGE, reason=reason)
    return replace(weighed, code=code)


def _code(problem: Problem) -> ExitCode:
    return ExitCode.SOME_FAILED if problem.unjudged else ExitCode.FLAWS


def _named(problems: Iterable[Problem]) -> list[Problem]:
    """Sort, and give every problem a fingerprint of its own."""
    ranked = sorted(problems, key=_rank)
    seen: Counter[tuple[str, str, str, str]] = Counter()
    named = []
    for problem in ranked:
        identity = problem.digest or f"key:{problem.key}"
        place = place_of(problem.box, problem.size)
        same = (problem.rule.code, problem.rule.kind, identity, place)
        mark = fingerprint(problem.rule, identity, place, seen[same])
        seen[same] += 1
        named.append(replace(problem, fingerprint=mark))
    return named


def _rank(problem: Problem) -> tuple[str, str, str, tuple[int, ...], str]:
    box = problem.box
    corner = (box.y0, box.x0, box.y1, box.x1) if box is not None else ()
    return problem.key, problem.rule.code, problem.rule.kind, corner, problem.message


def _excused(
    problem: Problem, selection: Selection, known: Iterable[Excuses]
) -> Problem:
    reasons = (one.reason_for(problem) for one in (selection, *known))
    return replace(problem, excused=next((reason for reason in reasons if reason), ""))


def _looked_at_nothing(outcomes: Iterable[Outcome], selection: Selection) -> str:
    """Return why nothing can be said about any picture; "" when something can."""
    looked = [outcome for outcome in outcomes if outcome.status in LOOKED_AT]
    if not looked:
        return (
            "no picture was looked at: all were skipped, or there were none; a check "
            "that looked at nothing does not pass, unless --allow-empty says so"
        )
    if not any(selection.cares_about(outcome.key) for outcome in looked):
        return (
            "every rule is ignored for every picture; a check that looks for nothing "
            "does not pass, unless --allow-empty says so"
        )
    return ""
