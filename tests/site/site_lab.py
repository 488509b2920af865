"""A customer's site for tests: a configuration in a folder, a real TLS server, real SNMP agents, the real command line."""

import contextlib
import io
import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import tomlkit

from meterpost import settings
from meterpost.agent import Agent
from meterpost.cli.main import main
from meterpost.lifecycle.state import DeviceState, SiteState
from meterpost_stub import StubServer
from meterpost_stub.certificates import Authority
from meterpost_stub.printers import Fleet


@dataclass(frozen=True, slots=True)
class Run:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def trouble(self) -> dict[str, Any]:
        """The error object of a command with --json."""
        said: dict[str, Any] = json.loads(self.err)
        return said


@dataclass
class Site:
    """`site.enrol()`, `site.sync()`, `site.month()`: what happens at a customer's, in the words of the domain."""

    folder: Path
    stub: StubServer
    fleet: Fleet
    password_of_account: str = ""
    extra: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "meterpost.toml"

    def configure(self, **sections: dict[str, Any]) -> None:
        """Writes the configuration: the stub, the fleet, and `sections` over them."""
        secret = self.folder / "password"
        secret.touch(mode=0o600)
        secret.write_text(self.password_of_account or self.stub.password, "utf-8")
        table: dict[str, dict[str, Any]] = {
            "server": {"url": self.stub.soap_url, "ca_file": str(self.stub.ca_file), "http_proxy": "none"},
            "account": {"username": self.stub.username, "password": {"file": "password"}},
            "snmp": {"timeout_s": 0.5, "retries": 0, "versions": ["2c"]},
            "discovery": {"targets": [f"{p.address}:{p.port}" for p in self.fleet.printers]},
        }
        for name, values in sections.items():
            table.setdefault(name, {}).update(values)
        self.config.write_text(tomlkit.dumps(table), "utf-8")

    def run(self, *arguments: str) -> Run:
        """`meterpost ARGUMENTS --json`, in this process."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([*arguments, "--json", "--config", str(self.config)])
        return Run(code, out.getvalue(), err.getvalue())

    def done(self, *arguments: str) -> Any:
        """The same, for a command that must go well."""
        run = self.run(*arguments)
        assert run.code == 0, run.err
        return run.json

    def enrol(self) -> None:
        """Finds and registers every printer; the vendor signs them up; they are turned on and confirmed."""
        self.done("discover", "--yes")
        self.done("enrol", "--all")
        self.stub.advance(hours=1)
        self.stub.sign_up()
        self.done("sync")

    def month(self, pages: int = 100) -> None:
        """Pages are printed, and the vendor's calendar reaches the next billing date."""
        for printer in self.fleet.printers:
            if printer.on:
                self.fleet.advance(printer.address, pages)
        self.stub.advance(days=31)

    def agent(self) -> Agent:
        return Agent(settings.load(self.config))

    def state(self) -> SiteState:
        """What the client remembers."""
        with self.agent() as agent:
            return agent.status().site

    def posted(self, envelope: bytes) -> tuple[int, str]:
        """HTTP status and body of the server's answer to an envelope that somebody else than the client sends."""
        url = urlsplit(self.stub.soap_url)
        trust = ssl.create_default_context(cafile=str(self.stub.ca_file))
        with contextlib.closing(HTTPSConnection("127.0.0.1", url.port, context=trust, timeout=10)) as connection:
            connection.request("POST", url.path, envelope, {"Content-Type": "text/xml", "SOAPAction": '""'})
            response = connection.getresponse()
            return response.status, response.read().decode()

    def answered(self) -> list[str]:
        """Serials of the billing requests the server counts as answered, one entry each."""
        return sorted(r["serial"] for r in self.stub.state()["billing_requests"] if r["state"] == "answered")

    def open(self) -> list[str]:
        return sorted(r["serial"] for r in self.stub.state()["billing_requests"] if r["state"] == "open")


def unharmed(site: Site) -> None:
    """The trouble is gone: everything that waited is done, once."""
    site.configure()
    site.done("sync")
    assert len(site.answered()) == 3
    assert site.open() == []
    assert {device.state for device in site.state().devices.values()} == {DeviceState.REPORTED}
    parts = [(part["serial"], part["id"], part["part"]) for part in site.stub.readings()]
    assert len(parts) == len(set(parts))


@contextmanager
def saying(folder: Path, answer: bytes, close_early: bool = False) -> Iterator[tuple[str, Path, list[bytes]]]:
    """A TLS server that answers every request with the same octets. Yields its URL, its CA file and what it received.
    With `close_early` it hangs up as soon as it has spoken, in the middle of a TLS record's worth of promises."""
    folder.mkdir(exist_ok=True)
    authority = Authority("other")
    ca_file = authority.write(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue(folder, "server", ["127.0.0.1"]))
    received: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # closed: the test is over
                return
            with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
                request = secured.recv(65536)
                while not _whole(request) and (more := secured.recv(65536)):
                    request += more
                received.append(request)
                secured.sendall(answer)
                if not close_early:
                    with contextlib.suppress(OSError):
                        secured.unwrap()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/mp", ca_file, received
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=5)


def _whole(request: bytes) -> bool:
    """Whether all of a request is here; its body may be coded."""
    head, end, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\nContent-Length: *(\d+)", head)
    return bool(end and length) and len(body) >= int(length[1])


def http(body: bytes, status: str = "200 OK", kind: str = "text/xml", length: int | None = None) -> bytes:
    """An HTTP answer; `length` lies about the body's."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body) if length is None else length}\r\n\r\n"
    return head.encode() + body


A_DAY = timedelta(days=1)
