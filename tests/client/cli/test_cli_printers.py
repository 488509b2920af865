"""Looking at printers from the command line, with and without a configuration."""

import os
import re
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from cli_profile import PROFILE
from rich.console import Console

from meterpost.agent import Progress, Summary
from meterpost.cli import printers
from meterpost.devices import profiles
from meterpost.model import Alert, Meter, Reading, Supply, SupplyState
from meterpost_stub.printers import BUILT_IN, AgentUser, Fleet

PROFILES = Path(profiles.__file__).parent
SILENT = "127.31.9.9:9"
QUICK = ("--timeout", "0.2", "--retries", "0")


def reading(**values: object) -> Reading:
    own = (Meter("life.impressions", 4990, "impressions", ""), Meter("impressions", 5000, "impressions", ""))
    given = {"manufacturer": "ACME", "model": "Laser", "meters": own} | values
    return Reading("10.1.2.3", 161, datetime(2026, 11, 20, tzinfo=UTC), **given)  # type: ignore[arg-type]


def supply(**values: object) -> Supply:
    given: dict[str, object] = {
        "description": "Toner",
        "kind": "toner",
        "supply_class": "consumed",
        "color": "black",
        "percent": 50,
    }
    given |= values
    return Supply(index="1.1", level=50, capacity=100, unit_code=19, unit="percent", state=SupplyState.KNOWN, **given)  # type: ignore[arg-type]


def on_screen(show: Callable[[Console], None], width: int = 80) -> str:
    out = Console(file=StringIO(), force_terminal=True, color_system=None, width=width)
    show(out)
    return "".join(f"{line.rstrip()}\n" for line in out.file.getvalue().splitlines())  # type: ignore[attr-defined]


def serials(result) -> set[str]:
    return {device["serial"] for device in result.json}


def test_discover_without_a_configuration(meterpost, targets, home) -> None:
    result = meterpost("discover", *targets, SILENT, *QUICK, "--json")
    assert (result.code, result.err) == (0, "")
    assert {device["address"] for device in result.json} == {target.split(":")[0] for target in targets}
    assert list(home.rglob("*")) == [], "nothing is kept"


def test_discover_tells_the_cost_first_and_printers_as_they_answer(meterpost, targets) -> None:
    result = meterpost("discover", *targets, *QUICK)
    cost, *found, took = result.err.splitlines()
    assert cost.startswith("2 addresses: at most ")
    assert len(found) == 2
    assert re.fullmatch(r"\d+ packets, \d+ kB, \d+\.\d seconds\.", took)
    assert "2 printers found." in result.out


def test_discover_finds_nothing(meterpost) -> None:
    result = meterpost("discover", SILENT, *QUICK)
    assert (result.code, result.out) == (0, "0 printers found.\n")


NOBODY_PRINTS_HERE = "ipp://127.31.9.9:9/ipp/print"


def test_discover_tells_who_could_not_be_read(meterpost, targets) -> None:
    result = meterpost("discover", targets[0], NOBODY_PRINTS_HERE, *QUICK)
    assert (result.code, "1 printer found." in result.out) == (1, True)
    told = result.err.splitlines()
    place = told.index("1 device could not be read:")
    assert NOBODY_PRINTS_HERE in told[place + 1]
    as_json = meterpost("discover", targets[0], NOBODY_PRINTS_HERE, *QUICK, "--json")
    assert (as_json.code, len(as_json.json)) == (1, 1)
    assert NOBODY_PRINTS_HERE in as_json.error["error"]


def test_of_many_failures_ten_are_shown_and_what_there_was_no_time_for_is_counted() -> None:
    failed = tuple(((f"10.1.2.{host}", 161), "it answered nonsense") for host in range(12))
    shown = on_screen(lambda out: printers._print_failed(out, Summary(failed=failed, unfinished=1)))
    assert shown.splitlines()[0] == "12 devices could not be read:"
    assert shown.count("  10.1.2.") == 10
    assert "  and 2 more" in shown.splitlines()
    assert shown.endswith("1 device answered, but there was no time to read them.\n")


