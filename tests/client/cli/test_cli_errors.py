"""Errors reach people as one line and programs as one object: what failed, whose side, what to do, and an exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from meterpost import errors
from meterpost.cli.trouble import EXIT_CODES
from meterpost.errors import MeterpostError, Side

TREE = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, MeterpostError)]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch):
    """Makes `meterpost pause` raise."""

    def raise_in_command(error: BaseException) -> None:
        def fail(_: object) -> int:
            raise error

        monkeypatch.setattr("meterpost.cli.talking.pause", fail)

    return raise_in_command


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_each_error_of_the_tree(meterpost, failing, kind: type[MeterpostError]) -> None:
    failing(kind("it failed", "Do this."))
    result = meterpost("pause")
    assert (result.code, result.out) == (kind.exit_code, "")
    assert result.err == f"meterpost: it failed ({kind.side}). Do this.\n"
    assert kind.exit_code in EXIT_CODES


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_each_error_as_json(meterpost, failing, kind: type[MeterpostError]) -> None:
    failing(kind("it failed", "Do this."))
    expected = {"error": "it failed", "side": kind.side, "advice": "Do this.", "exit_code": kind.exit_code}
    assert meterpost("pause", "--json").error == expected


def test_verbose_shows_the_place_too(meterpost, failing) -> None:
    failing(errors.NetworkError("it failed"))
    assert "Traceback" in meterpost("pause", "--verbose").err


def test_verbose_json_is_still_one_object(meterpost, failing) -> None:
    failing(errors.NetworkError("it failed"))
    assert "raise error" in meterpost("pause", "--verbose", "--json").error["trace"]


def test_the_wizard_logs_objects_beside_its_json(meterpost, config) -> None:
    result = meterpost("wizard", "--json", "--choose", "none")
    lines = [json.loads(line) for line in result.err.splitlines()]
    assert any(line["text"].startswith("== ") for line in lines if line.keys() == {"at", "level", "text"})


def test_an_unexpected_error_tells_neither_its_place_nor_what_it_carries(meterpost, failing) -> None:
    failing(KeyError("secret-password"))
    result = meterpost("pause")
    assert result.code == 70
    assert result.err == (
        "meterpost: unexpected KeyError (meterpost). Run it again with --verbose to see where, and report it.\n"
    )
    assert "Traceback" in meterpost("pause", "--verbose").err


def test_an_interrupt(meterpost, failing) -> None:
    failing(KeyboardInterrupt())
    result = meterpost("pause", "--json")
    assert result.code == result.error["exit_code"] == 130


def test_every_side_has_a_name() -> None:
    assert all(str(side) for side in Side)


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["table", "json"])
def test_a_closed_pipe_is_quiet(meterpost, form) -> None:
    process = meterpost.start("budget", *form)
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 141


def test_a_screen_without_the_letters_is_no_reason_to_fail(home: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "meterpost.cli.main", "budget", "T2", "--devices", "0"],
        capture_output=True,
        env={"PYTHONIOENCODING": "ascii", "HOME": str(home), "PATH": ""},
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, b"")
    assert b"393x + 1503" in run.stdout
