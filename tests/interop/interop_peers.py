"""Other people's SOAP stacks as child processes: one JSON object a line, each way. Started once, used by many cases.

A peer knows nothing of us but the contract's files and what it is told on its standard input:

    {"do": "hello"}                                    -> {"version": "1.2.3"}
    {"do": "client", "wsdl": URL, "ca": FILE, **how}   -> {"ready": true}
    {"do": "call", "operation": NAME, "message": {}}   -> {"reply": {}, "proof": "..."} or {"fault": {"code", "text"}}
    {"do": "serve", "certificate": FILE, "key": FILE, "contract": FOLDER, **how} -> {"url": URL}
    {"do": "stop"}                                     -> {"stopped": true}

`how` is a `Seal` and a case's options: policy, username, password, certificates. A serving peer checks what it got with its
own means and asks us only what to answer ({"asked": NAME, "message": {}, "proof": "..."} -> {"answer": {}}), so that the
vendor's side is written once; what it refuses it tells ({"refused": "why"}). `proof` is what the peer verified, in its words.
A message is a JSON object: attributes are texts and numbers, children are lists of objects by element name.
"""

import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn, Self

import gsoap_peer
import interop_java
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
NODE = ROOT / ".venv" / "peers" / "node"
PATIENCE_S = 30

Message = dict[str, Any]


def unavailable(why: str) -> NoReturn:
    """A developer may lack a peer; CI may not."""
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


@dataclass(frozen=True)
class Stack:
    """How a stack is started, and how one gets it. `check` is a command that fails where a part of it is missing."""

    command: tuple[str, ...]
    advice: str
    environment: Mapping[str, str] = field(default_factory=dict)
    check: tuple[str, ...] = ()

    @cached_property
    def missing(self) -> str:
        """Why it cannot be run here, '' where it can."""
        program = self.command[0]
        if not shutil.which(program):
            return f"{program} is not installed ({self.advice})"
        if self.check and subprocess.run(self.check, env=os.environ | self.environment, capture_output=True).returncode:
            return f"{program} lacks what its peer needs ({self.advice})"
        return ""


STACKS = {
    "zeep": Stack((sys.executable, str(HERE / "zeep_peer.py")), "it is in setup.cfg"),
    "node-soap": Stack(
        ("node", str(HERE / "node" / "peer.js")),
        "Node.js 20 or newer, then: make peers",
        {"NODE_PATH": str(NODE / "node_modules"), "NODE_NO_WARNINGS": "1"},
        ("node", "-e", "require('soap'), require('xml-crypto')"),
    ),
    "php": Stack(
        ("php", "-d", "display_errors=stderr", str(HERE / "php" / "peer.php")),
        "Debian: php-cli php-soap php-xml",
        check=(
            "php",
            "-r",
            "exit(class_exists('SoapClient') && class_exists('DOMXPath') && extension_loaded('openssl') ? 0 : 1);",
        ),
    ),
    "gsoap": Stack(
        (sys.executable, str(HERE / "gsoap_peer.py")),
        f"Debian: {gsoap_peer.PACKAGES}",
        check=(sys.executable, str(HERE / "gsoap_peer.py"), "--build"),
    ),
    "wss4j": Stack(interop_java.COMMAND, f"Debian: {interop_java.PACKAGES}", check=(sys.executable, interop_java.__file__)),
}


class Fault(Exception):
    """What their client was answered: a fault, or a reply it does not believe. `code` is the local name of the faultcode."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code


class Peer:
    """One running stack. A context manager; what it printed as complaint is told when it fails."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115  # closed in __exit__
        self._lines: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self.answer: Callable[[str, Message], Message] = lambda operation, message: {}
        self.proofs: list[str] = []
        self.refused: list[str] = []

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._stack.command,
            env=os.environ | self._stack.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        try:
            with suppress(BrokenPipeError):
                self._process.stdin.close()  # a peer ends with its input
            self._process.wait(PATIENCE_S)
        finally:
            self._process.kill()
            self._process.wait()
            self._reader.join(PATIENCE_S)
            self._process.stdout.close()
            self._complaints.close()

    @property
    def alive(self) -> bool:
        """Whether it still runs; one that broke is started anew for the next case."""
        return self._process.poll() is None

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            said = json.loads(line)
            if "asked" in said:
                self.proofs.append(said.get("proof", ""))
                self._write({"answer": self.answer(said["asked"], said["message"])})
            elif "refused" in said:
                self.refused.append(said["refused"])
            else:
                self._lines.put(said)
        self._lines.put(None)

    def _write(self, said: Message) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(said) + "\n")
        self._process.stdin.flush()

    def ask(self, do: str, **how: Any) -> Message:
        """What the peer answers. Fails the test where it breaks, or says nothing."""
        try:
            self._write({"do": do, **how})
            said = self._lines.get(timeout=PATIENCE_S)
        except (queue.Empty, BrokenPipeError):
            pytest.fail(f"{self._stack.command[-1]} says nothing to {do!r}: {self._complained()}")
        if said is None or "broken" in said:
            pytest.fail(f"{self._stack.command[-1]} broke at {do!r}: {said and said['broken']} {self._complained()}")
        return said

    def _complained(self) -> str:
        self._complaints.seek(0)
        return self._complaints.read()[-4000:].decode(errors="replace")

    def call(self, operation: str, **message: Any) -> Message:
        """An operation called by their client. Raises Fault."""
        said = self.ask("call", operation=operation, message=message)
        if "fault" in said:
            raise Fault(**said["fault"])
        self.proofs.append(said["proof"])
        reply: Message = said["reply"]
        return reply

    def serve(self, answer: Callable[[str, Message], Message], **how: Any) -> str:
        """Their server's URL; `answer` is the vendor."""
        self.answer = answer
        self.proofs.clear()
        self.refused.clear()
        return str(self.ask("serve", **how)["url"])

    def stop(self) -> None:
        self.ask("stop")
