"""`make bench-snmp`: finding and reading printers, this code beside the tools one would use instead.

One crowd of simulated printers (`meterpost-stub crowd`) on loopback, whose answers take 5 to 40 ms, for all; time-out 1 s, one
retry. Each cell is a process of its own; of a Python library the time and CPU of the work count, not those of loading it; of a
command all of it. CPU and peak memory are of the process tree, peak memory of the largest process in it; octets are counted by
the crowd, with the headers of IP and UDP. Real recordings are used where METERPOST_RECORDINGS names a folder with
`snmprec` in it. `python -m tests.bench_snmp gufo_snmp braa` measures these beside ours.
"""

import asyncio
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

FIRST, PORT = IPv4Address("127.64.0.1"), 21161
PRINTERS, DELAY_MS, ALIVE = 10_000, (5, 40), 0.05
TIMEOUT_S, TRIES = 1, 2
HEADERS = 28  # octets of IPv4 and UDP around each datagram
SWEEPS = {24: 254, 22: 1022, 20: 4094}  # prefix -> hosts
READS = (64, 254, 1000, 4000)
PEERS = Path(sys.prefix).parent / "peers"
PINS = ("puresnmp==2.0.1", "gufo_snmp==0.13.0")
DEBIAN = {
    "onesixtyone": "onesixtyone",
    "braa": "braa",
    "snmpbulkwalk": "snmp",
    "fusioninventory-netinventory": "fusioninventory-agent-task-network",
}
SERIAL = "1.3.6.1.2.1.43.5.1.1.17.1"
DESCR = "1.3.6.1.2.1.1.1.0"
SUBTREES = (
    "1.3.6.1.2.1.1",
    "1.3.6.1.2.1.2.2.1.6",
    "1.3.6.1.2.1.25.3.2.1",
    "1.3.6.1.2.1.25.3.5.1",
    "1.3.6.1.2.1.43.5.1.1",
    "1.3.6.1.2.1.43.10.2.1",
    "1.3.6.1.2.1.43.11.1.1",
    "1.3.6.1.2.1.43.12.1.1",
    "1.3.6.1.2.1.43.18.1.1",
)
"""What a library that knows no printers walks for a full read: identity, states, markers, supplies, colorants, alerts."""


@dataclass(slots=True)
class Work:
    """What a Python cell is given, and what it fills in: `found` addresses and the serial numbers read there."""

    kind: str  # sweep, read or repeat
    size: int
    in_flight: int
    found: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    cpu_s: float = 0.0

    @property
    def addresses(self) -> list[str]:
        return [str(FIRST + n) for n in range(self.size)]

    @property
    def network(self) -> str:
        return f"{FIRST - 1}/{next(prefix for prefix, hosts in SWEEPS.items() if hosts == self.size)}"

    @contextmanager
    def timed(self) -> Iterator[None]:
        began, cpu = time.perf_counter(), time.process_time()
        yield
        self.seconds, self.cpu_s = time.perf_counter() - began, time.process_time() - cpu


UNCAPPED = 1_000_000  # packets a second


def meterpost(work: Work) -> None:
    """Our own client, as a program that uses the library would."""
    from datetime import UTC, datetime

    from meterpost.devices import Devices
    from meterpost.model import Reading
    from meterpost.settings import DiscoverySettings, SnmpSettings

    snmp = SnmpSettings(
        port=PORT, timeout_s=TIMEOUT_S, retries=TRIES - 1, concurrency=work.in_flight, packets_per_second=UNCAPPED
    )
    devices = Devices(snmp, DiscoverySettings(packets_per_second=UNCAPPED), (), lambda: datetime.now(UTC))
    if work.kind == "sweep":
        with work.timed():
            for reading in devices.discover(devices.plan([work.network])):
                work.found[reading.address] = reading.serial
        return
    endpoints = [(address, PORT) for address in work.addresses]
    for _ in range(2 if work.kind == "repeat" else 1):
        work.found.clear()
        with work.timed():
            for (address, _), outcome in devices.read_each(endpoints):
                if isinstance(outcome, Reading):
                    work.found[address] = outcome.serial


def one_by_one(work: Work, visit: Callable[[str], Awaitable[str]]) -> None:
    """`in_flight` devices at once; `visit` gives the serial number, and raises where there is no answer."""

    async def workers() -> None:
        addresses = iter(work.addresses)

        async def worker() -> None:
            for address in addresses:
                with suppress(Exception):
                    work.found[address] = await visit(address)

        await asyncio.gather(*(worker() for _ in range(work.in_flight)))

    with work.timed():
        asyncio.run(workers())


