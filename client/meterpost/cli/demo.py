"""`meterpost demo`: the whole protocol on this machine, without a printer and without a vendor.

It only strings ordinary commands together, each a process of its own with `--json`: the reference server and the
simulated printers of `meterpost-stub`, and the client's own verbs. What it prints at the end comes from them.
"""

import json
import socket
import subprocess
import sys
import tempfile
import threading
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import tomlkit
from rich.console import Console
from rich.text import Text

from meterpost.agent import POLICIES, Policy
from meterpost.cli import demo_tables as tables
from meterpost.cli import show
from meterpost.errors import MeterpostError, SettingsError

NETWORK = "127.20.0.0/24"
HOUR, MONTH = 3600, 31 * 86400
Json = dict[str, Any]


class Story:
    """The client of the demo, the server and the printers, and what was checked along the way."""

    def __init__(self, folder: Path, server: Json, fleet: Json, policy: Policy) -> None:
        self.server = server
        self.fleet = fleet
        self.policy = policy
        self.checks: list[tuple[str, bool]] = []
        self._config = folder / "meterpost.toml"
        self._answers = folder / "answers.toml"

    def client(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> Any:
        """What `meterpost ARGUMENTS --json` prints. Raises MeterpostError when it ends with another exit code."""
        command = [sys.executable, "-m", "meterpost.cli.main", *arguments, "--json", "--config", str(self._config)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own command
        if done.returncode not in codes:
            raise MeterpostError(
                f"'meterpost {' '.join(arguments)}' ended with exit code {done.returncode}: {done.stderr.strip()}"
            )
        return json.loads(done.stdout)

    def vendor(self, path: str, order: Json | None = None) -> Any:
        """The server's admin port: what the vendor's people do, and what the server holds."""
        return _ask(self.server["admin_url"] + path, self.server["admin_token"], order)

    def printers(self, path: str, order: Json | None = None) -> Any:
        """The fleet's control port: hands on the printers."""
        return _ask(self.fleet["control_url"] + path, self.fleet["control_token"], order)

    def check(self, what: str, holds: bool) -> None:
        self.checks.append((what, holds))

    def write_answers(self) -> None:
        """What the administrator would type into the wizard."""
        addresses = [f"{printer['address']}:{printer['port']}" for printer in self.fleet["printers"]]
        (self._config.parent / "password").touch(mode=0o600)
        (self._config.parent / "password").write_text(self.server["password"], "utf-8")
        answers = {
            "server": {"url": self.server["soap_url"], "ca_file": self.server["ca_file"], "http_proxy": "none"},
            "account": {"username": self.server["username"], "password": {"file": "password"}},
            "security": {"policy": self.policy.name},
            "discovery": {"targets": addresses},
            "devices": {"choose": "all"},
        }
        self._answers.write_text(tomlkit.dumps(answers), "utf-8")


def run(args: Namespace) -> int:
    """0 if every check holds, 1 if one does not. The server takes nothing but the policy, and the one to enrol with."""
    if args.policy not in POLICIES:
        raise SettingsError(f"--policy: {args.policy!r} is not a security policy", f"Choose from: {', '.join(POLICIES)}.")
    policy = POLICIES[args.policy]
    accepted = dict.fromkeys((policy.name, policy.enrols_with or policy.name))
    out = show.console(args, quiet=args.json)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="meterpost-demo-")))
        with _step(out, "Starting a communication server with its own certificate authority, and a dozen printers"):
            server = stack.enter_context(Background("serve", "--accept", *accepted))
            fleet = stack.enter_context(Background("printers", "--network", NETWORK, "--port", str(_free_port())))
        story = Story(folder, server.announced, fleet.announced, policy)
        _enrol(story, out)
        _turn_on(story, out)
        _bill(story, out)
        return _finish(story, args)


def _enrol(story: Story, out: Console) -> None:
    printers = story.fleet["printers"]
    with _step(out, "The wizard: testing the connection, looking for printers, choosing all, registering"):
        story.write_answers()
        story.client("wizard", "--answers", str(story._answers))
    devices = story.client("status")["devices"]
    story.check("the wizard found and registered every printer", len(devices) == len(printers))
    story.check("no device is on before the vendor signed it up", not any(d["state"] == "turned-on" for d in devices))


def _turn_on(story: Story, out: Console) -> None:
    with _step(out, "The vendor's side: an hour passes until the registration counts, then the devices are signed up"):
        story.vendor("/clock", {"advance": HOUR})
        signed_up = story.vendor("/sign-up", {"serials": "all"})["signed_up"]
    with _step(out, "Daily sync: told to turn on, confirming it"):
        report = story.client("sync")
    said = [message["transaction"] for message in report["messages"]]
    story.check("the sync request was answered with 'turn on', and the status sent", said == ["T3", "T5"])
    story.check("the vendor signed up what was registered", len(signed_up) == len(story.fleet["printers"]))
    states = {device["state"] for device in story.client("status")["devices"]}
    story.check("every device is confirmed", states == {"confirmed"})


def _bill(story: Story, out: Console) -> None:
    printers = story.fleet["printers"]
    absent = printers[0]["address"]
    with _step(out, f"A month passes, pages are printed; the printer at {absent} is switched off"):
        story.printers("/advance", {"pages": 321, "color": 123})
        story.printers("/off", {"address": absent})
        story.vendor("/clock", {"advance": MONTH})
    with _step(out, "Daily sync: asked for reads, reading the printers, sending what they say"):
        story.client("sync", codes=(0, 1))
    _count(story, "all printers but the one that is off are billed", len(printers) - 1)
    with _step(out, "Daily sync: still off; its request stays open"):
        report = story.client("sync", codes=(0, 1))
    story.check("the open request is kept, and nothing is sent for it", report["open_requests"] == 1)
    _count(story, "nobody was billed twice", len(printers) - 1)
    with _step(out, f"The printer at {absent} is switched on again; daily sync"):
        story.printers("/on", {"address": absent})
        story.client("sync")
    _count(story, "its read arrived", len(printers))
    with _step(out, "Daily sync: nothing is left to say"):
        report = story.client("sync")
    story.check(
        "the last sync sent the sync request and nothing else", [m["transaction"] for m in report["messages"]] == ["T3"]
    )
    _count(story, "its read arrived once", len(printers))