@pytest.mark.parametrize(("summary", "code"), [({}, 0), ({"unfinished": 1}, 1), ({"failed": ((("10.1.2.3", 161), "why"),)}, 1)])
def test_a_discovery_that_missed_somebody_is_not_whole(summary, code) -> None:
    assert printers._exit_code(Summary(**summary)) == code


def test_a_reason_that_names_the_device_is_enough() -> None:
    assert printers._failure(("10.1.2.3", 161), "10.1.2.3 answered nonsense") == "10.1.2.3 answered nonsense"
    assert printers._failure(("10.1.2.3", 161), "no end was seen") == "10.1.2.3:161: no end was seen"


def test_of_a_receptacle_what_is_told_is_the_room_left() -> None:
    waste = supply(description="Waste Box", supply_class="receptacle", percent=80)
    shown = on_screen(lambda out: printers.print_devices(out, [reading(supplies=(waste, supply()))]))
    assert re.search(r"Waste Box, room left +80 %", shown)
    assert re.search(r"Toner +50 %", shown)


def test_the_progress_counts_probes_and_where_there_are_none_addresses() -> None:
    assert (
        printers._how_far(Progress(3, 2000, 3, probes=1204, planned=8192))
        == "1\N{NO-BREAK SPACE}204 of 8\N{NO-BREAK SPACE}192 probes"
    )
    assert printers._how_far(Progress(1, 2, 1)) == "1 of 2 addresses"


def test_in_a_terminal_a_printer_is_shown_once() -> None:
    found = [reading(serial="S1", supplies=(supply(percent=3),))]
    for file in (True, False):
        shown = on_screen(lambda out, file=file: printers._print_found(out, Console(force_terminal=not file), found, False))
        assert ("S1" in shown) == file, "who sees both streams has seen the line"
        assert "1 printer found." in shown
    line = on_screen(lambda out: printers._print_line(out, found[0]))
    assert line == "10.1.2.3:161 ACME Laser S1, 5 000 impressions, 3 % black\n".replace("\N{NO-BREAK SPACE}", " ")
    assert len(on_screen(lambda out: printers._print_line(out, found[0]), width=40).splitlines()) == 2


@pytest.mark.parametrize(
    ("supplies", "lowest"),
    [
        ([{"percent": 9}, {"percent": 7, "color": "cyan"}, {"percent": None}], "7 % cyan"),
        ([{"percent": 9, "color": "", "kind": "other", "description": "Staples"}], "9 % Staples"),
        ([{"percent": 9, "color": "", "supply_class": "receptacle", "description": "Waste Box"}], "9 % room left, Waste Box"),
        ([{"percent": None}], None),
    ],
)
def test_the_lowest_supply_is_called_as_people_call_it(supplies, lowest) -> None:
    assert printers._lowest([supply(**values) for values in supplies]) == lowest


def test_discover_leaves_out(meterpost, targets) -> None:
    result = meterpost("discover", *targets, "--exclude", targets[0].split(":")[0], *QUICK, "--json")
    assert [device["address"] for device in result.json] == [targets[1].split(":")[0]]


def test_discover_looks_where_the_configuration_says_and_remembers(meterpost, config) -> None:
    found = serials(meterpost("discover", "--json"))
    assert len(found) == 2
    assert {device["serial"] for device in meterpost("status", "--json").json["devices"]} == found


@pytest.mark.skipif(os.name != "posix", reason="there is no Ctrl-C to send to another process")
def test_ctrl_c_ends_the_scan_and_shows_what_was_found(meterpost, targets) -> None:
    process = meterpost.start("discover", targets[0], "127.31.9.0/24", "--timeout", "20")
    assert "addresses" in process.stderr.readline()
    while targets[0] not in (line := process.stderr.readline()):
        assert line, "it ended by itself"
    process.send_signal(signal.SIGINT)
    assert "Stopped: 1 printer found until then." in process.stdout.read()
    assert process.wait() == 130


def test_read_shows_meters_and_supplies(meterpost, targets) -> None:
    result = meterpost("read", targets[0], *QUICK)
    assert result.code == 0
    for word in ("Xerox VersaLink B405", "impressions.black.printed", "45\N{NO-BREAK SPACE}210", "Drum Cartridge", "35 %"):
        assert word in result.out


