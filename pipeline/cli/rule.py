"""nightmend rule: explain a rule of the gate with a picture, or list them all."""

import textwrap
from typing import Annotated

import typer

from pipeline.errors import ExitCode
from pipeline.gate.rule import GROUPS
from pipeline.gate.rules import RULES, Rule, by_code
from pipeline.rules_docs import opened, picture_of

_TITLES = {
    "anatomy": "anatomy: hands, faces, bodies",
    "picture": "picture: the whole, and pictures beside each other",
    "file": "file: what is no sound picture",
}


def command(
    code: Annotated[
        str | None,
        typer.Argument(help="Such as NM101, or a kind; without it, all are listed."),
    ] = None,
) -> ExitCode:
    """Explain a rule with a picture; without a code, list all rules."""
    if code is None:
        print("\n\n".join(_group(letters) for letters in GROUPS))
    elif code.upper() in GROUPS:
        print(_group(code.upper()))
    else:
        print(_page(by_code(code)))
    return ExitCode.OK


def _group(letters: str) -> str:
    rules = [rule for rule in RULES if rule.code.startswith(letters)]
    lines = [f"{letters}xx  {_TITLES[GROUPS[letters]]}"]
    for rule in rules:
        severity = rule.severity.name.lower()
        lines.append(f"  {rule.code}  {severity:7}  {rule.kind:22}  {rule.sentence}")
    return "\n".join(lines)


def _page(rule: Rule) -> str:
    severity = rule.severity.name.lower()
    parts = [
        f"{rule.code}  {rule.kind}  ({severity})",
        rule.sentence,
        textwrap.fill(rule.explanation, 80),
        textwrap.fill(opened(rule), 80),
    ]
    picture = picture_of(rule)
    if picture is not None:
        parts.append(f"picture: {picture}")
    return "\n\n".join(parts)
