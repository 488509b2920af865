"""docs/commands.md says what the code does: commands, exit codes, and the fields of JSON output."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_profile import PROFILE

from meterpost.agent import Agent, Candidate, Segment
from meterpost.cli.commands import COMMANDS
from meterpost.cli.trouble import EXIT_CODES

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "commands.md").read_text("utf-8")
ADMINISTRATOR = (ROOT / "docs" / "administrator.md").read_text("utf-8")
XEROX = "QZB405920"


def rows(section: str) -> list[tuple[str, str]]:
    """The first two columns of the tables between this heading and the next."""
    text = re.split(r"^#+ ", PAGE.split(f"# {section}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return [(cell[0].strip("`"), cell[1]) for cell in cells if not set(cell[0]) <= {"-"} and cell[0] not in TITLES]


TITLES = {"field", "code", "command"}


def fields(section: str) -> set[str]:
    return {field for field, _ in rows(section)}


def paths(value: Any, at: str = "") -> Iterator[str]:
    """Every leaf of a JSON value, as the page writes it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, f"{at}.{key}" if at else key)
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner, f"{at}[]")
    else:
        yield at


def test_the_administrator_is_told_of_our_own_messages() -> None:
    table = ADMINISTRATOR.split("| it says |", 1)[1].split("\n\n", 1)[0]
    said = [phrase for line in table.splitlines()[2:] for phrase in re.findall("`([^`]+)`", line.split("|")[1])]
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "client").rglob("*.py"))
    assert len(said) >= 8
    assert [phrase for phrase in said if phrase not in source] == []


def test_the_commands() -> None:
    assert rows("Commands") == [(command.name, command.help) for command in COMMANDS]


def test_the_exit_codes() -> None:
    assert rows("Exit codes") == [(str(code), meaning) for code, meaning in EXIT_CODES.items()]


def test_the_fields_of_an_error(meterpost) -> None:
    assert set(paths(meterpost("status", "--json", "--verbose").error)) == fields("error")


def test_the_fields_of_budget(meterpost) -> None:
    assert set(paths(meterpost("budget", "--json").json)) == fields("budget")


@pytest.mark.parametrize("command", ["discover", "read"])
def test_the_fields_of_devices(meterpost, targets, fleet, command) -> None:
    printer = fleet.printers[0]
    printer.set("1.3.6.1.2.1.25.3.5.1.2.1", b"\x20")
    printer.set("1.3.6.1.2.1.43.18.1.1.7.1.1", 1104)
    assert set(paths(meterpost(command, *targets, "--json").json)) == fields("discover, read")


def test_the_fields_along_a_sites_life(meterpost, config, server, fleet) -> None:
    meterpost("discover")
    assert set(paths(meterpost("enrol", "--all", "--dry-run", "--json").json)) == fields("enrol --dry-run")
    reports = [meterpost("enrol", "--all", "--json")]
    server.sign_up()
    reports.append(meterpost("sync", "--json"))
    server.bill(XEROX)
    fleet.switch_off(fleet.printers[0].address)
    reports.append(meterpost("sync", "--json"))
    assert set(paths(meterpost("pause", "--json").json)) == fields("pause, resume")
    assert set(paths(meterpost("resume", "--json").json)) == fields("pause, resume")

    exchanges = meterpost("journal", "--json")
    (one,) = (meterpost("journal", "1", "--json"),)
    server.close()
    meterpost("sync")  # a message waits
    status = meterpost("status", "--json")
    failed = meterpost("journal", "--json").json[-1:]

    assert {path for report in reports for path in paths(report.json)} == fields("sync, enrol, withdraw, replace")
    assert set(paths(status.json)) == fields("status")
    plain = {path for path in fields("journal") if path.startswith("[]")}
    assert set(paths(exchanges.json)) | set(paths(failed)) == plain
    assert set(paths(one.json)) == fields("journal") - plain | {path.removeprefix("[].") for path in plain - {"[].response"}}


def test_the_fields_of_looking_commands(meterpost, targets, own_profile, tmp_path, monkeypatch) -> None:
    (tmp_path / "acme.toml").write_text(
        PROFILE + '[[meter]]\nname = "prints"\nunit = "impressions"\noid = "1.3.6.1.4.1.32473.9"\n'
    )
    assert set(paths(meterpost("profile", "check", *own_profile, "--json").json)) == fields("profile check")
    places = [Segment("10.0.0.0/24", "gateway"), Candidate(("10.0.0.7", 161), "mdns")]
    monkeypatch.setattr(Agent, "places", lambda *_: tuple(places))
    assert set(paths(meterpost("segments", "--json").json)) == fields("segments")
    written = meterpost("record", targets[0], "--output", str(tmp_path / "one"), "--json")
    assert set(paths(written.json)) == fields("record --output")
