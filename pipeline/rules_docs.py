"""Write a page for every rule of the gate, and their index.

`python -m pipeline.rules_docs` writes docs/rules; a test fails when a page is stale.
The pictures are drawn by data/workshop/rules.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from pipeline.files import write_whole
from pipeline.gate.rule import GROUPS
from pipeline.gate.rules import RULES, Rule
from pipeline.gate.selection import LOOKERS, UNAIDED

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "rules"
PLACES = (
    Path(__file__).resolve().parent / "gate" / "pictures",
    ROOT / "data/docs/rules",
)
"""Where the pictures lie: in an installed package, in a checkout."""

_HEAD = """\
# Rules

Generated from `pipeline/gate`: `python -m pipeline.rules_docs`.

What `nightmend check` can object to. A code stays with its rule for good. Choose with
`--select` and `--ignore`, by code (`NM101`), by its first letters (`NM1`) or by kind
(`hand/extra-digit`, `hand/`); by path, and how much a rule weighs, with the settings
[`gate.per_path` and `gate.severities`](../../configs/README.md#gate). What is known and
accepted goes into a baseline: `nightmend baseline create`.
"""


def pages() -> Mapping[str, str]:
    """Return every file of the folder, by name."""
    return {"README.md": index(), **{f"{rule.code}.md": page(rule) for rule in RULES}}


def index() -> str:
    """Return the list of all rules, as Markdown."""
    lines = [_HEAD]
    for letters, group in GROUPS.items():
        lines += [f"## {letters}xx {group}", ""]
        lines += ["| code | kind | severity | what is wrong |"]
        lines += ["| --- | --- | --- | --- |"]
        lines += [
            f"| [{rule.code}]({rule.code}.md) | `{rule.kind}` "
            f"| {rule.severity.name.lower()} | {rule.sentence} |"
            for rule in RULES
            if rule.code.startswith(letters)
        ]
        lines.append("")
    return "\n".join(lines)


def page(rule: Rule) -> str:
    """Return the page of one rule, as Markdown."""
    picture = os.path.relpath(ROOT / "data/docs/rules" / f"{rule.code}.jpg", FOLDER)
    return "\n".join(
        [
            f"# {rule.code} {rule.kind}",
            "",
            f"**{rule.sentence}** Severity: {rule.severity.name.lower()}.",
            "",
            f"![{rule.sentence}]({picture})",
            "",
            rule.explanation,
            "",
            opened(rule),
            "",
            "[All rules](README.md)",
            "",
        ]
    )


def opened(rule: Rule) -> str:
    """Say who looks for it, and how to be rid of it."""
    family = rule.kind.partition("/")[0] + "/"
    if rule.code in {"NM199", "NM299"}:
        looks = "Found by a detector that was added; see CONTRIBUTING.md."
    elif rule.kind in UNAIDED or family not in LOOKERS:
        looks = "The check finds it itself, whichever detectors look."
    else:
        looks = f"Found by the detector `{LOOKERS[family]}` (`--detect`)."
    return (
        f"{looks} Leave it out with `--ignore {rule.code}`, for some paths with "
        f'`gate.per_path = {{ "old/*" = ["{rule.code}"] }}`; weigh it with '
        f'`gate.severities = {{ {rule.code} = "note" }}`.'
    )


def picture_of(rule: Rule) -> Path | None:
    """Return where the picture of a rule lies; None when it is not installed."""
    paths = (folder / f"{rule.code}.jpg" for folder in PLACES)
    return next((path for path in paths if path.is_file()), None)


def main() -> int:
    """Write all pages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        write_whole(FOLDER / name, text.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