def _count(story: Story, what: str, expected: int) -> None:
    """Billing requests the server counts as answered; each device has one."""
    requests = story.vendor("/state")["billing_requests"]
    answered = [request["serial"] for request in requests if request["state"] == "answered"]
    story.check(f"{what} ({len(answered)} answered)", len(answered) == len(set(answered)) == expected)


def _finish(story: Story, args: Namespace) -> int:
    devices = story.client("read", *(f"{printer['address']}:{printer['port']}" for printer in story.fleet["printers"]))
    exchanges = story.client("journal", "--limit", "1000")
    held = tables.held(story.vendor("/readings"), devices, lambda address, oid: _mib(story, address, oid))
    budgeted = [m for e in exchanges for m in (e["request"], e["response"]) if m and m["formula"]]
    story.check("every message is inside its documented formula", bool(budgeted) and all(m["headroom"] >= 0 for m in budgeted))
    first, *others = exchanges
    story.check(
        "before it registered, the server did not know this client", first["outcome"].startswith("refused, not-registered")
    )
    story.check("every exchange after that went well", all(exchange["outcome"] == "ok" for exchange in others))
    story.check("the server holds every meter of every printer", all(row.complete for row in held))
    story.check("and each has the value the printer's MIB has", all(row.equal for row in held))
    keys = _secured(story)
    if args.json:
        checks = [{"check": what, "holds": holds} for what, holds in story.checks]
        told = {"policy": story.policy.name, "keys": keys, "devices": devices, "exchanges": exchanges}
        show.as_json(told | {"held": [row.to_json() for row in held], "checks": checks})
    else:
        out = show.console(args)
        for table in (tables.devices(devices), tables.transactions(exchanges), tables.comparison(held)):
            out.print()
            out.print(table)
        out.print()
        show.prose(out, f"Message security: {story.policy.name} ({story.policy.brief}).")
        if keys:
            show.prose(out, _whose(keys))
        out.print()
        for what, holds in story.checks:
            out.print(Text.assemble(("holds", "green") if holds else ("FAILS", "bold red"), f"  {what}"))
    return 0 if all(holds for _, holds in story.checks) else 1


def _secured(story: Story) -> list[Json]:
    """Checks what the policy promises of every message, on the octets the server saw. Returns this client's key and the
    server's, which signed; nothing where none did."""
    policy = story.policy
    _, *entries = story.vendor("/journal")
    if policy.enrols_with:  # the registration brings the key, so it is the last message without
        entries = entries[1:]
    said = [entry[way] for entry in entries for way in ("request", "response")]
    if policy.covers:
        signed = all("SignatureValue>" in text for text in said)
        story.check(f"each of {len(said)} messages and answers was signed, and each signature held", signed)
    if policy.encrypted:
        story.check("none of them can be read without a key", all("CipherValue>" in t and "serial=" not in t for t in said))
    if not policy.sends_password:
        story.check("the password is in none of them", all(story.server["password"] not in text for text in said))
    if not policy.needs_key:
        return []
    (known,) = story.vendor("/keys")["clients"]
    story.check("the server knows one key of this client, the one it certified", known["state"] == "active")
    (own,) = (key for key in story.client("keys") if key["use"] == "own key")
    return [own, *(key for key in story.client("keys") if key["use"] == "server" and key["kind"] == own["kind"])]


def _whose(keys: Sequence[Json]) -> str:
    own, server = (f"{key['subject']} ({key['kind']}, until {key['until'][:10]})" for key in keys)
    return f"Messages were signed by {own}, answers by {server}."


def _mib(story: Story, address: str, oid: str) -> object:
    """The value in the printer's MIB; None where a meter is the sum of rows and names their column."""
    try:
        return story.printers(f"/mib?{urlencode({'address': address, 'oid': oid})}")["value"]
    except HTTPError:
        return None


class Background:
    """`meterpost-stub COMMAND --json`, running; `announced` is its first line."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "meterpost_stub.cli", *arguments, "--json"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603
        self._errors: list[str] = []

    def __enter__(self) -> Self:
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        stream = self._process.stderr
        threading.Thread(target=lambda: self._errors.extend(stream), daemon=True).start()  # a full pipe would stop it
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            raise SettingsError(
                f"meterpost-stub did not start: {''.join(self._errors).strip()[-500:]}",
                "Is the extra installed? pip install 'meterpost[stub]'",
            )
        self.announced: Json = json.loads(line)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)


@contextmanager
def _step(out: Console, text: str) -> Iterator[None]:
    """Shows that something is going on, and then that it is done."""
    with out.status(f"{text} ..."):
        yield
    out.print(Text.assemble(("✓ ", "green"), text))


def _ask(url: str, token: str, order: Json | None) -> Any:
    data = None if order is None else json.dumps(order).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with urlopen(Request(url, data, headers), timeout=30) as answer:  # noqa: S310  # the stub's own loopback address
        return json.load(answer)


def _free_port() -> int:
    """A UDP port that is free on the fleet's first address; every printer then has it on its own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.20.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
