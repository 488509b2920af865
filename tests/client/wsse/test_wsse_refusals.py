"""What must not open: one row for each attack or malformation, with our reason and the fault the peer gets.

A row's edits are made to a good message of each of its policies; the clause is of WS-I BSP 1.0/1.1 where it has one.
"""

from typing import NamedTuple

import pytest
from wsse_messages import ACCOUNT, DRAFT, ENVELOPE, NOON, OASIS, altered, opened, password_of, sealed

from meterpost.errors import SettingsError
from meterpost.wsse import FAULTS, Acceptance, MemoryReplayCache, Reason, Trust, open_envelope
from meterpost.wsse.username import digest
from meterpost_wsdl import xmlio

BOTH, ONLY_DRAFT, ONLY_OASIS = (DRAFT, OASIS), (DRAFT,), (OASIS,)
WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
CREATED = "<u:Created>2026-11-20T12:00:00Z</u:Created>"
STAMP = f"<u:Timestamp>{CREATED}</u:Timestamp>"
TOKEN_END, SECURITY_END = "</w:UsernameToken>", "</w:Security>"
USERNAME, NONCE = "<w:Username>site-4711</w:Username>", "AAECAwQFBgcICQoLDA0ODw=="
DIGEST = digest(bytes(range(16)), "2026-11-20T12:00:00Z", ACCOUNT.password)
EMPTY_DIGEST = digest(bytes(range(16)), "2026-11-20T12:00:00Z", "")
DS = 'xmlns:d="http://www.w3.org/2000/09/xmldsig#"'
XENC = 'xmlns:x="http://www.w3.org/2001/04/xmlenc#"'


def stamp(content: str) -> tuple[str, str]:
    """The edit that gives the Timestamp this content."""
    return (STAMP, f"<u:Timestamp>{content}</u:Timestamp>")


def stamped(time: str) -> tuple[str, str]:
    """The edit that gives the Timestamp this Created."""
    return stamp(f"<u:Created>{time}</u:Created>")


def expiring(*times: str) -> tuple[str, str]:
    """The edit that adds these Expires to the Timestamp."""
    return stamp(CREATED + "".join(f"<u:Expires>{time}</u:Expires>" for time in times))


class Case(NamedTuple):
    id: str
    edits: list[tuple[str, str]]
    reason: Reason
    fault: str
    policies: tuple = BOTH


INVALID, BAD_TOKEN, FAILED = "InvalidSecurity", "InvalidSecurityToken", "FailedAuthentication"
UNSUPPORTED, ALGORITHM, EXPIRED = "UnsupportedSecurityToken", "UnsupportedAlgorithm", "MessageExpired"

