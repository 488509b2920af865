"""The demo's three tables: the devices, the transactions with their bytes, and what the server holds."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from meterpost.cli import show
from meterpost.cli.text import one_line

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Held:
    """What the server holds of one device: `values` are name, received value, and the value in the printer's MIB, None
    for a meter that is a sum of rows. `missing` are names the device reports that did not arrive."""

    serial: str
    model: str
    values: tuple[tuple[str, int, object], ...]
    missing: tuple[str, ...]
    parts: int

    @property
    def complete(self) -> bool:
        return bool(self.values) and not self.missing

    @property
    def equal(self) -> bool:
        return all(own in (received, None) for _, received, own in self.values)

    def to_json(self) -> Json:
        return {
            "serial": self.serial,
            "values": [{"name": name, "received": received, "mib": own} for name, received, own in self.values],
            "missing": list(self.missing),
        }


def held(received: Sequence[Json], devices: Sequence[Json], mib: Callable[[str, str], object]) -> list[Held]:
    """Compares the reads the server has with the printers' MIBs, meter by meter, at the OID each came from."""
    meters: dict[str, dict[str, int]] = defaultdict(dict)
    parts: dict[str, int] = defaultdict(int)
    for part in received:
        parts[part["serial"]] += 1
        meters[part["serial"]].update({meter["name"]: meter["value"] for meter in part["meters"]})
    rows = []
    for device in devices:
        got = meters[device["serial"]]
        own = {meter["name"]: meter["oid"] for meter in device["meters"]}
        values = tuple((name, got[name], mib(device["address"], oid)) for name, oid in own.items() if name in got)
        missing = tuple(name for name in own if name not in got)
        rows.append(Held(device["serial"], _name(device), values, missing, parts[device["serial"]]))
    return rows


def devices(found: Sequence[Json]) -> Table:
    """Each device with its first meters and its supplies."""
    rows: list[tuple[show.Cell, ...]] = []
    for device in found:
        meters = [f"{meter['name']} {meter['value']}" for meter in device["meters"]]
        more = [f"and {len(meters) - 4} more"] if len(meters) > 4 else []
        supplies = [_supply(supply) for supply in device["supplies"]]
        rest = [f"and {len(supplies) - 5} more"] if len(supplies) > 5 else []
        rows.append(
            (
                _lines(_name(device), device["serial"], device["address"]),
                _lines(*meters[:4], *more),
                _lines(*supplies[:5], *rest),
            )
        )
    return show.table("Devices", ("Device", "Meters", "Supplies"), rows)


def _name(device: Json) -> str:
    """Maker and model; most models begin with their maker's name already."""
    maker, model = device["manufacturer"], device["model"]
    return model if model.casefold().startswith(maker.casefold()) else f"{maker} {model}"


def _lines(*lines: str) -> Text:
    return Text("\n".join(map(one_line, lines)))


def _supply(supply: Json) -> str:
    level = f"{supply['percent']} %" if supply["percent"] is not None else supply["state"].replace("-", " ")
    return f"{supply['description']}: {level}"


def transactions(exchanges: Sequence[Json]) -> Table:
    """Each message at the three levels, against its formula."""
    rows: list[tuple[show.Cell, ...]] = []
    for exchange in exchanges:
        receipt = "receipt" if exchange["outcome"] == "ok" else "fault"
        for arrow, message in (("→", exchange["request"]), ("←", exchange["response"])):
            if message:
                rows.append(
                    (
                        f"{arrow} {message['transaction'] or receipt}",
                        message["devices"] or None,
                        message["envelope"],
                        message["http"],
                        message["wire"],
                        message["formula"] or "none published",
                        message["limit"],
                        message["headroom"],
                    )
                )
    columns = ("Message", ">x", ">Envelope", ">HTTP", ">Wire", ">Formula", ">Allows", ">Headroom")
    return show.table("Transactions, in octets; the formula is held against the HTTP message", columns, rows)


def comparison(rows: Sequence[Held]) -> Table:
    """What the server holds, beside what the printers' MIBs say."""
    cells: list[tuple[show.Cell, ...]] = []
    for row in rows:
        name, received, own = next((v for v in row.values if v[0] == "impressions"), (row.values or (("-", None, None),))[0])
        agreeing = sum(mib in (value, None) for _, value, mib in row.values)
        total = f"{agreeing} of {len(row.values) + len(row.missing)}"
        mib = own if isinstance(own, int) else None
        cells.append((_lines(row.model, row.serial), name, received, mib, total, row.parts))
    columns = ("Device", "Meter", ">Server holds", ">MIB says", ">Agree", ">Parts")
    return show.table("At the server", columns, cells)
