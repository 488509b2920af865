"""A process of its own with a reference server for each policy: `python attack_garrison.py FOLDER POLICY...` serves until
its standard input ends, and says where on its first line. Each server accepts its one policy and keeps a file in FOLDER."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import attack_lab as lab
from attack_case import HONEST
from attack_fort import Fort

from meterpost.wsse import POLICIES, Acceptance
from meterpost_stub import StubOptions, StubServer
from meterpost_stub.budget import Enforcement

GROWTH = 200 * 1024 * 1024
"""Octets the server's process may hold more after many attacks than before them."""
_PAGE = 4096


class Garrison:
    """Starts when entered. `restart` is a new process with the same files."""

    def __init__(self, folder: Path, policies: tuple[str, ...]) -> None:
        self._folder, self._policies = folder, policies

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _start(self) -> None:
        for who, kind in lab.CAST.items():
            if kind.holder and kind.server:
                (self._folder / f"{who}.pem").write_bytes(lab.key_of(who).certificate)
        command = [sys.executable, __file__, str(self._folder), *self._policies]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        descriptions = json.loads(self._process.stdout.readline())
        self.forts = {policy: Fort(description) for policy, description in descriptions.items()}

    def _stop(self) -> None:
        self._process.communicate(timeout=20)
        assert self._process.returncode == 0

    def restart(self) -> None:
        self._stop()
        self._start()

    @contextmanager
    def unharmed(self) -> Iterator[None]:
        """Whatever happens meanwhile: afterwards it is the same process, has not grown by more than `GROWTH`, believes
        nothing it should not, and serves the next honest client."""
        before, resident = self._process, self._resident_octets
        yield
        assert self._process is before
        assert before.poll() is None
        assert self._resident_octets - resident < GROWTH
        for policy, fort in self.forts.items():
            assert set(fort.devices) <= {HONEST}
            assert fort.post(lab.question(policy, datetime.now(UTC), fort.recipient)).status == 200

    @property
    def _resident_octets(self) -> int:
        """Memory the process holds now (Linux)."""
        return int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]) * _PAGE


def main(folder: Path, policies: list[str]) -> None:
    with ExitStack() as stack:
        descriptions = {}
        for policy in policies:
            options = StubOptions(
                db=folder / f"{policy}.db",
                folder=folder / policy,
                username=lab.ACCOUNT.username,
                password=lab.ACCOUNT.password,
                other_accounts={lab.OTHER.username: lab.OTHER.password},
                accept=Acceptance(policies=(policy,)),
                enrol=(),
                # a client that has a key must sign with it
                trusted=tuple(_holder(file) for file in sorted(folder.glob("*.pem")) if POLICIES[policy].needs_key),
                budget=Enforcement.OFF,  # a message that is too large must not be refused for that
            )
            descriptions[policy] = stack.enter_context(StubServer(options)).describe()
        print(json.dumps(descriptions), flush=True)
        sys.stdin.read()


def _holder(certificate: Path) -> tuple[str, Path]:
    """Whose it is: the honest client's, or another account's."""
    holder = lab.CAST[certificate.stem].holder
    return lab.CLIENT if holder == lab.ACCOUNT.username else holder, certificate


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
