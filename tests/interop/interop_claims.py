"""`known.toml` as values: which stack is known to speak which policy. The tests run every row; the docs draw it."""

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "known.toml"


@dataclass(frozen=True)
class Known:
    """One row. `theirs` is `client` or `server`; `options` and `reply_options` are the stack's own words."""

    stack: str
    theirs: str
    policy: str
    note: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    reply_options: dict[str, Any] = field(default_factory=dict)
    key: str = ""  # the kind of key that signs: "rsa" or "p256"; '' for a policy without
    over_budget: bool = False  # a message of ours does not fit its formula then, and is not sent unless that is lifted

    @property
    def id(self) -> str:
        """The test's name."""
        return "-".join(part for part in (self.stack, self.policy, self.key, self.options.get("class", "")) if part)


@dataclass(frozen=True)
class StackInfo:
    """`version` is what the rows were run with: the whole of it, or its beginning."""

    version: str
    language: str


@cache
def known() -> tuple[Known, ...]:
    """Every row of the file."""
    return tuple(Known(**row) for row in _table()["known"])


@cache
def stacks() -> dict[str, StackInfo]:
    """The stacks by name."""
    return {name: StackInfo(**about) for name, about in _table()["stack"].items()}


def _table() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text("utf-8"))
