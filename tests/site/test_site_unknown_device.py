"""Client and server do not know the same devices, as after either restored an old backup: what the person sees, that
nothing is half registered, and that nothing is answered that was not asked."""

import secrets
import shutil
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from site_lab import Site, unharmed

from meterpost import wsse
from meterpost.cli.main import main
from meterpost.lifecycle import messages as m
from meterpost.lifecycle.state import DeviceState, RequestState
from meterpost.model import Credentials, HttpReply
from meterpost.soap.envelope import envelope
from meterpost.transport import HttpsTransport, Outbound


def restored_before_the_third_printer(site: Site, turned_on: bool) -> str:
    """The client's store comes from a backup made when the site had two printers; the server has three, and `turned_on`
    says whether it was told that the third is on. The third one's serial."""
    two, third = site.fleet.printers[:2], site.fleet.printers[2]
    site.done("discover", "--yes", *(f"{p.address}:{p.port}" for p in two))
    site.done("enrol", "--all")
    site.stub.advance(hours=1)
    site.stub.sign_up()
    site.done("sync")
    store = site.folder / "meterpost.db"
    known = set(site.state().devices)
    shutil.copy(store, site.folder / "backup")
    (found,) = site.done("discover", "--yes", f"{third.address}:{third.port}")
    site.done("enrol", "--all")
    site.stub.advance(hours=1)
    site.stub.sign_up()
    if turned_on:
        site.done("sync")
    shutil.copy(site.folder / "backup", store)
    assert set(site.state().devices) == known
    return str(found["serial"])


@pytest.mark.parametrize(
    ("turned_on", "command"), [(False, "turn on"), (True, "billing request")], ids=["turn on", "billing request"]
)
def test_the_server_speaks_of_a_device_the_client_does_not_have(
    site: Site, capsys: pytest.CaptureFixture[str], turned_on: bool, command: str
) -> None:
    stranger = restored_before_the_third_printer(site, turned_on)
    known = set(site.state().devices)
    site.month()
    for expected in (["T3", "T7", "T7"], ["T3"]):  # the server repeats its command, and once more nothing comes of it
        run = site.run("sync")
        assert run.code == 1
        (wrong,) = (notice for notice in run.json["notices"] if notice["kind"] == "unexpected")
        assert (wrong["serial"], wrong["text"]) == (
            stranger,
            f"{command}: not in order for a device that is not known here",
        )
        assert [message["transaction"] for message in run.json["messages"]] == expected
        assert stranger not in [read["serial"] for read in run.json["reads"]]
        state = site.state()
        assert set(state.devices) == known
        assert {request.serial for request in state.requests.values()} == known
        assert state.outbox == ()
        assert set(site.answered()) == known
        assert {part["serial"] for part in site.stub.readings()} == known
    assert site.open() == ([stranger] if turned_on else [])

    assert main(["sync", "--config", str(site.config)]) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert f"{stranger} unexpected {command}: not in order for a device that is not known here" in shown

    site.done("discover", "--yes")  # what the administrator does then
    site.done("enrol", "--all")
    if turned_on:  # the server turns a device on once in its life, so it takes another one
        site.done("withdraw", stranger)
        site.done("enrol", stranger)
        site.stub.advance(hours=1)
        site.stub.sign_up()
    site.done("sync")
    assert site.state().devices[stranger].state is DeviceState.CONFIRMED


def books_restored_before(operation: str, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Just before the client's `operation` arrives, the server's books are those of a day when it knew the client and
    none of its devices."""
    post = HttpsTransport.post
    credentials = Credentials(site.stub.username, site.stub.password)
    register = envelope(m.RegisterProxy(site.state().client, "n", "o", "1"))

    def restored(self: HttpsTransport, message: Outbound) -> HttpReply:
        if message.action.endswith(f":{operation}") and site.stub.state()["devices"]:
            site.stub.reset()
            policy = wsse.POLICIES["digest-2004"]
            sealed = wsse.seal(register, policy, wsse.Identity(credentials), datetime.now(UTC), secrets.token_bytes(wsse.NONCE))
            assert site.posted(sealed)[0] == 200
        return post(self, message)

    monkeypatch.setattr(HttpsTransport, "post", restored)


def signed_up(site: Site) -> None:
    """The next sync turns three devices on."""
    site.done("discover", "--yes")
    site.done("enrol", "--all")
    site.stub.advance(hours=1)
    site.stub.sign_up()


def billed(site: Site) -> None:
    """The next sync asks for the reads of three devices."""
    site.enrol()
    site.month()


@pytest.mark.parametrize(
    ("before", "operation", "said", "notice", "state"),
    [
        (
            signed_up,
            "SyncProxyStatus",
            ["T3", "T5"],
            "the server told it to turn on, and now does not know it",
            DeviceState.REGISTERED,
        ),
        (billed, "BillingTransaction", ["T3", "T7"], "the server does not know billing request", DeviceState.CONFIRMED),
    ],
    ids=["sync status", "billing response"],
)
def test_the_client_speaks_of_devices_the_server_does_not_have(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    before: Callable[[Site], None],
    operation: str,
    said: list[str],
    notice: str,
    state: DeviceState,
) -> None:
    before(site)
    serials = set(site.state().devices)
    with monkeypatch.context() as patched:
        books_restored_before(operation, site, patched)
        run = site.run("sync")
    assert run.code == 1, run.err
    assert [message["transaction"] for message in run.json["messages"]] == said
    refused = {n["serial"]: n["text"] for n in run.json["notices"] if n["kind"] == "not-accepted"}
    assert set(refused) == serials
    assert all(text.startswith(notice) for text in refused.values())
    assert "reads-reported" not in [n["kind"] for n in run.json["notices"]]
    after = site.state()
    assert after.outbox == ()
    assert {device.state for device in after.devices.values()} == {state}
    assert {request.state for request in after.requests.values()} <= {RequestState.REJECTED}
    assert len(after.requests) == (3 if before is billed else 0)  # kept, with what became of them
    assert kept_of_devices(site) == [[], [], []]
    assert [message["transaction"] for message in site.done("sync")["messages"]] == ["T3"]  # and no circle comes of it
    assert kept_of_devices(site) == [[], [], []]

    for serial in serials:  # what the administrator does then: each begins another life
        site.done("withdraw", serial)
    site.done("enrol", *serials)
    site.stub.advance(hours=1)
    site.stub.sign_up()
    site.done("sync")
    site.month()
    unharmed(site)


def kept_of_devices(site: Site) -> list[object]:
    """All the server has of devices."""
    state = site.stub.state()
    return [state["devices"], state["billing_requests"], site.stub.readings()]
