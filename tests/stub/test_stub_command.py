"""`meterpost-stub serve` as a process: what it prints, how it stops, what its exit codes say."""

import argparse
import json
import signal
import socket
import ssl
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from meterpost_stub import StubOptions, StubServer
from meterpost_stub.certificates import Authority
from meterpost_stub.cli import _options, add_parser, main


def test_it_serves_until_it_is_told_to_stop(tmp_path: Path):
    secret = tmp_path / "password"
    secret.write_text("correct horse\n", "utf-8")
    command = [sys.executable, "-m", "meterpost_stub", "serve", "--json", "--registration-delay", "0", "--username", "acme"]
    command += ["--clock", "2026-03-01T00:00:00Z", "--password-file", str(secret), "--db", str(tmp_path / "s.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process, ExitStack() as ending:
        ending.callback(process.kill)  # or what fails below would wait for it
        assert process.stdout is not None
        about = json.loads(process.stdout.readline())
        secrets = {"username", "password", "admin_token"}
        assert set(about) == {"soap_url", "wsdl_url", "admin_url", "ca_file", "server_certificates", *secrets}
        assert (about["username"], about["password"]) == ("acme", "correct horse")
        assert all(about[f"{what}_url"].split("/")[2].startswith("127.0.0.1:") for what in ("soap", "wsdl", "admin"))
        assert requests.get(about["wsdl_url"], verify=about["ca_file"], timeout=20).status_code == 200
        headers = {"Authorization": f"Bearer {about['admin_token']}"}
        clock = requests.get(about["admin_url"] + "/clock", headers=headers, timeout=20).json()
        assert clock["calendar"].startswith("2026-03-01T00:00")
        process.send_signal(signal.SIGTERM)
        _, warning = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "TEST ONLY" in warning
    assert not Path(about["ca_file"]).exists()


CHEROOT_LEAVES_A_SOCKET = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
"""One that it could not bind, to the garbage collector."""


@pytest.mark.parametrize(
    "spelled", [["--accept", "hmac", "signed"], ["--accept", "hmac", "--accept", "signed"]], ids=["in one", "one by one"]
)
def test_several_policies_are_all_accepted_however_they_are_spelled(spelled: list[str]):
    for option, name in (("--accept", "accept"), ("--enrol", "enrol")):
        arguments = [option if word == "--accept" else word for word in spelled]
        given = getattr(options(*arguments), name)
        assert getattr(given, "policies", given) == ("hmac", "signed")


def options(*arguments: str) -> StubOptions:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    return _options(parser.parse_args(["serve", *arguments]))


@CHEROOT_LEAVES_A_SOCKET
@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--clock", "tomorrow"], 2, "tomorrow"),
        (["--password-file", "/nowhere/password"], 2, "/nowhere/password"),
        (["--client-ca", "/nowhere/ca.pem"], 2, "not a file of CA certificates"),
        (["--db", "/nowhere/stub.db"], 4, "cannot be opened"),
        (["--host", "192.0.2.1"], 6, "cannot listen on 192.0.2.1"),
    ],
)
def test_what_cannot_start_says_why(arguments: list[str], code: int, told: str, capsys: pytest.CaptureFixture[str]):
    assert main(["serve", *arguments]) == code
    assert told in capsys.readouterr().err


@CHEROOT_LEAVES_A_SOCKET
def test_a_port_in_use_is_told(capsys: pytest.CaptureFixture[str]):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["serve", "--port", str(taken.getsockname()[1])]) == 6
    assert "Choose another --port" in capsys.readouterr().err


def test_a_client_certificate_can_be_demanded(tmp_path: Path):
    """TLS 1.3 tells a client only when it reads."""
    clients = Authority("clients")
    certificate, key = clients.issue(tmp_path, "client")
    with StubServer(StubOptions(client_ca=clients.write(tmp_path))) as stub:
        with pytest.raises(requests.exceptions.RequestException):
            requests.get(stub.wsdl_url, verify=str(stub.ca_file), timeout=20)
        shown = requests.get(stub.wsdl_url, verify=str(stub.ca_file), cert=(str(certificate), str(key)), timeout=20)
        assert shown.status_code == 200


def test_its_certificate_is_good_for_the_loopback_names_and_nobody_elses_authority(running: StubServer):
    port = int(running.soap_url.rsplit(":", 1)[1].split("/")[0])
    for name in ("localhost", "127.0.0.1"):
        assert requests.get(f"https://{name}:{port}/mp?wsdl", verify=str(running.ca_file), timeout=20).status_code == 200
    with StubServer() as other:
        context = ssl.create_default_context(cafile=str(other.ca_file))
        with socket.create_connection(("127.0.0.1", port)) as plain, pytest.raises(ssl.SSLCertVerificationError):
            context.wrap_socket(plain, server_hostname="127.0.0.1")


def test_secrets_do_not_show(running: StubServer):
    assert running.password not in repr(running.options)
    assert "other-secret" not in repr(running.options)
