"""What CI runs, with tools that only say how they were called."""

import os
import subprocess
from pathlib import Path

import pytest

CI = Path(__file__).parent.parent / ".ci" / "run"
TOOLS = ("apt-get", "make", "php", "npm", "javac", "soapcpp2", "ippeveprinter", "dbus-daemon")


@pytest.mark.parametrize(("before", "seen"), [({}, "true"), ({"CI": ""}, "true"), ({"CI": "1"}, "1")])
def test_the_tests_know_that_they_may_not_be_skipped(tmp_path: Path, before: dict[str, str], seen: str) -> None:
    said = tmp_path / "said"
    for tool in TOOLS:
        (tmp_path / tool).write_text(f'#!/bin/sh\necho "{tool} $* CI=$CI" >> {said}\n')
        (tmp_path / tool).chmod(0o700)
    environment = {"PATH": f"{tmp_path}{os.pathsep}{os.defpath}", **before}
    subprocess.run([CI], env=environment, check=True, capture_output=True, timeout=60)
    assert [line for line in said.read_text().splitlines() if line.startswith("make")] == [
        f"make {what} CI={seen}" for what in ("peers", "lint", "test")
    ]
