"""The documented byte formulas as data, and the check against them.

A budget is a ceiling for the whole HTTP message: start line, headers, and body as sent.
Source: `budgets.toml`, which names the vendor's document.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Budget:
    """One documented formula, in octets: `per_device * x + fixed` for a message that names x devices."""

    id: str
    transaction: str
    element: str
    direction: str
    fixed: int
    per_device: int
    minimum_devices: int

    @property
    def formula(self) -> str:
        """The formula as the document prints it, e.g. `393x + 1503`."""
        return f"{self.per_device}x + {self.fixed}" if self.per_device else str(self.fixed)

    def limit(self, devices: int) -> int:
        """Octets allowed for a message that names `devices` devices.

        Raises ValueError when such a message is never sent (a registration of no devices).
        """
        if devices < self.minimum_devices:
            raise ValueError(f"{self.transaction} names at least {self.minimum_devices} device, not {devices}")
        return self.per_device * devices + self.fixed


@cache
def budgets() -> dict[str, Budget]:
    """All formulas by id, T1 to T7."""
    table = tomllib.loads(files(__package__).joinpath("budgets.toml").read_text("utf-8"))
    return {key: Budget(id=key, **row) for key, row in table.items() if isinstance(row, dict)}


@cache
def source() -> str:
    """The document the formulas come from."""
    text: str = tomllib.loads(files(__package__).joinpath("budgets.toml").read_text("utf-8"))["source"]
    return text


def budget(transaction: str, devices: int = 0) -> int:
    """The documented ceiling in octets of a transaction (`T1` to `T7`, or its name) with x = `devices`.

    Raises KeyError for an unknown transaction, ValueError for a number of devices it is never sent with.
    """
    return find(transaction).limit(devices)


def find(transaction: str) -> Budget:
    """The formula by id (`T3`), name (`sync request`); KeyError otherwise."""
    for row in budgets().values():
        if transaction.casefold() in (row.id.casefold(), row.transaction):
            return row
    raise KeyError(f"no transaction {transaction!r}; there are {', '.join(budgets())}")
