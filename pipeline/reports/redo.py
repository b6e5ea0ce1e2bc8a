"""The command that works on one picture again, ready to be copied."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.names import shown
from pipeline.records import Outcome, RunInfo
from pipeline.settings import Settings

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class Redo:
    """Writes the command with every setting of the run that is not the default."""

    def __init__(self, info: RunInfo, roots: dict[str, Path]) -> None:
        """Work out the settings.

        Args:
            info: The run.
            roots: The source folder of each picture, by key.
        """
        self._info = info
        self._roots = roots
        self._options = list(_options(info.settings_json))

    def command(self, outcome: Outcome) -> str:
        """Return the command; "" where the picture's folder is not known.

        A repair goes into a folder of its own, so that nothing is replaced.
        """
        root = self._roots.get(outcome.key)
        if root is None or not outcome.digest:
            return ""
        # Not the file by itself: its name below the folder is what masks go by.
        words = ["nightmend", self._info.command, quoted(str(root))]
        words += ["--include", quoted(glob(outcome.key))]
        if self._info.command == "repair":
            words += ["--out", quoted(f"{self._info.output}-again")]
            words += self._masks()
        for name, value in self._options:
            words += ["--set", quoted(f"{name}={value}")]
        return " ".join(words)

    def _masks(self) -> list[str]:
        """Return the masks that the run was given."""
        given = self._info.argv
        for place, word in enumerate(given):
            value = word.partition("=")[2]
            if word == "--masks" and place + 1 < len(given):
                value = given[place + 1]
            if value and word.partition("=")[0] == "--masks":
                return ["--masks", quoted(value)]
        return []


def glob(key: str) -> str:
    r"""Return the glob, as in .gitignore, that matches this key and no other."""
    signs = (f"\\{sign}" if sign in "\\*?[] " else sign for sign in key)
    return f"/{''.join(signs)}"


def quoted(word: str) -> str:
    r"""Quote a word for a shell; what does not print is written as `\x..`.

    A name with controls, or one that is not UTF-8, needs the quotes of bash and zsh.
    """
    if word == shown(word).replace("\\\\", "\\"):
        return shlex.quote(word)
    raw = word.encode("utf-8", "surrogateescape")
    signs = (
        chr(byte) if 0x20 <= byte < 0x7F and byte not in b"'\\" else f"\\x{byte:02x}"
        for byte in raw
    )
    return f"$'{''.join(signs)}'"


def _options(settings_json: str) -> Iterator[tuple[str, str]]:
    """Yield (section.name, TOML value) of every setting that is not the default."""
    try:
        given = Settings.model_validate_json(settings_json).model_dump(mode="json")
    except ValidationError:
        return  # The run is of another version; its settings are shown all the same.
    plain = Settings().model_dump(mode="json")
    for section, fields in given.items():
        for name, value in fields.items():
            if value != plain[section][name] and value is not None:
                yield f"{section}.{name}", _toml(value)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        inner = (f"{_key(key)} = {_toml(one)}" for key, one in value.items())
        return f"{{{', '.join(inner)}}}"
    if isinstance(value, list):
        return f"[{', '.join(_toml(one) for one in value)}]"
    return _string(value) if isinstance(value, str) else repr(value)


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _string(key)


def _string(value: str) -> str:
    """Return a TOML basic string; controls and surrogates become escapes."""
    signs = (
        sign if sign.isprintable() and sign not in '"\\' else _escape(sign)
        for sign in value
    )
    return f'"{"".join(signs)}"'


def _escape(sign: str) -> str:
    return f"\\{sign}" if sign in '"\\' else f"\\U{ord(sign):08x}"