CASES = [
    # the Security header
    Case("another-actor", [("<w:Security", '<w:Security s:actor="urn:else"')], Reason.NO_SECURITY, INVALID),
    Case(
        "two-for-another-actor",
        [(SECURITY_END, f'{SECURITY_END}<w:Security s:actor="urn:else"/><w:Security s:actor="urn:else"/>')],
        Reason.MANY_SECURITY,
        INVALID,
    ),
    Case("empty-actor", [("<w:Security", '<w:Security s:actor=""')], Reason.NO_SECURITY, INVALID),
    Case("unknown-wsse", [("secext", "secext2")], Reason.NO_SECURITY, INVALID),
    Case("security-in-body", [("<s:Header>", "<s:Body>"), ("</s:Header>", "</s:Body>")], Reason.NO_SECURITY, INVALID),
    Case(
        "security-wrapped",
        [("<w:Security", '<m:Wrap><w:Security'), (SECURITY_END, f"{SECURITY_END}</m:Wrap>")],
        Reason.NO_SECURITY,
        INVALID,
    ),
    Case("two-security", [(SECURITY_END, f"{SECURITY_END}<w:Security/>")], Reason.MANY_SECURITY, INVALID),
    Case(
        "two-security-one-for-next",
        [(SECURITY_END, f'{SECURITY_END}<w:Security s:actor="http://schemas.xmlsoap.org/soap/actor/next"/>')],
        Reason.MANY_SECURITY,
        INVALID,
    ),
    Case(
        "two-security-of-two-drafts",
        [(SECURITY_END, f'{SECURITY_END}<o:Security xmlns:o="http://schemas.xmlsoap.org/ws/2002/12/secext"/>')],
        Reason.MANY_SECURITY,
        INVALID,
    ),
    Case("two-headers", [("<s:Body>", "<s:Header><w:Security/></s:Header><s:Body>")], Reason.MANY_SECURITY, INVALID),
    Case("unknown-token", [("<w:UsernameToken>", "<w:SAML/><w:UsernameToken>")], Reason.PART_UNSUPPORTED, UNSUPPORTED),
    Case("manifest", [(SECURITY_END, f"<d:Manifest {DS}/>{SECURITY_END}")], Reason.ALGORITHM_UNSUPPORTED, ALGORITHM),
    Case("signature", [(SECURITY_END, f"<d:Signature {DS}/>{SECURITY_END}")], Reason.POLICY_REFUSED, UNSUPPORTED, ONLY_DRAFT),
    Case("encrypted-key", [(SECURITY_END, f"<x:EncryptedKey {XENC}/>{SECURITY_END}")], Reason.POLICY_REFUSED, UNSUPPORTED),
    # the Timestamp
    Case("no-timestamp", [(STAMP, "")], Reason.PART_MISSING, INVALID),
    Case("unknown-wsu-beside", [("utility", "utility2")], Reason.PART_MISSING, INVALID, ONLY_DRAFT),
    Case("unknown-wsu-inside", [("utility", "utility2")], Reason.PART_UNSUPPORTED, UNSUPPORTED, ONLY_OASIS),
    Case("two-timestamps-R3227", [(STAMP, STAMP + STAMP)], Reason.PART_REPEATED, INVALID),
    Case(
        "timestamp-in-both-places",
        [(STAMP, ""), ("<w:Security", f"{STAMP}<w:Security"), (SECURITY_END, STAMP + SECURITY_END)],
        Reason.PART_REPEATED,
        INVALID,
    ),
    Case(
        "timestamps-of-two-drafts",
        [("<s:Header>", '<s:Header><o:Timestamp xmlns:o="http://schemas.xmlsoap.org/ws/2003/06/utility"/>')],
        Reason.PART_REPEATED,
        INVALID,
    ),
    Case("timestamp-without-created-R3203", [stamp("")], Reason.TIMESTAMP_MALFORMED, INVALID),
    Case("timestamp-with-two-created-R3203", [stamp(CREATED + CREATED)], Reason.TIMESTAMP_MALFORMED, INVALID),
    Case("two-expires-R3224", [expiring("2026-11-20T12:05:00Z", "2026-11-20T12:06:00Z")], Reason.TIMESTAMP_MALFORMED, INVALID),
    Case(
        "expires-in-front-of-created-R3221",
        [stamp(f"<u:Expires>2026-11-20T12:05:00Z</u:Expires>{CREATED}")],
        Reason.TIMESTAMP_MALFORMED,
        INVALID,
    ),
    Case("expires-earlier-than-created", [expiring("2026-11-20T11:59:59Z")], Reason.TIMESTAMP_MALFORMED, INVALID),
    Case("expires-with-created", [expiring("2026-11-20T12:00:00Z")], Reason.TIMESTAMP_MALFORMED, INVALID),
    Case("second-60-R3213", [stamped("2026-11-20T11:59:60Z")], Reason.TIMESTAMP_MALFORMED, INVALID),
    Case("hour-24", [stamped("2026-11-19T24:00:00Z")], Reason.TIMESTAMP_MALFORMED, INVALID),
    Case("day-that-is-not", [stamped("2026-11-31T12:00:00Z")], Reason.TIMESTAMP_MALFORMED, INVALID),
    Case("local-time-R3217", [stamped("2026-11-20T12:00:00")], Reason.TIMESTAMP_MALFORMED, INVALID),
    Case("other-zone-R3217", [stamped("2026-11-20T13:00:00+01:00")], Reason.TIMESTAMP_MALFORMED, INVALID),
    Case("small-z", [stamped("2026-11-20T12:00:00z")], Reason.TIMESTAMP_MALFORMED, INVALID),
    Case("digits-of-another-script", [stamped("2026-11-20T12:00:0٠Z")], Reason.TIMESTAMP_MALFORMED, INVALID),
    Case("blank-around-time", [stamped(" 2026-11-20T12:00:00Z")], Reason.TIMESTAMP_MALFORMED, INVALID),
    Case("endless-fraction", [stamped(f"2026-11-20T12:00:00.{'0' * 5000}Z")], Reason.TIMESTAMP_MALFORMED, INVALID),
    Case("expires-other-zone-R3223", [expiring("2026-11-20T14:05:00+01:00")], Reason.TIMESTAMP_MALFORMED, INVALID),
    Case("element-in-created", [stamp(CREATED.replace('Z', 'Z<m:x/>'))], Reason.TIMESTAMP_MALFORMED, INVALID),
    Case("received-R3222", [stamp(f"{CREATED}<u:Received/>")], Reason.TIMESTAMP_MALFORMED, INVALID, ONLY_OASIS),
    Case("foreign-child-of-timestamp", [stamp(f"{CREATED}<m:Note/>")], Reason.TIMESTAMP_MALFORMED, INVALID),
    Case(
        "created-with-value-type-R3225",
        [("<u:Created>", '<u:Created ValueType="xsd:dateTime">')],
        Reason.TIMESTAMP_MALFORMED,
        INVALID,
        ONLY_OASIS,
    ),
    Case(
        "expires-with-value-type-R3226",
        [stamp(f'{CREATED}<u:Expires ValueType="x">2026-11-20T12:05:00Z</u:Expires>')],
        Reason.TIMESTAMP_MALFORMED,
        INVALID,
        ONLY_OASIS,
    ),
    Case("yesterday", [stamped("2026-11-19T12:00:00Z")], Reason.TIMESTAMP_STALE, EXPIRED),
    Case("year-one", [stamped("0001-01-01T00:00:00Z")], Reason.TIMESTAMP_STALE, EXPIRED),
    Case("tomorrow", [stamped("2026-11-21T12:00:00Z")], Reason.TIMESTAMP_EARLY, INVALID),
    Case("year-9999", [stamped("9999-12-31T23:59:59.999999Z")], Reason.TIMESTAMP_EARLY, INVALID),
    Case(
        "expired",
        [stamp("<u:Created>2026-11-20T11:57:00Z</u:Created><u:Expires>2026-11-20T11:58:00Z</u:Expires>")],
        Reason.TIMESTAMP_EXPIRED,
        EXPIRED,
    ),
    Case(
        "expires-cannot-lengthen-the-window",
        [stamp("<u:Created>2026-11-20T11:50:00Z</u:Created><u:Expires>9999-12-31T23:59:59Z</u:Expires>")],
        Reason.TIMESTAMP_STALE,
        EXPIRED,
    ),
    # the UsernameToken
    Case("no-token", [("<w:UsernameToken>", "<!--"), (TOKEN_END, "-->")], Reason.PART_MISSING, INVALID),
    Case("two-tokens", [(TOKEN_END, f"{TOKEN_END}<w:UsernameToken/>")], Reason.PART_REPEATED, INVALID),
    Case("no-username", [(USERNAME, "")], Reason.DIGEST_MALFORMED, BAD_TOKEN),
    Case("two-usernames", [(USERNAME, USERNAME * 2)], Reason.DIGEST_MALFORMED, BAD_TOKEN),
    Case("empty-username", [("site-4711", "")], Reason.DIGEST_MALFORMED, BAD_TOKEN),
    Case("endless-username", [("site-4711", "x" * 257)], Reason.DIGEST_MALFORMED, BAD_TOKEN),
    Case("element-in-username", [("site-4711", "site-4711<m:x/>")], Reason.DIGEST_MALFORMED, BAD_TOKEN),
    Case("no-password", [("<w:Password ", "<!--"), ("</w:Password>", "-->")], Reason.DIGEST_MALFORMED, BAD_TOKEN),
    Case("two-passwords-R4222", [("</w:Password>", "</w:Password><w:Password/>")], Reason.DIGEST_MALFORMED, BAD_TOKEN),
    Case("two-created-R4223", [(TOKEN_END, CREATED + TOKEN_END)], Reason.DIGEST_MALFORMED, BAD_TOKEN),
    Case("no-created", [(CREATED + TOKEN_END, TOKEN_END)], Reason.DIGEST_MALFORMED, BAD_TOKEN),
    Case("created-in-other-wsu", [(CREATED + TOKEN_END, f"<m:Created/>{TOKEN_END}")], Reason.DIGEST_MALFORMED, BAD_TOKEN),
    Case("two-nonces-R4225", [("<w:Nonce", "<w:Nonce/><w:Nonce")], Reason.DIGEST_MALFORMED, BAD_TOKEN),
    Case("no-nonce", [("<w:Nonce", "<!--"), ("</w:Nonce>", "-->")], Reason.DIGEST_MALFORMED, BAD_TOKEN),
    Case("empty-nonce", [(NONCE, "")], Reason.DIGEST_MALFORMED, BAD_TOKEN),
    Case("short-nonce", [(NONCE, "AAECAwQFBg==")], Reason.DIGEST_MALFORMED, BAD_TOKEN),
    Case("endless-nonce", [(NONCE, "AAAA" * 22)], Reason.DIGEST_MALFORMED, BAD_TOKEN),
    Case("nonce-not-base64", [(NONCE, "AAECAwQFBgcICQoLDA0OD*==")], Reason.DIGEST_MALFORMED, BAD_TOKEN),
    Case("nonce-not-ascii", [(NONCE, "AAECAwQFBgcICQoLDA0ODé==")], Reason.DIGEST_MALFORMED, BAD_TOKEN),
    Case("nonce-without-padding", [(NONCE, NONCE[:-2])], Reason.DIGEST_MALFORMED, BAD_TOKEN),
    Case("nonce-in-lines", [(NONCE, f"\n{NONCE}\n")], Reason.DIGEST_MALFORMED, BAD_TOKEN),
    Case("nonce-in-another-spelling", [("ODw==", "ODx==")], Reason.DIGEST_MALFORMED, BAD_TOKEN),
    Case("unknown-child-of-token", [(TOKEN_END, f"<m:Salt/>{TOKEN_END}")], Reason.DIGEST_MALFORMED, BAD_TOKEN),
    Case("token-time-second-60", [(CREATED + TOKEN_END, f"<u:Created>2026-11-20T11:59:60Z</u:Created>{TOKEN_END}")],
         Reason.DIGEST_MALFORMED, BAD_TOKEN),
    Case("type-of-the-draft", [(f'"{WSS}username-token-profile-1.0#PasswordDigest"', '"w:PasswordDigest"')],
         Reason.DIGEST_REQUIRED, UNSUPPORTED, ONLY_OASIS),
    Case("no-type-R4201", [(f' Type="{WSS}username-token-profile-1.0#PasswordDigest"', "")],
         Reason.DIGEST_MALFORMED, BAD_TOKEN, ONLY_OASIS),
    Case("no-type-means-clear-text", [(' Type="w:PasswordDigest"', "")], Reason.DIGEST_REQUIRED, UNSUPPORTED, ONLY_DRAFT),
    Case("clear-text", [("PasswordDigest", "PasswordText"), (DIGEST, "p&amp;ss")], Reason.DIGEST_REQUIRED, UNSUPPORTED),
    Case("unknown-type", [("PasswordDigest", "PasswordDigest2")], Reason.DIGEST_REQUIRED, UNSUPPORTED),
    Case("type-of-another-draft", [('Type="w:', 'xmlns:q="http://schemas.xmlsoap.org/ws/2002/12/secext" Type="q:')],
         Reason.DIGEST_REQUIRED, UNSUPPORTED, ONLY_DRAFT),
    Case("type-with-unbound-prefix", [('Type="w:', 'Type="q:')], Reason.DIGEST_REQUIRED, UNSUPPORTED, ONLY_DRAFT),
    Case("no-encoding-R4220", [(f' EncodingType="{WSS}soap-message-security-1.0#Base64Binary"', "")],
         Reason.DIGEST_MALFORMED, BAD_TOKEN, ONLY_OASIS),
    Case("encoding-R4221", [("#Base64Binary", "#HexBinary")], Reason.DIGEST_MALFORMED, BAD_TOKEN, ONLY_OASIS),
    Case("hexadecimal-nonce", [("<w:Nonce>", '<w:Nonce EncodingType="w:HexBinary">')],
         Reason.DIGEST_MALFORMED, BAD_TOKEN, ONLY_DRAFT),
    # who sent it
    Case("stranger", [("site-4711", "site-4712")], Reason.USER_UNKNOWN, FAILED),
    Case("stranger-with-no-password", [("site-4711", "site-4712"), (DIGEST, EMPTY_DIGEST)], Reason.USER_UNKNOWN, FAILED),
    Case("other-case", [("site-4711", "SITE-4711")], Reason.USER_UNKNOWN, FAILED),
    Case("wrong-digest", [(DIGEST, EMPTY_DIGEST)], Reason.DIGEST_WRONG, FAILED),
    Case("empty-digest", [(DIGEST, "")], Reason.DIGEST_WRONG, FAILED),
    Case("digest-not-ascii", [(DIGEST, "é" * 28)], Reason.DIGEST_WRONG, FAILED),
    Case("digest-in-another-spelling", [("QmdBD3Y=", "QmdBD3Z=")], Reason.DIGEST_WRONG, FAILED),
    Case("digest-of-22-octets", [(DIGEST, "weYI3nXd8LjMNVksCKFV8t3rgHh3Rw==")], Reason.DIGEST_WRONG, FAILED),
    Case("other-nonce", [(NONCE, "AAECAwQFBgcICQoLDA0OEA==")], Reason.DIGEST_WRONG, FAILED),
    Case("token-time-moved", [(CREATED + TOKEN_END, f"<u:Created>2026-11-20T12:00:01Z</u:Created>{TOKEN_END}")],
         Reason.DIGEST_WRONG, FAILED),
    Case("token-time-respelled", [(CREATED + TOKEN_END, f"<u:Created>2026-11-20T12:00:00.0Z</u:Created>{TOKEN_END}")],
         Reason.DIGEST_WRONG, FAILED),
    Case("old-token-fresh-timestamp", [(CREATED + TOKEN_END, f"<u:Created>2026-11-20T11:50:00Z</u:Created>{TOKEN_END}")],
         Reason.DIGEST_STALE, FAILED),
    Case("token-of-tomorrow", [(CREATED + TOKEN_END, f"<u:Created>2026-11-21T12:00:00Z</u:Created>{TOKEN_END}")],
         Reason.DIGEST_EARLY, FAILED),
]  # fmt: skip
ROWS = [pytest.param(case, policy, id=f"{case.id}-{policy.name}") for case in CASES for policy in case.policies]


