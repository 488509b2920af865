"""A configuration that leaves no room for what will be said every day is found when the client starts."""

from pathlib import Path

import pytest

from meterpost import settings
from meterpost.agent import Agent
from meterpost.errors import OverBudget


def agent(folder: Path, policy: str, address: str) -> Agent:
    secret = folder / "password"
    secret.touch(mode=0o600)
    secret.write_text("secret", "utf-8")
    table = {
        "server": {"url": f"https://{address}", "http_proxy": "none"},
        "account": {"username": "site", "password": {"file": "password"}},
        "security": {"policy": policy},
    }
    return Agent(settings.from_table(table, folder))


@pytest.mark.parametrize("policy", ["digest-2002", "digest+signed", "compact-signed", "hmac"])
def test_an_ordinary_address_leaves_room(tmp_path: Path, policy: str) -> None:
    with agent(tmp_path, policy, "meters.vendor.example.com/mp") as checked:
        checked.check()


@pytest.mark.parametrize(("policy", "octets"), [("signed+encrypted", 60), ("compact-signed", 200), ("digest-2002", 700)])
def test_an_address_for_which_the_policy_has_no_room_is_told_with_the_remedy(tmp_path: Path, policy: str, octets: int) -> None:
    with (
        agent(tmp_path, policy, f"meters.example/{'p' * octets}") as checked,
        pytest.raises(OverBudget, match="documented formula") as caught,
    ):
        checked.check()
    assert "security.policy" in caught.value.advice or "digest-2002" in caught.value.advice
