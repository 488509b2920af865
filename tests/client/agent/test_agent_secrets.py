"""No secret is ever told: a canary in each of them, every road walked, the good and the bad, with everything that can be
logged logged. Then the canaries are looked for."""

import base64
import logging
from pathlib import Path

import pytest
from agent_lab import PASSWORD, Lab

from meterpost import settings
from meterpost.agent import Agent
from meterpost.errors import MeterpostError
from meterpost.transport import HttpsTransport

CANARIES = {
    "account": PASSWORD,
    "http_proxy": "canary-of-the-http-proxy",
    "auth": "canary-of-snmp-authentication",
    "priv": "canary-of-snmp-privacy",
}


def in_any_spelling(secret: str) -> set[bytes]:
    plain = secret.encode()
    return {plain, base64.b64encode(plain), base64.b64encode(f"clerk:{secret}".encode()), plain.hex().encode()}


@pytest.fixture
def lab(lab: Lab) -> Lab:
    """Everything that can have a secret has one. The printer and the HTTP proxy are ports that nobody listens on."""
    for name, secret in CANARIES.items():
        file = lab.folder / f"{name}.secret"
        file.touch(mode=0o600)
        file.write_text(secret)
    user = {"name": "reader", "auth_password": {"file": "auth.secret"}, "priv_password": {"file": "priv.secret"}}
    lab.configure(
        server={
            "http_proxy": "http://127.0.0.1:9",
            "http_proxy_username": "clerk",
            "http_proxy_password": {"file": "http_proxy.secret"},
        },
        account={"password": {"file": "account.secret"}},
        snmp={"users": [user], "timeout_s": 0.05, "retries": 0, "versions": ["2c"], "port": 9},
    )
    return lab


def everything_goes_well(lab: Lab) -> None:
    lab.enrol("A", "B")
    lab.vendor.desk.bill("A")
    lab.live(days=1)


def nothing_goes_well(lab: Lab) -> list[str]:
    """What the errors of a bad day say."""
    said = []

    def fails(agent: Agent) -> None:
        with agent, pytest.raises(MeterpostError) as caught:
            agent.test_connection()
        said.append(f"{caught.value!r} {caught.value.advice}")

    lab.vendor.down = True
    lab.live(days=1)
    lab.vendor.down = False
    chosen = settings.load(lab.config)
    through_http_proxy = HttpsTransport(chosen.server, chosen.base, CANARIES["http_proxy"])
    fails(lab.agent(transport=through_http_proxy))
    lab.vendor.accounts["site"] = "another"
    fails(lab.agent())
    lab.unattended.turn("sync")
    return said


def a_printer_that_wants_a_password(lab: Lab) -> list[str]:
    with Agent(settings.load(lab.config), lab.clock, lab.vendor.transport()) as agent:
        (result,) = agent.read([("127.0.0.1", 9)])
    return [repr(result), repr(agent.settings)]


def test_no_secret_is_logged_shown_or_kept(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    everything_goes_well(lab)
    said = nothing_goes_well(lab) + a_printer_that_wants_a_password(lab)
    assert "meterpost.agent.exchange" in {record.name for record in caplog.records}  # the log was on
    assert len(said) == 4
    told = "\n".join((caplog.text, *said, *(repr(vars(record)) for record in caplog.records))).encode()
    kept = b"".join(path.read_bytes() for path in kept_files(lab.folder))
    exchanges = b"".join(line.request + line.response for line in lab.agent().journal(1000))
    assert exchanges
    for secret in CANARIES.values():
        for spelling in in_any_spelling(secret):
            assert spelling not in told
            assert spelling not in kept
            assert spelling not in exchanges


def kept_files(folder: Path) -> list[Path]:
    """The store and whatever lies beside it, but for the secrets' own files."""
    found = [path for path in folder.iterdir() if path.is_file() and path.suffix != ".secret" and path.name != "password"]
    assert any(path.name == "meterpost.db" for path in found)
    return found
