"""What came back over HTTP, before it is believed: is it XML, an envelope, a fault?

A fault is recognised under any HTTP status (WS-I BP 1.1 R1107); anything that is not an envelope is explained by
what it most likely is, because that is what the administrator has to mend.
"""

from dataclasses import dataclass

from lxml import etree

from meterpost.errors import AuthenticationError, MeterpostError, PeerError, Refused
from meterpost.model import HttpReply
from meterpost_wsdl import names, xmlio

_LIMITS = xmlio.Limits(octets=32 * 1024 * 1024)


@dataclass(frozen=True, slots=True)
class FaultRule:
    """What a fault code means for us: the error to raise and the advice in it."""

    error: type[MeterpostError]
    advice: str


_CREDENTIALS = FaultRule(
    AuthenticationError, "Check account.username and the password it refers to, or ask the vendor whether the account is open."
)
_CLOCK = FaultRule(
    AuthenticationError, "Check the date, time and time zone of this computer; the server allows only minutes of difference."
)
_CONTRACT = FaultRule(Refused, "Client and server speak different versions of the contract; update the older one.")
_ELSEWHERE = "Check server.url, its path too. If it is right, tell the server's operator."
_SERVER = FaultRule(PeerError, "The server has a problem; meterpost tries again by itself.")
FAULTS: dict[str, FaultRule] = {
    "FailedAuthentication": _CREDENTIALS,
    "InvalidSecurityToken": _CREDENTIALS,
    "SecurityTokenUnavailable": FaultRule(
        AuthenticationError,
        "The server does not know the certificate this client signs with ('meterpost keys'). Give the vendor your own one; if "
        "the vendor released this client's keys, run 'meterpost keys renew --released'.",
    ),
    "MessageExpired": _CLOCK,
    "InvalidSecurity": FaultRule(AuthenticationError, "Client and server disagree about security.policy."),
    "UnsupportedSecurityToken": FaultRule(AuthenticationError, "The server wants another security.policy."),
    "UnsupportedAlgorithm": FaultRule(AuthenticationError, "The server wants another security.policy."),
    "FailedCheck": FaultRule(AuthenticationError, "The message was changed on its way, or the keys differ."),
    "VersionMismatch": _CONTRACT,
    "MustUnderstand": _CONTRACT,
    "Client": _CONTRACT,
    "Server": _SERVER,
}
"""By the local name of the faultcode, WS-Security's and SOAP's."""

REFUSALS: dict[str, str] = {
    "not-registered": "The server does not know this client: it was reset, or the registration was removed. "
    "Run 'meterpost wizard'.",
    "other-account": "This client is registered under another account. Check account.username.",
    "over-budget": "The server counts more octets than its formula allows.",
    "try-later": "The server asks to try later; meterpost does so by itself.",
    "key-refused": "The server has a key of this client in force, which must sign: keep to a security.policy that signs. If "
    "that key is gone, ask the vendor to release it and run 'meterpost keys renew --released'.",
    "revoked": "The vendor turned this client off. Ask why; once it is on again, meterpost goes on by itself.",
}
"""Advice by the code in a fault's Refusal detail."""


def root_of(reply: HttpReply) -> etree._Element:
    """The envelope in `reply`. Raises PeerError that says what came instead."""
    kind = reply.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml") or reply.body.lstrip()[:15].lower().startswith(
        (b"<!doctype html", b"<html")
    ):
        raise PeerError(
            f"a web page came instead of a reply (HTTP {reply.status})",
            "An HTTP proxy, a filter or a guest network's log-in page stands between; "
            "open the server's address in a browser on this computer.",
        )
    if 300 <= reply.status < 400:
        raise PeerError(
            f"the server redirects to {reply.headers.get('location', 'nowhere')[:200]!r}; credentials do not follow",
            "If the vendor moved the service, put the new address into server.url.",
        )
    if not reply.body:
        raise PeerError(f"an empty reply came (HTTP {reply.status} {reply.reason})", _ELSEWHERE)
    if reply.status == 415:
        raise PeerError(
            "the server does not take this kind of message (HTTP 415)",
            "Ask its operator whether it takes gzip; a security.policy that is not compressed does without.",
        )
    if kind not in ("text/xml", "application/soap+xml"):
        raise PeerError(
            f"the reply is {kind or 'of no stated type'}, not text/xml (HTTP {reply.status} {reply.reason})", _ELSEWHERE
        )
    try:
        root = xmlio.parse(reply.body, _LIMITS)
    except xmlio.BadXml as error:
        raise PeerError(f"the reply cannot be read: {error}", _ELSEWHERE) from None
    if root.tag != f"{{{names.SOAP}}}Envelope":
        name = etree.QName(root).localname[:100]
        raise PeerError(f"the reply is a {name}, not a SOAP 1.1 envelope", _ELSEWHERE)
    return root


def fault_of(root: etree._Element, status: int) -> MeterpostError | None:
    """The fault in the envelope `root` as the error to raise; None where there is none.
    A reply without a fault under a status other than 200 is a PeerError too."""
    fault = root.find(f"{{{names.SOAP}}}Body/{{{names.SOAP}}}Fault")
    if fault is None:
        return None if status == 200 else PeerError(f"the server answered HTTP {status} without a fault", _ELSEWHERE)
    code = xmlio.clip(fault.findtext("faultcode") or "", 200).rpartition(":")[2]
    text = xmlio.clip(fault.findtext("faultstring") or "no reason given", 500)
    refusal = fault.find(f"detail/{{{names.SERVICE}}}Refusal")
    if refusal is not None:
        reason = xmlio.clip(refusal.get("code", ""), 200)
        error: type[MeterpostError] = PeerError if reason == "try-later" else Refused
        return _refusal(error, f"the server refuses: {text}", REFUSALS.get(reason, ""), reason)
    rule = FAULTS.get(code.partition(".")[0], _SERVER)
    return _refusal(rule.error, f"the server answers {code or 'a fault without code'}: {text}", rule.advice, code)


def _refusal(error: type[MeterpostError], what: str, advice: str, code: str) -> MeterpostError:
    return error(what, advice, code) if issubclass(error, Refused | AuthenticationError) else error(what, advice)
