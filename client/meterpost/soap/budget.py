"""Messages held against the documented formulas. The formulas themselves are data in `meterpost_wsdl.budgets`."""

from dataclasses import dataclass

from meterpost.errors import OverBudget
from meterpost.lifecycle import messages as m
from meterpost_wsdl.budgets import Budget, find


@dataclass(frozen=True, slots=True)
class BudgetVerdict:
    """`octets` of HTTP message against the ceiling for `devices`."""

    budget: Budget
    devices: int
    octets: int

    @property
    def limit(self) -> int:
        return self.budget.limit(self.devices)

    @property
    def headroom(self) -> int:
        """Octets left; negative when over."""
        return self.limit - self.octets

    @property
    def held(self) -> bool:
        return self.headroom >= 0

    def demand(self) -> None:
        """Raises OverBudget unless the budget holds."""
        if not self.held:
            raise OverBudget(
                f"{self.budget.transaction} for {self.devices} devices has {self.octets} octets, "
                f"the documented formula {self.budget.formula} allows {self.limit}",
                "It was not sent. A long server address, RSA keys and encryption leave little room: another security.policy "
                "has more. Under digest-2002 this must not happen; please report it.",
            )


_TRANSACTIONS: dict[type, str] = {
    m.RegisterProxy: "T1",
    m.RegisterProxyDevices: "T2",
    m.SyncProxy: "T3",
    m.SyncProxyStatus: "T5",
    m.BillingTransaction: "T7",
}


def transaction_of(message: m.Message) -> tuple[str, int]:
    """The budgeted transaction a message is, and its x; `("", x)` for replies no formula speaks of."""
    if isinstance(message, m.SyncProxyResponse):
        commands: tuple[m.TurnOn | m.TurnOff | m.Bill, ...] = (*message.on, *message.off, *message.bills)
        named = {command.serial for command in commands}
        return ("T6" if message.bills else "T4"), len(named)
    return _TRANSACTIONS.get(type(message), ""), len(getattr(message, "devices", ()))


def check(transaction: str, devices: int, octets: int) -> BudgetVerdict:
    """The verdict on a message of `octets` at the HTTP level. Raises KeyError for a transaction without formula."""
    return BudgetVerdict(find(transaction), devices, octets)
