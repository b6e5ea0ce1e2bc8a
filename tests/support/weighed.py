"""Checks with known problems, and the names that strangers give to files."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from detectors.findings import Severity
from detectors.geometry import Box, Size
from pipeline.gate.problems import Checked, Problem, checked
from pipeline.records import (
    FindingRow,
    Outcome,
    Recipe,
    RunInfo,
    RunSummary,
    Status,
)
from pipeline.reports.places import Places
from pipeline.settings import Settings

SIZE = Size(640, 480)
PLACES = Places(["pictures"], Path("/nowhere/repository"))

HOSTILE = (
    "line\nbreak\r\n::error::evil",
    "::add-mask::the",
    "  ::stop-commands::x",
    "##[add-path]/evil",
    "##vso[task.complete]x",
    "100%0A::error::evil%25",
    "colon:comma,title=x::y",
    "]]></failure><evil/>",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "&amp;&lt;&#65;",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1+1)*cmd",
    "\tTab",
    "\x1b[2J\x1b]0;title\x07bell",
    "\x01\x08\x0b\x0c\x7f\x85",
    "safe\u202egnp.exe",
    "zero\u200bwidth\ufeff",
    "\u2028\u2029separators",
    "\ufffe\uffff",
    "lone\udcff\udc80bytes",
    "javascript:alert(1)",
    "file:///etc/passwd?x#y",
    "| pipe ` tick *b* _i_ [l](https://e.org) ![i](x) ~~s~~",
    "</details></code></table>",
    "$(id) `id` ${IFS} ; id",
    "{{7*7}}{% include x %}",
    "C:\\windows\\n",
    "quote'\"",
    ",comma;semicolon",
    "写真 ñ e\u0301 😀",
    "-rf --help",
    "x" * 200,
)
"""What names, prompts and messages may hold; a slash and NUL cannot be in a name."""


@dataclass(frozen=True)
class Excusing:
    """A baseline that excuses some rules, each with its reason."""

    reasons: dict[str, str] = field(default_factory=dict)

    def reason_for(self, problem: Problem) -> str:
        return self.reasons.get(problem.rule.code, "")


def flawed(
    key: str,
    *findings: tuple[str, Severity, float],
    message: str = "6 digits seen",
    prompt: str = "",
) -> Outcome:
    """Return a picture's outcome with (kind, severity, confidence) found in it."""
    rows = tuple(
        FindingRow(
            "hands",
            kind,
            Box(10 + 20 * n, 20, 110 + 20 * n, 220),
            confidence,
            message,
            severity=severity,
        )
        for n, (kind, severity, confidence) in enumerate(findings)
    )
    digest = hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
    status = Status.FLAWED if rows else Status.CLEAN
    return Outcome(
        key,
        digest,
        status,
        SIZE,
        findings=rows,
        remaining=rows,
        recipe=Recipe(prompt=prompt),
        took_s=0.25,
    )


DIGIT = ("hand/extra-digit", Severity.ERROR, 0.97)
FACE = ("face/too-small", Severity.WARNING, 0.8)
DOUBT = ("hand/cannot-tell", Severity.NOTE, 0.4)
STRIP = ("image/odd-aspect", Severity.NOTE, 1.0)


def unreadable(key: str, problem: str = "it ends early") -> Outcome:
    """Return the outcome of a picture that nobody could look at."""
    return Outcome(
        key, "", Status.UNREADABLE, problem=problem, trouble="file/truncated"
    )


def weigh(
    outcomes: Sequence[Outcome],
    *,
    fail_on: str = "warning",
    excused: dict[str, str] | None = None,
    ignore: tuple[str, ...] = (),
    ended_by: str = "done",
    command: str = "check",
) -> Checked:
    """Return what the gate makes of these pictures."""
    settings = Settings.model_validate(
        {"run": {"fail_on": fail_on}, "gate": {"ignore": ignore}}
    )
    info = RunInfo(
        "run-1",
        command,
        ("nightmend", command),
        ("pictures",),
        "",
        "2026-11-20T07:00:00+01:00",
        "2026-11-20T07:00:09+01:00" if ended_by else "",
        ended_by,
        "",
        settings.model_dump_json(),
        "0.1.0",
        len(outcomes),
    )
    ranked = tuple(sorted(outcomes, key=lambda outcome: outcome.key))
    return checked(RunSummary(info, ranked), settings, Excusing(excused or {}))


def an_ordinary_check() -> Checked:
    """Return a check with every kind of ending in it."""
    return weigh(
        [
            flawed("a/hand.png", DIGIT, FACE),
            flawed("a/clean.png"),
            flawed("b/small face.png", FACE),
            flawed("b/strip.png", STRIP),
            flawed("doubt.png", DOUBT),
            unreadable("broken.png"),
        ],
        excused={"NM112": "there before us"},
    )


def a_hostile_check() -> Checked:
    """Return a check in which every name, message and excuse is a stranger's."""
    outcomes = []
    for number, text in enumerate(HOSTILE):
        name = f"{number:02}/{text.replace('/', '|')}.png"
        bare = f"{text.replace('/', '|')}{number}"
        outcomes.append(flawed(name, DIGIT, FACE, message=text, prompt=text))
        outcomes.append(flawed(bare, DIGIT, message=text))
        broken = f"{number:02}/broken {name[3:12]}"
        outcomes.append(unreadable(broken, text))
    return weigh(outcomes, excused={"NM112": HOSTILE[0] + HOSTILE[7]})
