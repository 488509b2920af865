"""`meterpost demo`: a newcomer's first minute, and what makes it say no."""

import json
import subprocess
import sys

from meterpost.cli import demo_tables


def test_the_demo_holds() -> None:
    command = [sys.executable, "-m", "meterpost.cli.main", "demo", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    told = json.loads(done.stdout)
    assert all(check["holds"] for check in told["checks"])
    assert len(told["devices"]) == 12
    assert len({device["manufacturer"] for device in told["devices"]}) >= 5
    sent = [exchange["request"]["transaction"] for exchange in told["exchanges"]]
    answered = [exchange["response"]["transaction"] for exchange in told["exchanges"]]
    assert {"T1", "T2", "T3", "T5", "T7"} <= set(sent)
    assert {"T4", "T6"} <= set(answered)


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
