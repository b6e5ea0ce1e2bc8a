"""Checked -> JUnit XML: a suite for each folder, a case for each picture.

A problem for which the check fails is a `failure`; a picture that could not be judged
is an `error`; what a baseline or a person excuses is `skipped`; anything milder stands
in the case's output. There is no one schema of this format: the order and the names of
elements and attributes are those of the Jenkins xUnit plugin's.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from pipeline.gate.problems import Checked, Problem
from pipeline.names import harmless, shown
from pipeline.records import Outcome
from pipeline.reports.places import Places
from pipeline.reports.telling import (
    finished,
    level,
    sentence,
    tally,
    title,
    told,
    utc,
    verdict,
    worst_first,
)


def render(checked: Checked, places: Places) -> str:
    """Return the whole file."""
    by_key: dict[str, list[Problem]] = defaultdict(list)
    for problem in told(checked):
        by_key[problem.key].append(problem)
    failing = {problem.fingerprint for problem in checked.failing}
    folders: dict[str, list[Element]] = defaultdict(list)
    for outcome in checked.summary.outcomes:
        path = places.path(outcome.key)
        case = _case(outcome, path, by_key[outcome.key], failing)
        folders[str(PurePosixPath(path).parent)].append(case)
    if not failing and (checked.code or not finished(checked)):
        folders["."].append(_nothing_seen(verdict(checked)))
    root = Element("testsuites", name="nightmend")
    for folder, cases in sorted(folders.items()):
        root.append(_suite(shown(folder), cases, checked))
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", f"{sum(float(suite.get('time', '0')) for suite in root):.3f}")
    indent(root)
    # Only ASCII is written, so the file reads the same in whatever encoding.
    data: bytes = tostring(root, encoding="us-ascii", xml_declaration=True)
    return data.decode() + "\n"


def _suite(name: str, cases: Sequence[Element], checked: Checked) -> Element:
    def count(tag: str) -> str:
        return str(sum(1 for case in cases if case.find(tag) is not None))

    info = checked.summary.info
    suite = Element("testsuite", name=name, tests=str(len(cases)))
    suite.set("failures", count("failure"))
    suite.set("errors", count("error"))
    suite.set("skipped", count("skipped"))
    suite.set("time", f"{sum(float(case.get('time', '0')) for case in cases):.3f}")
    suite.set("timestamp", utc(info.started).rstrip("Z"))
    properties = SubElement(suite, "properties")
    for key, value in (("version", info.version), ("tally", tally(checked))):
        SubElement(properties, "property", name=key, value=value)
    suite.extend(cases)
    return suite


def _case(
    outcome: Outcome, path: str, problems: Sequence[Problem], failing: set[str]
) -> Element:
    where = PurePosixPath(path)
    case = Element(
        "testcase",
        name=shown(where.name),
        # A dot would part packages in the tree that build servers draw.
        classname=shown(where.parent),
        file=shown(path),
        time=f"{outcome.took_s:.3f}",
    )
    guilty = worst_first(p for p in problems if p.fingerprint in failing)
    excused = [problem for problem in problems if problem.excused]
    mild = [p for p in problems if p not in guilty and not p.excused]
    if guilty:
        _blame(case, guilty)
    elif excused and not mild:
        SubElement(case, "skipped", message=_reasons(excused))
    rest = mild + (excused if guilty or mild else [])
    if rest:
        SubElement(case, "system-out").text = _lines(rest)
    return case


def _blame(case: Element, guilty: Sequence[Problem]) -> None:
    worst = guilty[0]
    message = sentence(worst)
    if len(guilty) > 1:
        message += f"; and {len(guilty) - 1} more"
    element = SubElement(
        case,
        "error" if worst.unjudged else "failure",
        message=message,
        type=title(worst),
    )
    element.text = _lines(guilty)


def _nothing_seen(reason: str) -> Element:
    case = Element("testcase", name="nightmend check", classname=".", time="0.000")
    SubElement(case, "error", message=reason, type="nightmend").text = reason
    return case


def _reasons(excused: Sequence[Problem]) -> str:
    return "; ".join(f"{title(p)}: {harmless(p.excused)}" for p in excused)


def _lines(problems: Sequence[Problem]) -> str:
    return "\n".join(f"{title(p)} {level(p)}: {sentence(p)}" for p in problems)
