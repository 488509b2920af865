"""Values to JSON and back, by their type hints. Knows no particular value and no database.

Hints: str, int, bool, date, datetime, a StrEnum, a dataclass, `X | None`, `tuple[X, ...]`, `frozenset[X]`, and a union
of dataclasses, written as `{"ClassName": {...}}`. Reading is strict: an unknown or wrongly typed part, and one that is
missing and has no default, is an error that says where, never a guess.
"""

import json
import types
import typing
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from typing import Any


class BadValue(ValueError):
    """Stored text that is not what its type says."""


def dumps(value: object, hint: Any) -> str:
    """`value`, of type `hint`, as JSON text (ASCII only, so that any database and encoding can hold it)."""
    return json.dumps(_codec(hint).encode(value), separators=(",", ":"))


def loads(text: str, hint: Any) -> Any:
    """The value of type `hint` that `dumps` wrote as `text`. Raises BadValue."""
    try:
        return _codec(hint).decode(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise BadValue(f"not the JSON of {getattr(hint, '__name__', hint)}: {error}") from None


def stamp(when: datetime) -> str:
    """`when` in UTC with microseconds and Z: 27 characters that sort as the times do. Raises ValueError for a naive time."""
    if when.utcoffset() is None:
        raise ValueError(f"a time without zone cannot be stored: {when.isoformat()}")
    return when.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def from_stamp(text: str) -> datetime:
    """The time `stamp` wrote. Raises ValueError."""
    if not text.endswith("Z"):
        raise ValueError(f"not a UTC time: {text[:40]!r}")
    return datetime.fromisoformat(text)


@dataclass(frozen=True, slots=True)
class _Codec:
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


@cache
def _codec(hint: Any) -> _Codec:
    """Built once per hint: a message for 10 000 devices has some 200 000 values."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in (str, int, bool):
        return _Codec(lambda value: value, lambda raw: _of_type(raw, hint))
    if hint is datetime:
        return _Codec(stamp, lambda raw: from_stamp(_of_type(raw, str)))
    if hint is date:
        return _Codec(date.isoformat, lambda raw: date.fromisoformat(_of_type(raw, str)))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _Codec(str, lambda raw: hint(_of_type(raw, str)))
    if origin is tuple and arguments[1:] == (...,):
        return _sequence(tuple, arguments[0])
    if origin is frozenset:
        return _sequence(frozenset, arguments[0])
    if origin in (typing.Union, types.UnionType):
        return _union(arguments)
    if is_dataclass(hint) and isinstance(hint, type):
        return _record(hint)
    raise TypeError(f"no JSON form for {hint}")


def _of_type(raw: Any, expected: type) -> Any:
    # type() and not isinstance: True is no number here
    if type(raw) is not expected:
        raise ValueError(f"{str(raw)[:40]!r} where {expected.__name__} belongs")
    return raw


def _sequence(kind: Callable[[Any], Any], hint: Any) -> _Codec:
    item = _codec(hint)
    order: Callable[[Any], Any] = sorted if kind is frozenset else list
    return _Codec(
        lambda value: order(map(item.encode, value)), lambda raw: kind(item.decode(part) for part in _of_type(raw, list))
    )


def _union(arguments: tuple[Any, ...]) -> _Codec:
    members = [argument for argument in arguments if argument is not types.NoneType]
    if len(members) == 1 and len(arguments) == 2:
        member = _codec(members[0])
        return _Codec(
            lambda value: None if value is None else member.encode(value),
            lambda raw: None if raw is None else member.decode(raw),
        )
    named = {member.__name__: _record(member) for member in members}

    def decode(raw: Any) -> Any:
        if not isinstance(raw, dict) or len(raw) != 1 or not raw.keys() <= named.keys():
            raise ValueError(f"one of {', '.join(named)} expected")
        ((name, content),) = raw.items()
        return named[name].decode(content)

    return _Codec(lambda value: {type(value).__name__: named[type(value).__name__].encode(value)}, decode)


def _record(kind: Any) -> _Codec:
    hints = typing.get_type_hints(kind)
    parts = {field.name: _codec(hints[field.name]) for field in fields(kind)}
    # A field with a default may be younger than what is stored.
    needed = {field.name for field in fields(kind) if field.default is MISSING and field.default_factory is MISSING}

    def decode(raw: Any) -> Any:
        if not isinstance(raw, dict) or not needed <= raw.keys() <= parts.keys():
            raise ValueError(f"{kind.__name__} has the parts {', '.join(parts)}")
        return kind(**{name: parts[name].decode(value) for name, value in raw.items()})

    return _Codec(lambda value: {name: part.encode(getattr(value, name)) for name, part in parts.items()}, decode)
