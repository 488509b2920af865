"""The seed corpora, made of golden messages, of the simulated fleet and by our own encoders: nobody else's data.

`python tests/fuzz/fuzz_seeds.py` writes the files anew.
"""

import base64
import gzip
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

ROOT = Path(__file__).absolute().parents[2]
sys.path += [str(ROOT / "tests" / folder) for folder in ("golden", "client/devices")]

import laws_devices as devices  # noqa: E402
import laws_users as users  # noqa: E402
import laws_verifier as verifying  # noqa: E402
from cryptography import x509  # noqa: E402
from cryptography.hazmat.primitives import hashes  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402
from cryptography.hazmat.primitives.serialization import Encoding  # noqa: E402
from devices_kit import a_printer  # noqa: E402
from fuzz_kit import SEEDS  # noqa: E402
from golden_cases import MESSAGES  # noqa: E402
from ipp_kit import a_printer as an_ipp_printer  # noqa: E402

from meterpost.devices.reading import remembered  # noqa: E402
from meterpost.devices.reading.contact import first_contact  # noqa: E402
from meterpost.devices.snmp import ber, hello  # noqa: E402
from meterpost.devices.snmp.memory import MemoryAgent  # noqa: E402
from meterpost.devices.snmp.port import hold_at_once  # noqa: E402
from meterpost.devices.snmp.session import Abilities, Session  # noqa: E402
from meterpost.keys import making  # noqa: E402
from meterpost.ledger import typed_json  # noqa: E402
from meterpost.lifecycle.messages import Message  # noqa: E402
from meterpost.recording import Oid, Tag, Value, Variable, dump, oid  # noqa: E402
from meterpost.wsse import Unnamed  # noqa: E402
from meterpost_stub import soap11  # noqa: E402
from meterpost_stub.printers.ipp import IppServer  # noqa: E402
from meterpost_wsdl import coding  # noqa: E402

Seeds = Iterator[tuple[str, bytes]]
_GOLDEN = Path(str(files("meterpost_wsdl") / "golden"))
_FLEET = ROOT / "server_stub/meterpost_stub/printers/fleet"
_PROFILES = ROOT / "client/meterpost/devices/profiles"

_PAGES = {
    "about": b'<html><head><title>About Printer - Xerox Phaser 8560DN</title></head><body><a href="/status.html">Status</a>'
    b"<table><tr><th>Printer Name</th><th>&nbsp;</th></tr><tr><td>Printer Name</td><td>Hall wax</td></tr>"
    b"<tr><td>Serial Number</td><td>WYP004321</td></tr><tr><td>Ethernet Address</td><td>02:00:5E:10:00:0a</td></tr></table>",
    "usage": b"<title>Usage Profile</title><pre>\nPrinter Type: Phaser 8560DN\nTotal Impressions: 84,517\nBlack Impressions: 9",
    "supplies": b"<table><tr><td>Black Ink</td><td>OK</td><td>75%</td></tr><tr><td>Cyan Ink</td><td>3 sticks left</td></tr>"
    b"<tr><td>Maintenance Kit Life</td><td>9,000 pages</td><td>71% remaining</td></tr></table>",
    "locked": b'<frameset><frame src="left.html"><iframe src=//elsewhere/></frameset><form><input type=password></form>',
}
_WALK = b""".1.3.6.1.2.1.1.1.0 = STRING: "ACME Laser, said \\"7\\""
.1.3.6.1.2.1.1.2.0 = OID: .1.3.6.1.4.1.32473.1
.1.3.6.1.2.1.1.3.0 = Timeticks: (123456) 0:20:34.56
.1.3.6.1.2.1.2.2.1.6.2 = Hex-STRING: 02 00 5E 10 00
01
.1.3.6.1.2.1.4.20.1.1.10.1.2.3 = IpAddress: 10.1.2.3
.1.3.6.1.2.1.25.3.2.1.2.1 = OID: .1.3.6.1.2.1.25.3.1.5
.1.3.6.1.2.1.43.10.2.1.4.1.1 = Counter32: 12345
.1.3.6.1.2.1.43.11.1.1.9.1.1 = INTEGER: -3
.1.3.6.1.2.1.43.11.1.1.9.1.2 = No Such Instance currently exists at this OID
"""
_ROUTER: Mapping[str, Value] = {
    "1.3.6.1.2.1.4.20.1.3.10.1.2.1": b"\xff\xff\xff\x00",
    "1.3.6.1.2.1.4.24.7.1.8.1.4.10.1.3.0.24.2.0.0.1.4.10.1.2.9": 4,
    "1.3.6.1.2.1.4.24.4.1.6.10.1.4.0.255.255.255.0.0.10.1.2.9": 4,
    "1.3.6.1.2.1.4.21.1.7.10.1.5.0": b"\x0a\x01\x02\x09",
    "1.3.6.1.2.1.4.21.1.8.10.1.5.0": 4,
    "1.3.6.1.2.1.4.21.1.11.10.1.5.0": b"\xff\xff\xff\x00",
    "1.3.6.1.2.1.4.22.1.4.1.10.1.2.77": 3,
    "1.3.6.1.2.1.4.35.1.6.1.1.4.10.1.2.78": 3,
}


