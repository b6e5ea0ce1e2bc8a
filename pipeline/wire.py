"""Records as plain JSON values, and back, without any loss.

Only records that may travel are meant: those without arrays. A file name that is not
UTF-8 arrives here as Python holds it, with lone surrogates; `json.dumps` writes them as
escapes and `json.loads` brings them back, so nothing is lost either.
"""

import dataclasses
import json
import types
from collections.abc import Callable
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

R = TypeVar("R")
Decoder = Callable[[Any], Any]


def to_text(record: object) -> str:
    """Return the record as one line of ASCII JSON."""
    return json.dumps(to_plain(record), separators=(",", ":"))


def from_text(kind: type[R], text: str) -> R:
    """Return the record of type `kind` that `to_text` made the text from.

    Raises:
        ValueError: the text is not JSON, or not such a record.
    """
    return from_plain(kind, json.loads(text))


def to_plain(value: Any) -> Any:
    """Turn a record into dicts, lists and scalars; named tuples become objects too."""
    kind: Any = type(value)
    return _encoder(kind)(value)


@cache
def _encoder(kind: Any) -> Callable[[Any], Any]:
    """Return what turns a value of this type into a plain one; made once a type."""
    if issubclass(kind, Enum):
        return lambda value: value.value
    if issubclass(kind, bool | int | float | str | types.NoneType):
        return lambda value: value
    if issubclass(kind, Path):
        return str
    if dataclasses.is_dataclass(kind):
        return _record_encoder(tuple(field.name for field in dataclasses.fields(kind)))
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return _record_encoder(kind._fields)
    if issubclass(kind, tuple | list):
        return lambda value: [to_plain(item) for item in value]
    raise TypeError(f"a {kind.__name__} cannot travel as JSON")


def _record_encoder(names: tuple[str, ...]) -> Callable[[Any], Any]:
    return lambda value: {name: to_plain(getattr(value, name)) for name in names}


def from_plain(kind: type[R], plain: Any) -> R:
    """Turn what `to_plain` made back into a record of type `kind`.

    Fields that are missing take their defaults, so that a record written by an older
    version can still be read.

    Raises:
        ValueError: `plain` is not such a record; the text names the type.
    """
    try:
        decode: Any = _decoder
        record: R = decode(kind)(plain)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a {kind.__name__}: {error!r}") from error
    return record


@cache
def _decoder(kind: Any) -> Decoder:
    """Return what turns a plain value into a value of this type; made once a type."""
    compound = _COMPOUND.get(get_origin(kind))
    if compound is not None:
        return compound(get_args(kind))
    if kind in _SCALARS:
        return _SCALARS[kind]
    if dataclasses.is_dataclass(kind) or hasattr(kind, "_fields"):
        return _record_decoder(kind)
    if issubclass(kind, Enum | Path):
        named: Decoder = kind
        return named
    raise TypeError(f"no way to read a {kind} from JSON")


def _record_decoder(kind: type[Any]) -> Decoder:
    hints = get_type_hints(kind)
    decoders = {name: _decoder(hint) for name, hint in hints.items()}

    def decode(plain: Any) -> Any:
        known = {key: decoders[key](plain[key]) for key in plain if key in decoders}
        return kind(**known)

    return decode


def _tuple_decoder(inner: tuple[Any, ...]) -> Decoder:
    if len(inner) == 2 and inner[1] is Ellipsis:
        item = _decoder(inner[0])
        return lambda plain: tuple(item(part) for part in plain)
    items = [_decoder(part) for part in inner]
    return lambda plain: tuple(
        decode(part) for decode, part in zip(items, plain, strict=True)
    )


def _optional_decoder(inner: tuple[Any, ...]) -> Decoder:
    (some,) = (part for part in inner if part is not type(None))
    item = _decoder(some)
    return lambda plain: None if plain is None else item(plain)


def _literal_decoder(allowed: tuple[Any, ...]) -> Decoder:
    def decode(plain: Any) -> Any:
        if plain not in allowed:
            raise ValueError(f"{plain!r} is none of {allowed}")
        return plain

    return decode


def _scalar_decoder(kind: type[Any]) -> Decoder:
    def decode(plain: Any) -> Any:
        if type(plain) is not kind:
            raise ValueError(f"{plain!r} is not a {kind.__name__}")
        return plain

    return decode


def _number(plain: Any) -> float:
    if isinstance(plain, bool) or not isinstance(plain, int | float):
        raise ValueError(f"{plain!r} is not a number")
    return float(plain)


_COMPOUND: dict[Any, Callable[[tuple[Any, ...]], Decoder]] = {
    tuple: _tuple_decoder,
    types.UnionType: _optional_decoder,
    Literal: _literal_decoder,
}
_SCALARS: dict[Any, Decoder] = {
    float: _number,
    int: _scalar_decoder(int),
    str: _scalar_decoder(str),
    bool: _scalar_decoder(bool),
}
