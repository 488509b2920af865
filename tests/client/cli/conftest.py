"""A site as its administrator knows it: a server, printers on the network, a configuration file and the command line."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cli_profile import ACME, PROFILE

from meterpost.cli.main import main
from meterpost_stub import StubOptions, StubServer
from meterpost_stub.printers import BUILT_IN, Fleet

RECORDINGS = tuple(BUILT_IN / f"{name}.snmprec" for name in ("xerox-versalink-b405", "hp-color-laserjet-m480f"))


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    stdout: bytes
    stderr: bytes

    @property
    def out(self) -> str:
        return self.stdout.decode()

    @property
    def err(self) -> str:
        return self.stderr.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)

    @property
    def error(self) -> Any:
        return json.loads(self.stderr)


class CommandLine:
    """Runs commands, in this process or as programs of their own."""

    def __init__(self, capture: pytest.CaptureFixture[bytes], cleanup: ExitStack) -> None:
        self._capture = capture
        self._cleanup = cleanup

    def __call__(self, *argv: str) -> Result:
        self._capture.readouterr()
        code = main(argv)
        out, err = self._capture.readouterr()
        return Result(code, out, err)

    def start(self, *argv: str) -> "subprocess.Popen[str]":
        """A program that is ended by force after a minute, so that a test that waits for it fails instead of hanging."""
        process = self._cleanup.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "meterpost.cli.main", *argv],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        self._cleanup.callback(process.kill)
        deadline = threading.Timer(60, process.kill)
        deadline.start()
        self._cleanup.callback(deadline.cancel)
        return process


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nobody's real configuration is touched."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("APPDATA", str(folder))
    monkeypatch.setenv("COLUMNS", "120")
    for name in ("METERPOST_CONFIG", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def meterpost(capfdbinary: pytest.CaptureFixture[bytes]) -> Iterator[CommandLine]:
    with ExitStack() as cleanup:
        yield CommandLine(capfdbinary, cleanup)


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """Two printers; each has a port of its own."""
    with Fleet(RECORDINGS, network="127.31.0.0/24", port=0) as printers:
        yield printers


@pytest.fixture
def targets(fleet: Fleet) -> tuple[str, ...]:
    return tuple(f"{printer.address}:{printer.port}" for printer in fleet.printers)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StubServer]:
    with StubServer(StubOptions(folder=tmp_path / "server", registration_delay=timedelta(0))) as stub:
        yield stub


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: StubServer, targets: tuple[str, ...]) -> Path:
    """The site's configuration file, in METERPOST_CONFIG."""
    path = tmp_path / "meterpost.toml"
    password = tmp_path / "password"
    password.touch(mode=0o600)
    password.write_text(server.password)
    path.write_text(
        f"""
        [server]
        url = "{server.soap_url}"
        ca_file = "{server.ca_file}"
        http_proxy = "none"
        [account]
        username = "{server.username}"
        password = {{ file = "password" }}
        [snmp]
        timeout_s = 0.3
        retries = 0
        [discovery]
        targets = {json.dumps(targets)}
        """
    )
    monkeypatch.setenv("METERPOST_CONFIG", str(path))
    return path


@pytest.fixture
def own_profile(tmp_path: Path) -> tuple[str, str]:
    (tmp_path / "acme.toml").write_text(PROFILE)
    (tmp_path / "acme.snmprec").write_text(ACME)
    return str(tmp_path / "acme.toml"), str(tmp_path / "acme.snmprec")
