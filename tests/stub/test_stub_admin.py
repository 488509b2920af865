"""The admin port as a tester's script uses it: JSON over HTTP, a token, nothing but loopback."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from stub_site import CLIENT, Site

from meterpost_stub import StubServer


class Port:
    def __init__(self, stub: StubServer) -> None:
        self.stub = stub

    def ask(self, method: str, path: str, order: Any = None, **extra: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.stub.admin_token}"}
        return requests.request(method, self.stub.admin_url + path, json=order, timeout=20, headers=headers, **extra)

    def get(self, path: str) -> Any:
        return self.ask("GET", path).json()

    def post(self, path: str, **order: Any) -> Any:
        got = self.ask("POST", path, order)
        assert got.status_code == 200, got.text
        return got.json()


@pytest.fixture
def port(stub: StubServer) -> Port:
    return Port(stub)


def test_a_billing_cycle_by_script(port: Port, site: Site):
    assert port.get("/clock")["calendar"] == "2026-01-31T08:00:00Z"
    assert port.post("/eligibility", serial="S2", result="ineligible", reason="too old")["result"] == "ineligible"
    site.register_proxy()
    assert [device.get("result") for device in site.register_devices("S1", "S2").reply] == ["accepted", "ineligible"]
    assert port.post("/clock", advance=3600)["calendar"] == "2026-01-31T09:00:00Z"
    assert port.post("/sign-up", serials=["S1", "S2"], cycle="quarterly") == {
        "signed_up": ["S1"],
        "refused": {"S2": "not registered"},
    }
    assert port.post("/settings", sync_at="04:00")["sync_at"] == "04:00"
    site.report("on", "S1")
    assert port.get("/state")["devices"][0]["next_billing_date"] == "2026-04-30"
    request = port.post("/bill", serial="S1", meters=["Total"], cycle="monthly")
    assert (request["state"], request["cycle"], request["meters"]) == ("open", "monthly", ["Total"])
    assert site.send_reads("S1", request["id"]) == "accepted"
    (reads,) = port.get("/readings")
    assert (reads["serial"], reads["meters"]) == ("S1", [{"name": "Total", "value": 4711}])
    assert port.post("/off", serial="S1", reason="moved") == {"serial": "S1", "reason": "moved"}
    assert port.post("/clock", set="2027-01-01T00:00:00Z")["calendar"] == "2027-01-01T00:00:00Z"
    entry = port.get("/journal")[0]
    assert (entry["transaction"], entry["outcome"], entry["status"]) == ("T1", "ok", 200)
    assert entry["request_octets"]["http"] == len(entry["request_head"]) + len(entry["request"])
    assert entry["request_head"].startswith("POST /mp HTTP/1.1\r\n")
    assert "RegisterProxyResponse" in entry["response"]
    state = port.post("/reset")
    assert (state["proxies"], state["devices"], state["clock"]["calendar"]) == ([], [], "2026-01-31T08:00:00Z")
    assert port.get("/journal") == []


def test_the_security_clock_is_another_one(port: Port, site: Site):
    before = port.get("/clock")
    after = port.post("/clock", security_offset=7200)
    assert after["calendar"] == before["calendar"]
    assert after["security"] > before["security"]
    assert site.register_proxy().status == 500


def test_all_that_can_be_are_signed_up(port: Port, site: Site):
    site.register("S1", "S2")
    assert port.post("/sign-up", serials="all")["signed_up"] == ["S1", "S2"]


def test_it_listens_on_loopback_only(port: Port):
    assert urlsplit(port.stub.admin_url).hostname == "127.0.0.1"


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer wrong", "Basic {token}", "Bearer {token}x", "Bearer \xe9"])
def test_without_the_token_nothing_is_told(port: Port, token: str):
    headers = {"Authorization": token.format(token=port.stub.admin_token).encode("latin-1")}
    got = requests.get(port.stub.admin_url + "/state", headers=headers, timeout=20)
    assert (got.status_code, list(got.json())) == (401, ["error"])


BAD_ORDERS = [
    ("GET", "/nothing", None, 404, "GET /state"),
    ("DELETE", "/state", None, 404, "there is no DELETE"),
    ("POST", "/clock", {"set": "tomorrow"}, 400, "Invalid isoformat"),
    ("POST", "/clock", {"advance": "much"}, 400, "could not convert"),
    ("POST", "/clock", {"advance": 1e18}, 400, "not a valid order"),
    ("POST", "/clock", {"advance": 1e10}, 409, "only the years 2000 to 2199"),
    ("POST", "/clock", ["set"], 400, "a JSON object"),
    ("POST", "/clock", {"set": "2030-01-01", "advance": "much"}, 400, "could not convert"),
    ("POST", "/clock", {"set": "2030-01-01", "advance": 1e10}, 409, "only the years"),
    ("POST", "/clock", {"advance": "nan"}, 400, "NaN"),
    ("POST", "/clock", {"set": 5}, 400, "must be str"),
    ("POST", "/sign-up", {"serials": "S1"}, 400, "a list of texts"),
    ("POST", "/sign-up", {"serials": ["\ud800"]}, 400, "surrogates"),
    ("POST", "/sign-up", {"serials": ["S9"], "meters": [""]}, 409, "a meter name is empty"),
    ("POST", "/sign-up", {"serials": [], "cycle": "weekly"}, 400, "weekly"),
    ("POST", "/bill", {}, 400, "serial"),
    ("POST", "/bill", {"serial": "S9"}, 409, "no registered device S9"),
    ("POST", "/bill", {"serial": "S9", "meters": ["&" * 9]}, 409, "at most 40 octets"),
    ("POST", "/bill", {"serial": "S9", "meters": ["m"] * 21}, 409, "at most 20"),
    ("POST", "/off", {"serial": "S9", "reason": 5}, 400, "reason: a text"),
    ("POST", "/eligibility", {"serial": "S9", "result": "unknown", "reason": ["why"]}, 400, "reason: a text"),
    ("POST", "/eligibility", {"serial": "S9", "result": "unknown", "until": "2026-13-01"}, 400, "month"),
    ("POST", "/off", {"serial": "S9"}, 409, "no registered device"),
    ("POST", "/off", {"serial": "S9", "reason": "x" * 65}, 409, "at most 64 octets"),
    ("POST", "/eligibility", {"serial": "S9", "result": "perhaps"}, 400, "perhaps"),
    ("POST", "/settings", {"sync_at": "25:00"}, 409, "not HH:MM"),
    ("POST", "/settings", {"read_every": 5}, 409, "between 15 and 1440"),
    ("POST", "/settings", {"jitter": 1.5}, 400, "whole minutes"),
    ("POST", "/settings", {"read_every": True}, 400, "whole minutes"),
    ("POST", "/settings", {"sync_at": 230}, 400, "expected string"),
    ("POST", "/settings", {"colour": 5}, 400, "colour"),
]


@pytest.mark.parametrize(("method", "path", "order", "status", "told"), BAD_ORDERS)
def test_a_bad_order_is_explained_and_changes_nothing(port: Port, method: str, path: str, order: Any, status: int, told: str):
    before = port.get("/state")
    got = port.ask(method, path, order)
    assert (got.status_code, told in got.text) == (status, True), got.text
    after = port.get("/state")
    assert {**after, "clock": None} == {**before, "clock": None}
    assert after["clock"]["calendar"][:10] == before["clock"]["calendar"][:10]


def test_not_json_and_too_much(port: Port, site: Site):
    headers = {"Authorization": f"Bearer {port.stub.admin_token}"}
    for data, status in ((b"{", 400), (b"\xff", 400), (b"[" * 100_000, 400), (b" " * (1024 * 1024 + 1), 413)):
        assert requests.post(port.stub.admin_url + "/clock", data=data, headers=headers, timeout=20).status_code == status
    assert CLIENT not in str(port.get("/state"))


def test_a_mistyped_word_is_no_order(port: Port):
    before = port.get("/clock")
    got = port.ask("POST", "/clock", {"advanse": 3600})
    assert (got.status_code, got.json()["error"]) == (400, "not a valid order: /clock does not know advanse")
    assert port.ask("POST", "/reset", {"all": True}).status_code == 400
    assert port.get("/clock")["calendar"] == before["calendar"]


def test_the_calendar_can_be_set_from_python(stub: StubServer, port: Port):
    stub.set_clock(datetime(2030, 1, 1, tzinfo=UTC))
    assert port.get("/clock")["calendar"] == "2030-01-01T00:00:00Z"
