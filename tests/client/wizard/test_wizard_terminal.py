"""The wizard as a person meets it: prompts, complaints, hidden secrets, Ctrl-C, and text that must not style the screen."""

import io
import sys
from datetime import UTC, datetime

import pytest
from rich.console import Console
from wizard_lab import BROTHER, KYOCERA, LEXMARK, Place

from meterpost.cli.terminal import Terminal
from meterpost.errors import DeviceError
from meterpost.lifecycle.state import DeviceState
from meterpost.model import Meter, Reading
from meterpost.wizard import questions as q
from meterpost.wizard.choice import Found, Standing

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are POSIX's", allow_module_level=True)

from wizard_screen import CTRL_C, CTRL_D, Screen

HASTY = "[snmp]\ntimeout_s = 0.3\nretries = 0\n[discovery]\npackets_per_second = {pace}\n"


def start(place: Place, width: int = 80, pace: int = 200) -> Screen:
    place.folder.mkdir(exist_ok=True)
    if not place.config.exists():
        place.config.write_text(HASTY.format(pace=pace), "utf-8")
    return Screen("wizard", "--config", str(place.config), width=width)


def connect(screen: Screen, place: Place, password: str) -> None:
    screen.answer("server.url", place.stub.soap_url)
    screen.answer("server.ca_file", str(place.stub.ca_file))
    screen.answer("server.http_proxy", "none")
    screen.answer("account.username", place.stub.username)
    screen.answer("account.password", password)
    screen.answer("security.policy")


def look(screen: Screen, targets: str) -> None:
    screen.answer("discovery.targets", targets)
    screen.answer("discovery.exclude")
    screen.answer("snmp.communities")
    screen.answer("scan")


@pytest.mark.parametrize("width", [80, 120])
def test_a_person_walks_the_whole_road(place: Place, width: int) -> None:
    with start(place, width) as screen:
        screen.until("You can turn it off at any")
        screen.answer("server.url", "http://meters", "", place.stub.soap_url)
        screen.answer("server.ca_file", str(place.stub.ca_file))
        screen.answer("server.http_proxy", "none")
        screen.answer("account.username", place.stub.username)
        screen.answer("account.password", "", "not the password")
        screen.answer("security.policy", "digest-2005", "")
        screen.until("Check account.username")
        screen.until("> ")
        screen.type("perhaps\n")
        screen.until("> ")
        screen.type("\n")
        for key in ("server.url", "server.ca_file", "server.http_proxy", "account.username"):
            screen.answer(key)
        screen.answer("account.password", place.stub.password)
        screen.answer("security.policy")
        screen.until("The connection works")
        look(screen, place.targets)
        screen.until("Printers ")
        screen.answer("devices.choose", "4", f"2-3 {BROTHER[:-1]}", "2-3")
        screen.answer("compare")
        screen.answer("panel", "many", "1")
        screen.until("the nearest is")
        screen.until("> ")
        screen.type("no\n")
        screen.answer("devices.anyway")
        screen.answer("panel")
        screen.answer("register")
        screen.until(f"Registered: {LEXMARK}.")
        screen.answer("schedule.daily_time", "25:00", "05:15")
        screen.until("'meterpost run'")
        assert screen.ended() == 1  # a device was left out
        shown = screen.text
    for words in ("https://host/path", "An answer is needed.", "Answer yes or no.", f"Did you mean {BROTHER}?", "HH:MM"):
        assert words in " ".join(shown.split())
    assert f"{KYOCERA} is left out" in shown
    for serial in (BROTHER, KYOCERA, LEXMARK):
        assert f"serial {serial}" in shown  # as it was found
    for words in ("RegisterProxyDevices", "393x + 1503", f'serial="{LEXMARK}"', "Headroom"):
        assert words in shown
    assert place.stub.password not in shown
    assert "not the password" not in shown
    assert place.sent() == ["T3", "T3", "T1", "T2"]  # the first connection test had the wrong password
    states = {serial: device.state for serial, device in place.state().devices.items()}
    assert states == {BROTHER: DeviceState.SEEN, KYOCERA: DeviceState.SEEN, LEXMARK: DeviceState.REGISTERED}
    told = [line for line in shown.partition("POST /mp")[0].splitlines() if "> " not in line and "━" not in line]
    assert max(map(len, told)) <= width  # but for what was typed, and the bar that is drawn over itself