@pytest.mark.parametrize(("case", "policy"), ROWS)
def test_refused(case, policy):
    replay = MemoryReplayCache()
    verdict = opened(altered(sealed(policy), *case.edits), replay=replay)
    assert not verdict.ok
    assert (verdict.reason, verdict.fault.name) == (case.reason, case.fault)
    assert verdict.reasons[0].startswith(case.reason)
    if verdict.reason in (Reason.NO_SECURITY, Reason.MANY_SECURITY):
        return  # no dialect to answer in: the first accepted one is taken
    assert verdict.dialect.wsse == policy.dialect.wsse
    assert verdict.fault.namespace == (verdict.dialect.wsu if case.fault == EXPIRED else verdict.dialect.wsse)
    assert opened(sealed(policy), replay=replay).ok, "a refused message must not use up the nonce of a good one"


def test_every_reason_this_room_can_give_has_its_row():
    elsewhere = {Reason.REPLAYED, Reason.PASSWORD_WRONG, Reason.ID_REPEATED, Reason.OTHER_ANSWER, Reason.DECRYPTION_FAILED} | {
        reason for reason in Reason if "signature" in reason or "key" in reason
    }
    assert {case.reason for case in CASES} == set(Reason) - elsewhere
    assert set(FAULTS) == set(Reason)
    assert len({case.id for case in CASES}) == len(CASES)


