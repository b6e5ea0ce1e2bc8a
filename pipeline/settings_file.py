"""Read a settings file, lay overrides over it, and explain mistakes.

Order of precedence: defaults, then the file, then `--set a.b=c`, then a command's own
options. The file is the one named by `--config`, else the closest of `nightmend.toml`,
`.nightmend.toml` and the table `[tool.nightmend]` of `pyproject.toml`, from the current
folder upwards to the root of the repository; files further up are not merged in.
"""

import difflib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pipeline.errors import SettingsError
from pipeline.settings import Settings

NAMES = ("nightmend.toml", ".nightmend.toml", "pyproject.toml")
MAX_BYTES = 1_000_000

Tree = dict[str, Any]
Options = Mapping[str, Any]
"""Dotted key to value, such as {"inpaint.engine": "classical"}."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings of a run, and where each that is not a default came from."""

    settings: Settings
    origins: Mapping[str, str]
    """Dotted key to "file NAME", "--set" or "option"."""

    file: Path | None
    """The settings file that was read, or None."""


def load_settings(
    config: Path | None,
    *,
    overrides: Sequence[str] = (),
    options: Options | None = None,
    start: Path | None = None,
) -> Loaded:
    """Return the merged settings.

    Args:
        config: The file that the user named, or None to look for one.
        overrides: What followed each `--set`, such as "mask.grow_px=20".
        options: The command's own options; those that are None were not given.
        start: The folder from which to look upwards for a file; None looks for none.

    Raises:
        SettingsError: a file cannot be read, a key is unknown or a value is wrong.
    """
    file = config if config is not None else find_file(start)
    tree: Tree = {}
    origins: dict[str, str] = {}
    for key, value in _leaves(read_file(file) if file else {}):
        _lay(tree, origins, key, value, f"file {file}")
    for text in overrides:
        key, value = _parse_override(text)
        _lay(tree, origins, key, value, "--set")
    for key, value in (options or {}).items():
        if value is not None:
            _lay(tree, origins, key, value, "option")
    return Loaded(_validate(tree, origins), origins, file)


def find_file(start: Path | None) -> Path | None:
    """Return the closest settings file at or above a folder, or None.

    Raises:
        SettingsError: a file on the way cannot be read.
    """
    folder = start.resolve() if start is not None else None
    while folder is not None:
        for name in NAMES:
            path = folder / name
            if path.is_file() and (name != "pyproject.toml" or _has_our_table(path)):
                return path
        if (folder / ".git").exists() or folder.parent == folder:
            return None
        folder = folder.parent
    return None


def read_file(path: Path) -> Tree:
    """Return the settings that a file holds, unchecked.

    Relative weights files are meant from the folder of the settings file.

    Raises:
        SettingsError: the file cannot be read, or is not TOML.
    """
    tree = _read_toml(path)
    if path.name == "pyproject.toml":
        tree = tree.get("tool", {}).get("nightmend", {})
    segments = tree.get("segments")
    if isinstance(segments, dict) and isinstance(segments.get("weights"), str):
        segments["weights"] = str(path.parent / segments["weights"])
    return tree


def _has_our_table(path: Path) -> bool:
    tool = _read_toml(path).get("tool", {})
    return isinstance(tool, dict) and "nightmend" in tool


def _read_toml(path: Path) -> Tree:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SettingsError(f"{path} is larger than {MAX_BYTES} bytes")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"the settings file {path} cannot be read: {error.strerror}"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error


def _parse_override(text: str) -> tuple[str, Any]:
    """Split "a.b=c"; the value is read as TOML, and as plain text if it is none."""
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or "." not in key:
        raise SettingsError(
            f"--set {text}: write it as section.key=value, such as mask.grow_px=20"
        )
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key, value.strip()


def _leaves(tree: Tree, above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        key = f"{above}{name}"
        if isinstance(value, dict) and value and not above:
            yield from _leaves(value, f"{key}.")
        else:
            yield key, value


def _lay(
    tree: Tree, origins: dict[str, str], key: str, value: Any, origin: str
) -> None:
    """Put one value into the tree."""
    *sections, name = key.split(".")
    place = tree
    for section in sections:
        inner = place.setdefault(section, {})
        if not isinstance(inner, dict):
            raise SettingsError(f"{key} ({origin}): {section} is a value, no section")
        place = inner
    place[name] = value
    origins[key] = origin


def _validate(tree: Tree, origins: Mapping[str, str]) -> Settings:
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        sentences = [_explain(mistake, origins) for mistake in error.errors()]
        raise SettingsError("; ".join(sentences)) from None


def _explain(mistake: ErrorDetails, origins: Mapping[str, str]) -> str:
    """Say in one sentence what is wrong with one setting, and where it was set."""
    parts = [str(part) for part in mistake["loc"]]
    key = ".".join(parts)
    origin = _origin(key, origins)
    place = f"{key} ({origin})" if origin else key
    if mistake["type"] == "extra_forbidden":
        known = list(all_keys(entry=parts[2] if len(parts) > 2 else "KIND"))
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else "see configs/default.toml"
        return f"{place}: there is no such setting; {hint}"
    if mistake["type"] == "model_type":
        return f"{place} = {mistake['input']!r}: it must be a table of settings"
    reason = mistake["msg"][:1].lower() + mistake["msg"][1:]
    return f"{place} = {mistake['input']!r}: {reason}"


def _origin(key: str, origins: Mapping[str, str]) -> str:
    """Return where a key was set: it, something in it, or what it lies in."""
    for known, where in origins.items():
        if f"{known}.".startswith(f"{key}.") or f"{key}.".startswith(f"{known}."):
            return where
    return ""


def all_keys(
    model: type[BaseModel] = Settings, above: str = "", entry: str = "KIND"
) -> Iterator[str]:
    """Yield every dotted key, sections included, in the order of the settings.

    Args:
        model: Where to begin.
        above: What its keys begin with.
        entry: What entries of tables of tables are called.
    """
    for name, field in model.model_fields.items():
        key = f"{above}{name}"
        yield key
        inner = field.annotation
        if get_origin(inner) is dict:
            key, inner = f"{key}.{entry}", get_args(inner)[1]
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from all_keys(inner, f"{key}.", entry)
