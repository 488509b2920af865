"""A recording of a device is the device again, and a redacted one tells nobody's business."""

import os
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest
from devices_kit import NOON, PROFILES, Mib, a_printer, read
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from meterpost import recording
from meterpost.devices import Devices, SnmpUserSecret, read_recording
from meterpost.devices.recorded import replay
from meterpost.devices.recorder import MAX_OCTETS, MAX_VARIABLES, Recorder
from meterpost.devices.redaction import redacted
from meterpost.devices.snmp.memory import MemoryAgent
from meterpost.devices.snmp.port import Answer, ErrorStatus, Request, Unanswered, hold_at_once
from meterpost.devices.snmp.session import Abilities, Session
from meterpost.errors import DeviceError
from meterpost.recording import Tag, Variable, oid
from meterpost.settings import DiscoverySettings, SnmpSettings
from meterpost_stub.printers.fleet import Fleet
from meterpost_stub.printers.usm import AgentUser

SECRET_MIB: dict[str, recording.Value] = {
    "1.3.6.1.2.1.1.1.0": b"ACME Laser 9, S/N AC00042, firmware 3.11.0.5, host 10.20.30.40, see http://prn-7.corp.example/",
    "1.3.6.1.2.1.1.4.0": b"Jane Doe <jane.doe@corp.example>",
    "1.3.6.1.2.1.1.5.0": b"prn-7.corp.example",
    "1.3.6.1.2.1.1.6.0": b"Vault, 3rd floor",
    "1.3.6.1.2.1.4.20.1.1.203.0.113.9": b"\xcb\0\x71\x09",
    "1.3.6.1.2.1.43.5.1.1.4.1": b"Erika Muster",
    "1.3.6.1.2.1.43.5.1.1.5.1": b"Max Monteur",
    "1.3.6.1.2.1.43.5.1.1.16.1": b"Chefdrucker",
    "1.3.6.1.4.1.2699.1.1.1.2.1.1.3.1": b"salaries.xls",
    "1.3.6.1.4.1.32473.9.0": b"call Max Monteur; last job by Erika Muster on CHEFDRUCKER",
    "1.3.6.1.2.1.43.16.5.1.2.1.1": b"acme-10:00:01 AC00042 203.0.113.9 02005E100001 PRN-7",
    "1.3.6.1.4.1.32473.7.0": "prn-7".encode("utf-16-le"),
    "1.3.6.1.4.1.32473.8.0": b"Vault, 3rd floor",
}
NOBODYS_BUSINESS = (
    *("AC00042", "prn-7", "corp.example", "jane", "vault", "10.20.30.40", "203.0.113.9", "02005e100001", "100001"),
    *("Erika Muster", "Max Monteur", "Chefdrucker", "salaries"),
)
KINDS = {int: Tag.INTEGER, bytes: Tag.OCTETS, tuple: Tag.OID}


def variables(mib: Mib) -> tuple[Variable, ...]:
    found = (Variable(name, KINDS[type(value)], value) for name, value in sorted(mib.items()))
    return tuple(replace(v, tag=Tag.IP_ADDRESS) if v.oid[:9] == oid("1.3.6.1.2.1.4.20.1") else v for v in found)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    path = tmp_path / "secret.snmprec"
    path.write_text(recording.dump(variables(a_printer(SECRET_MIB))))
    user = AgentUser("reader", "auth-password", "priv-password")
    with Fleet([path], network="127.20.33.0/24", port=0, users=(user,)) as started:
        yield started


def devices(**changes: object) -> Devices:
    user = SnmpUserSecret("reader", "auth-password", "priv-password")
    return Devices(SnmpSettings(timeout_s=1.0, **changes), DiscoverySettings(), (user,), lambda: NOON)


@pytest.mark.parametrize(
    "changes",
    [{}, {"versions": ("1",)}, {"versions": ()}, {"engine": "gufo"}, {"engine": "wire"}],
    ids=["v2c", "v1", "v3", "gufo", "wire"],
)
def test_what_is_recorded_is_what_is_served(fleet: Fleet, tmp_path: Path, changes: dict[str, object]) -> None:
    printer = fleet.printers[0]
    (tmp_path / "again").write_text(devices(**changes).record(printer.address, printer.port))
    assert recording.load(tmp_path / "again") == recording.load(tmp_path / "secret.snmprec")


