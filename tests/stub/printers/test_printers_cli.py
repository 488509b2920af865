"""`meterpost-stub printers` as a process of its own: its first line, its control port, its end, its errors."""

import argparse
import json
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from meterpost_stub.printers import SimulatedPrinter, cli, recordings_in

COMMAND = (
    "import argparse, sys; from meterpost_stub.printers import cli; parser = argparse.ArgumentParser();"
    "cli.add_parser(parser.add_subparsers()); arguments = parser.parse_args(); sys.exit(arguments.run(arguments))"
)
LIFE = "1.3.6.1.2.1.43.10.2.1.4.1.1"


def command(*arguments):
    return [sys.executable, "-c", COMMAND, "printers", *map(str, arguments)]


@contextmanager
def served(*arguments):
    """The process and its first line; killed when the test fails before it is stopped."""
    process = subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


class Control:
    def __init__(self, line):
        self.started = json.loads(line)
        self.addresses = {printer["name"]: printer["address"] for printer in self.started["printers"]}

    def __call__(self, method, path, body=None, token=None):
        """(status, JSON) of one request."""
        headers = {"Authorization": f"Bearer {token or self.started['control_token']}"}
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = Request(self.started["control_url"] + path, data, headers, method=method)
        try:
            with urlopen(request, timeout=10) as reply:
                return reply.status, json.load(reply)
        except HTTPError as error:
            with error:
                return error.code, json.load(error)

    def value(self, name, oid):
        return self("GET", f"/mib?address={self.addresses[name]}&oid={oid}")[1]["value"]


@pytest.fixture(scope="module")
def control():
    with served("--json", "--port", 0, "--network", "127.41.0.0/24") as (_, line):
        yield Control(line)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serves_the_built_in_fleet_and_stops_cleanly(manager_of, number):
    with served("--json", "--port", 0, "--network", "127.40.0.0/24", "--community", "a", "--community", "b") as (process, line):
        for printer in json.loads(line)["printers"]:
            where = SimulatedPrinter(printer["name"], printer["address"], printer["port"], None, None)
            assert manager_of(where).get(LIFE, community="b").status == 0
        process.send_signal(number)
        assert process.communicate(timeout=10) == ("", "")
        assert process.returncode == 0


def test_without_json_people_read_where_the_printers_are(tmp_path):
    (tmp_path / "desk & lamp.snmprec").write_text("1.3.6.1.2.1.1.1.0|4|Lamp\n")
    with served(tmp_path, "--port", 0, "--user", "joe:auth-secret:priv-secret") as (process, line):
        assert line.startswith("127.20.0.1:")
        assert line.endswith("desk & lamp\n")
        assert "TEST ONLY" in process.stdout.readline()


def test_the_control_port_lists_switches_and_prints(control):
    name, other = "hp-color-laserjet-m480f", "sharp-mx-3071"
    before, other_before = control.value(name, LIFE), control.value(other, LIFE)
    address = control.addresses[name]
    assert control("POST", "/off", {"address": address}) == (200, {})
    assert [p["name"] for p in control("GET", "/printers")[1]["printers"] if not p["on"]] == [name]
    assert control("POST", "/on", {"address": address}) == (200, {})
    assert all(printer["on"] for printer in control("GET", "/printers")[1]["printers"])
    assert control("POST", "/advance", {"address": address, "pages": 10, "color": 4}) == (200, {"advanced": [address]})
    assert control("POST", "/advance", {"pages": 5})[0] == 200
    assert (control.value(name, LIFE), control.value(other, LIFE)) == (before + 15, other_before + 5)


def test_the_control_port_shows_text_octets_and_identifiers(control):
    assert control.value("ricoh-im-c3000", "1.3.6.1.2.1.1.5.0") == "Büro & Empfang"
    assert control.value("ricoh-im-c3000", "1.3.6.1.2.1.1.2.0") == "1.3.6.1.4.1.367.1.1"
    address = control.addresses["ricoh-im-c3000"]
    assert control("GET", f"/mib?address={address}&oid=1.3.6.1.2.1.2.2.1.6.1")[1]["hex"] == "02a410010008"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/", None, 404),
        ("POST", "/printers", {}, 404),
        ("GET", "/mib?address=127.41.0.1", None, 400),
        ("GET", "/mib?address=127.41.0.1&oid=x", None, 400),
        ("GET", "/mib?address=127.41.0.1&oid=1.3", None, 404),
        ("GET", "/mib?address=127.41.0.99&oid=1.3", None, 404),
        ("POST", "/off", {}, 400),
        ("POST", "/off", {"address": ["127.41.0.1"]}, 400),
        ("POST", "/off", {"address": "127.41.0.99"}, 404),
        ("POST", "/advance", {}, 400),
        ("POST", "/advance", {"pages": "ten"}, 400),
        ("POST", "/advance", {"pages": 1, "color": 2}, 400),
        ("POST", "/advance", b"{", 400),
        ("POST", "/advance", b"[]", 400),
        ("POST", "/advance", b"\xff", 400),
        ("POST", "/advance", b" " * 70_000, 413),
    ],
)
def test_a_bad_request_is_told_what_is_wrong(control, method, path, body, status):
    before = control.value("sharp-mx-3071", LIFE)
    said, reply = control(method, path, body)
    assert (said, list(reply)) == (status, ["error"])
    assert control.value("sharp-mx-3071", LIFE) == before


def test_without_the_token_nothing_is_told(control):
    assert control("GET", "/printers", token="guess")[0] == 401
    assert control("POST", "/advance", {"pages": 1}, token="é")[0] == 401


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/nowhere"], "is not a folder"),
        (["--network", "10.0.0.0/24"], "not on loopback"),
        (["--user", "joe"], "NAME:AUTHPASS:PRIVPASS"),
        (["--user", "joe:short:secret-secret"], "shorter than 8"),
        (["--port", "65536"], "not a port"),
        (["--port", "x"], "invalid"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(capsys, arguments, said):
    assert exit_code(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert "secret-secret" not in err


def test_an_address_in_use_is_exit_code_6(capsys):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.42.0.1", 0))
        port = taken.getsockname()[1]
        assert exit_code("--network", "127.42.0.0/24", "--port", str(port)) == 6
    assert f"127.42.0.1:{port}" in capsys.readouterr().err


def test_what_is_not_served_is_named(capsys, tmp_path):
    (tmp_path / "a.snmprec").write_text("1.3.6.1.2.1.1.1.0|4|Printer\n")
    (tmp_path / "b.txt").write_text(".1.3.6.1.2.1.1.1.0 = STRING: Printer\n")
    (tmp_path / "notes.md").write_text("about these")
    assert [path.name for path in recordings_in(tmp_path)] == ["a.snmprec", "b.txt"]
    assert exit_code(str(tmp_path), "--network", "10.0.0.0/24") == 2  # it looks at the folder before it says so
    assert "notes.md is left out" in capsys.readouterr().err


def exit_code(*arguments):
    """Of the command, run in this process: it ends before it serves."""
    parser = argparse.ArgumentParser()
    cli.add_parser(parser.add_subparsers())
    try:
        parsed = parser.parse_args(["printers", *arguments])
    except SystemExit as end:
        return end.code
    return parsed.run(parsed)
