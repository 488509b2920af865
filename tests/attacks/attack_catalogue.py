"""All tables as one, and the page of them: `page()` is docs/reference/attacks.md."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import attacks_encryption
import attacks_header
import attacks_http
import attacks_replies
import attacks_signature
import attacks_wrapping
import attacks_xml
import pytest
from attack_case import Case, Side
from attacks_encryption import ENCRYPTED
from attacks_http import DIGEST, Siege, Wire
from attacks_replies import Reply


@dataclass(frozen=True, slots=True)
class Single:
    """One that is a test of its own, and `comes` of it."""

    id: str
    does: str
    clause: str
    policy: str
    against: str
    comes: str


def single(name: str) -> pytest.MarkDecorator:
    """The test of this row."""
    assert name in {row.id for row in SINGLES}
    return pytest.mark.parametrize((), [()], ids=[name])


CASES: tuple[Case, ...] = (
    *attacks_xml.CASES,
    *attacks_header.CASES,
    *attacks_wrapping.CASES,
    *attacks_signature.CASES,
    *attacks_encryption.CASES,
)
SINGLES = (
    Single("RSP-20", "Two replies in one packet: the second, which turns a device on, is to answer the next question",
           "RFC 9112, 9.3.2; CWE-444", DIGEST, "client", "the second is not read"),
    Single("ENC-48", "A content key of 128 bits, so that the answer cannot be encrypted with it", "XML Encryption 1.1, 5.2.4",
           ENCRYPTED, "server", "answered with the same, and noted once"),
    Single("ZIP-18", "A password in clear text in gzip, to be read in the server's journal", "CWE-532", "text-2004", "server",
           "the journal has stars"),
    Single("STR-29", "Whoever sets it up is talked into requests that prove nothing", "CWE-1188", "timestamp-2004",
           "server and client", "SettingsError, exit code 2"),
)  # fmt: skip
POLICIES_USED = tuple(dict.fromkeys(case.policy for case in CASES))
Row = Case | Wire | Siege | Reply | Single
ROWS: tuple[Row, ...] = (*CASES, *attacks_http.CASES, *attacks_http.SIEGES, *attacks_replies.CASES, *SINGLES)

GROUPS = {
    "XSW": "Signature wrapping",
    "IDS": "The same Id twice",
    "NSI": "Namespace injection",
    "STR": "Stripping and downgrade of policies",
    "KEY": "Somebody else's key",
    "CRT": "Certificates that do not count",
    "ALG": "Weak algorithms",
    "TRF": "Transforms and shapes of a signature",
    "URI": "References that lead out",
    "ENC": "Encryption",
    "CMT": "Comments in digested text",
    "RPL": "Repetition and reflection",
    "TS": "Times",
    "UT": "The UsernameToken",
    "HDR": "The Security header",
    "SOAP": "The SOAP frame",
    "XML": "XML that costs, fetches or misleads",
    "CHR": "Character encodings",
    "NUL": "NUL",
    "SMG": "Requests within requests",
    "ACT": "SOAPAction",
    "ZIP": "Content-codings",
    "SLOW": "Slow peers",
    "FLT": "Faults of a hostile server",
    "RSP": "Replies of a hostile server",
}
"""What the first letters of an id stand for, in the order of the page."""

_INTRODUCTION = """\
# Attacks

What is tried against the server and the client with every run of the tests, and what comes of it. `tests/attacks` has each as
a row; one alone: `pytest tests/attacks -k XSW-03`. An attack is made on a message that is well sealed under the policy named.
Each is held against the reader and the security room by themselves, which must give exactly the verdict; against the
reference server over TLS, which must answer as told here, write the reason into its journal, change nothing, and serve the next
honest client; and against the client, from a hostile server. After the whole run the server is the same process, has not
grown by more than a stated bound, and holds nothing of the attacker's. Weak signatures are real ones, made with the honest key;
a forger's own signer makes them, and what it makes without weakness is accepted. A listener notices whoever fetches a URL.
"""


def page() -> str:
    """The page, without the note that it is generated."""
    rows = {name: list(group) for name, group in groupby(sorted(ROWS, key=_group), key=_group)}
    parts = [_INTRODUCTION, f"{len(ROWS)} attacks.\n"]
    for name, title in GROUPS.items():
        parts += [
            f"## {title}\n",
            _table(("", "what is done", "source", "policy", "against", "verdict", "the server says"), rows[name]),
        ]
    return "\n".join(parts)


def _group(row: Row) -> str:
    return row.id.partition("-")[0]


def _table(columns: Sequence[str], rows: Iterable[Row]) -> str:
    lines = [columns, ["---"] * len(columns), *map(_cells, rows)]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n" for cells in lines)


def _cells(row: Row) -> Iterator[str]:
    yield from (row.id, row.does, row.clause, f"`{row.policy}`")
    match row:
        case Case():
            yield from (_against(row), f"`{row.verdict}`", row.told if Side.SERVER in row.sides and row.sockets else "")
        case Wire():
            yield from ("server", "", ", ".join(map(str, row.told)))
        case Siege():
            yield from ("server", f"{row.peers} at a time; others are served", "")
        case Single():
            yield from (row.against, row.comes, "")
        case Reply():
            yield from ("client", row.error.__name__, "")


def _against(case: Case) -> str:
    return " and ".join(case.sides) if case.sockets else "the security room"