def test_a_redacted_recording_reads_like_the_device_and_tells_nothing(fleet: Fleet, tmp_path: Path) -> None:
    printer = fleet.printers[0]
    text = devices().record(printer.address, printer.port, redact=True)
    (tmp_path / "redacted.snmprec").write_text(text)
    everything = b"\n".join(v.value for v in recording.load(tmp_path / "redacted.snmprec") if isinstance(v.value, bytes))
    for code in ("latin-1", "utf-16-le"):
        for secret in NOBODYS_BUSINESS:
            assert secret.encode(code).lower() not in everything.lower()
            assert secret.encode(code).hex() not in text.lower()
    assert bytes.fromhex("100001") not in everything
    was, now = (read_recording(tmp_path / name, NOON) for name in ("secret.snmprec", "redacted.snmprec"))
    assert (now.meters, now.supplies, now.model, now.status) == (was.meters, was.supplies, was.model, was.status)
    assert len(now.serial) == len(was.serial)
    assert now.serial not in ("", was.serial)
    assert now.mac.startswith("02:00:5e")
    assert f"S/N {now.serial}" in now.sys_descr, "the same number has the same stand-in everywhere"
    assert "firmware 3.11.0.5" in now.sys_descr, "a version is no address"


@pytest.mark.parametrize("word", [b"aa", b"a ", b"a."])
def test_a_long_word_that_is_no_address_is_no_work(word: bytes) -> None:
    value = word * 32_500  # looked at from each of its letters on, it would take half a minute
    (same,) = redacted((Variable((1, 3, 6, 1, 9), Tag.OCTETS, value),), PROFILES)
    assert same.value == value


@given(st.text("AB01-", min_size=4, max_size=12), st.binary(min_size=16, max_size=16))
def test_the_same_word_has_the_same_stand_in_of_its_own_shape(word: str, key: bytes) -> None:
    mib = a_printer({"1.3.6.1.2.1.1.5.0": word.encode(), "1.3.6.1.4.1.32473.9.0": b"[" + word.encode() + b"]"})
    found = {v.oid: v.value for v in redacted(variables(mib), PROFILES, key)}
    name, inside = found[oid("1.3.6.1.2.1.1.5.0")], found[oid("1.3.6.1.4.1.32473.9.0")]
    assert isinstance(name, bytes)
    if word == word.strip():
        assert inside == b"[" + name + b"]"
    assert [(c.isdigit(), c.isalpha()) for c in name.decode()] == [(c.isdigit(), c.isalpha()) for c in word]
    assert {v.oid: v.value for v in redacted(variables(mib), PROFILES, key)} == found


# Whatever private values are put into a MIB, in all spellings: none comes out.

LETTERS = "BCDFGHJKQVWXZ"  # of which no word of a printer is made


def names(least: int) -> st.SearchStrategy[str]:
    return st.text(LETTERS + LETTERS.lower(), min_size=least, max_size=12)


def codes(text: str) -> list[bytes]:
    return [text.encode(code) for code in ("utf-8", "cp1252", "utf-16-le", "utf-16-be")]


def spelt(word: str) -> list[bytes]:
    """A word as agents write it: in other cases, in parts, in other codes, in hexadecimal."""
    half = len(word) // 2
    apart = [word[:half] + mark + word[half:] for mark in (" ", "-", ".", "_")]
    forms = [word, word.upper(), word.lower(), " ".join(word), *apart, word.encode().hex()]
    return [octets for form in forms for octets in codes(form)]


def spelt_mac(mac: bytes) -> list[bytes]:
    marked = [mac.hex(mark) for mark in ":- ."]
    unpadded = [mark.join(f"{octet:x}" for octet in mac) for mark in ":-"]
    decimal = [mark.join(map(str, mac)) for mark in ".: "]
    interface = bytes((mac[0] ^ 2,)) + mac[1:3] + b"\xff\xfe" + mac[3:]
    local, public = (ip_address(bytes.fromhex(prefix) + interface) for prefix in ("fe80000000000000", "20030db800010002"))
    addresses = [form for address in (local, public) for form in (str(address), address.exploded)]
    texts = [mac.hex(), *marked, mac.hex(":").upper(), *unpadded, *decimal, *addresses, f"NPI{mac[3:].hex().upper()}"]
    raw = [mac, interface, mac[:3] + b"\xff\xfe" + mac[3:], local.packed, public.packed]
    return [octets for text in texts for octets in codes(text)] + raw


