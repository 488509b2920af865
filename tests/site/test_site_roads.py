"""Printers at URIs live the whole life: found, enrolled, read every two hours, billed; off, broken, and by two roads."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from site_lab import Site

from meterpost.agent import ReadReport
from meterpost.cli.main import main
from meterpost.lifecycle.state import DeviceState
from meterpost_stub.certificates import Authority
from meterpost_stub.printers.ipp import Attributes, IppServer

BROTHER = "QZ7B64005E812"
"""The serial number of the fleet's second printer."""


class IppPrinter:
    """One printer that counts, may be switched off and on, or talk rubbish."""

    def __init__(self, serial: str, model: str = "ACME Laser 9", certificate: tuple[Path, Path] | None = None) -> None:
        self._attributes: dict[str, Any] = {
            "printer-make-and-model": model,
            "printer-info": "Hall",
            "printer-device-id": f"MFG:{model.split()[0]};MDL:{model};SN:{serial};",
            "printer-state": 3,
            "printer-impressions-completed": 1000,
            "marker-names": ["Black Toner"],
            "marker-types": ["toner"],
            "marker-levels": [42],
        }
        self._certificate = certificate
        self._port = 0
        self.serial = serial
        self.switch_on()

    @property
    def uri(self) -> str:
        return f"{'ipps' if self._certificate else 'ipp'}://127.0.0.1:{self._port}/ipp/print"

    def switch_on(self) -> None:
        self.server = IppServer({"/ipp/print": self._attributes}, certificate=self._certificate, port=self._port)
        self.server.__enter__()
        self._port = self.server.port

    def switch_off(self) -> None:
        self.server.__exit__(None, None, None)

    def say(self, answer: Attributes | bytes | None = None) -> None:
        """Octets instead of an answer, or the truth again."""
        self.server.printers["/ipp/print"] = self._attributes if answer is None else answer

    def print(self, pages: int) -> None:
        self._attributes["printer-impressions-completed"] += pages


@contextmanager
def switched_on(*printers: IppPrinter) -> Iterator[None]:
    with ExitStack() as stack:
        for printer in printers:
            stack.callback(printer.switch_off)
        yield


def configure(site: Site, *printers: IppPrinter, **sections: dict[str, Any]) -> None:
    """These printers and nothing else."""
    site.configure(discovery={"targets": [printer.uri for printer in printers]}, **sections)


def enrolled_read(site: Site) -> tuple[ReadReport, ...]:
    """What happens every two hours."""
    with site.agent() as agent:
        return agent.read_enrolled()


def billed(site: Site) -> dict[str, dict[str, int]]:
    """Meters by serial of the vendor's last bill."""
    return {part["serial"]: {m["name"]: m["value"] for m in part["meters"]} for part in site.stub.readings()}


def test_a_printer_without_snmp_lives_the_whole_life(site: Site, tmp_path: Path) -> None:
    certificate = Authority().issue(tmp_path, "printer", ["127.0.0.1"])
    plain, tls = IppPrinter("AC0001"), IppPrinter("AC0002", certificate=certificate)
    with switched_on(plain, tls):
        configure(site, plain, tls)
        assert [read["serial"] for read in site.done("read", plain.uri, tls.uri)] == ["AC0001", "AC0002"]
        site.enrol()
        devices = {device["serial"]: device for device in site.done("status")["devices"]}
        assert {serial: (d["address"], d["port"], d["enrolment"]) for serial, d in devices.items()} == {
            "AC0001": (plain.uri, int(plain.uri.split(":")[2].split("/")[0]), "Enrolled"),
            "AC0002": (tls.uri, int(tls.uri.split(":")[2].split("/")[0]), "Enrolled"),
        }
        plain.print(7)
        reports = enrolled_read(site)
        assert [(report.serial, report.address, report.failure) for report in reports] == [
            ("AC0001", plain.uri, ""),
            ("AC0002", tls.uri, ""),
        ]
        with site.agent() as agent:
            (reading, judgement), *_ = agent.ledger.readings("AC0001", limit=1)
        assert (reading.address, reading.meter("impressions"), judgement.held) == (plain.uri, 1007, False)
        plain.print(100)
        site.month()
        site.done("sync")
        assert site.answered() == ["AC0001", "AC0002"]
        assert billed(site) == {"AC0001": {"impressions": 1107}, "AC0002": {"impressions": 1000}}


