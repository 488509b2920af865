"""Every question the wizard asks, as data: text, help, default, check, flag. A terminal, an answer file and, later,
a browser render the same list. Answers travel as text; `Kind` says how to read one."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit


class Kind(StrEnum):
    """How an answer is given and read."""

    TEXT = "text"
    SECRET = "secret"  # noqa: S105  # a kind of question, not a password; never echoed, never a default
    YES_NO = "yes-no"
    LIST = "list"  # separated by blanks or commas


Check = Callable[[str], str]
"""What is wrong with an answer, '' if nothing is."""


@dataclass(frozen=True, slots=True)
class Question:
    """`key` names the answer in an answer file; with `setting`, also the setting it becomes. `flag` gives it on the
    command line. An empty answer takes the default; where `default` is None an answer is required."""

    key: str
    text: str
    help: str
    flag: str
    kind: Kind = Kind.TEXT
    default: str | None = ""
    check: Check = lambda _: ""
    setting: bool = False


def _https(answer: str) -> str:
    parts = urlsplit(answer)
    return "" if parts.scheme == "https" and parts.hostname else "It must be an address like https://host/path."


def _http_proxy(answer: str) -> str:
    if answer in ("", "none"):
        return ""
    parts = urlsplit(answer)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "It must be like http://host:port, 'none', or empty."
    return "Give the user name and the password in the next questions." if "@" in parts.netloc else ""


def _time(answer: str) -> str:
    return "" if re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", answer) else "It must be hours and minutes, like 02:30."


def _yes_no(answer: str) -> str:
    return "" if answer.casefold() in ("yes", "y", "no", "n") else "Answer yes or no."


def yes(answer: str) -> bool:
    """Whether a yes-no answer is yes."""
    return answer.casefold() in ("yes", "y")


def items(answer: str) -> list[str]:
    """The items of a list answer."""
    return re.split(r"[\s,]+", answer.strip()) if answer.strip() else []


SERVER = (
    Question(
        "server.url",
        "Address of the vendor's communication server",
        "The vendor's letter names it. Only https addresses: meter reads travel encrypted.",
        "--server-url",
        default=None,
        check=_https,
        setting=True,
    ),
    Question(
        "server.ca_file",
        "File with the certificate authority to trust",
        "Leave empty unless the vendor gave you one: then this computer's own list of authorities counts.",
        "--ca-file",
        setting=True,
    ),
    Question(
        "server.http_proxy",
        "HTTP proxy between this network and the Internet",
        "Like http://host:port. Empty: what this computer is set to; 'none': there is none.",
        "--http-proxy",
        check=_http_proxy,
        setting=True,
    ),
    Question(
        "server.http_proxy_username",
        "User name at the HTTP proxy",
        "Empty if it asks for none.",
        "--http-proxy-username",
        setting=True,
    ),
)
HTTP_PROXY_PASSWORD = Question(
    "server.http_proxy_password",
    "Password at the HTTP proxy",
    "It is kept in a file of its own that only this account can read.",
    "--http-proxy-password",
    Kind.SECRET,
    setting=True,
)
ACCOUNT = (
    Question(
        "account.username",
        "User name of your account at the communication server",
        "The vendor's letter names it.",
        "--username",
        default=None,
        setting=True,
    ),
    Question(
        "account.password",
        "Password of that account",
        "It is kept in a file of its own that only this account can read, and is never sent: a digest of it is.",
        "--password",
        Kind.SECRET,
        default=None,
        setting=True,
    ),
)
TRY_AGAIN = Question("try_again", "Change these answers and try again?", "", "--try-again", Kind.YES_NO, "yes", _yes_no)
LOOK = (
    Question(
        "discovery.targets",
        "Where to look for printers",
        "Addresses, ranges (10.1.2.10-90), networks (10.1.2.0/24), host names; separated by blanks.",
        "--targets",
        Kind.LIST,
        default=None,
        setting=True,
    ),
    Question(
        "discovery.exclude",
        "Addresses to leave out",
        "Written in the same way. They get no packet.",
        "--exclude",
        Kind.LIST,
        setting=True,
    ),
    Question(
        "snmp.communities",
        "SNMP communities to try",
        "The printers' read community; most have 'public'. Tried in this order, for reading only.",
        "--communities",
        Kind.LIST,
        "public",
        setting=True,
    ),
)
SCAN = Question("scan", "Look now?", "Ctrl-C stops the search and keeps what was found.", "--scan", Kind.YES_NO, "yes", _yes_no)
CHOOSE = Question(
    "devices.choose",
    "Which of these shall report their meters?",
    "Serial numbers, 'all', or empty for none. Nothing is enrolled that you do not choose.",
    "--choose",
    Kind.LIST,
)
REPLACED = Question(
    "devices.replaced",
    "Did the new device replace the old one?",
    "Then the old one's enrolment ends and the new one's begins.",
    "--replaced",
    Kind.YES_NO,
    "no",
    _yes_no,
)
PANEL = Question(
    "panel",
    "The total its panel shows",
    "Print its configuration page or look at its panel. Empty: do not compare.",
    "--panel",
    check=lambda answer: "" if not answer or answer.isdigit() else "It must be a number.",
)
ANYWAY = Question(
    "devices.anyway",
    "No meter has that value. Enrol it all the same?",
    "The bill will be made from the meters shown here.",
    "--anyway",
    Kind.YES_NO,
    "no",
    _yes_no,
)
REGISTER = Question(
    "register",
    "Send these messages and register?",
    "Registration can take up to an hour to take effect; then sign the devices up at the vendor's web site.",
    "--register",
    Kind.YES_NO,
    "yes",
    _yes_no,
)
DAILY = Question(
    "schedule.daily_time",
    "Daily transmission time",
    "Hours and minutes, local time. Choose a time at which this computer runs; a missed one is made up for.",
    "--daily-time",
    default="02:30",
    check=_time,
    setting=True,
)

QUESTIONS: tuple[Question, ...] = (
    *SERVER,
    HTTP_PROXY_PASSWORD,
    *ACCOUNT,
    TRY_AGAIN,
    *LOOK,
    SCAN,
    CHOOSE,
    REPLACED,
    PANEL,
    ANYWAY,
    REGISTER,
    DAILY,
)
"""All of them, in the order they may be asked."""

PROMISE = (
    "meterpost reads the meters and supplies of the printers you choose and reports them to the vendor.",
    "For billing it sends serial numbers, meter names and values, supplies' usage, and the date of each reading; "
    "for registration also maker, model and name of each device, and this computer's name and system. Nothing else.",
    "It only ever calls out, over TLS; nobody can call in. You can turn it off at any time: meterpost pause.",
)
"""What the administrator reads before the first question."""
