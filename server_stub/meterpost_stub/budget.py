"""The byte budgets at the server: requests are held to their documented formula, sync responses are kept within it.

Counted at the HTTP level: head and body. Pure functions over bytes and elements.
"""

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum

from lxml import etree

from meterpost_stub.centre import Refusal
from meterpost_wsdl import compact, names, xmlio
from meterpost_wsdl.budgets import Budget, budgets

_COMMANDS = ("On", "Off", "Bill")


class Enforcement(StrEnum):
    """What happens to a message over its formula."""

    OFF = "off"
    WARN = "warn"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Count:
    """A message measured: which formula, x, octets at the HTTP level."""

    budget: Budget
    devices: int
    octets: int

    @property
    def over(self) -> bool:
        return self.octets > self.budget.limit(self.devices)

    def __str__(self) -> str:
        return (
            f"{self.budget.id} with {self.devices} devices has {self.octets} octets, "
            f"{self.budget.formula} allows {self.budget.limit(self.devices)}"
        )


def request_budget(request: etree._Element) -> tuple[Budget, int]:
    """The formula a request is held to, and its x: the Device elements of its Body."""
    name = etree.QName(request).localname
    row = next(row for row in budgets().values() if row.element == name and row.direction == "client to server")
    return row, len(request)


def reply_budget(reply: etree._Element) -> tuple[Budget, int] | None:
    """T6 for a sync response that asks for reads, T4 for any other; x is the number of different serials.
    None for replies no formula was published for."""
    if reply.tag != f"{{{names.SERVICE}}}SyncProxyResponse":
        return None
    commands = [child for child in reply if etree.QName(child).localname in _COMMANDS]
    bills = any(etree.QName(command).localname == "Bill" for command in commands)
    return budgets()["T6" if bills else "T4"], len({command.get("serial") for command in commands})


def trim(reply: etree._Element) -> None:
    """Takes out of a sync response what does not fit the formula's slope for its device. Commands are repeated until
    the client has answered them, so whatever is taken out comes with a later sync."""
    slope = budgets()["T6"].per_device
    used: dict[str, int] = defaultdict(int)
    for child in list(reply):
        serial = child.get("serial")
        if serial is None:
            continue
        octets = len(xmlio.write(child, compact.PREFIXES).encode())
        if used[serial] + octets > slope:
            reply.remove(child)
        else:
            used[serial] += octets


def check_texts(request: etree._Element) -> None:
    """Raises Refusal for a text that takes more octets than the formulas provide for."""
    for element in request.iter("*"):
        for name, value in element.items():
            limit = names.OCTETS.get(str(name))
            if limit is not None and xmlio.octets(str(value)) > limit:
                raise Refusal("over-budget", f"{name!s} takes more than {limit} octets as escaped XML")
