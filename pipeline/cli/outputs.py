"""Write a run's results in the formats that were asked for."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.files import write_whole
from pipeline.gate.problems import Checked
from pipeline.ledger import queries
from pipeline.ledger.store import FILE_NAME as LEDGER_NAME
from pipeline.reports import (
    csv_table,
    github,
    gitlab,
    html,
    jsonl,
    junit,
    sarif,
    terminal,
)
from pipeline.reports.places import Places

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""Environment variable with the file whose Markdown GitHub shows on the job's page."""

LEAST_ROOM = 10_000
"""Bytes that must be left on that page for ours to make sense."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a format needs to know besides the results."""

    places: Places
    state: Path
    """The state folder, which the report page takes its pictures from."""


Render = Callable[[Checked, Surroundings], str]

FORMATS: Mapping[str, Render] = {
    "text": lambda checked, around: terminal.render_checked(checked, around.places),
    "jsonl": lambda checked, around: jsonl.render(checked, around.places),
    "junit": lambda checked, around: junit.render(checked, around.places),
    "sarif": lambda checked, around: sarif.render(checked, around.places),
    "github": lambda checked, around: github.render(checked, around.places),
    "gitlab": lambda checked, around: gitlab.render(checked, around.places),
    "csv": lambda checked, around: csv_table.render(checked, around.places),
    "html": lambda checked, around: html.render(checked.summary, around.state),
}


@dataclass(frozen=True, slots=True)
class Output:
    """One format, and where it goes."""

    format: str
    file: Path | None
    """None means standard output."""


def parse(texts: Sequence[str]) -> tuple[Output, ...]:
    """Read "jsonl" or "jsonl=FILE", one for each time the option was given.

    Raises:
        UsageError: there is no such format, two want standard output, or two one file.
    """
    outputs = []
    for text in texts:
        name, equals, file = text.partition("=")
        if name not in FORMATS or (equals and not file):
            raise UsageError(
                f"--output-format {text}: write FMT or FMT=FILE, with FMT one of "
                f"{', '.join(FORMATS)}"
            )
        outputs.append(Output(name, Path(file) if equals else None))
    if sum(output.file is None for output in outputs) > 1:
        raise UsageError(
            "--output-format: only one format can go to standard output; give the "
            "others a file, such as jsonl=results.jsonl"
        )
    files = [os.path.realpath(one.file) for one in outputs if one.file is not None]
    if len(set(files)) < len(files):
        raise UsageError("--output-format: two formats want the same file")
    return tuple(outputs)


def write(
    outputs: Sequence[Output],
    checked: Checked,
    state: Path,
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Write every output; the files first.

    Args:
        outputs: Which formats, and where they go.
        checked: The run.
        state: The state folder.
        environment: May name the file of GitHub's job summary.

    Raises:
        OutputTrouble: a file cannot be written.
        OSError: the job summary cannot be written.
    """
    roots = queries.roots(state) if (state / LEDGER_NAME).is_file() else {}
    places = Places(checked.summary.info.sources, Path.cwd(), roots)
    around = Surroundings(places, state)
    for output in sorted(outputs, key=lambda output: output.file is None):
        # What a reader cannot take is escaped before; this is the last resort.
        data = FORMATS[output.format](checked, around).encode(errors="backslashreplace")
        if output.file is not None:
            write_whole(output.file.absolute(), data)
        else:
            _print(data, output.format)
    if any(one.format == "github" for one in outputs) and environment.get(STEP_SUMMARY):
        _add_to_summary(Path(environment[STEP_SUMMARY]), checked, places)


def _print(data: bytes, name: str) -> None:
    """Write to standard output: UTF-8 for machines, for people their own encoding."""
    if name == "text":
        encoding = sys.stdout.encoding or "utf-8"
        data = data.decode().encode(encoding, "backslashreplace")
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _add_to_summary(file: Path, checked: Checked, places: Places) -> None:
    """Append to what earlier commands of the step have written."""
    taken = file.stat().st_size if file.exists() else 0
    room = github.MAX_SUMMARY_BYTES - taken
    if room < LEAST_ROOM:
        return  # GitHub would refuse the whole page, the others' part too.
    text = github.render_summary(checked, places, room)
    with file.open("a", encoding="utf-8", errors="backslashreplace") as stream:
        stream.write(f"\n{text}" if taken else text)
