"""A client of bytes: what the tests of the reference server speak with, independent of the real client's codec."""

import secrets
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree

from meterpost.model import Credentials
from meterpost.wsse import NONCE, POLICIES, Identity, seal
from meterpost_stub import StubServer
from meterpost_wsdl import names

CLIENT = "0a1b2c3d-0000-4000-8000-00000000000c"
M = f"{{{names.SERVICE}}}"


@dataclass(frozen=True)
class Got:
    """A raw HTTP response."""

    head: bytes
    body: bytes

    @property
    def status(self) -> int:
        return int(self.head.split(b" ", 2)[1])

    @property
    def faultcode(self) -> str:
        """`{namespace}name` of the fault, '' without one."""
        if not self.body.startswith(b"<s:Envelope"):
            return ""
        code = etree.fromstring(self.body).find(f"{{{names.SOAP}}}Body/{{{names.SOAP}}}Fault/faultcode")
        if code is None:
            return ""
        prefix, _, name = code.text.partition(":")
        return f"{{{code.nsmap[prefix]}}}{name}"

    @property
    def reply(self) -> etree._Element:
        """The Body's child."""
        return etree.fromstring(self.body).find(f"{{{names.SOAP}}}Body")[0]

    @property
    def refusal(self) -> str:
        found = self.reply.find(f"detail/{M}Refusal")
        return "" if found is None else found.get("code")


def compact(body: str) -> bytes:
    return f'<s:Envelope xmlns:s="{names.SOAP}" xmlns:m="{names.SERVICE}"><s:Body>{body}</s:Body></s:Envelope>'.encode()


class Site:
    """Speaks to a stub as the client does, at the level of bytes."""

    def __init__(self, stub: StubServer, policy: str = "digest-2004", client: str = CLIENT) -> None:
        self.stub = stub
        self.policy = policy
        self.client = client
        self.credentials = Credentials(stub.username, stub.password)

    def sealed(self, body: str, now: datetime | None = None) -> bytes:
        return seal(
            compact(body),
            POLICIES[self.policy],
            Identity(self.credentials),
            now or datetime.now(UTC),
            secrets.token_bytes(NONCE),
        )

    def head(self, length: int) -> bytes:
        host = self.stub.soap_url.split("/")[2]
        return (
            f"POST {names.PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/xml; charset=utf-8\r\n"
            f'SOAPAction: "{names.SERVICE}"\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n'
        ).encode()

    def post(self, envelope: bytes) -> Got:
        return self.say(self.head(len(envelope)) + envelope)

    def connect(self) -> ssl.SSLSocket:
        """A TLS connection; the caller closes it."""
        host, port = self.stub.soap_url.split("/")[2].rsplit(":", 1)
        context = ssl.create_default_context(cafile=str(self.stub.ca_file))
        return context.wrap_socket(socket.create_connection((host, int(port)), timeout=20), server_hostname=host)

    def say(self, data: bytes, hang_up: bool = False) -> Got:
        """Sends `data` over TLS and reads until the server closes; `hang_up` leaves without waiting."""
        received = b""
        with self.connect() as tls:
            tls.sendall(data)
            if hang_up:
                return Got(b"", b"")
            while piece := tls.recv(65536):
                received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        return Got(head + b"\r\n\r\n", body)

    def call(self, body: str) -> Got:
        return self.post(self.sealed(body))

    def register(self, *serials: str) -> None:
        """Proxy and devices, in effect."""
        assert self.register_proxy().status == 200
        if serials:
            assert self.register_devices(*serials).status == 200
        self.stub.advance(hours=1)

    def register_proxy(self) -> Got:
        return self.call(f'<m:RegisterProxy client="{self.client}" name="n" os="o" version="1"/>')

    def register_devices(self, *serials: str) -> Got:
        devices = "".join(f'<m:Device serial="{serial}" maker="Xerox" model="C60"/>' for serial in serials)
        return self.call(f'<m:RegisterProxyDevices client="{self.client}">{devices}</m:RegisterProxyDevices>')

    def sync(self) -> etree._Element:
        got = self.call(f'<m:SyncProxy client="{self.client}" version="1"/>')
        assert got.status == 200, got.body
        return got.reply

    def report(self, state: str, *serials: str) -> list[str]:
        """Sync status; the receipts."""
        devices = "".join(f'<m:Device serial="{s}" state="{state}" at="2026-01-31T09:00:00Z"/>' for s in serials)
        got = self.call(f'<m:SyncProxyStatus client="{self.client}">{devices}</m:SyncProxyStatus>')
        return [device.get("result") for device in got.reply]

    def send_reads(self, serial: str, request: str, part: int = 1, of: int = 1) -> str:
        """Billing response; the receipt."""
        got = self.call(
            f'<m:BillingTransaction client="{self.client}"><m:Device serial="{serial}" id="{request}" '
            f'at="2026-03-01T09:00:00Z" part="{part}" of="{of}"><m:M n="Total" v="4711"/><m:S n="Toner" l="-3" c="100" u="19"/>'
            "</m:Device></m:BillingTransaction>"
        )
        return str(got.reply[0].get("result"))

    def turn_on(self, *serials: str) -> None:
        """Registered, signed up, on."""
        self.register(*serials)
        assert self.stub.sign_up(*serials)["refused"] == {}
        assert set(self.report("on", *serials)) == {"accepted"}
