"""Every question the wizard asks, as data: text, help, default, check, flag. A terminal, an answer file and, later,
a browser render the same list. Answers travel as text; `Kind` says how to read one."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from meterpost import settings
from meterpost.errors import MeterpostError, SettingsError


class Kind(StrEnum):
    """How an answer is given and read."""

    TEXT = "text"
    SECRET = "secret"  # noqa: S105  # a kind of question, not a password; never echoed, never a default
    YES_NO = "yes-no"
    LIST = "list"  # separated by blanks or commas
    CHOICE = "choice"  # serial numbers of devices that were found, separated so, or 'all'
    OPTION = "option"  # one of the question's options


Check = Callable[[str], str]
"""What is wrong with an answer and what is allowed; '' where it is right."""


@dataclass(frozen=True, slots=True)
class Question:
    """`key` names the answer in an answer file; with `setting`, also the setting it becomes. `flag` gives it on the
    command line. An empty answer takes the default; where `default` is None an answer is required. A question
    `per_device` may be asked once for each of several serial numbers. `options` are the answers there are, with a line on
    each; none: any."""

    key: str
    text: str
    help: str
    flag: str
    kind: Kind = Kind.TEXT
    default: str | None = ""
    check: Check = lambda _: ""
    setting: bool = False
    per_device: bool = False
    options: Callable[[], Mapping[str, str]] = dict

    def wrong(self, answer: str) -> str:
        """What is wrong with `answer` and what is allowed, '' where it is right. What becomes a setting is checked as
        the settings check it."""
        if not answer:
            return "An answer is needed." if self.default is None else ""
        if not answer.isprintable():
            return "It contains characters that cannot be printed."
        if self.setting and self.kind is not Kind.SECRET:
            section, name = self.key.split(".")
            try:
                settings.from_table({section: {name: self.value(answer)}}, Path())
            except SettingsError as error:
                return sentences(error)
        if self.kind is Kind.OPTION and answer not in self.options():
            return f"Choose one of: {', '.join(self.options())}."
        return self.check(answer)

    def value(self, answer: str) -> str | list[str]:
        """`answer` as a settings file holds it."""
        return items(answer) if self.kind is Kind.LIST else answer

    def to_json(self) -> dict[str, object]:
        """The documented, stable form of `wizard --questions --json`."""
        return {
            "key": self.key,
            "text": self.text,
            "help": self.help,
            "kind": self.kind,
            "default": self.default,
            "flag": self.flag,
            "setting": self.setting,
            "per_device": self.per_device,
            "options": dict(self.options()),
        }


def items(answer: str) -> list[str]:
    """The items of a list answer."""
    return re.findall(r"[^\s,]+", answer)


def yes(answer: str) -> bool:
    """Whether a yes-no answer is yes."""
    return answer.casefold() in ("yes", "y")


def count(answer: str) -> int:
    """The number a panel shows, its digits grouped or not."""
    return int(re.sub(r"\D", "", answer))


def sentences(error: MeterpostError) -> str:
    """What failed and what to do."""
    return f"{str(error).rstrip('.')}. {error.advice}".strip()


def _policies() -> Mapping[str, str]:
    from meterpost.agent import POLICIES  # late: `wizard --help` loads no engine

    return {name: row.brief for name, row in POLICIES.items()}


def _http_proxy(answer: str) -> str:
    right = re.fullmatch(r"none|(http://)?([\w.-]+|\[[\da-fA-F:.]+\])(:\d{1,5})?/?", answer)
    return "" if right else "Write http://host:port; 'none' for no HTTP proxy; or nothing for this computer's own setting."


def yes_no(answer: str) -> str:
    """What is wrong with a yes-no answer."""
    return "" if answer.casefold() in ("yes", "y", "no", "n") else "Answer yes or no."


def _count(answer: str) -> str:
    grouped = re.fullmatch(r"[0-9]{1,10}|[0-9]{1,3}(?:[ .,'][0-9]{3}){1,3}", answer)
    return "" if grouped else "Write the whole number, like 12345 or 12 345; nothing to compare nothing."


URL = Question(
    "server.url",
    "Address of the vendor's communication server",
    "The vendor's letter names it. It begins with https: meter reads only travel encrypted.",
    "--server-url",
    default=None,
    setting=True,
)
CA_FILE = Question(
    "server.ca_file",
    "File with the certificate authority to trust",
    "Leave it empty unless the vendor gave you such a file; then this computer's own list of authorities counts.",
    "--ca-file",
    setting=True,
)
HTTP_PROXY = Question(
    "server.http_proxy",
    "HTTP proxy between this network and the Internet",
    "Like http://host:port. Empty: what this computer is set to. 'none': there is none.",
    "--http-proxy",
    check=_http_proxy,
    setting=True,
)
HTTP_PROXY_USERNAME = Question(
    "server.http_proxy_username",
    "User name at the HTTP proxy",
    "Leave it empty if the HTTP proxy asks for none.",
    "--http-proxy-username",
    setting=True,
)
HTTP_PROXY_PASSWORD = Question(
    "server.http_proxy_password",
    "Password at the HTTP proxy",
    "It is kept in a file of its own that only this account can read.",
    "--http-proxy-password",
    Kind.SECRET,
    default=None,
    setting=True,
)
USERNAME = Question(
    "account.username",
    "User name of your account at the communication server",
    "The vendor's letter names it.",
    "--username",
    default=None,
    setting=True,
)
PASSWORD = Question(
    "account.password",
    "Password of that account",
    "It is kept in a file of its own that only this account can read. A digest of it is sent, never the password itself, "
    "unless you choose text-2004 below.",
    "--password",
    Kind.SECRET,
    default=None,
    setting=True,
)
POLICY = Question(
    "security.policy",
    "Message security",
    "What your messages prove to the server, inside TLS; its answers prove the same to you. Keep the default unless the vendor "
    "names another one. Keys are made and renewed by themselves.",
    "--policy",
    Kind.OPTION,
    "digest-2004",
    setting=True,
    options=_policies,
)
TARGETS = Question(
    "discovery.targets",
    "Where to look for printers",
    "Networks (10.1.2.0/24), ranges (10.1.2.10-90), addresses and host names, separated by blanks. Or a word: subnets for the "
    "networks this computer is on, gateway for those the router knows, mdns for printers that announce themselves. Or the URI "
    "of a printer without SNMP (ipp://10.1.2.3/ipp/print).",
    "--targets",
    Kind.LIST,
    default=None,
    setting=True,
)
EXCLUDE = Question(
    "discovery.exclude",
    "Addresses to leave out",
    "Written in the same way. Not one packet is sent to them.",
    "--exclude",
    Kind.LIST,
    setting=True,
)
COMMUNITIES = Question(
    "snmp.communities",
    "SNMP communities to try",
    "The word printers want to hear before they are read; for most it is 'public'. Tried in this order, only to read.",
    "--communities",
    Kind.LIST,
    "public",
    setting=True,
)
SCAN = Question(
    "scan",
    "Look for printers now?",
    "Ctrl-C ends the search and keeps what was found until then.",
    "--scan",
    Kind.YES_NO,
    "yes",
    yes_no,
)
REPLACED = Question(
    "devices.replaced",
    "Did the new device replace the old one?",
    "Then the old one's enrolment ends and the new one is registered. The vendor is told both.",
    "--replaced",
    Kind.YES_NO,
    "no",
    yes_no,
    per_device=True,
)
CHOOSE = Question(
    "devices.choose",
    "Which of the devices shall report their meters?",
    "Serial numbers, 'all' for every new one, or nothing. What you do not choose is not enrolled.",
    "--choose",
    Kind.CHOICE,
)
COMPARE = Question(
    "compare",
    "Compare the meters with the panels now?",
    "The number on the panel is the number on the bill. Look at each device's panel, or print its configuration page.",
    "--compare",
    Kind.YES_NO,
    "yes",
    yes_no,
)
PANEL = Question(
    "panel",
    "Number on the panel",
    "Any of the meters above. Leave it empty to go on without comparing this device.",
    "--panel",
    check=_count,
    per_device=True,
)
ANYWAY = Question(
    "devices.anyway",
    "Enrol it all the same?",
    "Its bill will be made from the meters above. Without it the device is left out; the wizard can be run again.",
    "--anyway",
    Kind.YES_NO,
    "no",
    yes_no,
    per_device=True,
)
REGISTER = Question(
    "register",
    "Send these messages and register?",
    "Nothing has been sent of them yet.",
    "--register",
    Kind.YES_NO,
    "yes",
    yes_no,
)
DAILY_TIME = Question(
    "schedule.daily_time",
    "Daily transmission time",
    "Hours and minutes, local time. Choose a time at which this computer is on; a missed one is made up for.",
    "--daily-time",
    default="02:30",
    setting=True,
)

QUESTIONS: tuple[Question, ...] = (
    URL,
    CA_FILE,
    HTTP_PROXY,
    HTTP_PROXY_USERNAME,
    HTTP_PROXY_PASSWORD,
    USERNAME,
    PASSWORD,
    POLICY,
    TARGETS,
    EXCLUDE,
    COMMUNITIES,
    SCAN,
    REPLACED,
    CHOOSE,
    COMPARE,
    PANEL,
    ANYWAY,
    REGISTER,
    DAILY_TIME,
)
"""All of them, in the order they are asked."""

PROMISE = (
    "meterpost reads the meters and supplies of the printers you choose and reports them to the vendor.",
    "For billing it sends serial numbers, meter names and values, supplies' usage, and the date of each reading. "
    "To register it also sends maker, model and name of each device, and this computer's name and system. Nothing else.",
    "It only ever calls out, over TLS; nobody can call in. You can turn it off at any time: 'meterpost pause'.",
)
"""What the administrator reads before the first question."""
