"""The unattended agent as a service manager sees it: a process that logs to stderr and ends when it is told to."""

import json
import os
import signal

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of another process are POSIX")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_works_until_it_is_told_to_stop(meterpost, config, number) -> None:
    process = meterpost.start("run", "--json")
    assert json.loads(process.stderr.readline())["text"].startswith("running")
    while "read 0 printers" not in (line := process.stderr.readline()):
        assert line, "it ended by itself"
    process.send_signal(number)
    texts = [json.loads(line)["text"] for line in process.stderr]
    assert texts[-1] == "stopped"
    assert process.wait() == 0


def test_run_with_a_policy_nobody_knows_ends_at_once(meterpost, config) -> None:
    config.write_text(config.read_text() + '[security]\npolicy = "digest-2040"\n')
    result = meterpost("run", "--json")
    assert (result.code, result.error["exit_code"]) == (2, 2)
    assert "digest-2040" in result.error["error"]


def test_run_without_a_configuration_ends_at_once(meterpost) -> None:
    result = meterpost("run")
    assert result.code == 2
    assert "meterpost wizard" in result.err