def test_ctrl_c_stops_the_search_and_keeps_what_was_found(place: Place) -> None:
    with start(place, pace=20) as screen:
        connect(screen, place, place.stub.password)
        look(screen, f"{place.targets} 127.33.98.0/23")  # at this pace it would take half a minute
        for _ in range(3):
            screen.until("  serial QZ")
        screen.type(CTRL_C)
        screen.until("Stopped.")
        screen.answer("devices.choose", "all")
        screen.answer("compare", "no")
        screen.answer("register")
        screen.answer("schedule.daily_time")
        assert screen.ended() == 0
    assert {device.state for device in place.state().devices.values()} == {DeviceState.REGISTERED}


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D])
def test_ctrl_c_and_ctrl_d_end_the_wizard_and_leave_the_file_alone(place: Place, key: str) -> None:
    place.enrol()
    config, secrets = place.config.read_bytes(), place.secrets
    with start(place) as screen:
        screen.answer("server.url")
        screen.answer("server.ca_file", "-")
        screen.answer("server.http_proxy")
        screen.answer("account.username", "somebody else")
        screen.until("  account.password\n")
        screen.until("> ")
        screen.type(key)
        assert screen.ended() == 130
        assert "interrupted" in screen.text
    assert place.config.read_bytes() == config
    assert place.secrets == secrets


# --- text from elsewhere ---------------------------------------------------------------------------------------

HOSTILE = "[red]\x1b[31m\x1b]0;title\x07\u202e[/nonsense]\r\n\x9b2J"


def reading(serial: str = HOSTILE) -> Reading:
    meters = tuple(Meter(f"{HOSTILE}{number}", number, "impressions", "1.3") for number in range(3))
    when = datetime(2026, 1, 1, tzinfo=UTC)
    return Reading(HOSTILE, 161, when, manufacturer=HOSTILE, model=HOSTILE, serial=serial, meters=meters)


def test_nothing_a_printer_says_controls_the_screen() -> None:
    out = io.StringIO()
    terminal = Terminal(Console(file=out, width=300, force_terminal=True, color_system=None))
    terminal.step(HOSTILE)
    terminal.say(HOSTILE)
    terminal.found([Found(reading(), Standing.NEW), Found(reading(""), Standing.NO_SERIAL)])
    terminal.meters(reading())
    shown = out.getvalue()
    assert not [letter for letter in shown if not letter.isprintable() and letter != "\n"]
    assert shown.count("[red]") >= 10
    assert "cannot be chosen" in shown


@pytest.mark.parametrize(("ending", "lines"), [("large", 3), ("stored.printed.twosided", 5)])
def test_meters_stand_beside_each_other_where_their_names_are_whole(ending: str, lines: int) -> None:
    out = io.StringIO()
    names = [f"impressions.fullcolor.{ending}{number}" for number in range(4)]
    meters = tuple(Meter(name, 123_456, "impressions", "") for name in names)
    counted = Reading("10.1.2.3", 161, datetime(2026, 1, 1, tzinfo=UTC), meters=meters)
    Terminal(Console(file=out, width=80, force_terminal=True, color_system=None)).meters(counted)
    shown = out.getvalue()
    assert [name for name in names if name not in shown] == []
    assert len([line for line in shown.splitlines() if line.strip()]) == lines
    assert max(map(len, shown.splitlines())) <= 80


def test_nothing_an_error_says_controls_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr("sys.stdin", io.StringIO("no\n"))
    assert not Terminal(Console(file=out, width=300, force_terminal=True, color_system=None)).again(
        DeviceError(HOSTILE, HOSTILE)
    )
    assert "\x1b" not in out.getvalue()
    assert "(printer)" in out.getvalue()


# --- answers ---------------------------------------------------------------------------------------------------


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(Console(file=io.StringIO(), width=80, color_system=None))


def typing(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


@pytest.mark.parametrize(
    ("typed", "serials"),
    [
        ("1", "A1"),
        ("2-3", "B2 3"),
        ("3 1", "3 A1"),
        ("1,B2", "A1 B2"),
        ("3", "3"),  # a serial before a number
        ("all", "all"),
        ("0", "0"),
        ("4", "4"),
        ("3-9", "3"),
        ("", ""),
    ],
)
def test_numbers_of_the_table_stand_for_serials(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, typed: str, serials: str
) -> None:
    terminal.found([Found(reading(serial), Standing.NEW) for serial in ("A1", "B2", "3")])
    typing(monkeypatch, typed)
    assert terminal.ask(q.CHOOSE, "") == serials


def test_a_dash_empties_what_is_there(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    typing(monkeypatch, "-")
    assert terminal.ask(q.CA_FILE, "ca.pem") == ""
    typing(monkeypatch, "")
    assert terminal.ask(q.CA_FILE, "ca.pem") == "ca.pem"