def gufo_snmp(work: Work) -> None:
    from gufo.snmp.aio import SnmpSession

    async def walk(session: Any, subtree: str) -> dict[str, Any]:
        return {name: value async for name, value in session.getbulk(subtree)}

    async def twice(ask: Callable[[], Awaitable[Any]]) -> Any:
        """It has no tries of its own."""
        with suppress(TimeoutError):
            return await ask()
        return await ask()

    async def visit(address: str) -> str:
        async with SnmpSession(address, PORT, timeout=TIMEOUT_S) as session:
            if work.kind == "sweep":
                await twice(lambda: session.get_many([DESCR]))
                return ""
            values: dict[str, Any] = {}
            for subtree in SUBTREES:
                values |= await twice(partial(walk, session, subtree))
            return _text(values.get(SERIAL))

    one_by_one(work, visit)


def puresnmp(work: Work) -> None:
    import warnings

    warnings.simplefilter("ignore")
    from puresnmp import V2C, Client, PyWrapper
    from puresnmp.exc import NoSuchOID

    async def visit(address: str) -> str:
        client = Client(address, V2C("public"), port=PORT)
        client.configure(timeout=TIMEOUT_S, retries=TRIES)
        wrapped = PyWrapper(client)
        if work.kind == "sweep":
            with suppress(NoSuchOID):
                await wrapped.get(DESCR)
            return ""
        values: dict[str, Any] = {}
        for subtree in SUBTREES:
            async for name, value in wrapped.bulkwalk([subtree], bulk_size=20):
                values[name] = value
        return _text(values.get(SERIAL))

    one_by_one(work, visit)


def pysnmp(work: Work) -> None:
    from pysnmp.hlapi.v3arch import asyncio as hlapi

    engine = hlapi.SnmpEngine()
    community = hlapi.CommunityData("public")

    async def visit(address: str) -> str:
        target = await hlapi.UdpTransportTarget.create((address, PORT), timeout=TIMEOUT_S, retries=TRIES - 1)
        values: dict[str, Any] = {}
        for subtree in SUBTREES:
            wanted = hlapi.ObjectType(hlapi.ObjectIdentity(subtree))
            walk = hlapi.bulk_walk_cmd(
                engine, community, target, hlapi.ContextData(), 0, 20, wanted, lexicographicMode=False, lookupMib=False
            )
            async for failed, _, _, bindings in walk:
                if failed:
                    raise TimeoutError
                values.update((str(name), value) for name, value in bindings)
        return _text(bytes(values[SERIAL]) if SERIAL in values else "")

    one_by_one(work, visit)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value or "")


def onesixtyone(work: Work, folder: Path) -> tuple[str, ...]:
    return ("onesixtyone", "-p", str(PORT), "-w", "0", work.network, "public")


def braa(work: Work, folder: Path) -> tuple[str, ...]:
    reach = f"public@{FIRST}-{work.addresses[-1]}:{PORT}:.{DESCR}"
    return ("braa", "-t", str(TIMEOUT_S), "-r", str(TRIES - 1), reach)


def net_snmp(work: Work, folder: Path) -> tuple[str, ...]:
    """A process per question, as many at once as there are addresses in flight."""
    lines, options = folder / "lines", ("-v2c", "-cpublic", f"-t{TIMEOUT_S}", f"-r{TRIES - 1}", "-On")
    command, asked = ("snmpget", (DESCR,)) if work.kind == "sweep" else ("snmpbulkwalk", SUBTREES)
    lines.write_text("".join(f"{address}:{PORT} {name}\n" for address in work.addresses for name in asked), "ascii")
    return ("xargs", "-a", str(lines), "-n2", f"-P{work.in_flight}", command, *options)


def fusioninventory(work: Work, folder: Path) -> tuple[str, ...]:
    common = ("--port", str(PORT), "--threads", str(work.in_flight), "--timeout", str(TIMEOUT_S))
    common += ("--credentials", "version:2c,community:public")
    if work.kind == "sweep":
        return ("fusioninventory-netdiscovery", "--first", str(FIRST), "--last", work.addresses[-1], *common)
    return ("fusioninventory-netinventory", "--host", ",".join(work.addresses), *common)


def addresses_in(said: str, work: Work) -> int:
    """How many addresses the output names as those of an answer: `127.64.0.1 [public]`, `127.64.0.1:12ms:`."""
    return len(set(re.findall(r"\b127(?:\.\d+){3}(?= \[|:\d+ms)", said)))