def _golden(*cases: str) -> Seeds:
    for case in cases:
        for dialect in ("2002", "2004"):
            name = f"{case}.digest-{dialect}.xml"
            yield name, (_GOLDEN / name).read_bytes()


def _document() -> Seeds:
    yield "utf16", b"\xff\xfe" + '<a b="ä">字</a>'.encode("utf-16-le")
    yield (
        "utf8",
        b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?><a><!--c--><b xmlns="urn:b"><![CDATA[<]]>&#65;&amp;</b></a>',
    )
    yield "dtd", b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>'
    yield "deep", b"<a>" * 17 + b"</a>" * 17
    yield "instruction", b'<a><?xml-stylesheet href="a"?></a>'


def _request() -> Seeds:
    yield from _golden("T1", "T2", "T3", "T5", "T7")


def _reply() -> Seeds:
    yield from _golden("T1-reply", "T2-reply", "T4", "T4-off", "T5-reply", "T6", "T7-reply")
    yield "fault", soap11.SoapFault("Client", "said <so>", refusal="try-later").envelope()
    yield "fault-of-security", soap11.SoapFault("MessageExpired", "too old", "urn:security").envelope()


def _coded() -> Seeds:
    yield "message", coding.gzip((_GOLDEN / "T1.digest-2004.xml").read_bytes())
    yield "bomb", coding.gzip(bytes(100_000))
    yield "named", gzip.compress(b"<a/>", mtime=0)
    yield "head", b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"


def _opened() -> Seeds:
    yield from _golden("T1", "T3", "T4")


def _verifier() -> Seeds:
    messages = len(verifying._forge().honest + verifying._forge().strange)
    for number in range(messages):
        yield f"message-{number:02}", bytes((number,))
    for step in range(len(verifying.STEPS)):
        yield f"step-{step:02}", bytes((step % messages, step, step + 3, 2 * step, 3, step + 1))


def _users() -> Seeds:
    value = ber.tagged(0x30, ber.tagged(6, ber._oid(oid("1.3.6.1.2.1.1.1.0"))) + b"\x04\x02hi")
    none = ber.tagged(0x30, ber.tagged(6, ber._oid(oid("1.3.6.1.2.1.1.2.0"))) + b"\x81\0")
    for kind in range(3):
        yield f"answer-{kind}", bytes((kind,)) + users.scoped(value, none)
        yield f"report-{kind}", bytes((kind,)) + users.scoped(_counted(oid("1.3.6.1.6.3.15.1.1.2.0")), pdu=0xA8)
    yield "garbage", b"\0" + hello.message(7)


