"""The six rules, as far as imports can show them: one way, one importer per engine, a pure core, a cheap start."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from meterpost.devices.snmp.port import Kind

ROOT = Path(__file__).parent.parent
SOURCES = {
    "meterpost": ROOT / "client" / "meterpost",
    "meterpost_stub": ROOT / "server_stub" / "meterpost_stub",
    "meterpost_wsdl": ROOT / "wsdl" / "meterpost_wsdl",
}
VALUES = {
    "meterpost",
    "meterpost.model",
    "meterpost.pwg",
    "meterpost.errors",
    "meterpost.settings",
    "meterpost.recording",
    "meterpost.lifecycle.messages",
    "meterpost.lifecycle.state",
    "meterpost.lifecycle.events",
}
"""What any room may import."""

ROOMS = ("devices", "ledger", "lifecycle", "keys", "soap", "wsse", "transport")
DEVICES = {  # rooms within a room: what gets values knows not what they mean, what they mean knows no network
    "snmp": {"snmp"},
    "reading": {"reading", "snmp"},
    "ipp": {"ipp", "reading", "web"},
    "solidink": {"solidink", "reading", "web"},
    "local": {"local", "ipp", "reading"},
    "finding": {"finding", "reading", "snmp", "local", "roads"},
}
MAY_IMPORT: dict[str, set[str]] = {
    **{f"meterpost.{room}": {f"meterpost.{room}"} for room in ROOMS},
    **{f"meterpost.devices.{room}": {f"meterpost.devices.{other}" for other in may} for room, may in DEVICES.items()},
    "meterpost.agent": {"meterpost.agent", *(f"meterpost.{room}" for room in ROOMS)},
    "meterpost.wizard": {"meterpost.wizard", "meterpost.agent"},
    "meterpost.cli": {"meterpost.cli", "meterpost.wizard", "meterpost.agent"},
    "meterpost_wsdl": {"meterpost_wsdl"},
    "meterpost_stub": {"meterpost_stub", "meterpost.wsse", "meterpost_wsdl"},
}
"""Which of our own packages each may import, besides values and, in the client, the contract."""

STUB_VALUES = {"meterpost", "meterpost.model", "meterpost.errors", "meterpost.recording"}
ONE_IMPORTER = {
    "zeep": {"meterpost.soap.codec"},
    "xmlsec": {"meterpost.wsse.signature"},
    "pysnmp": {"meterpost.devices.snmp.reference", "meterpost_stub.printers"},
    "gufo": {"meterpost.devices.snmp.gufo"},
    "ifaddr": {"meterpost.devices.finding.subnets"},
    "zeroconf": {"meterpost.devices.finding.mdns"},
    "sqlalchemy": {"meterpost.ledger"},
    "alembic": {"meterpost.ledger"},
    "apscheduler": {"meterpost.agent.schedule"},
    "requests": {"meterpost.transport"},
    "urllib3": {"meterpost.transport"},
    "spyne": {"meterpost_stub.service", "meterpost_stub.spyne_compat"},
    "cheroot": {"meterpost_stub.listener"},
    "rich": {"meterpost.cli"},
    "tomlkit": {"meterpost.wizard", "meterpost.cli.demo"},
}
"""Engine, and the one module or room of each side that may know it."""

IMPURE = {"time", "random", "secrets", "socket", "os", "subprocess", "sqlite3", "uuid", "threading", "asyncio", "pathlib"}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for package, folder in SOURCES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            name = ".".join((package, *(part for part in parts if part != "__init__")))
            yield name, ast.parse(path.read_text("utf-8"), str(path))


MODULES = dict(modules())
KNOWN = set(MODULES)


def imported(tree: ast.Module) -> Iterator[str]:
    """Every module a module imports, wherever in it; `from package import module` is the module, not the package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                yield module if module in KNOWN else node.module or ""
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module") and node.args:
            yield from (arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant) and isinstance(arg.value, str))


def within(name: str, packages: set[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def home(name: str) -> str:
    """The room or package a module lives in; '' for the client's values."""
    return max((room for room in MAY_IMPORT if within(name, {room})), key=len, default="")


@pytest.mark.parametrize("name", [name for name in MODULES if home(name)])
def test_rooms_are_joined_only_by_the_agent(name: str) -> None:
    stub = home(name) == "meterpost_stub"
    values = STUB_VALUES if stub else VALUES | {"meterpost_wsdl"}
    for target in imported(MODULES[name]):
        if target not in KNOWN:  # an engine, the standard library, or a name inside a module looked at already
            continue
        allowed = (
            within(target, MAY_IMPORT[home(name)]) or target in values or (not stub and within(target, {"meterpost_wsdl"}))
        )
        assert allowed, f"{name} imports {target}"


@pytest.mark.parametrize("name", [name for name in MODULES if not home(name)])
def test_values_know_nobody(name: str) -> None:
    for target in imported(MODULES[name]):
        assert target not in KNOWN or target in VALUES, f"{name} imports {target}"


@pytest.mark.parametrize(("engine", "rooms"), ONE_IMPORTER.items())
def test_each_engine_has_one_importer(engine: str, rooms: set[str]) -> None:
    importers = {name for name, tree in MODULES.items() if any(within(target, {engine}) for target in imported(tree))}
    assert all(within(name, rooms) for name in importers), importers


def test_the_life_cycle_is_sans_io() -> None:
    for name, tree in MODULES.items():
        if within(name, {"meterpost.lifecycle"}):
            assert not [target for target in imported(tree) if target.split(".")[0] in IMPURE], name
            clocks = [
                ast.unparse(node)
                for node in ast.walk(tree)
                if isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today")
            ]
            assert not clocks, f"{name} looks at a clock: {clocks}"


def test_help_loads_no_engine() -> None:
    code = (
        "import sys\nfrom meterpost.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"engines = {set(ONE_IMPORTER) | {'lxml', 'cryptography'}}\n"
        "sys.exit(', '.join(sorted(engines & set(sys.modules))) or 0)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_nothing_in_the_client_can_write_to_a_device() -> None:
    """There is no SET: not its PDU (tag 0xA3), not by any engine's name."""
    writes = re.compile(r"SetRequest|set_cmd|\b0xA3\b|set_many", re.IGNORECASE)
    sources = {path: path.read_text("utf-8") for path in (SOURCES["meterpost"] / "devices").rglob("*.py")}
    assert len(sources) > 30
    assert [path.name for path, text in sources.items() if writes.search(text)] == []
    assert {kind.name for kind in Kind} == {"GET", "GET_NEXT", "GET_BULK"}
