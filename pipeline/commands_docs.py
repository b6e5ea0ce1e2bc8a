"""Write the table of commands in README.md from the table in cli/main.py.

`python -m pipeline.commands_docs` writes it; a test fails when it is stale.
"""

import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from pipeline.cli.main import COMMANDS
from pipeline.files import write_whole

FILE = Path(__file__).resolve().parents[1] / "README.md"
OPENING, CLOSING = "<!-- commands -->", "<!-- /commands -->"


def table() -> str:
    """Return the table of all commands, as Markdown."""
    lines = ["| command | what it does |", "| --- | --- |"]
    lines += [f"| `nightmend {words}` | {does} |" for words, does in rows()]
    return "\n".join(lines)


def rows() -> Iterator[tuple[str, str]]:
    """Yield every command and subcommand with one sentence."""
    for name, module_name, sentence in COMMANDS:
        module = importlib.import_module(module_name)
        several: Mapping[str, Callable[..., object]] = getattr(
            module, "SUBCOMMANDS", {}
        )
        if not several:
            yield name, sentence
        for sub_name, function in several.items():
            yield f"{name} {sub_name}", (inspect.getdoc(function) or "").split("\n")[0]


def with_table(text: str) -> str:
    """Return the text of README.md with a fresh table between the two markers.

    Raises:
        ValueError: a marker is missing.
    """
    head, opening, rest = text.partition(OPENING)
    _, closing, tail = rest.partition(CLOSING)
    if not opening or not closing:
        raise ValueError(f"README.md needs the lines {OPENING} and {CLOSING}")
    return f"{head}{OPENING}\n\n{table()}\n\n{CLOSING}{tail}"


def main() -> int:
    """Write the table."""
    write_whole(FILE, with_table(FILE.read_text("utf-8")).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
