"""Write a run's results in the formats that were asked for."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.files import write_whole
from pipeline.records import RunSummary
from pipeline.reports import jsonl, terminal

FORMATS: Mapping[str, Callable[[RunSummary], str]] = {
    "text": terminal.render_lines,
    "jsonl": jsonl.render,
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
        UsageError: there is no such format, or two want standard output.
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
    return tuple(outputs)


def write(outputs: Sequence[Output], summary: RunSummary) -> None:
    """Write every output; the files first.

    Raises:
        OutputTrouble: a file cannot be written.
    """
    for output in sorted(outputs, key=lambda output: output.file is None):
        text = FORMATS[output.format](summary)
        if output.file is not None:
            write_whole(output.file.absolute(), text.encode())
        else:
            sys.stdout.write(text)
            sys.stdout.flush()
