"""Every reader of octets from outside, as a table: start here. A new reader is a row, with seeds in `fuzz_seeds`.

The laws stand in the modules named `laws_*`; `fuzz_run` tries them with atheris, `test_fuzz_corpus` with every octet string
that is kept, wherever Python runs.
"""

import fuzz_mutators
import laws_devices
import laws_files
import laws_keys
import laws_messages
import laws_users
import laws_verifier
from fuzz_kit import Target

XML = (b"<!DOCTYPE", b"<?xml", b"<!--", b"<![CDATA[", b"xmlns=", b"xmlns:", b"&#", b"&amp;", b'encoding="', b"\xff\xfe", b"]]>")
SOAP = (
    b"s:Envelope",
    b"s:Header",
    b"s:Body",
    b"s:Fault",
    b'mustUnderstand="1"',
    b"faultcode",
    b"m:Refusal",
    b"urn:meterpost:1",
)
SECURITY = (
    b"w:Security",
    b"u:Timestamp",
    b"u:Id=",
    b"w:Nonce",
    b"d:Signature",
    b"PasswordText",
    b"http://www.w3.org/2000/09/xmldsig#",
)
OBJECTS = (b"1.3.6.1.2.1.1.", b"1.3.6.1.2.1.43.", b"1.3.6.1.2.1.25.3.2.1.", b"1.3.6.1.4.1.", b"|2|", b"|4x|", b"|65|", b"|6|")
WALK = (b" = STRING: ", b" = INTEGER: ", b" = Hex-STRING: ", b" = Counter64: ", b" = Timeticks: (", b" = OID: ", b"No Such")
TOML = (b"[[", b"]]", b'"""', b"{ ", b"= [", b"true", b"1e9", b"inf", b"1979-05-27", b"\\u0000")
HTTP = (
    b"\r\n",
    b"POST /mp HTTP/1.1\r\n",
    b"Host: a\r\n",
    b"Content-Length: ",
    b"Transfer-Encoding: chunked",
    b"Expect: 100-continue",
)

TARGETS = {
    target.name: target
    for target in (
        Target("document", laws_messages.document, 4000, XML),
        Target("request", laws_messages.request, 2000, XML + SOAP),
        Target("reply", laws_messages.reply, 1500, XML + SOAP),
        Target("coded", laws_messages.coded, 3000, mutate=fuzz_mutators.gzipped),
        Target("opened", laws_verifier.opened, 1500, XML + SOAP + SECURITY),
        Target("verifier", laws_verifier.verifier, 400, longest=64),
        Target("certificate", laws_keys.certificate, 400, mutate=fuzz_mutators.ber),
        Target("proof", laws_keys.proof, 2000, longest=256),
        Target("stream", laws_messages.stream, 1500, HTTP),
        Target("datagram", laws_devices.datagram, 8000, longest=2048, mutate=fuzz_mutators.ber),
        Target(
            "users",
            laws_users.users,
            800,
            (laws_users.NUMBER, b"\x2b\x06\x01\x06\x03\x0f\x01\x01"),
            longest=512,
            mutate=fuzz_mutators.behind_a_choice,
        ),
        Target("visit", laws_devices.visit, 300, OBJECTS),
        Target("memory", laws_devices.memory, 1500, mutate=fuzz_mutators.compressed),
        Target("router", laws_devices.router, 300, OBJECTS),
        Target("recorded", laws_devices.recorded, 200, OBJECTS + WALK),
        Target("counters", laws_devices.counters, 8000, longest=512),
        Target("words", laws_devices.words, 2000, (b"SN:", b"MFG:", b"\xff\xfe", b"\xfe\xff", b"\x82\xa0")),
        Target(
            "ipp", laws_devices.ipp, 3000, (b"marker-names", b"printer-supply", b"marker-levels", b"-col", b"\x34\0", b"\x4a\0")
        ),
        Target(
            "pages", laws_devices.pages, 500, (b"<tr><td>", b"<table>", b"<a href=", b"type=password", b"Serial Number", b"&#x")
        ),
        Target("profile", laws_devices.a_profile, 1000, TOML),
        Target("configuration", laws_files.configuration, 1500, TOML),
        Target("answers", laws_files.answer_file, 1000, TOML),
        Target("targets", laws_files.targets, 1500, (b"/24", b"://", b"[fe80::1%eth0]", b"10.0.0.1-", b"2001:db8::", b":161")),
        Target("stored", laws_files.stored, 3000, (b'{"Bill', b'"client":', b"null", b"1e999", b"\\ud800", b"[[")),
    )
}
