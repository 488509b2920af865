"""The simulated IPP printer, asked in octets of the test's own."""

import http.client
import socket

import pytest

from meterpost.errors import SettingsError
from meterpost_stub.printers.ipp import MAX_REQUEST, IppServer

ATTRIBUTES = {"printer-name": "hall", "printer-state": 3, "colors": [True, {"size": 9}], "raw": b"\xff"}
HALL = "42 00 0c 70 72 69 6e 74 65 72 2d 6e 61 6d 65 00 04 68 61 6c 6c"
STATE = "23 00 0d 70 72 69 6e 74 65 72 2d 73 74 61 74 65 00 04 00 00 00 03"
REST = (
    "22 00 06 63 6f 6c 6f 72 73 00 01 01 34 00 00 00 00 4a 00 00 00 04 73 69 7a 65 21 00 00 00 04 00 00 00 09 37 00 00 00 00 "
    "30 00 03 72 61 77 00 01 ff"
)


def question(operation: int = 0x000B, *requested: str, version: int = 2) -> bytes:
    attributes = b""
    name = b"requested-attributes"
    for value in requested:
        attributes += b"\x44" + len(name).to_bytes(2, "big") + name + len(value).to_bytes(2, "big") + value.encode()
        name = b""
    return bytes([version, 0]) + operation.to_bytes(2, "big") + b"\0\0\x01\x02\x01" + attributes + b"\x03"


def ask(server: IppServer, octets: bytes, path: str = "/ipp/print", content_type: str = "application/ipp") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        connection.request("POST", path, octets, {"Content-Type": content_type})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def printers_in(answer: bytes) -> str:
    """What follows the operation attributes, in hexadecimal."""
    head, _, rest = answer.partition(b"\x48\x00\x1battributes-natural-language\x00\x02en")
    assert head.endswith(b"\x01\x47\x00\x12attributes-charset\x00\x05utf-8")
    return rest.hex(" ")


def test_all_attributes_are_answered() -> None:
    with IppServer({"/ipp/print": ATTRIBUTES}) as server:
        status, answer = ask(server, question())
    assert (status, answer[:8].hex()) == (200, "0200000000000102")
    assert printers_in(answer) == f"04 {HALL} {STATE} {REST} 03"


@pytest.mark.parametrize(
    ("requested", "body"),
    [(["printer-state"], STATE), (["none", "printer-name"], HALL), (["printer-state", "all"], f"{HALL} {STATE} {REST}")],
)
def test_only_what_is_requested_is_answered(requested: list[str], body: str) -> None:
    with IppServer({"/ipp/print": ATTRIBUTES}) as server:
        assert printers_in(ask(server, question(0x000B, *requested))[1]) == f"04 {body} 03"


def test_recorded_octets_are_answered_with_the_number_of_the_question() -> None:
    with IppServer({"/ipp/print": bytes.fromhex("0101000000000009") + b"rest"}) as server:
        assert ask(server, question())[1] == bytes.fromhex("0101000000000102") + b"rest"


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (question(0x0002), "0501"),
        (question(0x4002), "0501"),
        (question(version=1), "0503"),
        (b"\x02\0\0\x0b\0\0\0\x01", "0400"),
        (question()[:-1], "0400"),
        (b"\x02\0\0\x0b\0\0\0\x01\x01\x44\xff\xff\x03", "0400"),
        (b"\x02\0\0\x0b\0\0\0\x01\x04\x03", "0400"),
        (b"\x02\0\0\x0b\0\0\0\x01\x01\x44\0\x01\xff\0\0\x03", "0400"),
    ],
)
def test_the_rest_is_refused(octets: bytes, status: str) -> None:
    with IppServer({"/ipp/print": ATTRIBUTES}, versions=[2]) as server:
        assert ask(server, octets)[1][2:4].hex() == status


def test_what_is_not_there_is_not_found() -> None:
    with IppServer({"/ipp/print": ATTRIBUTES}) as server:
        assert ask(server, question(), "/")[0] == 404
        assert ask(server, question(), content_type="text/plain")[0] == 400
        assert ask(server, b"x" * (MAX_REQUEST + 1))[0] == 400
        assert ask(server, b"")[0] == 400


def test_a_scheduler_lists_its_queues() -> None:
    with IppServer({}, queues=[{"printer-name": "hall"}, {"printer-state": 3}]) as server:
        assert printers_in(ask(server, question(0x4002), "/")[1]) == f"04 {HALL} 04 {STATE} 03"
        assert ask(server, question(), "/printers/other")[1][2:4].hex() == "0406"
    with IppServer({}, queues=[]) as server:
        assert ask(server, question(0x4002), "/")[1][2:4].hex() == "0406"


def test_it_listens_on_loopback_only_and_not_after_its_time() -> None:
    with pytest.raises(SettingsError, match="not on loopback"):
        IppServer({}, address="0.0.0.0")
    with IppServer({}) as server:
        port = server.port
    with socket.socket() as line:
        assert line.connect_ex(("127.0.0.1", port)) != 0
