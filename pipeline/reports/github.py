"""Checked -> GitHub workflow commands (annotations), and a page for the job summary."""

from collections.abc import Iterator, Sequence

from pipeline.gate.problems import Checked, Problem
from pipeline.names import harmless
from pipeline.reports.places import Places
from pipeline.reports.telling import (
    finished,
    level,
    sentence,
    standing,
    tally,
    title,
    told,
    verdict,
    worst_first,
)

MAX_PER_TYPE = 10
"""GitHub shows ten annotations of each type a step and drops the rest in silence."""

MAX_SUMMARY_BYTES = 1_000_000
"""GitHub refuses a step's summary above 1 MiB as a whole."""

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}
_PLAIN = frozenset(" /-=,")


def render(checked: Checked, places: Places) -> str:
    """Return the annotations, the worst first, and a closing line."""
    lines = list(_annotations(checked, places))
    lines.append(f"nightmend: {tally(checked)}. {verdict(checked)}")
    return "".join(f"{line}\n" for line in lines)


def render_summary(
    checked: Checked, places: Places, max_bytes: int = MAX_SUMMARY_BYTES
) -> str:
    """Return Markdown for the job's page, cut at a row before it grows too large.

    Args:
        checked: What was found.
        places: Where the pictures lie.
        max_bytes: What is left of the limit; the head is written in any case.
    """
    shown_ones = told(checked)
    counting = worst_first(p for p in shown_ones if not p.excused)
    excused = worst_first(p for p in shown_ones if p.excused)
    text = f"### nightmend check\n\n{_text(verdict(checked))} {_text(tally(checked))}\n"
    left = max_bytes - len(text.encode()) - 2000
    for problems, words in ((counting, "Problems"), (excused, "Excused")):
        rows: list[str] = []
        for problem in problems:
            row = _row(problem, places)
            left -= len(row.encode())
            if left < 0:
                break
            rows.append(row)
        text += _table(words, rows, len(problems))
    return text


def _annotations(checked: Checked, places: Places) -> Iterator[str]:
    by_command: dict[str, list[str]] = {"error": [], "warning": [], "notice": []}
    if not checked.failing and (checked.code or not finished(checked)):
        by_command["error"].append(_command("error", verdict(checked)))
    for problem in worst_first(standing(checked)):
        name = _COMMANDS[level(problem)]
        properties = {
            "file": places.text(problem.key),
            "line": "1",
            "title": f"nightmend {title(problem)}",
        }
        by_command[name].append(_command(name, sentence(problem), properties))
    for name, commands in by_command.items():
        if len(commands) <= MAX_PER_TYPE:
            yield from commands
            continue
        yield from commands[: MAX_PER_TYPE - 1]
        rest = len(commands) - MAX_PER_TYPE + 1
        more = f"and {rest} more of this severity; the job summary lists them"
        yield _command(name, more, {"title": "nightmend"})


def _command(name: str, message: str, properties: dict[str, str] | None = None) -> str:
    pairs = ",".join(f"{k}={_property(v)}" for k, v in (properties or {}).items())
    return f"::{name}{' ' if pairs else ''}{pairs}::{_message(message)}"


def _message(text: str) -> str:
    """Escape what would end the line or stand for an escape."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")


def _table(words: str, rows: Sequence[str], number: int) -> str:
    if not number:
        return ""
    text = f"\n<details{' open' if words == 'Problems' else ''}>"
    text += f"<summary>{words}: {number}</summary>\n\n"
    text += "| severity | picture | rule | what |\n| --- | --- | --- | --- |\n"
    text += "".join(rows)
    if len(rows) < number:
        text += f"\n{number - len(rows)} more do not fit on this page.\n"
    return f"{text}\n</details>\n"


def _row(problem: Problem, places: Places) -> str:
    cells = (
        level(problem),
        f"<code>{_text(places.text(problem.key))}</code>",
        _text(title(problem)),
        _text(sentence(problem)),
    )
    return f"| {' | '.join(cells)} |\n"


def _text(text: str) -> str:
    """Escape every sign that Markdown or HTML could read as anything but itself.

    A character reference never stands for structure (CommonMark 0.31, section 2.5).
    """
    return "".join(
        c if c.isalnum() or c in _PLAIN or not c.isascii() else f"&#{ord(c)};"
        for c in harmless(text)
    )