def devices_in(said: str, work: Work) -> int:
    """How many devices FusionInventory's XML describes; a sweep also lists addresses that only answered a ping."""
    return said.count("<AUTHSNMP>") if work.kind == "sweep" else said.count("<DEVICE>") - said.count("<ERROR>")


def values_in(said: str, work: Work) -> int:
    """How many addresses net-snmp had an answer from: as many as a value was printed for, or no time-out was."""
    if work.kind == "sweep":
        return sum(line.startswith(f".{DESCR}") for line in said.splitlines())
    silent = {line.split()[-1] for line in said.splitlines() if line.startswith("Timeout")}
    return work.size - len(silent)


@dataclass(frozen=True, slots=True)
class Tool:
    """`run` is a Python cell, or makes a command line whose output `heard` understands. `most`: what kind up to what size
    is worth its time, and `why` not more."""

    name: str
    run: Callable[[Work], None] | None = None
    command: Callable[[Work, Path], tuple[str, ...]] | None = None
    heard: Callable[[str, Work], int] = addresses_in
    needs: str = ""
    sweep_in_flight: int = 0
    read_in_flight: tuple[int, ...] = ()
    most: tuple[int, int] = (4094, 4000)
    why: str = ""
    in_peers: bool = False
    warm: bool = False


TOOLS = (
    Tool("meterpost", meterpost, sweep_in_flight=256, read_in_flight=(64, 256), warm=True),
    Tool("onesixtyone", command=onesixtyone, needs="onesixtyone", sweep_in_flight=1),
    Tool("braa", command=braa, needs="braa", sweep_in_flight=1),
    Tool("gufo_snmp", gufo_snmp, sweep_in_flight=2048, read_in_flight=(64,), in_peers=True, warm=True),
    Tool(
        "puresnmp",
        puresnmp,
        sweep_in_flight=512,
        read_in_flight=(64,),
        most=(4094, 1000),
        why="some 120 printers/s",
        in_peers=True,
    ),
    Tool("pysnmp", pysnmp, read_in_flight=(64,), most=(0, 254), why="slower the more printers: 30/s at 1000, 17/s at 4000"),
    Tool(
        "net-snmp",
        command=net_snmp,
        heard=values_in,
        needs="snmpbulkwalk",
        sweep_in_flight=256,
        read_in_flight=(64,),
        most=(1022, 254),
        why="a process per question: 4 ms of CPU each",
    ),
    Tool(
        "fusioninventory",
        command=fusioninventory,
        heard=devices_in,
        needs="fusioninventory-netinventory",
        sweep_in_flight=32,  # its threads are dear: a tenth of a second of CPU to start each
        read_in_flight=(32,),
        most=(1022, 254),
        why="two seconds a dead address and thread, and some 8 printers/s",
    ),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """What was measured. `octets` are IP octets both ways; `missing` living printers that were not reported, `wrong` serial
    numbers that are another printer's."""

    tool: str
    kind: str
    size: int
    in_flight: int
    seconds: float
    cpu_s: float
    peak_mb: float
    octets: int
    living: int
    missing: int
    wrong: int

    @property
    def per_second(self) -> float:
        return self.size / self.seconds

    @property
    def cpu_ms(self) -> float:
        return 1000 * self.cpu_s / self.size


class Bench:
    """The crowd, and the cells measured on it so far."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.cells: list[Cell] = []
        self._say = say
        recordings = os.environ.get("METERPOST_RECORDINGS")
        command = [
            sys.executable,
            "-m",
            "meterpost_stub",
            "crowd",
            *([str(Path(recordings) / "snmprec")] if recordings else []),
        ]
        command += ["--port", str(PORT), "--printers", str(PRINTERS), "--network", f"{FIRST - 1}/12"]
        self._crowd = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self._crowd.stdout.readline() if self._crowd.stdout else ""
        if not line:
            raise SystemExit("there is no crowd to measure on")
        self.recordings = json.loads(line)["recordings"]

    def close(self) -> None:
        self._crowd.terminate()
        self._crowd.wait()

    def measure(self, tool: Tool, kind: str, size: int, in_flight: int, kept: bool = True) -> None:
        work = Work(kind, size, in_flight)
        alive = ALIVE if kind == "sweep" else 1.0
        living = set(self._order({"printers": size, "alive": alive, "delay_ms": DELAY_MS})["addresses"])
        if tool.run:
            said, figures = self._python(tool, work)
            found = said["found"]
            heard, wrong = len(living & set(found)), sum(not _own(*pair) for pair in found.items())
        else:
            text, figures = self._command(tool, work)
            heard, wrong = tool.heard(text, work), 0
        counts = self._order({})
        if counts["dropped"]:
            self._say(f"the crowd was too slow for {tool.name}: {counts['dropped']} datagrams dropped since the start")
        packets = counts["requests"] + counts["unheard"] + counts["answers"]
        octets = counts["request_octets"] + counts["unheard_octets"] + counts["answer_octets"] + HEADERS * packets
        if kind == "repeat":
            octets -= next((c.octets for c in self.cells if (c.kind, c.size, c.in_flight) == ("read", size, in_flight)), 0)
        if kept:
            missing = len(living) - heard
            self.cells.append(Cell(tool.name, kind, size, in_flight, *figures, octets, len(living), missing, wrong))
            self._say(f"{tool.name} {kind} {size} in {figures[0]:.1f} s")

    def _order(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._crowd.stdin
        assert self._crowd.stdout
        self._crowd.stdin.write(json.dumps(order) + "\n")
        self._crowd.stdin.flush()
        counts: dict[str, Any] = json.loads(self._crowd.stdout.readline())
        return counts

    def _python(self, tool: Tool, work: Work) -> tuple[dict[str, Any], tuple[float, float, float]]:
        python = str(PEERS / "bin" / "python") if tool.in_peers else sys.executable
        command = [python, __file__, "cell", tool.name, work.kind, str(work.size), str(work.in_flight)]
        said = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
        return said, (said["seconds"], said["cpu_s"], said["peak_mb"])

    def _command(self, tool: Tool, work: Work) -> tuple[str, tuple[float, float, float]]:
        assert tool.command
        with tempfile.TemporaryDirectory() as folder, (Path(folder) / "said").open("w+b") as said:
            command = tool.command(work, Path(folder))
            began = time.perf_counter()
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
            _, _, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - began
            process.returncode = 0
            said.seek(0)
            return said.read().decode("latin-1"), (seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _own(address: str, serial: str) -> bool:
    """A printer's number in the crowd ends its serial number; some recordings have none."""
    return not serial or f"{int(IPv4Address(address)) - int(FIRST):05X}" in serial


def cell(name: str, kind: str, size: int, in_flight: int) -> None:
    """Runs in the child process: one measurement, printed as JSON."""
    work, tool = Work(kind, size, in_flight), next(tool for tool in TOOLS if tool.name == name)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
    assert tool.run
    tool.run(work)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": work.seconds, "cpu_s": work.cpu_s, "peak_mb": peak_mb, "found": work.found}))


def available(say: Callable[[str], None]) -> Iterator[Tool]:
    """The tools that are here, or can be installed; of the others it is said why not."""
    missing = sorted({DEBIAN[tool.needs] for tool in TOOLS if tool.needs and not shutil.which(tool.needs)})
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"installing {' '.join(missing)}")
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for step in (("update",), ("install", "--yes", *missing)):
            subprocess.run(("apt-get", "-qq", *step), env=environment, stdout=subprocess.DEVNULL, check=False)
    if not (PEERS / "bin" / "python").exists():
        say(f"installing {' '.join(PINS)}")
        subprocess.run((sys.executable, "-m", "venv", PEERS), check=False)
        pip = (PEERS / "bin" / "pip", "install", "--quiet", "--quiet", "--disable-pip-version-check", *PINS)
        if subprocess.run(pip, check=False).returncode:
            shutil.rmtree(PEERS)
    for tool in TOOLS:
        if tool.needs and not shutil.which(tool.needs):
            say(f"{tool.name} is left out: it needs the Debian package {DEBIAN[tool.needs]}, and root to install it")
        elif tool.in_peers and not PEERS.exists():
            say(f"{tool.name} is left out: it could not be installed with pip")
        else:
            yield tool


