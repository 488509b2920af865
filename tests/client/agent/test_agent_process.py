"""`meterpost run` as a service manager sees it, and what a kill leaves behind: real processes, a real server over TLS,
real SNMP agents."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from site_lab import Site

from meterpost.lifecycle.state import DeviceState
from meterpost_stub import StubServer
from meterpost_stub.http import Guard
from meterpost_stub.printers import BUILT_IN, Fleet
from meterpost_stub.web import HttpRequest, HttpResponse

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of another process are POSIX")
PATIENCE_S = 30
Start = Callable[..., "Process"]


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    recordings = [BUILT_IN / f"{name}.snmprec" for name in ("brother-hl-l6400dw", "kyocera-taskalfa-3554ci")]
    with Fleet(recordings, network="127.20.79.0/24", port=0) as fleet:
        yield fleet


class Gate:
    """Holds back the answers to one kind of message: the server has executed it, and its answer is on its way."""

    def __init__(self) -> None:
        self.held = ""
        self._there, self._open = threading.Event(), threading.Event()

    def pass_through(self, request: HttpRequest) -> None:
        if self.held and f':{self.held}"'.encode() in request.head:
            self._there.set()
            self._open.wait(PATIENCE_S)

    def wait(self) -> None:
        """Until such a message is there."""
        assert self._there.wait(PATIENCE_S)

    def open(self) -> None:
        self.held = ""
        self._open.set()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate()
    answer = Guard.answer

    def slow(self: Guard, request: HttpRequest) -> HttpResponse:
        reply = answer(self, request)
        gate.pass_through(request)
        return reply

    monkeypatch.setattr(Guard, "answer", slow)
    yield gate
    gate.open()


@pytest.fixture
def site(tmp_path: Path, fleet: Fleet, gate: Gate) -> Iterator[Site]:
    with StubServer() as stub:
        site = Site(tmp_path, stub, fleet)
        site.configure()
        yield site
        gate.open()  # the server waits for its answers before it ends


class Process:
    """A `meterpost` command as a process of its own; its log is read line by line."""

    def __init__(self, site: Site, *argv: str) -> None:
        command = [sys.executable, "-m", "meterpost.cli.main", *argv, "--json", "--config", str(site.config)]
        self._popen = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self.log: list[str] = []

    def until(self, text: str) -> None:
        """Reads the log up to the line that begins so."""
        assert self._popen.stderr
        for line in self._popen.stderr:
            self._keep(line)
            if self.log[-1].startswith(text):
                return
        raise AssertionError(f"it ended without saying {text!r}: {self.log}")

    def send(self, number: signal.Signals) -> None:
        self._popen.send_signal(number)

    def end(self) -> int:
        """The exit code, after all it had to say."""
        _, rest = self._popen.communicate(timeout=PATIENCE_S)
        for line in rest.splitlines():
            self._keep(line)
        return self._popen.returncode

    def kill(self) -> None:
        """Takes the power away."""
        with self._popen:
            self._popen.kill()

    def _keep(self, line: str) -> None:
        said = json.loads(line)
        self.log.append(said.get("text") or said["error"])


@pytest.fixture
def start(site: Site) -> Iterator[Start]:
    """Starts a command; none outlives the test."""
    started: list[Process] = []

    def begin(*argv: str) -> Process:
        started.append(Process(site, *argv))
        return started[-1]

    yield begin
    for process in started:
        process.kill()


def billed_once(site: Site) -> None:
    assert len(site.answered()) == 2
    assert site.open() == []
    parts = [(part["serial"], part["id"], part["part"]) for part in site.stub.readings()]
    assert len(parts) == len(set(parts))
    assert {device.state for device in site.state().devices.values()} == {DeviceState.REPORTED}
    assert site.state().outbox == ()


def test_it_reads_and_syncs_at_start_and_ends_when_it_is_told_to(site: Site, start: Start) -> None:
    site.done("discover", "--yes")
    site.done("enrol", "--all")
    run = start("run")
    run.until("read 2 printers, 0 not")
    run.until("sync: sent T3; 0 waiting, 0 billing requests open")
    run.send(signal.SIGTERM)
    assert run.end() == 0
    assert run.log[0].startswith("running")
    assert run.log[-1] == "stopped"
    assert [entry.transaction for entry in site.stub.journal()] == ["T1", "T2", "T3"]
    with site.agent() as agent:
        assert None not in agent.status().last_success.values()
    again = start("run")  # everything was just done
    again.until("running")
    again.send(signal.SIGTERM)
    assert again.end() == 0
    assert len(site.stub.journal()) == 3


def test_told_to_end_in_the_middle_of_a_sync_it_finishes_it_first(site: Site, gate: Gate, start: Start) -> None:
    site.done("discover", "--yes")
    site.done("enrol", "--all")
    site.stub.advance(hours=1)
    site.stub.sign_up()
    gate.held = "SyncProxy"
    run = start("run")
    gate.wait()
    run.send(signal.SIGTERM)
    run.until("stopping")
    gate.open()
    assert run.end() == 0
    assert "sync: sent T3, T5 for 2; 0 waiting, 0 billing requests open" in run.log
    assert {device.state for device in site.state().devices.values()} == {DeviceState.CONFIRMED}


def test_a_second_one_on_the_same_store_is_told_so(site: Site, start: Start) -> None:
    first = start("run")
    first.until("read 0 printers")
    second = start("run")
    assert second.end() == 3
    assert "is being written by meterpost run (process " in second.log[0]
    site.done("discover", "--yes")  # people's commands go on beside it
    first.send(signal.SIGTERM)
    assert first.end() == 0


@pytest.mark.parametrize("action", ["SyncProxy", "BillingTransaction"])
def test_killed_while_the_answer_is_on_its_way(site: Site, gate: Gate, start: Start, action: str) -> None:
    site.enrol()
    site.month()
    gate.held = action
    command = start("sync")
    gate.wait()
    command.kill()
    gate.open()
    (waiting,) = site.state().outbox[:1]
    assert (type(waiting.message).__name__, waiting.attempts) == (action, 1)
    site.done("sync")
    billed_once(site)


def test_killed_in_its_first_sync_it_goes_on_at_the_next_start(site: Site, gate: Gate, start: Start) -> None:
    site.done("discover", "--yes")
    site.done("enrol", "--all")
    site.stub.advance(hours=1)
    site.stub.sign_up()
    gate.held = "SyncProxyStatus"
    run = start("run")
    gate.wait()
    run.kill()
    gate.open()
    again = start("run")
    again.until("send: sent T5 for 2")
    again.send(signal.SIGTERM)
    assert again.end() == 0
    assert {device.state for device in site.state().devices.values()} == {DeviceState.CONFIRMED}
    first, second = (entry.request for entry in site.stub.journal() if entry.transaction == "T5")
    assert first.partition(b"<s:Body>")[2] == second.partition(b"<s:Body>")[2]
    assert first != second  # sealed anew
    site.month()
    site.done("sync")
    billed_once(site)