def test_people_see_the_uri_and_what_it_costs(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    printer = IppPrinter("AC0001")
    with switched_on(printer):
        configure(site, printer)
        assert main(["discover", "--yes", "--config", str(site.config)]) == 0
        shown = capsys.readouterr()
        assert "1 printer by IPP: read at once, in at most 1 second." in shown.err
        assert f"{printer.uri} ACME Laser 9 AC0001" in shown.err
        (row,) = (line for line in shown.out.splitlines() if "AC0001" in line)
        assert row.split()[:5] == [printer.uri, "ACME", "Laser", "9", "AC0001"]
        assert main(["read", printer.uri, "--config", str(site.config)]) == 0
        shown = capsys.readouterr()
        assert f"{printer.uri} ACME Laser 9 AC0001" in shown.out


@pytest.mark.parametrize("trouble", ["off", "rubbish", "another device"])
def test_what_does_not_answer_is_billed_when_it_does(site: Site, trouble: str) -> None:
    sound, ill = IppPrinter("AC0001"), IppPrinter("AC0002")
    with switched_on(sound, ill):
        configure(site, sound, ill)
        site.enrol()
        site.month()
        if trouble == "off":
            ill.switch_off()
        else:
            ill.say(b"\x02\0\0\0\0\0\0\x01\x04rubbish" if trouble == "rubbish" else {"printer-device-id": "SN:AC0003;"})
        run = site.run("sync")
        assert run.code == 1
        assert {read["serial"]: bool(read["failure"]) for read in run.json["reads"]} == {"AC0001": False, "AC0002": True}
        assert (site.answered(), site.open()) == (["AC0001"], ["AC0002"])
        ill.switch_on() if trouble == "off" else ill.say()
        site.done("sync")
        assert site.answered() == ["AC0001", "AC0002"]


def test_certificates_are_held_to_the_configured_file(site: Site, tmp_path: Path) -> None:
    ours, other = Authority("ours"), Authority("other")
    (tmp_path / "other").mkdir()
    ours.write(tmp_path), other.write(tmp_path / "other")
    printer = IppPrinter("AC0001", certificate=ours.issue(tmp_path, "printer", ["127.0.0.1"]))
    with switched_on(printer):
        for ca_file, code in (("ca.pem", 0), ("other/ca.pem", 5), ("none.pem", 2)):
            configure(site, printer, printers={"ca_file": ca_file})  # beside the configuration
            run = site.run("read", printer.uri)
            assert run.code == code, run.err
        assert "none.pem cannot be used as a CA file" in run.trouble["error"]


def test_a_printer_by_two_roads_is_enrolled_once_and_stays_where_it_tells_more(site: Site) -> None:
    by_snmp = site.fleet.printers[1]
    printer = IppPrinter(BROTHER, "Brother HL-L6400DW")
    target = f"{by_snmp.address}:{by_snmp.port}"
    with switched_on(printer):
        site.configure(discovery={"targets": [printer.uri, target]})
        site.enrol()
        (device,) = site.state().devices.values()
        assert (device.serial, device.address, device.port) == (BROTHER, by_snmp.address, by_snmp.port)
        (found,) = site.done("discover", "--yes", printer.uri)
        assert found["address"] == printer.uri
        assert site.state().devices[BROTHER].address == by_snmp.address, "it still answers by SNMP"
        with site.agent() as agent:
            (reading, judgement), *_ = agent.ledger.readings(BROTHER, limit=1)
        assert (reading.address, judgement.reasons) == (by_snmp.address, ())
        site.fleet.switch_off(by_snmp.address)
        site.done("discover", "--yes")
        assert site.state().devices[BROTHER].address == printer.uri, "it is followed where it answers"
        site.fleet.switch_on(by_snmp.address)
        site.done("discover", "--yes")
        assert site.state().devices[BROTHER].address == by_snmp.address
        assert {device.state for device in site.state().devices.values()} == {DeviceState.CONFIRMED}


def test_the_wizard_leads_printers_at_uris_to_their_registration(site: Site) -> None:
    printer = IppPrinter("AC0001")
    with switched_on(printer):
        site.configure(discovery={"targets": []})
        done = site.done("wizard", "--targets", printer.uri, "--choose", "all", "--panel", "AC0001=1000")
        assert done["registered"] == ["AC0001"]
        assert site.state().devices["AC0001"].address == printer.uri
        printer.switch_off()
        replacement = IppPrinter("AC0002")
        printer.server = replacement.server  # to be switched off in the end
        replaced = site.done("wizard", "--targets", replacement.uri, "--choose", "all")
        assert replaced["registered"] == ["AC0002"]


def test_queues_of_this_computer_are_named_and_found(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    printer = IppPrinter("AC0001")
    queues: tuple[Attributes, ...] = (
        {"printer-name": "hall", "printer-make-and-model": "ACME Laser 9", "device-uri": printer.uri},
        {"printer-name": "desk", "printer-make-and-model": "ACME Ink 1", "device-uri": "usb://ACME/Ink%201?serial=AC42"},
        {"printer-name": "old", "printer-make-and-model": "ACME Dot 1", "device-uri": "parallel:/dev/lp0"},
    )
    desk = {"printer-name": "desk", "printer-make-and-model": "ACME Ink 1", "marker-levels": [9], "marker-names": ["Ink"]}
    with switched_on(printer), IppServer({"/printers/desk": desk}, queues=queues) as cups:
        monkeypatch.setenv("CUPS_SERVER", f"127.0.0.1:{cups.port}")
        site.configure(snmp={"port": 9})  # nobody is to be asked who does not belong to the test
        at = f"ipp://127.0.0.1:{cups.port}/printers/"
        assert [(place["target"], place["hint"], place["unfit"]) for place in site.done("segments", "local")] == [
            ("127.0.0.1:9", "hall, ACME Laser 9", ""),
            (printer.uri, "hall, ACME Laser 9", ""),
            (f"{at}desk", "desk, ACME Ink 1, on USB", ""),
            (f"{at}old", "old, ACME Dot 1, parallel:/dev/lp0", "its queue tells little of it"),
        ]
        found = site.done("discover", "--yes", "local")
        assert [(reading["address"], reading["serial"], len(reading["supplies"])) for reading in found] == [
            (printer.uri, "AC0001", 1),
            (f"{at}desk", "", 1),
        ]
        assert set(site.state().devices) == {"AC0001"}, "what has no serial number cannot be billed"
