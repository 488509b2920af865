"""Recordings: both formats, odd values, bounds, and the way back."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterpost import recording
from meterpost.recording import BadRecording, Tag, Variable, oid

arcs = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=20).map(lambda tail: (1, 3, *tail))
values = st.one_of(
    st.tuples(st.just(Tag.INTEGER), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.sampled_from([Tag.COUNTER32, Tag.GAUGE32, Tag.TIMETICKS]), st.integers(0, 2**32 - 1)),
    st.tuples(st.just(Tag.COUNTER64), st.integers(0, 2**64 - 1)),
    st.tuples(st.sampled_from([Tag.OCTETS, Tag.OPAQUE]), st.binary(max_size=200)),
    st.tuples(st.just(Tag.IP_ADDRESS), st.binary(min_size=4, max_size=4)),
    st.tuples(st.just(Tag.OID), arcs),
    st.tuples(st.just(Tag.NULL), st.none()),
)


@given(st.dictionaries(arcs, values, min_size=1, max_size=20))
def test_what_is_dumped_is_read_back(mib: dict[tuple[int, ...], tuple[Tag, object]]) -> None:
    variables = [Variable(name, tag, value) for name, (tag, value) in sorted(mib.items())]
    assert list(recording.parse(recording.dump(variables))) == variables


@pytest.mark.parametrize(
    ("line", "tag", "value"),
    [
        ("1.3.6.1.2.1.1.5.0|4|Copy room | 2", Tag.OCTETS, b"Copy room | 2"),
        ("1.3.6.1.2.1.1.5.0|4x|00ff", Tag.OCTETS, b"\x00\xff"),
        ("1.3.6.1.2.1.1.5.0|4|", Tag.OCTETS, b""),
        ("1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.253", Tag.OID, (1, 3, 6, 1, 4, 1, 253)),
        ("1.3.6.1.2.1.1.3.0|67|12", Tag.TIMETICKS, 12),
        ("1.3.6.1.2.1.4.20.1.1|64|10.0.0.1", Tag.IP_ADDRESS, b"\x0a\x00\x00\x01"),
    ],
)
def test_lines_of_an_snmprec(line: str, tag: Tag, value: object) -> None:
    (variable,) = recording.parse(line)
    assert (variable.tag, variable.value) == (tag, value)


WALK = """.1.3.6.1.2.1.1.1.0 = STRING: "Printer \\"A\\"
second line"
.1.3.6.1.2.1.1.2.0 = OID: .1.3.6.1.4.1.253.8.62.1.19
.1.3.6.1.2.1.1.3.0 = Timeticks: (12345) 0:02:03.45
.1.3.6.1.2.1.2.2.1.6.1 = Hex-STRING: 00 11 22
33 44 55
.1.3.6.1.2.1.43.10.2.1.4.1.1 = Counter32: 120345
.1.3.6.1.2.1.43.11.1.1.9.1.1 = INTEGER: -3
.1.3.6.1.2.1.25.3.2.1.5.1 = INTEGER: running(2)
.1.3.6.1.2.1.1.6.0 = ""
.1.3.6.1.2.1.4.20.1.1.10.0.0.1 = IpAddress: 10.0.0.1
.1.3.6.1.2.1.99.1 = No Such Object available on this agent at this OID
"""


def test_a_numeric_walk() -> None:
    mib = {recording.dotted(v.oid): (v.tag, v.value) for v in recording.parse(WALK)}
    assert mib == {
        "1.3.6.1.2.1.1.1.0": (Tag.OCTETS, b'Printer "A"\nsecond line'),
        "1.3.6.1.2.1.1.2.0": (Tag.OID, oid("1.3.6.1.4.1.253.8.62.1.19")),
        "1.3.6.1.2.1.1.3.0": (Tag.TIMETICKS, 12345),
        "1.3.6.1.2.1.2.2.1.6.1": (Tag.OCTETS, bytes.fromhex("001122334455")),
        "1.3.6.1.2.1.43.10.2.1.4.1.1": (Tag.COUNTER32, 120345),
        "1.3.6.1.2.1.43.11.1.1.9.1.1": (Tag.INTEGER, -3),
        "1.3.6.1.2.1.25.3.2.1.5.1": (Tag.INTEGER, 2),
        "1.3.6.1.2.1.1.6.0": (Tag.OCTETS, b""),
        "1.3.6.1.2.1.4.20.1.1.10.0.0.1": (Tag.IP_ADDRESS, bytes([10, 0, 0, 1])),
    }


@pytest.mark.parametrize(
    "text",
    [
        "1.3.6.1|4",
        "1.3.6.1|99|x",
        "1.3.x|4|y",
        "1.3.6.1|2|many",
        "1.3.6.1|4x|zz",
        "1.3.99999999999|2|1",
        "." + "1." * 200 + "1|2|1",
        "1.3.6.1|4|" + "x" * 70_000,
        ".1.3.6.1 = Nonsense: 1",
        ".1.3.6.1 = INTEGER: none",
        "nothing of the kind",
    ],
    ids=lambda text: text[:30],
)
def test_a_line_that_cannot_be_read_is_an_error_with_its_number(text: str) -> None:
    with pytest.raises(BadRecording, match=r"line 1"):
        list(recording.parse(text))


def test_a_file_is_bounded_sorted_and_not_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.snmprec"
    path.write_text("1.3.6.1.10|2|1\n1.3.6.1.9|2|2\n1.3.6.1.9|2|3\n", "utf-8")
    assert [(v.oid[-1], v.value) for v in recording.load(path)] == [(9, 3), (10, 1)]
    path.write_text("\n# nothing\n", "utf-8")
    with pytest.raises(BadRecording, match="no variable"):
        recording.load(path)
    with path.open("wb") as file:
        file.truncate(recording.MAX_OCTETS + 1)
    with pytest.raises(BadRecording, match="larger than"):
        recording.load(path)


@given(st.text(max_size=300))
def test_any_text_is_a_recording_or_a_clear_error(text: str) -> None:
    with contextlib.suppress(BadRecording):  # and nothing else
        list(recording.parse(text))
