"""`make docs`: writes the pages of docs/reference that tables in the code know better than anybody.

`test_generated_docs.py` fails when a page is not what the tables say."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # as pytest does

import generate_security
from meterpost import pwg
from meterpost.devices.ipp import attributes as ipp
from meterpost.devices.reading import mib, profile
from meterpost.devices.solidink.rules import rules
from meterpost.lifecycle import diagram
from meterpost.recording import dotted
from meterpost.soap.replies import FAULTS, REFUSALS
from meterpost.soap.shapes import SHAPES, Shape
from meterpost_wsdl import names
from meterpost_wsdl.budgets import budgets, source

sys.path.append(str(Path(__file__).parent / "attacks"))  # its tables are the page's
from attack_catalogue import page as attacks

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
NOTE = "<!-- Written by `make docs` from the tables in the code; do not edit. -->\n\n"


def messages() -> str:
    """Formulas, operations, and each message with its fields."""
    parts = [
        f"# Messages\n\nSOAP 1.1, document/literal, namespace `{names.SERVICE}`. The normative text is",
        "`wsdl/meterpost_wsdl/meterpost.wsdl` and `meterpost.xsd`; this page is drawn from the table the client writes with.",
        "Lengths are UTF-8 octets after escaping.\n\n## The documented formulas\n",
        "x is the number of devices a message names. A formula is a ceiling for the HTTP message: start line, headers, body.",
        f"Source: {source()}\n",
        _table(
            ("", "transaction", "element", "direction", "octets"),
            ((b.id, b.transaction, f"`{b.element}`", b.direction, b.formula) for b in budgets().values()),
        ),
        "Replies that are only receipts have no published formula; their octets are counted all the same.\n\n## Operations\n",
        _table(("operation", "SOAPAction"), ((name, f'`"{names.action(name)}"`') for name in names.OPERATIONS)),
    ]
    for shape in SHAPES.values():
        parts += [
            f"## {shape.element}\n\n{(shape.type.__doc__ or '').strip().splitlines()[0]}\n",
            _table(("element", "attribute", "what it carries", "required"), _rows(shape, shape.element)),
        ]
    parts += [
        "## Faults\n\nWhat the client makes of a fault, by the local name of its code.\n",
        _table(("code", "what the administrator is told"), ((code, rule.advice) for code, rule in FAULTS.items())),
        'A `Client` fault of the application carries `<m:Refusal code="…" reason="…"/>` as its detail.\n',
        _table(("refusal", "what the administrator is told"), REFUSALS.items()),
    ]
    return NOTE + "\n".join(parts)


def meters() -> str:
    """The grammar of meters' names, and for each maker what its counters are called: by itself, by PWG, on the wire."""
    makers = sorted(profile.load(), key=lambda entry: entry.manufacturer.casefold())
    parts = [
        _NAMES,
        _table(("part", "word", "PWG"), _words()),
        _PRINTER_MIB,
        _table(_COLUMNS, _life()),
        "## IPP\n\nPWG 5100.22, 7.7.\n",
        _table(_COLUMNS, _ipp()),
    ]
    for entry in makers:
        if rows := list(_counters(entry)):
            parts += [f"## {entry.manufacturer}\n\nProfile `{entry.name}`, version {entry.version}.\n", _table(_COLUMNS, rows)]
    parts += ["## Solid-ink printers\n\nRead from their web pages, where SNMP has not these.\n", _table(_COLUMNS, _solid_ink())]
    return NOTE + "\n".join(parts)


