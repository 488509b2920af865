"""A TOML table of a profile, read strictly: what is wrong with it is said with its place, and nothing in it is passed over."""

import re
from collections.abc import Mapping
from typing import Any, NoReturn

from meterpost.errors import SettingsError
from meterpost.recording import Oid, oid

METER_NAME = re.compile(r"(?=.{1,40}$)[a-z]+[a-z0-9]*(\.[a-z0-9]+)*")
_TAG = re.compile("[0-9a-fA-F]{2}")
_MAX_RULES = 500


class Table:
    """A TOML table that is emptied as it is read, so that a key nobody asked for is found."""

    def __init__(self, content: Mapping[str, Any], where: str) -> None:
        self._left = dict(content)
        self._where = where
        self._inner: list[Table] = []

    def take(self, key: str, kind: type, default: Any = None) -> Any:
        value = self._left.pop(key, default)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.fail(f"{key} is missing" if value is None else f"{key} = {value!r} is not a {kind.__name__}")
        return value

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def inner(self, key: str) -> "Table":
        """The table under `key`, an empty one where there is none."""
        inner = Table(self.take(key, dict, {}), f"{self._where}, {key}")
        self._inner.append(inner)
        return inner

    def texts(self, key: str) -> Mapping[str, str]:
        """A table of texts, an empty one where there is none."""
        content: Mapping[str, str] = self.take(key, dict, {})
        if not all(isinstance(text, str) for text in content.values()):
            self.fail(f"{key} is not a table of texts")
        return content

    def count(self, key: str, default: int, most: int) -> int:
        number: int = self.take(key, int, default)
        if not 1 <= number <= most:
            self.fail(f"{key} = {number} is not between 1 and {most}")
        return number

    def as_tag(self, digits: str) -> int:
        if not _TAG.fullmatch(digits):
            self.fail(f"{digits!r} is not a tag: two hexadecimal digits")
        return int(digits, 16)

    def rules(self, key: str) -> "list[Table]":
        content = self.take(key, list, [])
        if len(content) > _MAX_RULES or not all(isinstance(entry, dict) for entry in content):
            self.fail(f"{key} is not a list of at most {_MAX_RULES} tables")
        inner = [Table(entry, f"{self._where}, {key} {place}") for place, entry in enumerate(content, 1)]
        self._inner += inner
        return inner

    def oid(self, key: str) -> Oid:
        return self.as_oid(self.take(key, str))

    def as_oid(self, dotted: Any) -> Oid:
        try:
            return oid(dotted)
        except (ValueError, AttributeError):
            self.fail(f"{dotted!r} is not an object identifier")

    def pattern(self, key: str, groups: int = 0) -> re.Pattern[str] | None:
        """A regular expression with at least so many groups."""
        if key not in self._left:
            return None
        expression = self.take(key, str)
        try:
            pattern = re.compile(expression, re.IGNORECASE)
        except (re.error, OverflowError, RecursionError) as error:
            self.fail(f"{key} = {expression!r}: {error}")
        if pattern.groups < groups:
            self.fail(f"{key} = {expression!r}: put brackets round what is read")
        return pattern

    def meter(self, key: str) -> str:
        return self.as_meter(self.take(key, str))

    def as_meter(self, name: Any) -> str:
        if not isinstance(name, str) or not METER_NAME.fullmatch(name):
            self.fail(f"{name!r} is not the name of a meter: lower-case words with dots, at most 40 characters")
        return name

    def finish(self) -> None:
        """Raises SettingsError for keys that were not taken, here or in inner tables."""
        if self._left:
            self.fail(f"unknown key {next(iter(self._left))!r}")
        for inner in self._inner:
            inner.finish()

    def fail(self, what: str) -> NoReturn:
        raise SettingsError(
            f"profile {self._where}: {what}", "Compare it with the profiles that come with meterpost, devices/profiles/*.toml."
        )