def test_read_tells_what_the_printer_complains_of_and_what_it_is(meterpost, targets, fleet) -> None:
    printer = fleet.printers[1]
    for row, code in ((1, 3), (2, 3), (3, 1104)):  # coverOpen twice, markerTonerAlmostEmpty
        printer.set(f"1.3.6.1.2.1.43.18.1.1.2.1.{row}", 3)
        printer.set(f"1.3.6.1.2.1.43.18.1.1.7.1.{row}", code)
        printer.set(f"1.3.6.1.2.1.43.18.1.1.8.1.{row}", b"")
    result = meterpost("read", targets[1], *QUICK)
    assert result.out.count("! critical: cover open") == 1
    assert "! critical: marker toner almost empty" in result.out
    (device,) = meterpost("read", targets[1], *QUICK, "--json").json
    assert device["firmware"]
    made = f"firmware {device['firmware']}, MAC {device['mac']}, profile hp {device['profile_version']}"
    assert made in result.out.splitlines()


def test_of_many_alerts_ten_are_shown() -> None:
    alerts = tuple(Alert(str(row), "", "", "", f"Tray {row} is empty") for row in range(12))
    shown = on_screen(lambda out: printers.print_devices(out, [reading(alerts=alerts)]))
    assert shown.count("! Tray") == 10
    assert "! and 2 more alerts" in shown


def test_names_of_meters_are_never_broken_and_units_are_named_where_the_name_does_not() -> None:
    name = "impressions.fullcolor.stored.printed"
    meters = (Meter(name, 1_234_567, "impressions", ""), Meter("images.sent", 9, "images", ""), Meter("length", 7, "feet", ""))
    supplies = tuple(supply(description=f"Photoconductive Drum Cartridge {color}") for color in ("Cyan", "Magenta"))
    lines = on_screen(lambda out: printers.print_devices(out, [reading(meters=meters, supplies=supplies)])).splitlines()
    assert any(re.match(rf"{re.escape(name)} +1 234 567 +Photo", line.replace("\N{NO-BREAK SPACE}", " ")) for line in lines)
    assert any(re.match(r"images\.sent +9 +", line) and "9  images" not in line for line in lines)
    assert any(re.match(r"length +7  feet", line) for line in lines)
    assert max(map(len, lines)) <= 80
    narrow = on_screen(lambda out: printers.print_devices(out, [reading(meters=meters, supplies=supplies)]), width=66)
    assert narrow.index("Supplies") > narrow.index("length"), "below each other"
    assert name in narrow


NO_PRINTER = "1.3.6.1.2.1.1.1.0|4|ACME Projector\n1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.32473.7\n"


@pytest.mark.parametrize("as_json", [True, False])
def test_what_is_no_printer_is_said_so(meterpost, tmp_path, as_json) -> None:
    (tmp_path / "beamer.snmprec").write_text(NO_PRINTER)
    result = meterpost("read", "--recording", str(tmp_path / "beamer.snmprec"), *(["--json"] if as_json else []))
    assert (result.code, result.out.strip()) == (5, "[]" if as_json else "")
    said = result.error["error"] if as_json else result.err
    assert 'beamer.snmprec is not a printer: it calls itself "ACME Projector"' in said


def test_printers_are_read_beside_what_is_none(meterpost, targets, tmp_path) -> None:
    (tmp_path / "beamer.snmprec").write_text(NO_PRINTER)
    with Fleet((tmp_path / "beamer.snmprec",), "127.31.3.0/24", 0) as fleet:
        beamer = f"{fleet.printers[0].address}:{fleet.printers[0].port}"
        result = meterpost("read", beamer, targets[0], *QUICK, "--json")
    assert (result.code, len(result.json)) == (1, 1)
    assert result.error["error"].startswith(f"{beamer} is not a printer")


def test_read_keeps_the_order_and_tells_who_did_not_answer(meterpost, targets) -> None:
    result = meterpost("read", targets[1], SILENT, targets[0], *QUICK, "--json")
    assert [f"{device['address']}:{device['port']}" for device in result.json] == [targets[1], targets[0]]
    assert result.error["side"] == "printer"
    assert SILENT.split(":")[0] in result.error["error"]
    assert result.code == 1