def _certificate() -> Seeds:
    own = verifying._forge().trust
    for trusted in own.keys(Unnamed()):
        yield trusted.holder, trusted.x509.public_bytes(Encoding.DER)
    other = verifying._pair("P-384", ec.generate_private_key(ec.SECP384R1())).certificate
    yield "other-curve", x509.load_pem_x509_certificate(other).public_bytes(Encoding.DER)
    key, who = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a")])
    plain = x509.CertificateBuilder(who, who, key.public_key(), 1, devices.NOON, devices.NOON + timedelta(days=9))
    named = plain.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    yield "with-its-name", named.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def _proof() -> Seeds:
    key, signature = making.offer(making.make(), "client")
    yield "written", f"{key}\n{signature}".encode()
    yield "octets", base64.b64decode(key) + base64.b64decode(signature)


def _stream() -> Seeds:
    one = b"POST /mp HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nContent-Length: 4\r\n\r\n<a/>"
    yield "one", one
    yield "several", one + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" + one
    yield "expect", one.replace(b"Host", b"Expect: 100-continue\r\nHost")
    yield "absolute", b"\r\nGET http://a/b?c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    yield "old", b"GET / HTTP/1.0\r\n\r\n"
    yield "chunked", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n<a/>\r\n0\r\n\r\n"
    yield "two-lengths", one.replace(b"Host", b"Content-Length: 3\r\nHost")


def _datagram() -> Seeds:
    mib = list(a_printer().items())
    for at in range(0, len(mib), 6):
        yield f"response-{at}", devices.response(0x40000000 + at, mib[at : at + 6])
    yield "empty", devices.response(1, [], 2, 1)
    yield "discovery", hello.message(7)
    report = ber.tagged(0xA8, b"\x02\x01\x07\x02\x01\0\x02\x01\0" + ber.tagged(0x30, _counted(oid("1.3.6.1.6.3.15.1.1.4.0"))))
    yield "report", b"\x04\x01e\x04\0" + report


def _counted(name: Oid) -> bytes:
    return ber.tagged(0x30, ber.tagged(6, ber._oid(name)) + b"\x41\x01\x01")


def _snmprec(mib: Mapping[Oid, Value]) -> bytes:
    tags = {int: Tag.INTEGER, bytes: Tag.OCTETS, tuple: Tag.OID, type(None): Tag.NULL}
    return dump(Variable(name, tags[type(value)], value) for name, value in sorted(mib.items())).encode()


def _visit() -> Seeds:
    for number, whims in enumerate((b"0", b"1", b"0\0\1\0\2", b"0\3\2\4", b"0\0\5\2\6\0\7\3", b"1\0\0\x08\x09\x0a\2\x0b\3")):
        yield f"whims-{number}", whims + b"\n" + _snmprec(a_printer())


def _memory() -> Seeds:
    agent = MemoryAgent(a_printer())
    session = Session(Abilities(True))
    facts = hold_at_once(first_contact(session, devices.PROFILES), agent.answer)
    known = remembered.Remembered("AC00042", 0, session.abilities, devices.NOON, "generic 1", facts)
    yield "a-printer", remembered.pack(known) or b""


def _router() -> Seeds:
    yield "router", _snmprec({oid(name): value for name, value in _ROUTER.items()})
    yield (
        "neighbours",
        _snmprec({oid(name): value for name, value in _ROUTER.items() if ".4.2" in name[12:16] and "24" not in name}),
    )


def _recorded() -> Seeds:
    yield "walk", _WALK
    yield "a-printer", _snmprec(a_printer())
    for name in ("brother-hl-l6400dw", "lexmark-ms621dn", "epson-wf-c5790"):
        yield name, (_FLEET / f"{name}.snmprec").read_bytes()


def _counters() -> Seeds:
    yield "records", bytes.fromhex("0001040000303a 6301020001 6f01040000251c ff".replace(" ", ""))
    yield "cut", bytes.fromhex("000104000030ff")


