"""What nobody can be talked into: settings under which a request would prove nothing."""

import subprocess
import sys
from pathlib import Path

import pytest
from attack_catalogue import single
from attack_host import Victim, host

from meterpost.errors import SettingsError
from meterpost.wsse import Acceptance, policy
from meterpost_stub import StubOptions, StubServer

NOTHING = "timestamp-2004"


@single("STR-29")
def test_what_proves_nothing_is_no_request_s(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="only replies follow it"):
        policy(NOTHING)
    with host(tmp_path) as server:
        with pytest.raises(SettingsError, match="only replies follow it"), Victim(tmp_path, server, NOTHING) as victim:
            victim.agent.sync()
        assert server.heads == []
    for options in (StubOptions(accept=Acceptance((NOTHING,))), StubOptions(enrol=(NOTHING,))):
        with pytest.raises(SettingsError, match="only replies follow it"), StubServer(options):
            pass
    for option in ("--accept", "--enrol"):
        command = [sys.executable, "-m", "meterpost_stub", "serve", option, NOTHING]
        told = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False)
        assert told.returncode == 2
        assert NOTHING in told.stderr.decode()