def test_read_when_nobody_answers(meterpost) -> None:
    result = meterpost("read", SILENT, *QUICK, "--json")
    assert (result.code, result.json) == (5, [])


def test_read_a_recording(meterpost) -> None:
    (device,) = meterpost("read", "--recording", str(BUILT_IN / "xerox-versalink-b405.snmprec"), "--json").json
    assert device["serial"] == "QZB405920"


def test_read_what_is_not_a_recording(meterpost, tmp_path) -> None:
    path = tmp_path / "report.snmprec"
    path.write_text("<html>")
    for named in (path, tmp_path / "nofile"):
        result = meterpost("read", "--recording", str(named))
        assert (result.code, result.out) == (2, "")
        assert "(configuration)" in result.err
        assert ".snmprec" in result.err


def test_a_community_of_ones_own(meterpost) -> None:
    with Fleet((BUILT_IN / "xerox-versalink-b405.snmprec",), "127.31.1.0/24", 0, communities=("house",)) as fleet:
        target = f"{fleet.printers[0].address}:{fleet.printers[0].port}"
        assert meterpost("read", target, *QUICK).code == 5
        assert meterpost("read", target, *QUICK, "--community", "wrong", "--community", "house").code == 0
        assert meterpost("read", target, *QUICK, "--community", "house", "--snmp-version", "1").code == 0


def test_snmp_v3_needs_a_user(meterpost) -> None:
    result = meterpost("read", SILENT, "--snmp-version", "3")
    assert result.code == 2
    assert "[[snmp.users]]" in result.err


