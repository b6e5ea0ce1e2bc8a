"""Reads what a GitHub runner would obey in a program's output.

Written from the behaviour of the public runner (`ActionCommand` in actions/runner): a
line that begins with `::` after blanks is a command, its properties end at the next
`::`, and escapes are undone last; an older form, `##[name]`, is found anywhere in a
line.
"""

import re
from dataclasses import dataclass

_NEW = re.compile(r"\s*::(?P<name>[^\s:]+)(?: (?P<properties>.*?))?::(?P<message>.*)")
_OLD = re.compile(r"##\[(?P<name>[^\]\s]+)")


@dataclass(frozen=True)
class Command:
    """One command as the runner understands it."""

    name: str
    properties: dict[str, str]
    message: str


def commands_in(text: str) -> list[Command]:
    """Return every command in a program's output, line by line."""
    found = []
    for line in re.split(r"\r\n|\r|\n", text):
        if match := _NEW.fullmatch(line):
            pairs = (match["properties"] or "").split(",")
            properties = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
            found.append(
                Command(
                    match["name"],
                    {name: _property(value) for name, value in properties.items()},
                    _message(match["message"]),
                )
            )
        elif match := _OLD.search(line):
            found.append(Command(match["name"], {}, line))
    return found


def _message(text: str) -> str:
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def _property(text: str) -> str:
    for escape, character in (("%3A", ":"), ("%2C", ",")):
        text = text.replace(escape, character)
    return _message(text)
