"""Laws of sealing and opening, for any account, body, nonce and time."""

import re
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from wsse_messages import DRAFT, NOON, OASIS, opened, sealed

from meterpost.model import Credentials
from meterpost.wsse import POLICIES, Acceptance, Identity, MemoryReplayCache, Reason, Trust, open_envelope, seal
from meterpost_wsdl import xmlio
from meterpost_wsdl.xmlio import BadXml

LAW = settings(deadline=None)  # a slow machine is not a broken law

usernames = st.text(min_size=1, max_size=256).map(xmlio.printable).filter(bool)
passwords = st.text(max_size=200)
policies = st.sampled_from([POLICIES["digest-2002"], POLICIES["digest-2004"]])
nonces = st.binary(min_size=16, max_size=16)
times = st.datetimes(datetime(1970, 1, 2), datetime(9000, 1, 1), timezones=st.just(UTC)).map(lambda t: t.replace(microsecond=0))


@LAW
@given(usernames, passwords, st.text(max_size=300).map(xmlio.printable), policies, nonces, times)
def test_what_is_sealed_opens_with_the_password_and_with_no_other(username, password, words, policy, nonce, at):
    envelope = (
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="urn:meterpost:1"><s:Body>'
        + f"<m:Words>{xmlio.text(words)}</m:Words></s:Body></s:Envelope>".encode()
    )
    message = seal(envelope, policy, Identity(Credentials(username, password)), at, nonce)
    root = xmlio.parse(message)
    verdict = open_envelope(root, Acceptance(), Trust({username: password}.get), MemoryReplayCache(), at)
    assert verdict.ok, verdict.reasons
    assert (verdict.username, verdict.nonce, verdict.created, verdict.reply_policy) == (username, nonce, at, policy)
    assert (root.findtext(".//{urn:meterpost:1}Words") or "") == words
    other = open_envelope(root, Acceptance(), Trust({username: password + "x"}.get), MemoryReplayCache(), at)
    assert other.reason is Reason.DIGEST_WRONG


# What the digest binds, octet by octet, and the names that hold it; but blanks in a tag, for which any white space will do.
# The Timestamp's digits are bound by nothing but the window; mustUnderstand is for the receiver's SOAP layer.
BOUND = re.compile(
    rb"<w:Username>site-4711</w:Username>|<w:Password Type=\"[^\"]*PasswordDigest\">[^<]*</w:Password>"
    rb"|<w:Nonce[^>]*>[^<]*</w:Nonce>|(?<=</w:Nonce>)<u:Created>[^<]*</u:Created>"
    rb"|</?u:Timestamp>|</?w:UsernameToken>|</?w:Security|http://[^\"]*(?:secext|utility)[^\"]*"
)


@settings(LAW, max_examples=400)
@given(policies, st.integers(0, 10_000), st.integers(1, 255))
def test_no_octet_of_what_the_digest_binds_can_change(policy, which, change):
    message = bytearray(sealed(policy))
    places = [place for match in BOUND.finditer(message) for place in range(*match.span()) if message[place] != ord(" ")]
    message[places[which % len(places)]] ^= change
    try:
        verdict = opened(bytes(message))
    except BadXml:
        return
    assert not verdict.ok, bytes(message)


@LAW
@given(policies, st.integers(-1000, 1000), st.integers(0, 600), st.integers(0, 300))
def test_a_message_is_fresh_exactly_inside_its_window(policy, age, max_age, max_skew):
    accept = Acceptance(max_age=timedelta(seconds=max_age), max_skew=timedelta(seconds=max_skew))
    verdict = opened(sealed(policy), now=NOON + timedelta(seconds=age), accept=accept)
    assert verdict.ok == (-max_skew <= age <= max_age + max_skew)


@LAW
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 900), st.booleans()), max_size=30))
def test_no_token_is_accepted_twice_however_often_and_late_it_comes(arrivals):
    replay, accepted = MemoryReplayCache(), []
    for number, late, draft in sorted(arrivals, key=lambda arrival: arrival[1]):
        message = sealed(DRAFT if draft else OASIS, nonce=bytes([number] * 16))
        if opened(message, now=NOON + timedelta(seconds=late), replay=replay).ok:
            accepted.append(number)
    assert len(accepted) == len(set(accepted))
    assert set(accepted) == {number for number, late, _ in arrivals if late <= 360}


@LAW
@given(
    policies, st.sampled_from(["site-4711", "AAECAwQFBgcICQoLDA0ODw==", "2026-11-20T12:00:00Z", "PasswordDigest"]), st.text()
)
def test_opening_never_raises_for_what_a_peer_wrote(policy, place, words):
    message = sealed(policy).replace(place.encode(), xmlio.attribute(xmlio.printable(words)).encode())
    verdict = opened(message)
    assert not verdict.ok
    assert verdict.fault is not None
    assert len(verdict.fault.text) < 200
