"""SNMPv3 authPriv as RFC 3414 has it, asked by pysnmp's own engine, which shares no code path with the agent's USM."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyasn1.codec.ber import decoder, encoder
from pysnmp.hlapi.v3arch import asyncio as hlapi
from pysnmp.proto.api import v2c
from pysnmp.proto.mpmod.rfc3412 import ScopedPDU, SNMPv3Message
from pysnmp.proto.secmod.rfc3414.service import UsmSecurityParameters

from meterpost.errors import SettingsError
from meterpost.recording import oid
from meterpost_stub.printers import AgentUser
from meterpost_stub.printers.agent import Agent
from meterpost_stub.printers.mib import Mib
from meterpost_stub.printers.usm import TIME_WINDOW, Usm

DESCR = "1.3.6.1.2.1.1.1.0"
JOE = AgentUser("joe", "auth-secret", "priv-secret")
ENGINE = b"\x80\x00\x7e\xd9\x01\x7f\x14\x00\x01"
PROTOCOLS = {
    "MD5": hlapi.USM_AUTH_HMAC96_MD5,
    "SHA": hlapi.USM_AUTH_HMAC96_SHA,
    "SHA224": hlapi.USM_AUTH_HMAC128_SHA224,
    "SHA256": hlapi.USM_AUTH_HMAC192_SHA256,
    "SHA384": hlapi.USM_AUTH_HMAC256_SHA384,
    "SHA512": hlapi.USM_AUTH_HMAC384_SHA512,
    "DES": hlapi.USM_PRIV_CBC56_DES,
    "AES": hlapi.USM_PRIV_CFB128_AES,
    "AES192": hlapi.USM_PRIV_CFB192_AES,
    "AES256": hlapi.USM_PRIV_CFB256_AES,
}


async def asked(printer, name, user=JOE, who=None, bulk=0, timeout=5):
    """(error indication, error status, values) of one request by an engine of pysnmp's, as `user` or as `who`."""
    engine = hlapi.SnmpEngine()
    target = await hlapi.UdpTransportTarget.create((printer.address, printer.port), timeout=timeout, retries=0)
    protocols = PROTOCOLS[user.auth], PROTOCOLS[user.priv]
    who = who or hlapi.UsmUserData(user.name, user.auth_password, user.priv_password, *protocols)
    common, wanted = (engine, who, target, hlapi.ContextData()), hlapi.ObjectType(hlapi.ObjectIdentity(name))
    command = hlapi.bulk_cmd(*common, 0, bulk, wanted) if bulk else hlapi.get_cmd(*common, wanted)
    try:
        indication, status, _, bindings = await command
    finally:
        engine.close_dispatcher()
    return (str(indication) if indication else None), int(status), [value.prettyPrint() for _, value in bindings]


def ask(*arguments, **options):
    return asyncio.run(asked(*arguments, **options))


@pytest.fixture
def printer(printer_with):
    return printer_with(f"{DESCR}|4|Printer", users=(JOE,))


@pytest.mark.parametrize(
    ("auth", "priv"),
    [("SHA", "AES"), ("MD5", "DES"), ("SHA224", "AES"), ("SHA256", "AES256"), ("SHA384", "AES192"), ("SHA512", "DES")],
)
def test_an_authentic_user_reads_what_the_recording_has(printer_with, auth, priv):
    user = AgentUser("büro", "auth-secret", "priv-secret", auth, priv)
    printer = printer_with(f"{DESCR}|4|Printer", users=(JOE, user))
    assert ask(printer, DESCR, user=user) == (None, 0, ["Printer"])


def test_a_large_getbulk_is_cut_to_one_frame_like_any_other(printer_with):
    printer = printer_with(*(f"1.3.6.1.4.1.{row}|4|{'x' * 100}" for row in range(1, 61)), users=(JOE,))
    indication, status, values = ask(printer, "1.3.6.1.4.1", bulk=60)
    assert (indication, status) == (None, 0)
    assert 5 < len(values) < 15


@pytest.mark.parametrize(
    ("wrong", "timeout", "said"),
    [
        (AgentUser("joe", "another-secret", "priv-secret"), 5, "Wrong SNMP PDU digest"),
        (AgentUser("jane", "auth-secret", "priv-secret"), 5, "Unknown USM user"),
        (AgentUser("joe", "auth-secret", "another-secret"), 0.2, "No SNMP response received before timeout"),
    ],
)
def test_who_does_not_know_the_passwords_reads_nothing(printer, wrong, timeout, said):
    assert ask(printer, DESCR, user=wrong, timeout=timeout) == (said, 0, [])


@pytest.mark.parametrize("who", [hlapi.UsmUserData("joe", "auth-secret"), hlapi.UsmUserData("joe")])
def test_without_privacy_nothing_is_read(printer, who):
    assert ask(printer, DESCR, who=who) == ("Unsupported SNMP security level", 0, [])


