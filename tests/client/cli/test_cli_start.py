"""The command line before it does anything: help, version, options, usage errors, and what a start costs."""

import subprocess
import sys

import pytest

from meterpost import __version__
from meterpost.cli.commands import COMMANDS
from meterpost.cli.parser import named, parse
from meterpost.cli.trouble import EXIT_CODES
from meterpost.errors import SettingsError

ENGINES = "zeep lxml xmlsec pysnmp sqlalchemy alembic apscheduler requests urllib3 rich cryptography"


@pytest.mark.parametrize("command", [[], *([command.name] for command in COMMANDS)], ids=str)
def test_help_of_every_command_loads_no_engine(command: list[str]) -> None:
    code = (
        "import sys\nfrom meterpost.cli.main import main\n"
        f"code = main({[*command, '--help']})\n"
        f"sys.stderr.write(' '.join(set({ENGINES.split()}) & set(sys.modules)))\nsys.exit(code)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("usage: meterpost")


def test_every_command_has_its_function() -> None:
    for command in COMMANDS:
        assert callable(named(command.run)), command.name


def test_help_names_the_commands_and_the_exit_codes(meterpost) -> None:
    help_text = meterpost("--help").out
    for command in COMMANDS:
        assert command.name in help_text
    for code in EXIT_CODES:
        assert f"\n  {code} " in help_text


def test_version(meterpost) -> None:
    assert meterpost("--version").out == f"meterpost {__version__}\n"


@pytest.mark.parametrize("argv", [["--config", "a.toml", "--json", "status"], ["status", "--json", "--config", "a.toml"]])
def test_common_options_stand_before_or_after_the_command(argv: list[str]) -> None:
    _, args = parse(argv)
    assert (str(args.config), args.json, args.verbose, args.no_color) == ("a.toml", True, False, False)


def test_the_configuration_is_named_or_the_users_own(monkeypatch: pytest.MonkeyPatch, home) -> None:
    if sys.platform != "win32":
        assert parse(["status"])[1].config == home / ".config" / "meterpost" / "meterpost.toml"
    monkeypatch.setenv("METERPOST_CONFIG", "elsewhere.toml")
    assert str(parse(["status"])[1].config) == "elsewhere.toml"


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["bugdet"],
        ["status", "extra"],
        ["budget", "--devices", "many"],
        ["budget", "--devices", "-1"],
        ["read", "127.0.0.1", "--port", "70000"],
        ["discover", "127.0.0.1", "--snmp-version", "4"],
        ["budget", "T9"],
        ["enrol"],
        ["enrol", "--all", "SERIAL"],
        ["read"],
        ["read", "127.0.0.1", "--recording", "x"],
        ["journal", "--raw"],
        ["read", "not an address"],
        ["discover"],
    ],
    ids=str,
)
def test_a_usage_error_is_one_line_and_code_2(meterpost, argv: list[str]) -> None:
    result = meterpost(*argv)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("meterpost: ")
    assert "(configuration)" in result.err
    assert result.err.count("\n") == 1


def test_a_usage_error_as_json(meterpost) -> None:
    result = meterpost("--json", "bugdet")
    assert result.code == 2
    assert result.error["exit_code"] == 2


def test_numbers_have_bounds() -> None:
    with pytest.raises(SettingsError, match="not between 1 and 65535"):
        parse(["read", "host", "--port", "0"])


def test_a_missing_configuration_says_what_to_do(meterpost) -> None:
    result = meterpost("status")
    assert result.code == 2
    assert "there is no configuration file" in result.err
    assert "meterpost wizard" in result.err


def test_a_configuration_that_was_named_must_be_there(meterpost) -> None:
    result = meterpost("read", "127.0.0.1", "--config", "missing.toml")
    assert result.code == 2
    assert "missing.toml" in result.err
