"""Printers and servers send text; none of it controls the terminal of the person who reads it."""

import re
from argparse import Namespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterpost.cli import show
from meterpost.cli.text import lines, one_line, visible

CLEAR_SCREEN, RED, TITLE = "\x1b[2J", "\x1b[31m", "\x1b]0;owned\x07"
RIGHT_TO_LEFT, C1 = "\u202etxt.exe", "\x9b31m"
HOSTILE = f"{CLEAR_SCREEN}{RED}{TITLE}{RIGHT_TO_LEFT}{C1}[red]markup[/red]:smile:\r\n\tend\ud800"


@given(st.text())
def test_nothing_unprintable_is_left(text: str) -> None:
    assert visible(text).isprintable()
    assert one_line(text).isprintable()


@given(st.text(st.characters(categories=("L", "N", "P", "S"))))
def test_what_is_printable_stays(text: str) -> None:
    assert visible(text) == text


@given(st.binary())
def test_octets_become_lines_without_control_characters(octets: bytes) -> None:
    assert all(line.isprintable() for line in lines(octets).split("\n"))


def test_escapes_stay_readable() -> None:
    assert one_line(RED + "x") == "\\x1b[31mx"


def test_hostile_text_in_every_kind_of_table(capsys) -> None:
    out = show.console(Namespace(no_color=False))
    out.print(show.table("Printers", ("Name",), [(HOSTILE,)]))
    out.print(show.pairs([(HOSTILE, HOSTILE)]))
    out.print(show.beside(show.amounts("Meters", [(HOSTILE, HOSTILE)])))
    show.prose(out, HOSTILE)
    shown = capsys.readouterr().out
    assert shown.count("[red]markup[/red]:smile:") >= 1
    assert all(line.isprintable() for line in shown.split("\n"))


@pytest.fixture
def recording(tmp_path):
    """A printer whose every text is hostile."""
    octets = HOSTILE.encode("utf-8", "surrogatepass").hex()
    path = tmp_path / "hostile.snmprec"
    path.write_text(
        "\n".join(
            (
                f"1.3.6.1.2.1.1.1.0|4x|{octets}",
                "1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.32473.1",
                f"1.3.6.1.2.1.1.5.0|4x|{octets}",
                f"1.3.6.1.2.1.1.6.0|4x|{octets}",
                "1.3.6.1.2.1.25.3.2.1.2.1|6|1.3.6.1.2.1.25.3.1.5",
                f"1.3.6.1.2.1.25.3.2.1.3.1|4x|{octets}",
                f"1.3.6.1.2.1.43.5.1.1.16.1|4x|{octets}",
                f"1.3.6.1.2.1.43.5.1.1.17.1|4x|{octets}",
                "1.3.6.1.2.1.43.10.2.1.3.1.1|2|7",
                "1.3.6.1.2.1.43.10.2.1.4.1.1|65|123",
                "1.3.6.1.2.1.43.11.1.1.4.1.1|2|3",
                "1.3.6.1.2.1.43.11.1.1.5.1.1|2|3",
                f"1.3.6.1.2.1.43.11.1.1.6.1.1|4x|{octets}",
                "1.3.6.1.2.1.43.11.1.1.7.1.1|2|19",
                "1.3.6.1.2.1.43.11.1.1.8.1.1|2|100",
                "1.3.6.1.2.1.43.11.1.1.9.1.1|2|50",
            )
        )
    )
    return path


def test_a_hostile_printer_on_the_screen(meterpost, recording) -> None:
    result = meterpost("read", "--recording", str(recording))
    assert result.code == 0
    assert "123" in result.out
    assert "[red]markup[/red]:smile:" in result.out.replace("\n", "")
    assert all(line.isprintable() for line in result.out.split("\n"))


def test_a_hostile_printer_in_a_colour_terminal(meterpost, recording, monkeypatch: pytest.MonkeyPatch) -> None:
    """The only escapes are our own bold and colour."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    out = meterpost("read", "--recording", str(recording)).out
    assert "\x1b[1m" in out
    assert all(line.isprintable() for line in re.sub(r"\x1b\[(0|1|2)m", "", out).split("\n"))


def test_a_hostile_printer_as_json(meterpost, recording) -> None:
    result = meterpost("read", "--recording", str(recording), "--json")
    assert all(line.isprintable() and line.isascii() for line in result.out.split("\n"))


@pytest.mark.parametrize(("flags", "name"), [(["--no-color"], "TERM"), ([], "NO_COLOR")])
def test_colour_can_be_turned_off(meterpost, recording, monkeypatch, flags, name) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv(name, "xterm")
    assert "\x1b" not in meterpost("read", "--recording", str(recording), *flags).out


def test_hostile_text_in_an_error(meterpost) -> None:
    result = meterpost("read", f"host{RED}name")
    assert result.code == 2
    assert "\x1b" not in result.err
