"""A reader for every format: refuses what is broken, returns the problems it found."""

import csv
import io
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any, cast
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree

import jsonschema
import junitparser
from markdown_it import MarkdownIt

from pipeline.reports import csv_table, jsonl_schema
from tests.support.schemas import SARIF, public_schema
from tests.support.workflow_commands import commands_in


@dataclass(frozen=True)
class Seen:
    """One problem, or one picture, as a reader of the format sees it."""

    path: str
    level: str
    text: str


class Refused(Exception):
    """The reader does not take this."""


def read_sarif(text: str) -> list[Seen]:
    """Read by the public schema, and by what the standard demands beyond it."""
    log = json.loads(text, parse_constant=_no_constant)
    try:
        jsonschema.Draft7Validator(
            public_schema(SARIF),
            format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER,
        ).validate(log)
    except jsonschema.ValidationError as error:
        raise Refused(error.message) from error
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    results = run["results"]
    _demand(len({rule["id"] for rule in rules}) == len(rules), "rules share an id")
    marks = [one["partialFingerprints"]["primaryLocationLineHash"] for one in results]
    _demand(len(set(marks)) == len(marks), "results share a fingerprint")
    _demand(
        len({"suppressions" in one for one in results}) <= 1,
        "suppressions on some results only",
    )
    for result in results:
        _demand(rules[result["ruleIndex"]]["id"] == result["ruleId"], "wrong rule")
        for attachment in result.get("attachments", ()):
            for rectangle in attachment["rectangles"]:
                _demand(rectangle["left"] < rectangle["right"], "no rectangle")
                _demand(rectangle["top"] < rectangle["bottom"], "no rectangle")
    return [_sarif_result(one) for one in results]


def _sarif_result(result: dict[str, Any]) -> Seen:
    place = result["locations"][0]["physicalLocation"]
    for name in ("startLine", "startColumn", "endLine", "endColumn"):
        _demand(place["region"][name] >= 1, "GitHub wants all four")
    uri = place["artifactLocation"]["uri"]
    _demand(re.fullmatch(r"[!-~]+", uri) is not None, "not a URI")
    excused = bool(result.get("suppressions"))
    return Seen(
        os.fsdecode(unquote_to_bytes(uri)),
        "excused" if excused else result["level"],
        result["message"]["text"],
    )


JUNIT_ELEMENTS: Mapping[str, tuple[frozenset[str], tuple[str, ...]]] = {
    "testsuites": (
        frozenset({"name", "time", "tests", "failures", "errors", "skipped"}),
        ("testsuite",),
    ),
    "testsuite": (
        frozenset(
            {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"}
        ),
        ("properties", "testcase"),
    ),
    "properties": (frozenset(), ("property",)),
    "property": (frozenset({"name", "value"}), ()),
    "testcase": (
        frozenset({"name", "classname", "file", "time"}),
        ("skipped", "error", "failure", "system-out"),
    ),
    "skipped": (frozenset({"message"}), ()),
    "error": (frozenset({"message", "type"}), ()),
    "failure": (frozenset({"message", "type"}), ()),
    "system-out": (frozenset(), ()),
}
"""Attributes and children of each element, after the Jenkins xUnit plugin's schema."""


def read_junit(text: str) -> list[Seen]:
    """Read with junitparser, after a look at the elements and the sums."""
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise Refused(str(error)) from error
    for element in root.iter():
        _demand(element.tag in JUNIT_ELEMENTS, f"<{element.tag}> is unknown")
        attributes, children = JUNIT_ELEMENTS[element.tag]
        _demand(set(element.keys()) <= attributes, f"{element.keys()}")
        order = [children.index(child.tag) for child in element]
        _demand(order == sorted(order), f"wrong order in <{element.tag}>")
    seen = []
    for suite in junitparser.JUnitXml.fromstring(text):
        cases = list(suite)
        _demand(suite.tests == len(cases), "wrong sum")
        kinds = [_junit_level(case) for case in cases]
        for name, kind in (("failures", "failure"), ("errors", "error")):
            _demand(getattr(suite, name) == kinds.count(kind), "wrong sum")
        for case, kind in zip(cases, kinds, strict=True):
            words = [result.message or "" for result in case.result]
            said = " ".join([*words, case.system_out or ""])
            seen.append(Seen(f"{case.classname}/{case.name}", kind, said))
    return seen


def _junit_level(case: junitparser.TestCase) -> str:
    (kind, *more) = [type(one).__name__.lower() for one in case.result] or ["passed"]
    _demand(not more, "more than one result")
    return kind


def read_github(text: str) -> list[Seen]:
    """Read as the runner does; only annotations may be in it."""
    found = commands_in(text)
    seen = []
    for command in found:
        _demand(command.name in {"error", "warning", "notice"}, command.name)
        _demand(set(command.properties) <= {"file", "line", "title"}, "unknown")
        path = command.properties.get("file", "")
        seen.append(Seen(path, command.name, command.message))
    for name in ("error", "warning", "notice"):
        _demand(sum(one.level == name for one in seen) <= 10, "more than GitHub shows")
    others = [line for line in text.splitlines() if not line.startswith("::")]
    _demand(len(others) == 1, "a line that is no command")
    return seen


GITLAB_SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": [
            "description",
            "check_name",
            "fingerprint",
            "severity",
            "location",
        ],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^(?!\\./).+"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}
