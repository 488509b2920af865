"""`make bench`: building, sealing and verifying each transaction, this code beside plain zeep with zeep.wsse.

Each cell is a process of its own, so that its peak memory is its own. Verifying is what a receiver does with the octets:
parse, check the seal, make values of it. zeep's wsse checks neither digest nor freshness of a UsernameToken
(its `verify` does nothing), so its figure there is parsing and making values alone. Nothing is asserted here.
"""

import json
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

SIZES = (1, 100, 10_000)
ENGINES = ("meterpost", "zeep")
USER, PASSWORD = "site-4711", "correct horse"


def message(transaction: str, devices: int) -> Any:
    from longest import MESSAGES, Filler

    return MESSAGES[transaction](Filler("plain"), devices)


def arguments(shape: Any, item: Any) -> dict[str, Any]:
    """The same message as keyword arguments for zeep."""
    from meterpost.soap.envelope import items

    values: dict[str, Any] = {}
    for attribute in shape.attributes:
        value = getattr(item, attribute.field) if attribute.field else item
        if value is not None:
            values[attribute.name] = value if attribute.kind.name.startswith(("UTC", "day")) else attribute.kind.write(value)
    for children in shape.children:
        values[children.shape.element] = [arguments(children.shape, child) for child in items(children, item)]
    return values


def ours(transaction: str, devices: int) -> dict[str, float]:
    from meterpost import wsse
    from meterpost.model import Credentials
    from meterpost.soap import Codec
    from meterpost.soap.envelope import envelope
    from meterpost_wsdl import names, xmlio

    said = message(transaction, devices)
    codec, now, policy = Codec(), datetime.now(UTC), wsse.POLICIES["digest-2004"]
    envelope(message(transaction, 1)), names.schema()
    started = time.perf_counter()
    octets = wsse.seal(codec.encode(said), policy, wsse.Identity(Credentials(USER, PASSWORD)), now, bytes(16))
    built = time.perf_counter()
    root = xmlio.parse(octets)
    verdict = wsse.open_envelope(root, wsse.Acceptance(), wsse.Trust({USER: PASSWORD}.get), wsse.MemoryReplayCache(), now)
    assert verdict.ok
    assert not names.violation(root[1][0])
    values = element_of(type(said).__name__).parse(root[1][0], types())
    assert values is not None
    return {"build": built - started, "verify": time.perf_counter() - built, "octets": len(octets)}


def plain_zeep(transaction: str, devices: int) -> dict[str, float]:
    from lxml import etree
    from zeep.wsse.username import UsernameToken
    from zeep.wsse.utils import WSU

    from meterpost.soap.shapes import SHAPES
    from meterpost_wsdl.names import SOAP

    said = message(transaction, devices)
    given = arguments(SHAPES[type(said)], said)
    element = element_of(type(said).__name__)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    started = time.perf_counter()
    envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soap-env": SOAP})
    body = etree.SubElement(envelope, f"{{{SOAP}}}Body")
    element.render(body, element(**given))
    stamp = WSU.Timestamp(WSU.Created(now))
    UsernameToken(USER, PASSWORD, use_digest=True, timestamp_token=stamp).apply(envelope, {})
    octets = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
    built = time.perf_counter()
    root = etree.fromstring(octets)
    UsernameToken(USER, PASSWORD, use_digest=True).verify(root)
    values = element.parse(root[1][0], types())
    assert values is not None
    return {"build": built - started, "verify": time.perf_counter() - built, "octets": len(octets)}


def types() -> Any:
    from meterpost.soap import Codec

    global _TYPES
    if _TYPES is None:
        _TYPES = Codec()._contract
    return _TYPES


_TYPES: Any = None


def element_of(name: str) -> Any:
    return types().get_element(f"{{urn:meterpost:1}}{name}")


def cell(engine: str, transaction: str, devices: int) -> None:
    """Runs in the child process: one measurement, printed as JSON."""
    types()
    measure = ours if engine == "meterpost" else plain_zeep
    runs = [measure(transaction, devices) for _ in range(15 if devices < 1000 else 1)]
    figures = {name: median(run[name] for run in runs) for name in runs[0]}
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(figures))


def _figure(value: float) -> str:
    return f"{value:.0f}" if value == int(value) or value >= 100 else f"{value:.2f}"


def main() -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Column, Table

    from meterpost_wsdl.budgets import budgets

    console = Console()
    figures = {"build": ("build ms", 1000), "verify": ("verify ms", 1000), "peak_mb": ("peak MB", 1), "octets": ("octets", 1)}
    names = [Column(f"{title}\nours / zeep", justify="right", no_wrap=True) for title, _ in figures.values()]
    table = Table(Column(""), Column("x", justify="right"), *names, box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for transaction, budget in budgets().items():
        for devices in SIZES if budget.per_device else (1,):
            cells = []
            for engine in ENGINES:
                command = [sys.executable, __file__, "cell", engine, transaction, str(devices)]
                cells.append(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
            table.add_row(
                transaction,
                str(devices) if budget.per_device else "-",
                *(" / ".join(_figure(c[key] * scale) for c in cells) for key, (_, scale) in figures.items()),
            )
            console.print(f"[dim]{transaction} x={devices} measured", highlight=False)
    console.print(table)
    console.print("The median of 15 runs, at x = 10 000 of one; side by side; policy digest-2004.")
    console.print("zeep's wsse verifies no digest, and zeep checks no message against the schema; ours does, both ways.")


if __name__ == "__main__":
    if sys.argv[1:2] == ["cell"]:
        cell(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main()
