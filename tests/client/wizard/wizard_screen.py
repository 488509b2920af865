"""A program at a real (pseudo-)terminal: what it shows is read until it shows what is awaited, then the answer is typed."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from types import TracebackType
from typing import Self

CTRL_C, CTRL_D = "\x03", "\x04"
_PATIENCE_S = 20  # for a loaded machine; nothing waits that long when it works
_METERPOST = (
    "import fcntl, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "from meterpost.cli.main import main; sys.exit(main(sys.argv[1:]))"
)
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Screen:
    """`meterpost ARGUMENTS` at a terminal of `width` columns. A context manager; the program is gone when it is left."""

    def __init__(self, *arguments: str, width: int = 80, height: int = 24) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _METERPOST, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env=environment | {"TERM": "xterm-256color"},
        )
        os.close(slave)
        self._shown = b""
        self._read = 0  # how much of the text was awaited already

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._master)

    @property
    def text(self) -> str:
        """Everything shown so far, without colours and moves of the cursor."""
        return _CONTROLS.sub("", self._shown.decode("utf-8", "replace")).replace("\r", "")

    def until(self, words: str) -> None:
        """Reads on until `words` are shown."""
        end = time.monotonic() + _PATIENCE_S
        while words not in self.text[self._read :]:
            assert time.monotonic() < end, f"{words!r} did not appear after:\n{self.text[-2000:]}"
            assert self._more(), f"the program ended before {words!r} appeared:\n{self.text[-2000:]}"
        self._read = self.text.index(words, self._read) + len(words)

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def answer(self, key: str, *answers: str) -> None:
        """Waits for the question `key` and types the answers, each when the prompt for it is there."""
        self.until(f"  {key}\n")
        for answer in answers or ("",):
            self.until("> ")
            self.type(answer + "\n")

    def ended(self) -> int:
        """The exit code, once the program has ended."""
        while self._more():
            pass
        return self._process.wait(timeout=_PATIENCE_S)

    def _more(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], _PATIENCE_S)
        try:
            octets = os.read(self._master, 65536) if ready else b""
        except OSError:  # Linux says so that nobody is at the other end any more
            octets = b""
        self._shown += octets
        return bool(octets)