def run(bench: Bench, tools: Iterable[Tool], say: Callable[[str], None]) -> None:
    """All cells, a row of a table after the other."""
    tools = tuple(tools)
    for tool in tools:
        if tool.warm:  # what the crowd has not been asked before it works out first, which is not the client's time
            bench.measure(tool, "read", min(bench.recordings, 1000), 64, kept=False)
    for size in SWEEPS.values():
        for tool in tools:
            if tool.sweep_in_flight and size <= tool.most[0]:
                bench.measure(tool, "sweep", size, tool.sweep_in_flight)
            elif tool.sweep_in_flight:
                say(f"{tool.name} sweep {size} is left out: {tool.why}")
    for size in READS:
        for tool in tools:
            for in_flight in tool.read_in_flight:
                if size <= tool.most[1]:
                    bench.measure(tool, "read", size, in_flight)
                else:
                    say(f"{tool.name} read {size} is left out: {tool.why}")
        bench.measure(TOOLS[0], "repeat", size, 256)
    bench.measure(TOOLS[0], "read", PRINTERS, 256)


def aims(cells: list[Cell]) -> Iterator[tuple[str, str, str, bool]]:
    """What we set out to reach: what, how much, what it is, and whether it is that."""
    ours = {(c.kind, c.size, c.in_flight): c for c in cells if c.tool == "meterpost"}
    sweep, large = ours["sweep", 4094, 256], ours["read", 4000, 256]
    yield "a /20 found and read, s", "<= 3", f"{sweep.seconds:.1f}", sweep.seconds <= 3
    for in_flight, aim in ((64, 300), (256, 800)):
        slowest = min((c for c in ours.values() if (c.kind, c.in_flight) == ("read", in_flight)), key=lambda c: c.per_second)
        rate = ours["read", 4000, in_flight].per_second
        said = f"{rate:.0f} (of {slowest.size}: {slowest.per_second:.0f})"
        yield f"printers/s, 4000 with {in_flight} in flight", f">= {aim}", said, rate >= aim
    yield "CPU ms per printer", "<= 1", f"{large.cpu_ms:.2f}", large.cpu_ms <= 1
    theirs = next((c for c in cells if (c.tool, c.kind, c.size) == ("fusioninventory", "read", 254)), None)
    if theirs:
        times = ours["read", 254, 64].per_second / theirs.per_second
        yield "times fusioninventory, 254", ">= 30", f"{times:.0f}", times >= 30
    repeat = ours["repeat", 4000, 256].per_second
    yield "repeat reads/s, 4000", ">= 2000", f"{repeat:.0f}", repeat >= 2000
    peaks = {size: ours["read", size, 256].peak_mb for size in (*READS, PRINTERS)}
    yield "peak MB, 10 000 printers", "< 80", f"{peaks[PRINTERS]:.0f}", peaks[PRINTERS] < 80
    grown = peaks[PRINTERS] - peaks[READS[-1]]
    yield "MB more for 10 000 than for 4000", "< 10", f"{grown:.0f}", grown < 10
    lost = ours["read", PRINTERS, 256].missing
    yield "false time-outs of 10 000", "0", str(lost), lost == 0


