"""`meterpost demo`: a newcomer's first minute, and what makes it say no."""

import json
import subprocess
import sys

import pytest

from meterpost.cli import demo_tables


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "meterpost.cli.main", "demo", "--json", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("policy", ["", "signed+encrypted"])
def test_the_demo_holds(policy: str) -> None:
    done = demo("--policy", policy) if policy else demo()
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    told = json.loads(done.stdout)
    checks = {check["check"]: check["holds"] for check in told["checks"]}
    assert all(checks.values())
    assert told["policy"] == (policy or "digest-2004")
    assert "the password is in none of them" in checks
    assert [key["use"] for key in told["keys"]] == (["own key", "server"] if policy else [])
    assert ("none of them can be read without a key" in checks) == bool(policy)
    assert len(told["devices"]) == 12
    assert len({device["manufacturer"] for device in told["devices"]}) >= 5
    sent = [exchange["request"]["transaction"] for exchange in told["exchanges"]]
    answered = [exchange["response"]["transaction"] for exchange in told["exchanges"]]
    assert {"T1", "T2", "T3", "T5", "T7"} <= set(sent)
    assert {"T4", "T6"} <= set(answered)


def test_the_demo_knows_its_policies() -> None:
    done = demo("--policy", "timestamp-2004")
    assert done.returncode == 2
    assert "digest+signed" in json.loads(done.stderr)["advice"]


DEVICE = {
    "serial": "A",
    "manufacturer": "Maker",
    "model": "Maker One",
    "address": "127.0.0.1",
    "meters": [{"name": "impressions", "value": 7, "oid": "1.3.1"}, {"name": "sheets", "value": 5, "oid": "1.3.2"}],
}


def received(**values: int) -> list[dict[str, object]]:
    return [{"serial": "A", "meters": [{"name": name, "value": value} for name, value in values.items()]}]


def test_the_comparison_sees_a_missing_meter_and_a_wrong_value() -> None:
    mib = {"1.3.1": 7, "1.3.2": 5}

    def compare(**values: int) -> demo_tables.Held:
        (row,) = demo_tables.held(received(**values), [DEVICE], lambda _, oid: mib[oid])
        return row

    whole = compare(impressions=7, sheets=5)
    assert whole.complete
    assert whole.equal
    assert not compare(impressions=7).complete
    assert not compare(impressions=8, sheets=5).equal
    (nothing,) = demo_tables.held([], [DEVICE], lambda _, oid: mib[oid])
    assert not nothing.complete