def spelt_host(host: bytes) -> list[bytes]:
    dotted = ".".join(map(str, host))
    texts = [dotted, f"http://{dotted}:631/ipp", f"IP: {dotted}.", host.hex(), host.hex().upper()]
    return [octets for text in texts for octets in codes(text)] + [host, b"\x01\x02" + host + b"\x01"]


@given(
    name=names(4),
    short=names(3).map(lambda text: text[:3]),
    person=st.tuples(names(4), names(4)).map(" ".join),
    serial=st.tuples(names(3), st.integers(100_000, 999_999)).map(lambda pair: f"{pair[0].upper()}{pair[1]}"),
    tail=st.binary(min_size=3, max_size=3).filter(lambda octets: min(octets) > 0x10 and not octets.isascii()),
    host=st.binary(min_size=3, max_size=3).filter(lambda octets: min(octets) > 99),
    key=st.binary(min_size=16, max_size=16),
)
@settings(max_examples=30, phases=[Phase.explicit, Phase.generate], suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_nothing_private_comes_out(
    name: str, short: str, person: str, serial: str, tail: bytes, host: bytes, key: bytes
) -> None:
    mac, address = bytes.fromhex("0017c8") + tail, b"\x50" + host
    domain = f"dc01.{name}-gruppe.de"
    own: dict[str, recording.Value] = {
        "1.3.6.1.2.1.1.4.0": person.encode(),
        "1.3.6.1.2.1.1.5.0": name.encode(),
        "1.3.6.1.2.1.1.6.0": short.encode(),
        "1.3.6.1.2.1.2.2.1.6.2": mac,
        "1.3.6.1.2.1.4.20.1.1.1": address,
        "1.3.6.1.2.1.43.5.1.1.17.1": serial.encode(),
    }
    texts = [
        *(octets for word in (name, person, serial) for octets in spelt(word)),
        *(octets for text in (domain, f"ipp://{domain}/x", f"a@{domain}", rf"\\{name}\q") for octets in codes(text)),
        *spelt_mac(mac),
        *spelt_host(address),
    ]
    around = [b"%b", b"[%b]"]
    rows = [frame % text for text in texts for frame in (around if len(text) not in (4, 6, 8, 16) else around[:1])]
    labelled = [octets for text in (f"Lohn {short}.xlsx", f"SSID={short}", f"Asset no: {short}") for octets in codes(text)]
    own |= {f"1.3.6.1.4.1.32473.9.{place}.0": row for place, row in enumerate(labelled)}
    own |= {f"1.3.6.1.4.1.32473.7.{place}.0": row for place, row in enumerate(rows)}
    own |= {f"1.3.6.1.4.1.32473.8.1.{'.'.join(map(str, index))}": 1 for index in (mac, address, name.encode(), serial.encode())}
    found = redacted(variables(a_printer(own)), PROFILES, key)
    values = b"\n".join(v.value for v in found if isinstance(v.value, bytes)).replace(b"\0", b"")
    plain = bytes(filter(lambda octet: octet not in b" .-_:", values)).lower()
    for word in (name, person.replace(" ", ""), serial, mac.hex(), tail.hex(), address.hex()):
        assert word.lower().encode() not in plain
    for secret in (mac, tail, address, ".".join(map(str, address)).encode(), ".".join(map(str, mac)).encode()):
        assert secret not in values
    assert not [secret for secret in (b"gruppe", b"dc01", b"Lohn") if secret in values]
    kept = {v.oid: v.value for v in found}
    assert kept[oid("1.3.6.1.2.1.1.6.0")] != short.encode()
    marked = [value for name, value in kept.items() if name[:8] == oid("1.3.6.1.4.1.32473.9") and isinstance(value, bytes)]
    assert len(marked) == len(labelled)
    assert not [value for value in marked if short.encode() in value.replace(b"\0", b"")]
    assert not [name for name in kept if name[:9] == oid("1.3.6.1.4.1.32473.8.1")]
    reading = read(kept)
    assert reading.meters == read(a_printer()).meters
    assert (reading.model, reading.supplies) == (read(a_printer()).model, read(a_printer()).supplies)


def test_the_model_is_not_private_where_it_is_the_name_too() -> None:
    own = {
        "1.3.6.1.2.1.25.3.2.1.3.1": b"ACME Laser 9",
        "1.3.6.1.2.1.1.5.0": b"Laser 9",
        "1.3.6.1.2.1.43.5.1.1.16.1": b"ACME Laser 9",
    }
    found = {v.oid: v.value for v in redacted(variables(a_printer(own)), PROFILES)}
    assert found[oid("1.3.6.1.2.1.25.3.2.1.3.1")] == b"ACME Laser 9"
    assert found[oid("1.3.6.1.2.1.1.1.0")] == b"ACME Laser, firmware 7"
    assert found[oid("1.3.6.1.2.1.1.5.0")] != b"Laser 9"


@pytest.mark.parametrize(
    "text",
    [b"firmware 3.11.0.5", b"http://www.hp.com/support", b"version 04.08.EUR", b"10:23:45", b"Use A4.", b"000000000000"],
)
def test_what_only_looks_private_stays(text: bytes) -> None:
    found = redacted(variables(a_printer({"1.3.6.1.4.1.32473.7.0": text})), PROFILES)
    assert {v.oid: v.value for v in found}[oid("1.3.6.1.4.1.32473.7.0")] == text


FOLDER = os.environ.get("METERPOST_RECORDINGS", "")
KEPT = ("manufacturer", "model", "profile", "meters", "supplies", "status", "errors", "alerts", "firmware")


@pytest.mark.skipif(not FOLDER, reason="METERPOST_RECORDINGS does not name a folder with recordings of real printers")
@pytest.mark.parametrize("path", sorted((Path(FOLDER) / "snmprec").glob("*.snmprec")) if FOLDER else [], ids=lambda p: p.stem)
def test_a_redacted_recording_of_a_real_printer_reads_the_same(path: Path, tmp_path: Path) -> None:
    variables = recording.load(path)
    (tmp_path / path.name).write_text(recording.dump(redacted(variables, PROFILES)))
    was, now = replay(path, NOON, PROFILES), replay(tmp_path / path.name, NOON, PROFILES)
    for field in KEPT:
        assert getattr(now, field) == getattr(was, field)
    for field in ("serial", "name", "location", "mac"):
        before, after = getattr(was, field), getattr(now, field)
        assert len(after) == len(before)
        assert after != before or not any(map(str.isalnum, before))
    left = b"\n".join(v.value for v in recording.load(tmp_path / path.name) if isinstance(v.value, bytes))
    for mac in was.macs:
        octets = bytes.fromhex(mac.replace(":", ""))
        for octets_left in (octets, octets[:3] + b"\xff\xfe" + octets[3:], b"\xff\xfe" + octets[3:]):
            assert octets_left not in left
        assert octets[3:].hex().encode() not in left.lower()


class Endless(MemoryAgent):
    def answer(self, request: Request) -> Answer:
        name = request.names[0]
        rows = range(1, max(1, request.repetitions) + 1)
        return Answer(tuple(((*name[:4], (*name, 0)[4] + row), 1) for row in rows), tags=bytes([2] * len(rows)))


class Looping(MemoryAgent):
    def answer(self, request: Request) -> Answer:
        return Answer((((1, 3, 6, 1, 5), 1), ((1, 3, 6, 1, 4), 2)), tags=b"\x02\x02")


class SmallAndDeaf(MemoryAgent):
    """No GETBULK of more than three rows, then none at all."""

    def answer(self, request: Request) -> Answer:
        if request.repetitions > 3:
            return Answer(status=ErrorStatus.TOO_BIG)
        if request.repetitions:
            raise Unanswered("nothing")
        whole = super().answer(request)
        return replace(whole, tags=b"\x02" * len(whole.bindings))


def recorded(agent: MemoryAgent) -> Recorder:
    recorder = Recorder()
    hold_at_once(recorder.walk(Session(Abilities(True))), agent.answer)
    return recorder


def walked(agent: MemoryAgent) -> tuple[Variable, ...]:
    return tuple(recorded(agent).variables)


def test_an_endless_agent_is_recorded_up_to_a_bound() -> None:
    found = recorded(Endless({}))
    assert len(found.variables) == MAX_VARIABLES
    assert found.head.startswith("# cut: ")


def test_an_agent_that_tells_too_much_is_recorded_up_to_a_bound() -> None:
    class Verbose(Endless):
        def answer(self, request: Request) -> Answer:
            whole = super().answer(request)
            return replace(whole, bindings=tuple((name, bytes(2700)) for name, _ in whole.bindings), tags=b"\x04" * 24)

    found = walked(Verbose({}))
    assert MAX_OCTETS <= len(found) * 2700 < MAX_OCTETS + 24 * 2700


def test_a_device_that_is_too_slow_to_be_recorded_is_given_up(monkeypatch: pytest.MonkeyPatch, fleet: Fleet) -> None:
    monkeypatch.setattr("meterpost.devices.devices.RECORDING_S", 0.0)
    with pytest.raises(DeviceError, match="could not be recorded within 0 minutes"):
        devices().record(fleet.printers[0].address, fleet.printers[0].port)


@pytest.mark.parametrize("said", [Answer(), Answer((((1, 3, 6, 1), 7),), tags=b"\x02"), Answer(status=ErrorStatus.GEN_ERR)])
def test_an_answer_to_getbulk_that_leads_nowhere_is_asked_for_without(said: Answer) -> None:
    class NoBulk(MemoryAgent):
        def answer(self, request: Request) -> Answer:
            whole = super().answer(request)
            return said if request.repetitions else replace(whole, tags=b"\x02" * len(whole.bindings))

    mib: Mib = {(1, 3, 6, 1, row): row for row in range(1, 4)}
    assert [variable.value for variable in walked(NoBulk(mib))] == [1, 2, 3]


class Lossy(MemoryAgent):
    """Every request is lost so many times; from `silent` rows on, all are."""

    def __init__(self, rows: int, lost: int, silent: int = 99) -> None:
        super().__init__({(1, 3, 6, 1, row): row for row in range(1, rows + 1)})
        self.lost, self.silent, self.waiting = lost, silent, lost

    def answer(self, request: Request) -> Answer:
        if request.names[0][4:] and (self.waiting or request.names[0][4] >= self.silent):
            self.waiting -= 1
            raise Unanswered("nothing")
        self.waiting = self.lost
        whole = super().answer(request)
        return replace(whole, tags=b"\x02" * len(whole.bindings))


def test_lost_packets_are_asked_for_more_often_than_in_a_reading() -> None:
    found = recorded(Lossy(60, lost=3))
    assert [variable.value for variable in found.variables] == list(range(1, 61))
    assert found.head == ""


def test_what_was_recorded_before_a_device_fell_silent_is_kept() -> None:
    found = recorded(Lossy(60, lost=0, silent=48))
    assert [variable.value for variable in found.variables] == list(range(1, 49))
    assert found.head == "# incomplete: the device has stopped answering after 48 variables\n"


def test_an_incomplete_recording_is_loaded_all_the_same(tmp_path: Path) -> None:
    found = recorded(Lossy(60, lost=0, silent=48))
    (tmp_path / "half.snmprec").write_text(found.head + recording.dump(found.variables))
    assert recording.load(tmp_path / "half.snmprec") == tuple(found.variables)


def test_a_device_that_never_answers_is_an_error() -> None:
    class Mute(MemoryAgent):
        def answer(self, request: Request) -> Answer:
            raise Unanswered("nothing")

    with pytest.raises(Unanswered):
        walked(Mute({}))


def test_a_walk_that_turns_back_ends() -> None:
    assert walked(Looping({})) == (Variable((1, 3, 6, 1, 5), Tag.INTEGER, 1),)


def test_an_agent_without_a_mib_is_an_error() -> None:
    with pytest.raises(DeviceError, match="tells nothing"):
        walked(MemoryAgent({}))


def test_less_is_asked_at_once_until_it_works() -> None:
    mib: Mib = {(1, 3, 6, 1, row): row for row in range(1, 8)}
    assert [variable.value for variable in walked(SmallAndDeaf(mib))] == [1, 2, 3, 4, 5, 6, 7]