_NAMES = """\
# Meters

What a counter is called by its maker, by the Printer Working Group, and in messages, with the OID it is read at.
`meterpost read ADDRESS --json` shows all of it for one printer, with the profile and its version.

## Names

A meter is called `unit.colour.service.size.sides`; each part but the first may be missing. The PWG counter is
`Service.ColourSidesUnit`: services of PWG 5106.3 (`SystemTotals` where none is named, `Marker` for what a marker counts),
work counters of PWG 5106.1, and of PWG 5100.22 where only that has them. Sizes and one-sided follow behind: PWG counts
media by their names, makers only large (A3, B4, Ledger and larger) and small ones. So does what makers tell apart and PWG
does not, such as what was printed from storage: within one reading a counter has one value.
"""
_PRINTER_MIB = """\
## Printer MIB

RFC 3805, `prtMarkerLifeCount`, in the unit of `prtMarkerCounterUnit`; `.2` and so on for further markers, which are never
added up. On several makers this is not the total that is billed.
"""
_COLUMNS = ("maker's name", "PWG counter", "meter", "unit", "OID")


def _words() -> Iterator[tuple[str, str, str]]:
    parts = {"unit": pwg.UNITS, "colour": pwg.COLOURS, "service": pwg.SERVICES, "sides": pwg.SIDES, "other": pwg.QUALIFIERS}
    for part, words in parts.items():
        yield from ((part, f"`{word}`", term or "(none)") for word, term in words.items())
    yield from (("unit", f"`{word}`", "no counter") for word in sorted(pwg.WITHOUT))


def _row(label: str, name: str, unit: str, where: str) -> tuple[str, str, str, str, str]:
    return label.replace("|", "\\|"), pwg.counter(name), f"`{name}`", unit, f"`{where}`"


def _life() -> Iterator[tuple[str, str, str, str, str]]:
    where = f"{dotted(mib.PRT_MARKER_LIFE_COUNT)}.*"
    for unit in mib.UNITS.values():
        if unit in ("impressions", "sheets", "feet", "meters", "hours"):
            yield _row("prtMarkerLifeCount", f"life.{unit}", unit, where)
    yield _row("prtMarkerLifeCount", "life.count", "", where)


def _ipp() -> Iterator[tuple[str, str, str, str, str]]:
    for attribute, (name, unit) in ipp.COUNTERS.items():
        yield _row(attribute, name, unit, f"ipp:{attribute}")
        for member, ending in ipp.PARTS.items():
            yield _row(f"{attribute}-col, {member}", f"{name}.{ending}", unit, f"ipp:{attribute}-col/{member}")


def _counters(entry: profile.Profile) -> Iterator[tuple[str, str, str, str, str]]:
    for table in entry.tables:
        for key, name in table.rows.items():
            label = table.labels[key]
            number = f" ({key})" if key.isdigit() and label != key else ""
            sums = " (added up)" if table.sum else ""
            yield _row(f"{label}{number}{sums}", name, table.units.get(name, table.unit), f"{dotted(table.value)}.*")
    for meter in entry.meters:
        yield _row(meter.label, meter.name, meter.unit, dotted(meter.oid))
    for blob in entry.blobs:
        for tag, name in blob.rows.items():
            yield _row(blob.labels.get(tag, ""), name, blob.units.get(name, blob.unit), f"{dotted(blob.oid)}#{tag:02x}")


def _solid_ink() -> Iterator[tuple[str, str, str, str, str]]:
    for rule in rules().meters:
        yield _row(" / ".join(rule.labels), rule.name, rule.unit, "http")


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _rows(shape: Shape, path: str) -> Iterator[tuple[str, str, str, str]]:
    for attribute in shape.attributes:
        yield f"`{path}`", f"`{attribute.name}`", attribute.kind.name, "no" if attribute.optional else "yes"
    for children in shape.children:
        yield from _rows(children.shape, f"{path}/{children.shape.element}{'' if children.single else '*'}")


PAGES = {
    "attacks.md": lambda: NOTE + attacks(),
    "messages.md": messages,
    "meters.md": meters,
    "lifecycle.md": lambda: NOTE + diagram.page(),
    "security.md": lambda: NOTE + generate_security.page(),
}

if __name__ == "__main__":
    for name, write in PAGES.items():
        (FOLDER / name).write_text(write(), "utf-8")
