"""Their side and ours told of each other: who each is, whom it believes, and what is to be wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from interop_claims import Known, Row
from interop_keys import Pair, of_kind
from interop_life import Vendor
from interop_peers import Peer
from site_lab import Site

from meterpost.wsse import POLICIES
from meterpost_stub import StubServer
from meterpost_stub.printers import Fleet

Pairs = dict[tuple[str, str], Pair]
CLIENT = "0a1b2c3d-0000-4000-8000-00000000000c"
USERNAME, PASSWORD = "site", "o'Brien & <söhne>"
CONTRACT = str(files("meterpost_wsdl"))

TAMPERED = {
    False: ('version="1"', 'version="2"'),
    True: ("EncryptedData ", 'EncryptedData MimeType="a" '),
}
"""What a signature must notice, by whether the Body is encrypted."""


def connect(peer: Peer, row: Row, stub: StubServer, pairs: Pairs, folder: Path, spoil: str = "", **other: Any) -> None:
    """Tells their client who it is, and whom to believe; `other` goes before that."""
    policy = POLICIES[row.policy]
    how: dict[str, Any] = {
        "wsdl": stub.wsdl_url,
        "ca": str(stub.ca_file),
        "policy": row.policy,
        "replies": policy.reply,
        "username": stub.username,
        "password": stub.password + ("!" if spoil == "wrong-password" else ""),
        "options": row.options,
        "gzip": policy.compressed,
    }
    if policy.needs_key:
        own = pairs["stranger" if spoil == "stranger" else "client", row.key]
        how |= {
            "sign_key": own.key,
            "sign_certificate": own.certificate,
            "server_certificate": of_kind(stub.server_certificates, row.key, folder),
            "encrypt_to": of_kind(stub.server_certificates, "rsa", folder),
        }
    if spoil == "tampered":
        how["tamper"] = TAMPERED[policy.encrypted]
    peer.proofs.clear()
    peer.ask("client", **how | other)


@contextmanager
def serving(peer: Peer, row: Known, tls: dict[str, str], pairs: Pairs, spoil: str = "") -> Iterator[tuple[str, Vendor]]:
    """Their server, and the vendor behind it."""
    policy, vendor = POLICIES[row.policy], Vendor()
    how: dict[str, Any] = {
        "contract": CONTRACT,
        "policy": row.policy,
        "replies": policy.reply,
        "username": USERNAME,
        "password": PASSWORD,
        "options": row.options,
        "reply_options": row.reply_options,
        "spoil": spoil,
    }
    if policy.needs_key:
        own = pairs["stranger" if spoil == "stranger" else "server", row.key]
        how |= {
            "sign_key": own.key,
            "sign_certificate": own.certificate,
            "client_certificate": pairs["client", row.key].certificate,
            "decrypt_key": pairs["server", "rsa"].key,
            "decrypt_certificate": pairs["server", "rsa"].certificate,
            "encrypt_to": pairs["client", row.key].certificate,
        }
    url = peer.serve(vendor.answer, **tls | how)
    try:
        yield url, vendor
    finally:
        peer.stop()


def site_at(url: str, row: Known, folder: Path, tls: dict[str, str], pairs: Pairs, printer: Fleet, spoil: str = "") -> Site:
    """Our client, configured for their server."""
    password = PASSWORD + ("!" if spoil == "wrong-password" else "")
    there = SimpleNamespace(soap_url=url, ca_file=tls["ca"], username=USERNAME, password=password)
    security: dict[str, Any] = {"policy": row.policy}
    if POLICIES[row.policy].needs_key:
        own = pairs["stranger" if spoil == "stranger" else "client", row.key]
        theirs = folder / "server.pem"
        kinds = {row.key, "rsa"} if POLICIES[row.policy].encrypted else {row.key}
        theirs.write_text("".join(Path(pairs["server", kind].certificate).read_text("ascii") for kind in kinds), "ascii")
        security |= {"certificate": own.certificate, "key": own.key, "server_certificates": str(theirs)}
    site = Site(folder, there, printer)  # type: ignore[arg-type]  # of a server it wants only these
    site.configure(security=security)
    return site
