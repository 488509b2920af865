"""A hostile server: a TLS listener that knows whatever the honest server knows, and answers as its script says. And the
client it is to deceive: a real agent with a configuration file, a store and two enrolled devices."""

import contextlib
import gzip
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Self

import attack_lab as lab
import tomlkit
from attack_case import EVIL, HONEST

from meterpost import settings
from meterpost.agent import Agent
from meterpost.ledger import open_ledger
from meterpost.lifecycle.state import Device, DeviceState, Proxy, ProxyState, SiteState
from meterpost.settings import StoreSettings
from meterpost.wsse import POLICIES
from meterpost_stub.certificates import Authority

Script = Callable[[bytes], bytes]
"""The HTTP answer to a request's envelope."""


def http(body: bytes, status: str = "200 OK", *lines: str) -> bytes:
    """A whole HTTP reply."""
    fields = ("Content-Type: text/xml; charset=utf-8", f"Content-Length: {len(body)}", *lines)
    return "\r\n".join((f"HTTP/1.1 {status}", *fields, "", "")).encode() + body


@dataclass
class Host:
    """`url` and `ca_file` are what a client needs; `heads` are of the requests that came."""

    url: str
    ca_file: Path
    script: Script = lambda envelope: http(b"")
    heads: list[bytes] = field(default_factory=list)

    def serve(self, connection: socket.socket, context: ssl.SSLContext) -> None:
        with (
            contextlib.suppress(OSError),
            context.wrap_socket(connection, server_side=True) as tls,
            tls.makefile("rb") as lines,
        ):
            while head := lines.readline():
                while (line := lines.readline()) not in (b"\r\n", b""):
                    head += line
                length = re.search(rb"(?i)content-length: (\d+)", head)
                body = lines.read(int(length[1]) if length else 0)
                self.heads.append(head)
                tls.sendall(self.script(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body))


@contextmanager
def host(folder: Path) -> Iterator[Host]:
    authority = Authority("hostile")
    ca_file = authority.write(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue(folder, "server", ["127.0.0.1"]))
    listener = socket.create_server(("127.0.0.1", 0))
    hostile = Host(f"https://127.0.0.1:{listener.getsockname()[1]}/mp", ca_file)

    def accept() -> None:
        with contextlib.suppress(OSError):  # closed: the test is over
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=hostile.serve, args=(connection, context), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield hostile
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


@cache
def _new_store() -> bytes:
    """A store in which the client is registered, and so are two devices. Making it takes longer than any attack."""
    with TemporaryDirectory() as folder:
        with contextlib.closing(open_ledger(StoreSettings(path="new.db"), Path(folder))) as ledger:
            ledger.save_site(_site())
        return (Path(folder) / "new.db").read_bytes()


def _site() -> SiteState:
    now = datetime.now(UTC).replace(microsecond=0)
    devices = {serial: Device(serial, DeviceState.REGISTERED, now, "Xerox", "C60") for serial in (HONEST, EVIL)}
    return SiteState(lab.CLIENT, Proxy(ProxyState.REGISTERED, now), MappingProxyType(devices))


class Victim:
    """The client of `folder`, which talks to `host` under `policy`."""

    def __init__(self, folder: Path, host: Host, policy: str) -> None:
        self._config = folder / "meterpost.toml"
        (folder / "meterpost.db").write_bytes(_new_store())
        secrets = {"password": lab.ACCOUNT.password.encode(), "client.pem": _pair(), "server.pem": _server()}
        for name, octets in secrets.items():
            (folder / name).touch(mode=0o600)
            (folder / name).write_bytes(octets)
        table: Mapping[str, Mapping[str, object]] = {
            "server": {"url": host.url, "ca_file": str(host.ca_file), "http_proxy": "none"},
            "account": {"username": lab.ACCOUNT.username, "password": {"file": "password"}},
            "security": {"policy": policy, "certificate": "client.pem", "server_certificates": "server.pem"},
        }
        if not POLICIES[policy].needs_key:
            table = {**table, "security": {"policy": policy}}
        self._config.write_text(tomlkit.dumps(table), "utf-8")
        self.agent = self._opened()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.agent.close()

    def _opened(self) -> Agent:
        return Agent(settings.load(self._config))

    def restart(self) -> None:
        self.agent.close()
        self.agent = self._opened()

    @property
    def holdings(self) -> tuple[object, ...]:
        """All that a reply could have changed, and what waits to be sent."""
        site = self.agent.status().site
        waiting = tuple(outgoing.message for outgoing in site.outbox)
        return site.proxy, dict(site.devices), dict(site.requests), site.settings, site.last_sync, waiting


def _pair() -> bytes:
    pair = lab.key_of("client")
    return pair.private_key + pair.certificate


def _server() -> bytes:
    """Whom the client believes: the honest server's certificates."""
    return b"".join(lab.key_of(who).certificate for who in lab.SERVERS)
