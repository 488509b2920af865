"""`make bench`: sealing and opening one message under each policy, beside zeep.wsse and signxml.

Sealing is from an envelope to sealed octets, opening from octets to a verdict; what an engine is given as a tree in real
life, it is given as a tree here. All engines take turns in one process, so that a busy machine is busy for all. Keys are
the golden ones. `python -m tests.bench_security 5` makes five rounds. Nothing is asserted here.
"""

import secrets
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

sys.path += [str(Path(__file__).parent), str(Path(__file__).parent / "golden")]

from golden_keys import key_file, pair
from lxml import etree

from figures import USED, kinds
from longest import MESSAGES, Filler
from meterpost import wsse
from meterpost.model import Credentials
from meterpost.soap.envelope import envelope
from meterpost_wsdl import xmlio

MESSAGES_TRIED = {"T3": ("T3", 0), "T7, x = 100": ("T7", 100)}
NOT_TRIED = {("compact-signed", "rsa2048")}
"""Over its formulas."""
ROUNDS = 40
ACCOUNT = Credentials("site-4711", "correct horse")


@dataclass(frozen=True, slots=True)
class Engine:
    """`seal` takes what `given` makes of an envelope, outside the measurement; `open` takes its octets."""

    name: str
    key: str
    checks: str
    seal: Callable[[Any], bytes]
    open: Callable[[bytes], Any]
    given: Callable[[bytes], Any] = bytes


@dataclass(slots=True)
class Times:
    """Seconds, of each round."""

    seal: list[float] = field(default_factory=list)
    open: list[float] = field(default_factory=list)


_ALL = "all of it: shape, places, times, whose key, replay"


def ours(policy: str, kind: str) -> Engine:
    row = wsse.POLICIES[policy]
    recipient = pair("server", "rsa2048").certificate if row.encrypted else b""
    identity = wsse.Identity(ACCOUNT, pair("client", kind) if kind else None, recipient)
    trusted = [wsse.Trusted(pair("client", kind).certificate, ACCOUNT.username)] if kind else []
    trust = wsse.Trust({ACCOUNT.username: ACCOUNT.password}.get, lambda _: trusted, [pair("server", "rsa2048")])
    accept, replay = wsse.Acceptance((policy,)), wsse.MemoryReplayCache()

    def opened(octets: bytes) -> None:
        verdict = wsse.open_envelope(xmlio.parse(octets), accept, trust, replay, datetime.now(UTC))
        assert verdict.ok, verdict.reasons

    return Engine(
        f"meterpost {policy}",
        kind,
        _ALL,
        lambda data: wsse.seal(data, row, identity, datetime.now(UTC), secrets.token_bytes(wsse.NONCE)),
        opened,
    )


def zeep_engines() -> Iterator[Engine]:
    import xmlsec
    from zeep.wsse.signature import BinarySignature, Signature
    from zeep.wsse.username import UsernameToken
    from zeep.wsse.utils import WSU, get_security_header

    def stamp() -> Any:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return WSU.Timestamp(WSU.Created(now))

    def token() -> Any:
        return UsernameToken(ACCOUNT.username, ACCOUNT.password, use_digest=True, timestamp_token=stamp())

    def applied(plugin: Any, tree: Any) -> bytes:
        plugin.apply(tree, {})
        return etree.tostring(tree)

    yield Engine(
        "zeep.wsse UsernameToken",
        "",
        "nothing: its verify() does nothing",
        lambda tree: applied(token(), tree),
        lambda octets: token().verify(etree.fromstring(octets)),
        etree.fromstring,
    )

    def stamped(octets: bytes) -> Any:
        tree = etree.fromstring(octets)
        get_security_header(tree).append(stamp())
        return tree

    file = str(key_file("client", "rsa2048"))
    for kind in (Signature, BinarySignature):
        plugin = kind(file, file, signature_method=xmlsec.Transform.RSA_SHA256, digest_method=xmlsec.Transform.SHA256)
        yield Engine(
            f"zeep.wsse {kind.__name__}",
            "rsa2048",
            "the signature, of whatever its references name, with the certificate it signs with itself",
            lambda tree, plugin=plugin: applied(plugin, tree),
            lambda octets, plugin=plugin: plugin.verify(etree.fromstring(octets)),
            stamped,
        )


def signxml_engines() -> Iterator[Engine]:
    import signxml
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    methods = {"rsa2048": signxml.SignatureMethod.RSA_SHA256, "p256": signxml.SignatureMethod.ECDSA_SHA256}
    for kind, method in methods.items():
        keys = pair("client", kind)
        certificate = x509.load_pem_x509_certificate(keys.certificate)
        private = load_pem_private_key(keys.private_key, None)  # once: with RSA it takes longer than signing
        signer = signxml.XMLSigner(
            signature_algorithm=method, c14n_algorithm=signxml.CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
        )
        yield Engine(
            "signxml, the whole envelope",
            kind,
            "the signature, and hands out what it covers; no times, no replay",
            lambda tree, signer=signer, key=private, cert=keys.certificate.decode(): etree.tostring(
                signer.sign(tree, key=key, cert=cert)
            ),
            lambda octets, certificate=certificate: signxml.XMLVerifier().verify(octets, x509_cert=certificate),
            etree.fromstring,
        )


def main(rounds: int) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Column, Table

    rows = [(policy, kind) for policy in USED for kind in kinds(policy) if (policy, kind) not in NOT_TRIED]
    engines = [*(ours(*row) for row in rows), *zeep_engines(), *signxml_engines()]
    figures = {(engine.name, engine.key): [Times() for _ in MESSAGES_TRIED] for engine in engines}
    for column, (case, devices) in enumerate(MESSAGES_TRIED.values()):
        data = envelope(MESSAGES[case](Filler("plain"), devices))
        for number in range(rounds + 1):
            for engine in engines:
                seal_s, open_s = _once(engine, data)
                if number:  # the first is for what is loaded once
                    times = figures[engine.name, engine.key][column]
                    times.seal.append(seal_s)
                    times.open.append(open_s)
    titles = [Column(f"{title}\nseal / open ms", justify="right", no_wrap=True) for title in MESSAGES_TRIED]
    table = Table("", "key", *titles, "", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    checks = list(dict.fromkeys(engine.checks for engine in engines))
    for engine in engines:
        cells = (f"{_ms(times.seal)} / {_ms(times.open)}" for times in figures[engine.name, engine.key])
        table.add_row(engine.name, engine.key, *cells, str(checks.index(engine.checks) + 1))
    console = Console()
    console.print(table)
    for number, what in enumerate(checks, 1):
        console.print(f"{number}: opening checks {what}", highlight=False)
    peers = ", ".join(f"{name} {version(name)}" for name in ("zeep", "signxml", "xmlsec", "lxml", "cryptography"))
    console.print(f"Without gzip and HTTP. The median of {rounds} rounds, all in turns; {peers}.", highlight=False)


def _once(engine: Engine, data: bytes) -> tuple[float, float]:
    given = engine.given(data)
    began = time.perf_counter()
    octets = engine.seal(given)
    sealed = time.perf_counter()
    engine.open(octets)
    return sealed - began, time.perf_counter() - sealed


def _ms(times: list[float]) -> str:
    return f"{median(times) * 1000:.2f}"


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else ROUNDS)