"""Written from docs.gitlab.com, "Code Quality report format"; GitLab publishes none."""


def read_gitlab(text: str) -> list[Seen]:
    """Read by what GitLab documents: the fields, and that no fingerprint is shared."""
    issues = json.loads(text, parse_constant=_no_constant)
    try:
        jsonschema.Draft202012Validator(GITLAB_SCHEMA).validate(issues)
    except jsonschema.ValidationError as error:
        raise Refused(error.message) from error
    marks = {issue["fingerprint"] for issue in issues}
    _demand(len(marks) == len(issues), "issues share a fingerprint")
    return [
        Seen(one["location"]["path"], one["severity"], one["description"])
        for one in issues
    ]


def read_csv(text: str) -> list[Seen]:
    """Read with the standard library, strictly; no cell may be a formula."""
    head, *rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    _demand(head == list(csv_table.COLUMNS), "another head")
    for row in rows:
        _demand(len(row) == len(head), "a row of another length")
        for cell in row:
            _demand(not re.match(r"[=+\-@\t\r]", cell), f"a formula: {cell}")
            _demand(cell.isprintable(), f"not printable: {cell!r}")
    named = [dict(zip(head, row, strict=True)) for row in rows]
    return [
        Seen(
            row["path"],
            "excused" if row["excused"] else row["severity"],
            " ".join(row.values()),
        )
        for row in named
    ]


def read_jsonl(text: str) -> list[Seen]:
    """Read by the published schema; the first and the last line must be there."""
    _demand(text.isascii(), "not ASCII")
    lines = [
        json.loads(line, parse_constant=_no_constant) for line in text.split("\n")[:-1]
    ]
    validator = jsonschema.Draft202012Validator(jsonl_schema.schema())
    for line in lines:
        try:
            validator.validate(line)
        except jsonschema.ValidationError as error:
            raise Refused(error.message) from error
    types = [line["type"] for line in lines]
    _demand(types[0] == "header" and types[-1] == "summary", "cut off")
    _demand(set(types[1:-1]) <= {"picture"}, "another line within")
    return [
        Seen(
            line["path"],
            "excused" if problem["excused"] else problem["severity"],
            problem["message"],
        )
        for line in lines[1:-1]
        for problem in line["problems"]
    ]


def read_text(text: str) -> list[Seen]:
    """Read as a person does: a line a problem, and nothing that steers a terminal."""
    *lines, closing = text.splitlines()
    _demand(re.search(r"The check (passes|fails|was ended)", closing) is not None, text)
    _demand(not commands_in(text), "a build server would obey this")
    for line in lines:
        _demand(line.isprintable(), f"not printable: {line!r}")
    found = [re.match(r"(.*?): (note|warning|error) (NM.*)", line) for line in lines]
    _demand(all(found), "no problem in a line")
    return [
        Seen(one[1], "excused" if "[excused: " in one[3] else one[2], one[3])
        for one in found
        if one is not None
    ]


class _Page(HTMLParser):
    """Collects the tags and the cells of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.cells: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "td":
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.cells:
            self.cells[-1] += data


SUMMARY_TAGS = frozenset(
    {"h3", "p", "details", "summary", "code"}
    | {"table", "thead", "tbody", "tr", "th", "td"}
)


def read_summary(text: str) -> list[Seen]:
    """Read a job summary as GitHub draws it: Markdown with tables and its own tags."""
    page = _Page()
    page.feed(MarkdownIt("gfm-like", {"linkify": False}).render(text))
    _demand(page.tags <= SUMMARY_TAGS, f"foreign tags: {page.tags - SUMMARY_TAGS}")
    _demand(len(page.cells) % 4 == 0, "a row of another length")
    rows = [[cell.strip() for cell in page.cells[n : n + 4]] for n in _steps(page)]
    return [
        Seen(path, "excused" if "[excused: " in what else level, what)
        for level, path, _, what in rows
    ]


def _steps(page: _Page) -> range:
    return range(0, len(page.cells), 4)


READERS: Mapping[str, Callable[[str], list[Seen]]] = {
    "text": read_text,
    "jsonl": read_jsonl,
    "junit": read_junit,
    "sarif": read_sarif,
    "github": read_github,
    "gitlab": read_gitlab,
    "csv": read_csv,
}


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Refused(otherwise)


def _no_constant(constant: str) -> Any:
    raise Refused(f"{constant} is not JSON")


def loaded(text: str) -> dict[str, Any]:
    """Return a JSON document, for taking it apart."""
    return cast(dict[str, Any], json.loads(text))
