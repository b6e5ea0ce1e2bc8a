"""Repair thousands of damaged files: each has one named ending, and the run goes on."""

from collections import Counter
from pathlib import Path

from pipeline.errors import ExitCode
from pipeline.ledger import queries
from pipeline.records import Outcome, Status
from tests.support.mutations import damaged_files
from tests.support.runs import FakeTools, outcomes, repair, tree
from tests.torture.forked import in_child
from tests.torture.rows import Row, counted, scaled

FILES = 10_000
PROMISE = "damaged files, each with one named ending"
AT_ONCE = 1000

WITH_A_SENTENCE = frozenset({Status.SKIPPED, Status.UNREADABLE})
NOT_NAMED = frozenset({Status.FAILED, Status.QUARANTINED})
"""Nobody knows what to do about such an ending; it is one that nobody foresaw."""


def run(scale: float, folder: Path) -> list[Row]:
    """Return what came of repairs of folders of damaged files."""
    count = scaled(FILES, scale, least=20)
    broken: list[str] = []
    ended: Counter[str] = Counter()
    for batch, first in enumerate(range(0, count, AT_ONCE)):
        place = folder / f"damaged-{batch}"
        size = min(AT_ONCE, count - first)
        said = _one_folder(place, size, batch, ended)
        broken += [f"folder {batch} (seed {batch}), {one}" for one in said]
    told = ", ".join(f"{status} {number}" for status, number in ended.most_common())
    return [counted(PROMISE, count, broken, told)]


def _one_folder(place: Path, count: int, seed: int, ended: Counter[str]) -> list[str]:
    """Repair one folder of damaged files; return what is wrong."""
    source, output = place / "in", place / "out"
    source.mkdir(parents=True)
    for number, (suffix, data) in enumerate(damaged_files(count, seed)):
        (source / f"{number:04}{suffix}").write_bytes(data)
    before = tree(source)
    # A decoder that crashes takes the child with it, and that is a promise broken.
    code = in_child(lambda: repair(source, output, FakeTools()).code)
    if code not in {ExitCode.OK, ExitCode.FLAWS, ExitCode.SOME_FAILED}:
        return [f"the run ended with {code}"] * count
    found = outcomes(output)
    ended.update(outcome.status.value for outcome in found.values())
    broken = [
        f"{key}: {said}"
        for key in before
        if (said := _what_is_wrong(found.get(key), output))
    ]
    if tree(source) != before:
        broken.append("an input was changed")
    if queries.states(output / ".nightmend") != {"done": count}:
        broken.append("a file has no ending in the ledger")
    return broken


def _what_is_wrong(outcome: Outcome | None, output: Path) -> str:
    if outcome is None:
        return "it has no ending"
    if outcome.status in NOT_NAMED:
        return f"it ended as {outcome.status.value}: {outcome.problem}"
    if outcome.status in WITH_A_SENTENCE and not outcome.problem:
        return f"it ended as {outcome.status.value}, and nothing says why"
    written = outcome.status not in WITH_A_SENTENCE
    if written != (output / outcome.key).is_file():
        return f"it ended as {outcome.status.value}; is its output there? {not written}"
    return ""
