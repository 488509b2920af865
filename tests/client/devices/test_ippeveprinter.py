"""A printer that other people wrote: `ippeveprinter` of CUPS (Debian: cups-ipp-utils), IPP Everywhere, on loopback.

It wants a system bus and multicast DNS. It gets a bus of its own with nobody on it, so that it announces nothing.
"""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from ipp_kit import NOON

from meterpost.devices import Devices
from meterpost.devices.ipp import read_ipp
from meterpost.model import Reading, SupplyState
from meterpost.settings import DiscoverySettings, SnmpSettings

MISSING = [name for name in ("ippeveprinter", "dbus-daemon") if not shutil.which(name)]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)} (cups-ipp-utils, dbus-daemon)")

ATTRIBUTES = """
ATTR text printer-device-id "MFG:EPSON;MDL:WF-9;CMD:PWGRaster;SN:585858583030303142;"
ATTR text printer-make-and-model "EPSON WF-9 Series"
ATTR text printer-firmware-string-version "7.1"
ATTR integer printer-impressions-completed 12345
ATTR collection printer-impressions-completed-col {
  MEMBER integer monochrome 12000
  MEMBER integer full-color 345
}
ATTR integer printer-media-sheets-completed 6789
ATTR octetString printer-supply "index=1;class=receptacleThatIsFilled;type=wasteToner;unit=percent;maxcapacity=100;level=25;"\
,"index=2;class=supplyThatIsConsumed;type=toner;unit=percent;maxcapacity=100;level=75;colorantname=black;"
ATTR text printer-supply-description "Toner Waste Tank","Black Toner"
"""


@contextmanager
def running(*command: str, ready: bytes, **environment: str) -> Iterator[bytes]:
    """The program, from the line on that begins with `ready`; gives that line."""
    process = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout
    said: list[bytes] = []
    try:
        for line in process.stdout:
            said.append(line)
            if line.startswith(ready):
                yield line
                break
        else:
            pytest.fail(f"{command[0]} did not start: {said}")
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


@pytest.fixture(scope="module")
def printer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The authority of its URIs."""
    folder = tmp_path_factory.mktemp("ippeveprinter")
    (folder / "printer.conf").write_text(ATTRIBUTES)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    bus = ("dbus-daemon", "--session", "--nofork", "--print-address", f"--address=unix:path={folder}/bus")
    options = ("-v", "-r", "off", "-n", "localhost", "-p", str(port), "-d", str(folder), "-K", str(folder))
    printer = ("ippeveprinter", *options, "-a", str(folder / "printer.conf"), "hall")
    with (
        running(*bus, ready=b"unix:path=") as address,
        running(*printer, ready=b"printer-uuid=", DBUS_SYSTEM_BUS_ADDRESS=address.decode().strip(), HOME=str(folder)),
    ):
        yield f"localhost:{port}"


@pytest.mark.parametrize("scheme", ["ipp", "ipps"])
@pytest.mark.parametrize("path", ["", "/ipp/print"])
def test_it_is_read(printer: str, scheme: str, path: str) -> None:
    reading = read_ipp(f"{scheme}://{printer}{path}", NOON)
    assert (reading.manufacturer, reading.model, reading.serial) == ("Epson", "EPSON WF-9 Series", "XXXX000142")
    assert (reading.name, reading.firmware, reading.status) == ("hall", "7.1", "idle")
    assert {meter.name: meter.value for meter in reading.meters} == {
        "impressions": 12345,
        "impressions.black": 12000,
        "impressions.color": 345,
        "sheets": 6789,
    }
    waste, black = reading.supplies
    assert (waste.description, waste.supply_class, waste.state) == ("Toner Waste Tank", "receptacle", SupplyState.KNOWN)
    assert (black.description, black.color, black.percent) == ("Black Toner", "black", 75)


def test_it_is_found_and_read_again(printer: str) -> None:
    room = Devices(SnmpSettings(), DiscoverySettings(), (), lambda: NOON)
    (found,) = room.discover(room.plan([f"ipps://{printer}/ipp/print"]))
    (again,) = room.read_many([(found.address, found.port)])
    assert isinstance(again, Reading)
    assert again == found
    assert found.serial == "XXXX000142"
