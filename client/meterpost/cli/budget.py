"""The documented byte formulas, and their ceilings for x devices."""

from argparse import Namespace
from typing import Any

from meterpost.cli import show
from meterpost.errors import SettingsError
from meterpost_wsdl.budgets import Budget, budgets, find, source


def budget(args: Namespace) -> int:
    """The formulas, all or one, and their ceilings for --devices."""
    rows = [_find(args.transaction)] if args.transaction else list(budgets().values())
    if args.json:
        formulas = [_budget_json(row, args.devices) for row in rows]
        show.as_json({"source": source(), "devices": args.devices, "transactions": formulas})
        return 0
    out = show.console(args)
    columns = ("", "Transaction", "Direction", ">Formula", f">Ceiling, x = {args.devices}")
    cells = ((row.id, row.transaction, row.direction, row.formula, limit(row, args.devices)) for row in rows)
    out.print(show.table("Octets of the HTTP message, x = devices named in it", columns, cells))
    out.print()
    show.prose(out, f"Source: {source()}")
    return 0


def _find(transaction: str) -> Budget:
    try:
        return find(transaction)
    except KeyError as error:
        raise SettingsError(str(error.args[0]), "'meterpost budget' lists them.") from None


def limit(row: Budget, devices: int) -> int | None:
    """The ceiling, None for a message that is never sent with so few devices."""
    return row.limit(devices) if devices >= row.minimum_devices else None


def _budget_json(row: Budget, devices: int) -> dict[str, Any]:
    return {
        "id": row.id,
        "transaction": row.transaction,
        "element": row.element,
        "direction": row.direction,
        "fixed": row.fixed,
        "per_device": row.per_device,
        "minimum_devices": row.minimum_devices,
        "formula": row.formula,
        "limit": limit(row, devices),
    }