def _figure(value: float) -> str:
    return f"{value:.{0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2}f}"


def main() -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console()

    def say(what: str) -> None:
        console.print(f"[dim]{what}", highlight=False, soft_wrap=True)

    chosen = {TOOLS[0].name, *sys.argv[1:]} if sys.argv[1:] else {tool.name for tool in TOOLS}
    tools = tuple(tool for tool in available(say) if tool.name in chosen)
    bench = Bench(say)
    try:
        run(bench, tools, say)
    finally:
        bench.close()
    titles = ("", "each/s", "s", "CPU s", "CPU ms", "MB", "octets", "missed", "wrong")
    for kinds, what in ((("sweep",), "sweep"), (("read", "repeat"), "read")):
        table = Table(*titles, box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for column in table.columns:
            column.no_wrap, column.justify = True, "right" if column.header else "left"
        before = 0
        for c in sorted((c for c in bench.cells if c.kind in kinds), key=lambda c: c.size):
            if c.size != before:
                before = c.size
                table.add_section()
                table.add_row(f"[bold]{what} {c.size}{f', {c.living} alive' if c.living < c.size else ''}")
            name = f"{c.tool}{' again' if c.kind == 'repeat' else ''}, {c.in_flight}"
            figures = (c.per_second, c.seconds, c.cpu_s, c.cpu_ms, c.peak_mb, c.octets / c.size)
            table.add_row(name, *map(_figure, figures), str(c.missing or "-"), str(c.wrong or "-"))
        console.print(table)
    notes = (
        f"{bench.recordings} recordings. Behind a name: how many at once. Per address: each/s, CPU ms,",
        "octets (IP, both ways). MB: of the largest process, with this one's own as floor.",
        "Of libraries it is the work without loading them. Our sweep reads what it finds;",
        "what it does not take for a printer (a scanner, a projector) counts as missed.",
    )
    console.print(*notes, sep="\n", highlight=False, soft_wrap=True)
    table = Table("aim", "", "measured", "", box=box.SIMPLE_HEAD)
    for what, aim, measured, reached in aims(bench.cells):
        table.add_row(what, aim, measured, "reached" if reached else "[bold]missed")
    console.print(table)


if __name__ == "__main__":
    if sys.argv[1:2] == ["cell"]:
        cell(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
    else:
        main()
