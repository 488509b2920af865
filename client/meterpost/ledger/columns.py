"""How a value stands in a column. Only types that every database has, so that no value depends on the engine."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Dialect, Text, TypeDecorator

from meterpost.ledger.typed_json import BadValue, dumps, from_stamp, loads, stamp

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Words(TypeDecorator[str]):
    """Text from a device or a server. PostgreSQL has no NUL and no encoding has lone surrogates: they become U+FFFD
    rather than cost a reading."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else _UNSTORABLE.sub("\ufffd", value)


class Instant(TypeDecorator[datetime]):
    """An aware time as UTC text: SQLite knows no time zones and would forget which one it was."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else stamp(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        try:
            return None if value is None else from_stamp(value)
        except ValueError as error:
            raise BadValue(str(error)) from None


class Number(TypeDecorator[int]):
    """A whole number from a device, of any size, as decimal text: an agent may answer with a Counter64 anywhere,
    which fits no signed 64-bit column."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> int | None:
        try:
            return None if value is None else int(value)
        except ValueError:
            raise BadValue(f"not a whole number: {value!r}") from None


class Choice(TypeDecorator[StrEnum]):
    """A member of a StrEnum by its value; no database enum, which would need a migration for every new word."""

    impl = Text
    cache_ok = True

    def __init__(self, members: type[StrEnum]) -> None:
        super().__init__()
        self.members = members

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        return None if value is None else str(self.members(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        try:
            return None if value is None else self.members(value)
        except ValueError as error:
            raise BadValue(str(error)) from None


class Json(TypeDecorator[Any]):
    """A value of type `hint`, see `typed_json`."""

    impl = Text
    cache_ok = True

    def __init__(self, hint: Any) -> None:
        super().__init__()
        self.hint = hint

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        return dumps(value, self.hint)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return loads(value or "null", self.hint)
