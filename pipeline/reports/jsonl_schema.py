"""The JSON Schema of the JSON Lines format, drawn from the types of its lines.

`python -m pipeline.reports.jsonl_schema` writes docs/results-1.schema.json anew; a test
fails when it is stale. `nightmend schema` prints the same.
"""

import ast
import dataclasses
import importlib
import inspect
import json
import sys
import textwrap
import types
from collections.abc import Callable
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

from pipeline.files import write_whole
from pipeline.records import Outcome
from pipeline.reports.jsonl import INTERNAL
from pipeline.reports.jsonl_lines import (
    SCHEMA,
    HeaderLine,
    PictureExtras,
    SummaryLine,
)

Json: TypeAlias = dict[str, Any]

FILE = Path(__file__).resolve().parents[2] / "docs" / "results-1.schema.json"
_BYTES = "The bytes of this name in base64, where they are not UTF-8."
_PLAIN: dict[Any, Json] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    # What is infinite is written as null.
    float: {"type": ["number", "null"]},
}


def schema() -> Json:
    """Return the schema of one line (JSON Schema, draft 2020-12)."""
    definitions: Json = {}
    header, summary = _of(HeaderLine, definitions), _of(SummaryLine, definitions)
    picture = _merged(
        _definition(PictureExtras, definitions), _definition(Outcome, definitions)
    )
    for name in ("path", "key", "output"):
        picture["properties"][f"{name}_b64"] = {"type": "string", "description": _BYTES}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:nightmend:{SCHEMA}",
        "title": "One line of what nightmend writes as --output-format jsonl",
        "description": "The first line is a header, then comes a line for every "
        "picture, then a summary; without it the file was cut off. Fields may be added "
        "in later versions, so a reader leaves alone what it does not know.",
        "oneOf": [header, {"$ref": "#/$defs/Picture"}, summary],
        "$defs": {"Picture": picture, **dict(sorted(definitions.items()))},
    }


def text() -> str:
    """Return the schema as the file holds it."""
    return json.dumps(schema(), indent=2) + "\n"


def main() -> int:
    """Write the published copy."""
    write_whole(FILE, text().encode())
    return 0


def _merged(first: Json, second: Json) -> Json:
    both = {**first["properties"], **second["properties"]}
    properties = {name: each for name, each in both.items() if name not in INTERNAL}
    return {
        "type": "object",
        "description": second["description"],
        "properties": properties,
        "required": list(properties),
    }


def _of(kind: Any, definitions: Json) -> Json:
    """Return the schema of a type; records are put among the definitions."""
    if kind in _PLAIN:
        return dict(_PLAIN[kind])
    compound = _COMPOUND.get(get_origin(kind))
    if compound is not None:
        return compound(get_args(kind), definitions)
    if issubclass(kind, IntEnum):
        return {"enum": [one.name.lower() for one in kind]}
    if issubclass(kind, Enum):
        return {"enum": [one.value for one in kind]}
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}
        definitions[kind.__name__] = _definition(kind, definitions)
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _definition(kind: type[Any], definitions: Json) -> Json:
    sentences = _sentences(kind)
    properties: Json = {}
    for name, hint in get_type_hints(kind).items():
        properties[name] = _of(hint, definitions)
        if name in sentences:
            properties[name]["description"] = sentences[name]
    return {
        "type": "object",
        "description": (inspect.getdoc(kind) or "").replace("\n", " "),
        "properties": properties,
        "required": list(properties),
    }


def _tuple(inner: tuple[Any, ...], definitions: Json) -> Json:
    if len(inner) == 2 and inner[1] is Ellipsis:
        return {"type": "array", "items": _of(inner[0], definitions)}
    items = [_of(part, definitions) for part in inner]
    return {
        "type": "array",
        "prefixItems": items,
        "items": False,
        "minItems": len(items),
    }


def _union(inner: tuple[Any, ...], definitions: Json) -> Json:
    parts = [part for part in inner if part is not type(None)]
    return {"anyOf": [*(_of(part, definitions) for part in parts), {"type": "null"}]}


def _literal(allowed: tuple[Any, ...], _: Json) -> Json:
    return {"enum": list(allowed)}


def _mapping(inner: tuple[Any, ...], definitions: Json) -> Json:
    return {"type": "object", "additionalProperties": _of(inner[1], definitions)}


_COMPOUND: dict[Any, Callable[[tuple[Any, ...], Json], Json]] = {
    tuple: _tuple,
    types.UnionType: _union,
    Literal: _literal,
    dict: _mapping,
}


def _sentences(kind: type[Any]) -> dict[str, str]:
    """Return the sentence below each field of a class, where there is one."""
    if not dataclasses.is_dataclass(kind):
        return {}
    source = inspect.getsource(importlib.import_module(kind.__module__))
    found: dict[str, str] = {}
    for node in ast.parse(source).body:
        if not (isinstance(node, ast.ClassDef) and node.name == kind.__name__):
            continue
        for field, below in zip(node.body, node.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr):
                said = ast.literal_eval(below.value)
                name = ast.unparse(field.target)
                found[name] = " ".join(textwrap.dedent(said).split())
    return found


if __name__ == "__main__":
    sys.exit(main())