def _words() -> Seeds:
    for number, (text, code) in enumerate(
        (
            ("ACME Laser, firmware 7", "ascii"),
            ("HP ETHERNET MULTI-ENVIRONMENT,ROM none,JETDIRECT,JD153,EEPROM JSI25000061,PID:HP LaserJet 9", "ascii"),
            ("MFG:Hewlett-Packard;CMD:PCL;MDL:LaserJet 9;SN:ACME00042;", "ascii"),
            ("S/N: XNB123456", "utf-16"),
            ("Toner noir d'été €", "cp1252"),
            ("トナー ブラック", "cp932"),
            ("黑色墨粉", "gb2312"),
            ("Serial No.: 3377-A", "utf-16-be"),
        )
    ):
        yield f"words-{number}", text.encode(code)


def _ipp() -> Seeds:
    question = b"\x02\0\0\x0b\0\0\0\x01\x01\x47\0\x12attributes-charset\0\x05utf-8\x03"
    row = "type=toner;index=1;class=supplyThatIsConsumed;maxcapacity=100;level=42;unit=percent;colorantname=black;"
    for name, extra in {
        "a-printer": {},
        "supplies": {
            "printer-supply": [row],
            "printer-supply-description": ["Black"],
            "printer-state-reasons": ["media-jam-error"],
        },
        "alerts": {"printer-alert": ["code=doorOpen;severity=critical;index=1;group=cover"], "printer-state": 5},
        "counters": {"printer-impressions-completed-col": {"monochrome": 7, "full-color": 3}},
    }.items():
        yield name, IppServer({"/": an_ipp_printer(extra)}).answer("/", question) or b""  # type: ignore[dict-item]


def _pages() -> Seeds:
    yield from _PAGES.items()


def _profile() -> Seeds:
    for name in ("brother", "dell", "generic", "hp", "lexmark"):
        yield name, (_PROFILES / f"{name}.toml").read_bytes()


def _configuration() -> Seeds:
    yield (
        "site",
        b"""[server]
url = "https://127.0.0.1:8443/mp"
http_proxy = "none"
connect_timeout_s = 5
[account]
username = "site-4711"
password = { file = "password" }
[security]
policy = "digest-2004"
max_age_s = 300
[snmp]
communities = ["public", "office"]
timeout_s = 1.5
users = [{ name = "reader", auth_password = { env = "A" }, priv_password = { keyring = "s/u" }, priv = "AES256" }]
[discovery]
targets = ["10.1.2.0/24"]
[schedule]
daily_time = "03:15"
""",
    )
    yield "secret", b'[account]\npassword = "written"\n'
    yield "store", b'[store]\nurl = "postgresql://u:p@h/d"\n[printers]\nca_file = "ca.pem"\n'


def _answers() -> Seeds:
    yield "example", (ROOT / "docs/answers.example.toml").read_bytes()


def _targets() -> Seeds:
    yield "lines", b"10.1.2.3\n10.1.2.0/24:1161\n10.1.2.10-90\nprinter.example.\n"
    yield "others", b"[2001:db8::7]:161\nfe80::1%eth0\nipp://10.1.2.3:631/ipp/print\n10.1.2.10-10.1.3.5\n"
    yield "table", b'\xef\xbb\xbfaddress;room\n10.1.2.3;hall # a comment\n"ipps://[2001:db8::1]/"\thall\n'


def _stored() -> Seeds:
    for case, message in MESSAGES.items():
        yield case, typed_json.dumps(message, Message).encode()


MAKERS: Mapping[str, Callable[[], Seeds]] = {
    "document": _document,
    "request": _request,
    "reply": _reply,
    "coded": _coded,
    "opened": _opened,
    "verifier": _verifier,
    "users": _users,
    "certificate": _certificate,
    "proof": _proof,
    "stream": _stream,
    "datagram": _datagram,
    "visit": _visit,
    "memory": _memory,
    "router": _router,
    "recorded": _recorded,
    "counters": _counters,
    "words": _words,
    "ipp": _ipp,
    "pages": _pages,
    "profile": _profile,
    "configuration": _configuration,
    "answers": _answers,
    "targets": _targets,
    "stored": _stored,
}
"""By target."""

if __name__ == "__main__":
    for target, make in MAKERS.items():
        folder = SEEDS / target
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, octets in make():
            (folder / name).write_bytes(octets)
