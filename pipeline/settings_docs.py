"""Write configs/default.toml and configs/README.md from pipeline/settings.

`python -m pipeline.settings_docs` writes both; a test fails when they are stale.
"""

import ast
import inspect
import json
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pipeline.files import write_whole
from pipeline.settings import Settings

FOLDER = Path(__file__).resolve().parents[1] / "configs"

PURPOSES: Mapping[str, str] = {
    "default.toml": "every setting with its default, for looking up and copying from",
    "overnight.toml": "a folder over night: more candidates, more passes, more care",
    "ci.toml": "`nightmend check` as a gate in CI: quick, nothing kept",
    "sdxl.toml": "SDXL inpainting instead of Stable Diffusion 1.5",
    "cpu.toml": "a machine without a GPU: fewer steps and candidates",
    "tiny-hands.toml": "the small model that comes along, with what suits it",
    "demo.toml": "what `make demo` runs on the samples: nothing to download",
}
"""The files of `configs/`, with what each is for."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting as it is documented."""

    section: str
    name: str
    default: Any
    allowed: str
    sentence: str


def entries() -> Iterator[Entry]:
    """Yield every setting, in the order of `Settings`."""
    sentences = _sentences()
    plain = Settings().model_dump(mode="json")
    for section, owner in Settings.model_fields.items():
        model = owner.annotation
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            raise TypeError(f"settings.{section} is no section")
        for name, field in model.model_fields.items():
            yield Entry(
                section,
                name,
                plain[section][name],
                allowed(field),
                sentences[model.__name__].get(name, ""),
            )


def default_toml() -> str:
    """Return configs/default.toml."""
    lines = [
        "# Every setting with its default. A settings file holds only what differs.",
        "# Generated from pipeline/settings: python -m pipeline.settings_docs",
    ]
    section = ""
    for entry in entries():
        if entry.section != section:
            section = entry.section
            lines += ["", f"[{section}]  # {_purpose(section)}"]
        text = f"{entry.sentence} ({entry.allowed})".strip()
        lines += [
            "",
            *textwrap.wrap(text, 86, initial_indent="# ", subsequent_indent="# "),
        ]
        if entry.default is None:
            lines.append(f"# {entry.name} = (not set)")
        else:
            lines.append(f"{entry.name} = {_toml(entry.default)}")
    return "\n".join(lines) + "\n"


def readme() -> str:
    """Return configs/README.md."""
    lines = [
        "# Settings",
        "",
        "Generated from `pipeline/settings`: `python -m pipeline.settings_docs`.",
        "",
        "Order of precedence: defaults, then the settings file, then `--set",
        "section.name=value`, then a command's own options. The file is the one named",
        "by `--config`, else the closest `nightmend.toml`, `.nightmend.toml` or table",
        "`[tool.nightmend]` of a `pyproject.toml`, from the current folder upwards to",
        "the root of the repository. `nightmend doctor` prints what is in force, and",
        "where it came from.",
        "",
        "| file | what it is for |",
        "| --- | --- |",
        *(f"| `{name}` | {purpose} |" for name, purpose in PURPOSES.items()),
    ]
    section = ""
    for entry in entries():
        if entry.section != section:
            section = entry.section
            lines += ["", f"## {section}", "", _purpose(section), ""]
            lines += ["| name | default | allowed | what it does |"]
            lines += ["| --- | --- | --- | --- |"]
        default = "not set" if entry.default is None else f"`{_toml(entry.default)}`"
        cells = (f"`{entry.name}`", default, entry.allowed, entry.sentence)
        row = " | ".join(cell.replace("|", "/") for cell in cells)
        lines.append(f"| {row} |")
    return "\n".join(lines) + "\n"


def allowed(field: FieldInfo) -> str:
    """Say which values a setting takes, such as "0 to 4096" or "true or false"."""
    annotation = field.annotation
    if get_origin(annotation) is Literal:
        return " or ".join(str(choice) for choice in get_args(annotation))
    if annotation is bool:
        return "true or false"
    bounds = {
        name: getattr(rule, name)
        for rule in field.metadata
        for name in ("ge", "gt", "le", "lt")
        if hasattr(rule, name)
    }
    if bounds:
        return _range(bounds)
    if get_origin(annotation) is tuple:
        return "a list"
    if get_origin(annotation) is not dict:
        return "text"
    tables = isinstance(get_args(annotation)[1], type) and issubclass(
        get_args(annotation)[1], BaseModel
    )
    return "a table of tables" if tables else "a table of texts"


def _range(bounds: Mapping[str, float]) -> str:
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    if set(bounds) == {"ge", "le"}:
        return f"{bounds['ge']:g} to {bounds['le']:g}"
    return ", ".join(f"{words[name]} {value:g}" for name, value in bounds.items())


def _purpose(section: str) -> str:
    model = Settings.model_fields[section].annotation
    return (inspect.getdoc(model) or "").splitlines()[0]


def _sentences() -> dict[str, dict[str, str]]:
    """Return the sentence below every field, by class and field."""
    found: dict[str, dict[str, str]] = {}
    for field in Settings.model_fields.values():
        source = ast.parse(inspect.getsource(cast(type, field.annotation)))
        for node in source.body:
            if isinstance(node, ast.ClassDef):
                found[node.name] = dict(_fields(node))
    return found


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in zip(node.body, node.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        ):
            yield field.target.id, " ".join(below.value.value.split())


def _toml(value: Any) -> str:
    """Write a value as TOML on one line; its strings and numbers are JSON's."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def main() -> int:
    """Write both files."""
    write_whole(FOLDER / "default.toml", default_toml().encode())
    write_whole(FOLDER / "README.md", readme().encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
