"""The power goes at any step of a site's life: before or after any write to the store, while a message is on its way,
while its answer is. Afterwards the server has everything once, and so has the client."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from agent_lab import Lab
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from meterpost.lifecycle.state import DeviceState, RequestState
from meterpost_wsdl import names

WRITES = {"save_site", "add_reading", "add_exchange", "set_last_success"}
M = f"{{{names.SERVICE}}}"


class PowerCut(BaseException):
    """Not an Exception: nobody may catch it, as nobody catches a power cut."""


@dataclass
class Mains:
    """The power of a machine that is started again and again: the n-th start of each command lasts `cuts[n]` steps, and
    once they are used up it stays. `longest` is the most steps a command took."""

    cuts: Sequence[int]
    steps: int = 0
    longest: int = 0
    cut: int = 0

    def step(self, *_: object) -> None:
        self.steps += 1
        if self.steps == self.cut:
            raise PowerCut

    def command(self, work: Callable[[], object]) -> None:
        for cut in (*self.cuts, 0):
            self.steps, self.cut = 0, cut
            with suppress(PowerCut):
                work()
                self.longest = max(self.longest, self.steps)
                return


class Ledger:
    """The real one; after each write that is on disk comes a step. A cut before a write is one after the last."""

    def __init__(self, real: Any, mains: Mains) -> None:
        self._real, self._mains = real, mains

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._real, name)

        def write(*arguments: Any) -> Any:
            result = attribute(*arguments)
            self._mains.step()
            return result

        return write if name in WRITES else attribute


def life(folder: Path, *cuts: int) -> tuple[Lab, Mains]:
    """A whole life: two printers are found and enrolled, signed up, turned on, billed. After each cut the machine
    starts again, and the person repeats the command that died."""
    lab, mains = Lab(folder), Mains(cuts)
    lab._ledger = Ledger(lab._ledger, mains)
    lab.vendor.on_post = lab.vendor.on_reply = mains.step
    found = [lab.printers.add(serial) for serial in ("A", "B")]

    def command(verb: str, *arguments: Any) -> None:
        def once() -> None:
            with lab.agent() as agent:
                getattr(agent, verb)(*arguments)

        mains.command(once)

    def unattended(**span: float) -> None:
        until = lab.clock.now + timedelta(**span)

        def run() -> None:
            lab.unattended = lab.start()
            lab.live(seconds=(until - lab.clock.now).total_seconds())

        mains.command(run)

    command("remember", found)
    command("select", ("A", "B"))
    command("register")
    unattended(hours=1)
    lab.vendor.desk.sign_up()
    unattended(hours=1)
    for serial in ("A", "B"):
        lab.vendor.desk.bill(serial)
    unattended(days=1)
    return lab, mains


def everything_once(lab: Lab) -> None:
    """As the server counts, as the wire saw it, and as the client remembers."""
    state = lab.vendor.desk.state()
    assert len(state["proxies"]) == 1
    assert [(device["serial"], device["life"], device["stage"]) for device in state["devices"]] == [
        ("A", 1, "on"),
        ("B", 1, "on"),
    ]
    assert lab.vendor.requests("answered") == ["A", "B"]
    assert lab.vendor.requests("open") == []
    assert list(Counter(lab.vendor.parts()).values()) == [1, 1]
    said = once_in_a_life(lab)
    assert all(len(bodies) == 1 for bodies in said.values()), "what was repeated was not the same message"
    site = lab.site()
    assert site.outbox == ()
    assert {device.state for device in site.devices.values()} == {DeviceState.REPORTED}
    assert {request.state for request in site.requests.values()} == {RequestState.ACKNOWLEDGED}


def once_in_a_life(lab: Lab) -> dict[tuple[str, ...], set[bytes]]:
    """The distinct bodies that spoke of each thing said once: registration and status of a device, part of an answer."""
    said: dict[tuple[str, ...], set[bytes]] = {}
    for entry in lab.vendor.journal:
        payload = etree.fromstring(entry.request).find(f"{{{names.SOAP}}}Body")[0]
        things = [("proxy",)] if payload.tag == f"{M}RegisterProxy" else []
        things += [(payload.tag, d.get("serial"), d.get("id", ""), d.get("part", "")) for d in payload.iter(f"{M}Device")]
        for thing in things:
            said.setdefault(thing, set()).add(etree.tostring(payload))
    return said


MOST_STEPS = 18


def test_a_life_without_a_cut(tmp_path: Path) -> None:
    lab, mains = life(tmp_path)
    with closing(lab):
        everything_once(lab)
        assert [entry.transaction for entry in lab.vendor.journal] == ["T1", "T2", "T3", "T3", "T5", "T3", "T7"]
    assert mains.longest == MOST_STEPS  # so that the cuts below reach the last one


@pytest.mark.parametrize("step", range(1, MOST_STEPS + 1))
def test_the_power_goes_in_every_command_at_this_step(tmp_path: Path, step: int) -> None:
    lab, _ = life(tmp_path, step)
    with closing(lab):
        everything_once(lab)


@given(st.lists(st.integers(1, MOST_STEPS), min_size=2, max_size=5))
@settings(max_examples=5, deadline=None, derandomize=True)
def test_the_power_goes_again_and_again(cuts: list[int]) -> None:
    with TemporaryDirectory() as folder:
        lab, _ = life(Path(folder), *cuts)
        with closing(lab):
            everything_once(lab)