@pytest.mark.parametrize(
    "user",
    [
        {"name": ""},
        {"name": "x" * 33},
        {"auth_password": "seven77"},
        {"priv_password": ""},
        {"auth": "SHA3"},
        {"priv": "3DES"},
    ],
)
def test_a_user_that_cannot_be_is_a_clear_error_without_a_secret_in_it(user):
    given = {"name": "joe", "auth_password": "auth-secret", "priv_password": "priv-secret", **user}
    with pytest.raises(SettingsError, match="SNMPv3 user") as error:
        AgentUser(**given)
    assert "-secret" not in f"{error.value} {error.value.advice} {JOE!r}"


def discovery(flags=4, model=3, user=b""):
    """The message a manager starts with: it asks who is there (RFC 3414, 4)."""
    pdu, scoped, parameters, message = v2c.GetRequestPDU(), ScopedPDU(), UsmSecurityParameters(), SNMPv3Message()
    v2c.apiPDU.set_defaults(pdu)
    v2c.apiPDU.set_request_id(pdu, 77)
    scoped[0], scoped[1] = b"", b""
    scoped[2].setComponentByType(pdu.tagSet, pdu)
    for place, value in enumerate((b"", 0, 0, user, b"", b"")):
        parameters[place] = value
    for place, value in enumerate((5, 65507, bytes([flags]), model)):
        message[1][place] = value
    message[0], message[2] = 3, encoder.encode(parameters)
    message[3]["plaintext"] = scoped
    return encoder.encode(message)


@pytest.fixture(scope="module")
def bare_agent():
    mib = Mib([])
    mib.set(oid(DESCR), "Printer")
    return Agent(mib, (), Usm(ENGINE, (JOE,), boots=7, now=lambda: 0))


def test_discovery_tells_the_engine_and_counts_reports(bare_agent):
    seen = []
    for _ in range(2):
        message, _ = decoder.decode(bare_agent.answer(discovery()), asn1Spec=SNMPv3Message())
        parameters, _ = decoder.decode(message[2], asn1Spec=UsmSecurityParameters())
        report = message[3]["plaintext"][2].getComponent()
        ((name, count),) = v2c.apiPDU.get_varbinds(report)
        assert (parameters[0].asOctets(), int(report[0])) == (ENGINE, 77)
        assert tuple(name) == oid("1.3.6.1.6.3.15.1.1.4.0")  # usmStatsUnknownEngineIDs
        seen.append(int(count))
    assert seen[1] == seen[0] + 1


def test_no_report_to_who_does_not_want_one_or_to_another_security_model(bare_agent):
    assert bare_agent.answer(discovery(flags=0)) is None
    assert bare_agent.answer(discovery(model=4)) is None


def test_each_printer_is_an_engine_of_its_own(built_in, fleet_of, manager_of):
    engines = set()
    for printer in fleet_of([built_in("sharp"), built_in("sharp"), built_in("epson")], users=(JOE,)).printers:
        manager = manager_of(printer)
        manager.send(discovery())
        message, _ = decoder.decode(manager.socket.recv(65535), asn1Spec=SNMPv3Message())
        engines.add(decoder.decode(message[2], asn1Spec=UsmSecurityParameters())[0][0].asOctets())
    assert len(engines) == 3


class Tap(asyncio.DatagramProtocol):
    """Serves an agent and keeps what it was sent."""

    def __init__(self, agent):
        self.agent, self.heard = agent, []

    def connection_made(self, transport):
        self.transport = transport
        self.address, self.port = transport.get_extra_info("sockname")

    def datagram_received(self, data, addr):
        self.heard.append(data)
        self.transport.sendto(self.agent.answer(data), addr)


def test_an_authentic_message_played_again_after_the_time_window_is_told_the_time_and_not_the_value():
    clock, mib = [0.0], Mib([])
    mib.set(oid(DESCR), "Printer")
    tap = Tap(Agent(mib, (), Usm(ENGINE, (JOE,), boots=7, now=lambda: clock[0])))

    async def tapped():
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: tap, local_addr=("127.0.0.1", 0))
        try:
            return await asked(tap, DESCR)
        finally:
            tap.transport.close()

    assert asyncio.run(tapped()) == (None, 0, ["Printer"])
    for later, encrypted in ((0, True), (TIME_WINDOW, True), (TIME_WINDOW + 1, False)):
        clock[0] = later
        message, _ = decoder.decode(tap.agent.answer(tap.heard[-1]), asn1Spec=SNMPv3Message())
        assert message[3].getName() == ("encryptedPDU" if encrypted else "plaintext")
        assert message[1][2].asOctets() == (b"\x03" if encrypted else b"\x01")  # the report is authenticated


PLACES = 199
"""Taken modulo the length of a request, which its request id changes from run to run."""


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_octets_stop_the_engine(bare_agent, data):
    octets = bytearray(discovery(user=b"joe"))
    for place in data.draw(st.lists(st.integers(0, PLACES), max_size=4)):
        place %= len(octets)
        octets[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    bare_agent.answer(bytes(octets))