def test_snmp_v3_with_the_users_of_the_configuration(meterpost, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("AUTH", "authpassword")
    monkeypatch.setenv("PRIV", "privpassword")
    config = tmp_path / "v3.toml"
    config.write_text('[[snmp.users]]\nname = "reader"\nauth_password = { env = "AUTH" }\npriv_password = { env = "PRIV" }\n')
    user = AgentUser("reader", "authpassword", "privpassword")
    with Fleet((BUILT_IN / "xerox-versalink-b405.snmprec",), "127.31.2.0/24", 0, users=(user,)) as fleet:
        target = f"{fleet.printers[0].address}:{fleet.printers[0].port}"
        result = meterpost("read", target, "--snmp-version", "3", "--json", "--config", str(config))
    assert (result.code, serials(result)) == (0, {"QZB405920"})
    assert not (tmp_path / "meterpost.db").exists(), "read keeps nothing"


def test_a_recording_is_written_and_read_back(meterpost, targets, tmp_path) -> None:
    file = tmp_path / "one.snmprec"
    written = meterpost("record", targets[0], "--output", str(file), *QUICK, "--json")
    assert (written.code, written.json["file"]) == (0, str(file))
    again = meterpost("read", "--recording", str(file), "--json")
    live = meterpost("read", targets[0], *QUICK, "--json")
    assert again.json[0]["meters"] == live.json[0]["meters"] != []
    assert meterpost("record", targets[0], *QUICK).out == file.read_text()
    refused = meterpost("record", targets[0], "--output", str(file), *QUICK)
    assert (refused.code, "cannot be written" in refused.err) == (2, True)


def test_a_recording_that_failed_leaves_no_file(meterpost, tmp_path) -> None:
    file = tmp_path / "none.snmprec"
    assert meterpost("record", SILENT, "--output", str(file), *QUICK).code == 5
    assert not file.exists()


def test_a_redacted_recording_has_another_serial_number(meterpost, targets, tmp_path) -> None:
    serial = meterpost("read", targets[0], *QUICK, "--json").json[0]["serial"]
    text = meterpost("record", targets[0], "--redact", *QUICK).out
    assert serial not in text
    assert serial.encode().hex() not in text


def test_places_are_named_with_their_source(meterpost) -> None:
    named = meterpost("segments", "subnets", "--json")
    assert named.code in (0, 2), "a computer without a network says so"
    assert all(place["source"] == "subnets" for place in named.json or [])
    wrong = meterpost("segments", "subnet")
    assert (wrong.code, "names no places" in wrong.err) == (2, True)


def test_a_scan_keeps_to_its_deadline(meterpost, targets) -> None:
    result = meterpost("discover", targets[0], "127.31.9.0/24", "--timeout", "30", "--deadline", "1", "--json")
    assert (result.code, len(result.json)) == (0, 1)


def test_every_engine_reads_the_same(meterpost, targets) -> None:
    def read(engine: str) -> dict[str, object]:
        (device,) = meterpost("read", targets[0], "--engine", engine, "--snmp-version", "2c", "--json").json
        return device | {"taken_at": ""}

    assert read("wire") == read("gufo") == read("pysnmp")


def test_a_profile_of_ones_own_is_held_against_a_recording(meterpost, own_profile) -> None:
    result = meterpost("profile", "check", *own_profile)
    assert result.code == 0
    assert "acme 3 is the profile for ACME Laser, serial AC00042." in result.out
    assert re.search(r"impressions\.printed +471 100 +impressions +1\.3\.6\.1\.4\.1\.32473\.1\.1\.0", result.out)
    assert "Not on this device: impressions.copied." in result.out
    assert re.search(r"1\.3\.6\.1\.4\.1\.32473\.1\.7\.0 +815", result.out)
    assert "1.3.6.1.4.1.32473.1.8.0" not in result.out


def test_a_profile_for_another_device_is_said_so(meterpost, own_profile, tmp_path) -> None:
    (tmp_path / "acme.toml").write_text(PROFILE.replace("32473", "32474"))
    result = meterpost("profile", "check", *own_profile)
    assert (result.code, "is read with the profile generic" in result.out) == (1, True)


def test_a_profile_whose_words_nobody_knows_is_doubted(meterpost, own_profile, tmp_path) -> None:
    (tmp_path / "acme.toml").write_text(
        PROFILE.replace("impressions.copied", "prints.copied").replace('"impressions"', '"clicks"')
    )
    result = meterpost("profile", "check", *own_profile)
    assert result.code == 1
    assert "There is no PWG counter for prints.copied: a name is a unit (impressions, sheets," in result.out
    assert "No known units: clicks. Those are images, pages," in result.out
    assert "counter for impressions" not in result.out


@pytest.mark.parametrize("name", sorted(path.name for path in PROFILES.glob("*.toml")))
def test_nothing_is_doubted_of_the_profiles_that_come_along(meterpost, own_profile, name) -> None:
    assert meterpost("profile", "check", str(PROFILES / name), own_profile[1], "--json").json["doubts"] == []


def test_a_profile_with_a_mistake_is_refused_with_its_place(meterpost, own_profile, tmp_path) -> None:
    (tmp_path / "acme.toml").write_text(PROFILE.replace("unit", "units"))
    result = meterpost("profile", "check", *own_profile)
    assert (result.code, "acme, meter 1" in result.err) == (2, True)


def test_a_users_profile_makes_a_model_work(meterpost, config, own_profile, tmp_path) -> None:
    folder = config.parent / "profiles"
    folder.mkdir(exist_ok=True)
    (folder / "acme.toml").write_text(PROFILE)
    result = meterpost("read", "--recording", own_profile[1], "--json", "--config", str(config))
    (device,) = result.json
    assert (device["profile"], device["profile_version"], device["manufacturer"]) == ("acme", "3", "ACME")
    assert {meter["name"]: meter["value"] for meter in device["meters"]} == {"impressions.printed": 471100}


def test_a_recording_that_ends_before_its_device_does_is_kept_and_said_so(meterpost, tmp_path) -> None:
    with Fleet((BUILT_IN / "xerox-versalink-b405.snmprec",), "127.31.3.0/24", 0) as fleet:
        printer, left = fleet.printers[0], iter(range(2))
        answer = printer.answer
        printer.answer = lambda octets: answer(octets) if next(left, None) is not None else None
        file = tmp_path / "part.snmprec"
        result = meterpost(
            "record", f"{printer.address}:{printer.port}", "--output", str(file), "--timeout", "0.05", "--retries", "0"
        )
    assert result.code == 1
    assert file.read_text().startswith("# incomplete: ")
    assert "incomplete" in result.err or "ends before" in result.err or "until" in result.err
    assert len(file.read_text().splitlines()) > 20
