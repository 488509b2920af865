"""A reference server under attack, known by what it shows: a TLS port, an admin port, and nothing else."""

import contextlib
import json
import re
import ssl
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection
from typing import Any
from urllib.parse import urlsplit

import attack_lab as lab
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from meterpost_wsdl import names

PATIENCE_S = 15.0
"""Nobody waits longer for an answer, whatever was asked."""
_FAULT = re.compile(rb"<faultcode>(\w+):(\w+)</faultcode>")


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything the server sent before it closed the connection."""

    octets: bytes

    @property
    def status(self) -> int:
        return int(self.octets.split(b" ", 2)[1])

    @property
    def statuses(self) -> list[int]:
        """Of each HTTP answer, in order."""
        return [int(status) for status in re.findall(rb"(?:^|(?<=[>\n]))HTTP/1\.1 (\d{3}) ", self.octets)]

    @property
    def body(self) -> bytes:
        return self.octets.partition(b"\r\n\r\n")[2]

    @property
    def told(self) -> str:
        """`500 wsse:FailedAuthentication`, `500 encrypted`, or the status alone."""
        status = str(self.status)
        if b":EncryptedData " in self.octets:
            return f"{status} encrypted"
        fault = _FAULT.search(self.octets)
        if fault is None:
            return status
        prefix, name = (part.decode() for part in fault.groups())
        if prefix != "s":
            (namespace,) = re.findall(rf'xmlns:{prefix}="([^"]+)"'.encode(), self.octets)
            prefix = "wsu" if b"utility" in namespace else "wsse"
        return f"{status} {prefix}:{name}"


class Fort:
    """`description` is what the server says of itself when it starts (`serve --json`)."""

    def __init__(self, description: dict[str, str]) -> None:
        self._url = urlsplit(description["soap_url"])
        self._context = ssl.create_default_context(cafile=description["ca_file"])
        self._admin, self._token = description["admin_url"], description["admin_token"]
        self.authority = self._url.netloc
        certificates = x509.load_pem_x509_certificates(Path(description["server_certificates"]).read_bytes())
        self.recipient = next(
            one.public_bytes(serialization.Encoding.PEM)
            for one in certificates
            if isinstance(one.public_key(), rsa.RSAPublicKey)
        )
        """What messages to the server are encrypted to."""

    def connect(self, patience_s: float = PATIENCE_S) -> ssl.SSLSocket:
        """A TLS connection; the caller closes it."""
        host = self._url.hostname or ""
        return self._context.wrap_socket(create_connection((host, self._url.port or 0), patience_s), server_hostname=host)

    def head(self, length: int) -> bytes:
        fields = ("Content-Type: text/xml; charset=utf-8", f"Content-Length: {length}", "Connection: close")
        return "\r\n".join((f"POST {names.PATH} HTTP/1.1", f"Host: {self.authority}", *fields, "", "")).encode()

    def say(self, octets: bytes, patience_s: float = PATIENCE_S) -> Answer:
        """These very octets, and all that is answered."""
        received = b""
        with self.connect(patience_s) as tls:
            with contextlib.suppress(OSError):  # the server may have hung up on the rest
                tls.sendall(octets)
            while piece := tls.recv(65536):
                received += piece
        return Answer(received)

    def post(self, envelope: bytes, patience_s: float = PATIENCE_S) -> Answer:
        return self.say(self.head(len(envelope)) + envelope, patience_s)

    def ordered(self, path: str, order: bytes | None = None) -> Any:
        """What the vendor's side sees, or orders, at the admin port."""
        request = urllib.request.Request(f"{self._admin}{path}", order, headers={"Authorization": f"Bearer {self._token}"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=PATIENCE_S) as answer:
            return json.load(answer)

    @property
    def devices(self) -> list[str]:
        """The serial numbers that are registered: what an attacker wants his to be among."""
        state = self.ordered("/state")
        assert state["billing_requests"] == []
        assert [proxy["client"] for proxy in state["proxies"]] == [lab.CLIENT]
        return [device["serial"] for device in state["devices"]]