def test_a_message_without_header_is_refused_in_the_words_of_the_first_accepted_policy():
    for name, policy in (("digest-2002", DRAFT), ("digest-2004", OASIS)):
        verdict = opened(ENVELOPE, accept=Acceptance(policies=(name,)))
        assert verdict.reason is Reason.NO_SECURITY
        assert verdict.fault.namespace == policy.dialect.wsse


@pytest.mark.parametrize("policy", BOTH, ids=lambda policy: policy.name)
def test_a_message_is_good_once(policy):
    replay = MemoryReplayCache()
    assert opened(sealed(policy), replay=replay).ok
    again = opened(sealed(policy), replay=replay)
    assert (again.reason, again.fault.name, again.fault.namespace) == (Reason.REPLAYED, FAILED, policy.dialect.wsse)


def test_a_token_of_one_dialect_is_not_good_again_in_the_other():
    replay = MemoryReplayCache()
    assert opened(sealed(DRAFT), replay=replay).ok
    assert opened(sealed(OASIS), replay=replay).reason is Reason.REPLAYED


def test_a_policy_that_is_not_accepted_is_refused_in_its_own_dialect():
    verdict = opened(sealed(DRAFT), accept=Acceptance(policies=("digest-2004",)))
    assert (verdict.reason, verdict.fault.name) == (Reason.POLICY_REFUSED, UNSUPPORTED)
    assert verdict.reply_policy == DRAFT


