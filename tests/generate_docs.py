"""`make docs`: writes the pages of docs/reference that tables in the code know better than anybody.

`test_generated_docs.py` fails when a page is not what the tables say."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from meterpost.lifecycle import diagram
from meterpost.soap.replies import FAULTS, REFUSALS
from meterpost.soap.shapes import SHAPES, Shape
from meterpost_wsdl import names
from meterpost_wsdl.budgets import budgets, source

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


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _rows(shape: Shape, path: str) -> Iterator[tuple[str, str, str, str]]:
    for attribute in shape.attributes:
        yield f"`{path}`", f"`{attribute.name}`", attribute.kind.name, "no" if attribute.optional else "yes"
    for children in shape.children:
        yield from _rows(children.shape, f"{path}/{children.shape.element}{'' if children.single else '*'}")


PAGES = {"messages.md": messages, "lifecycle.md": lambda: NOTE + diagram.page()}

if __name__ == "__main__":
    for name, write in PAGES.items():
        (FOLDER / name).write_text(write(), "utf-8")
