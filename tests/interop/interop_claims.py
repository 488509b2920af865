"""`known.toml` and `refused.toml` as values: which stack is known to speak which policy, and what of theirs is not taken.
The tests run every row; the docs draw them."""

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Row:
    """A stack under a policy; `options` are the stack's own words."""

    stack: str
    policy: str
    options: dict[str, Any] = field(default_factory=dict)
    key: str = ""  # the kind of key that signs: "rsa" or "p256"; '' for a policy without


@dataclass(frozen=True, kw_only=True)
class Refused(Row):
    """Their client as it must not be set; `reason` is a `meterpost.wsse.Reason`."""

    reason: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class Known(Row):
    """One that works. `theirs` is `client` or `server`; `reply_options` are for what their server signs."""

    theirs: str
    note: str = ""
    reply_options: dict[str, Any] = field(default_factory=dict)
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
    """Every row of known.toml."""
    return tuple(Known(**row) for row in _table("known")["known"])


@cache
def refused() -> tuple[Refused, ...]:
    """Every row of refused.toml."""
    return tuple(Refused(**row) for row in _table("refused")["refused"])


@cache
def stacks() -> dict[str, StackInfo]:
    """The stacks by name."""
    return {name: StackInfo(**about) for name, about in _table("known")["stack"].items()}


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads((_HERE / f"{name}.toml").read_text("utf-8"))