def test_a_policy_that_does_not_exist_is_a_mistake_in_the_settings():
    with pytest.raises(SettingsError, match="'digest-2003'") as caught:
        Acceptance(policies=("digest-2003",))
    assert "digest-2004" in caught.value.advice
    with pytest.raises(SettingsError, match="no security policy"):
        Acceptance(policies=())


@pytest.mark.parametrize("policy", BOTH, ids=lambda policy: policy.name)
def test_the_peer_cannot_tell_a_stranger_from_a_wrong_password(policy):
    stranger = opened(altered(sealed(policy), ("site-4711", "site-4712")))
    wrong = opened(altered(sealed(policy), (DIGEST, EMPTY_DIGEST)))
    assert stranger.reason is not wrong.reason
    assert stranger.fault == wrong.fault


def test_two_users_may_happen_on_the_same_nonce():
    replay = MemoryReplayCache()

    def everybody(username: str) -> str:
        return ACCOUNT.password

    other = altered(sealed(OASIS), ("site-4711", "site-4712"))
    for message in (sealed(OASIS), other):
        assert open_envelope(xmlio.parse(message), Acceptance(), Trust(everybody), replay, NOON).ok
    assert not open_envelope(xmlio.parse(other), Acceptance(), Trust(everybody), replay, NOON).ok


@pytest.mark.parametrize("content", ["<m:a/>", f"<s:Envelope xmlns:s='urn:x'>{STAMP.replace('u:', 's:')}</s:Envelope>"])
def test_something_else_than_an_envelope_is_refused_not_raised(content):
    root = xmlio.parse(content.replace("<m:a", "<m:a xmlns:m='urn:a'").encode())
    assert open_envelope(root, Acceptance(), Trust(password_of), MemoryReplayCache(), NOON).reason is Reason.NO_SECURITY


def test_no_password_shows_in_a_verdict():
    for message in (sealed(OASIS), altered(sealed(OASIS), (DIGEST, EMPTY_DIGEST))):
        assert ACCOUNT.password not in repr(opened(message))
