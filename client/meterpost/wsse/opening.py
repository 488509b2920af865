"""A message becomes a verdict: shape, policy, times, password, signature, replay, decryption, in this order.

Everything before password and signature costs the same for everybody; a token or signature is remembered only after it
held, so strangers cannot fill the replay cache. Must never look into a Body that is in the clear, and never raise for what
a peer wrote.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from lxml import etree

from meterpost.wsse import coverage, derived, encryption, signature, timestamp, username
from meterpost.wsse.coverage import Parts
from meterpost.wsse.key_names import Unnamed
from meterpost.wsse.policy import POLICIES, Acceptance, Password, Place, Policy
from meterpost.wsse.recognition import ENCRYPTED_KEY, LIST, SIGNATURE, elements_of, plain, policy_of
from meterpost.wsse.replay import ReplayCache
from meterpost.wsse.sealing import ANSWER
from meterpost.wsse.shape import Header, header_of
from meterpost.wsse.trust import ContentKey, Trust, Trusted
from meterpost.wsse.verdict import Reason, Refusal, Verdict
from meterpost_wsdl.names import SOAP

_ANSWER = re.compile(f"{ANSWER}[0-9a-f]{{16}}")


def open_envelope(root: etree._Element, accept: Acceptance, trust: Trust, replay: ReplayCache, now: datetime) -> Verdict:
    """Whether the envelope `root` (from `xmlio.parse`) is sealed as `accept` asks, by whom, and what was covered. A Body that
    was encrypted is in the clear afterwards. A refusal says the first thing that is wrong."""
    found = _Found(POLICIES[accept.policies[0]])
    try:
        _Opening(root, header_of(root), found, accept, trust, replay, now).run()
    except Refusal as refusal:
        return found.verdict(refusal.reason, refusal.detail)
    return found.verdict()


@dataclass(slots=True)
class _Found:
    """What is known so far; after a refusal it is what the sender claims. `once`: what must not come again."""

    policy: Policy
    username: str = ""
    created: datetime | None = None
    nonce: bytes = b""
    covered: tuple[Place, ...] = ()
    signer: Trusted | None = None
    content: ContentKey | None = None
    tag: str = ""
    once: list[bytes] = field(default_factory=list)

    def verdict(self, reason: Reason | None = None, detail: str = "") -> Verdict:
        reply = replace(POLICIES[self.policy.reply], dialect=self.policy.dialect)
        return Verdict(
            reply_policy=reply,
            reason=reason,
            detail=detail,
            username=self.username,
            created=self.created,
            nonce=self.nonce,
            policy=self.policy.name,
            covered=self.covered,
            signer=self.signer,
            content=self.content,
            tag=self.tag,
        )


@dataclass(slots=True)
class _Opening:
    """One message on its way through the checks; each raises Refusal."""

    root: etree._Element
    header: Header
    found: _Found
    accept: Acceptance
    trust: Trust
    replay: ReplayCache
    now: datetime

    def run(self) -> None:
        found, dialect = self.found, self.header.dialect
        found.policy = replace(plain(dialect), dialect=dialect)  # until we know better
        elements = elements_of(self.header)
        found.policy = policy = policy_of(self.root, self.header, elements, self.accept)
        timestamp.check(_need(elements, dialect.tag("wsu", "Timestamp")), dialect, self.accept, self.now)
        token = elements.get(dialect.tag("wsse", "UsernameToken"))
        secret = b"" if token is None else self._password(token)
        if policy.covers:
            parts = coverage.parts_of(self.root, self.header)
            self._signature(elements[SIGNATURE], parts, secret)
        # Before anything is decrypted: the key is not signed, and one message would let anybody try others without end.
        if not all(_first(token, self.accept, self.replay, self.now) for token in found.once):
            raise Refusal(Reason.REPLAYED)
        if policy.encrypted:
            (body,) = self.root.iterchildren(f"{{{SOAP}}}Body")  # the signature covers it, so there is one
            announced = elements.get(ENCRYPTED_KEY, elements.get(LIST))
            if announced is None:
                raise Refusal(Reason.PART_MISSING, "nothing says how the Body is encrypted")
            found.content = encryption.decrypt(announced, body, self.trust.own, dialect, parts.tokens(), self.trust.sent)

    def _password(self, element: etree._Element) -> bytes:
        """Whether the token shows the password; the key derived from it, where that is how. A stranger costs what a wrong
        password costs."""
        found, dialect = self.found, self.header.dialect
        if found.policy.password is Password.DERIVED:
            claim = derived.read(element, dialect)
            found.username, found.nonce = claim.username, claim.salt
            found.once.append(_token(claim.username, claim.salt))
            return derived.derive(self.trust.password_of(claim.username) or "", claim.salt, claim.iterations)
        token = username.read(element, dialect)
        found.username, found.created, found.nonce = token.username, token.created, token.nonce
        if token.created is not None:
            timestamp.check_fresh(token.created, self.accept, self.now, Reason.DIGEST_STALE, Reason.DIGEST_EARLY)
        password = self.trust.password_of(token.username)
        holds = hmac.compare_digest(token.shown(password or "").encode(), token.password.encode())
        if password is None:
            raise Refusal(Reason.USER_UNKNOWN)
        if not holds:
            raise Refusal(Reason.PASSWORD_WRONG if found.policy.password is Password.TEXT else Reason.DIGEST_WRONG)
        if token.nonce:
            found.once.append(_token(token.username, token.nonce))
        return b""

    def _signature(self, element: etree._Element, parts: Parts, secret: bytes) -> None:
        """Whether the signature covers what the policy says, and whose it is."""
        found = self.found
        read = signature.read(element, parts, self.header.dialect)
        found.covered = read.covered
        missing = [place for place in found.policy.covers if place not in read.covered or parts.at(place) is None]
        if missing:
            raise Refusal(Reason.SIGNATURE_COVERAGE, f"{', '.join(missing)} not covered")
        if found.policy.password is Password.DERIVED:
            if not isinstance(read.name, str) or parts.referred(f"#{read.name}").place is not Place.USERNAME_TOKEN:
                raise Refusal(Reason.SIGNATURE_MALFORMED, "the key is not named by the UsernameToken it is derived from")
            self._shared(read, secret)
            self._answers(read)
            return
        found.signer = signer = self._signer(read)
        if signer.holder and found.username not in ("", signer.holder):
            raise Refusal(Reason.KEY_UNKNOWN, "the key is another account's")
        found.username = found.username or signer.holder
        self._answers(read)
        found.once.append(signer.public_key + signature.once(read))  # KeyInfo is not signed: a key can be named anew

    def _answers(self, read: signature.Signature) -> None:
        """Whether an answer that says what it answers means what was asked: it is signed, but not for whom."""
        self.found.tag = signature.tag(read.value)
        said = [part.id for part in read.parts if part.place in (Place.TIMESTAMP, Place.ENVELOPE)]
        if self.trust.asked and any(_ANSWER.fullmatch(name) and name != f"{ANSWER}{self.trust.asked}" for name in said):
            raise Refusal(Reason.OTHER_ANSWER)

    def _shared(self, read: signature.Signature, secret: bytes) -> None:
        """A stranger costs, and is told, what a wrong password is; and so is who changed the message: it cannot be told."""
        known = self.trust.password_of(self.found.username) is not None
        try:
            signature.verify_with_secret(read, secret)
        except Refusal as refusal:
            if refusal.reason is not Reason.SIGNATURE_WRONG:
                raise
            raise Refusal(Reason.PASSWORD_WRONG if known else Reason.USER_UNKNOWN) from None
        if not known:
            raise Refusal(Reason.USER_UNKNOWN)

    def _signer(self, read: signature.Signature) -> Trusted:
        name = read.name
        if isinstance(name, Unnamed) and Place.ENVELOPE not in self.found.policy.covers:
            raise Refusal(Reason.SIGNATURE_MALFORMED, "the signature names no key")  # or all there are would be tried
        if isinstance(name, str):
            raise Refusal(Reason.KEY_UNKNOWN, "the key is named by a password, and a certificate is asked for")
        meant = [trusted for trusted in self.trust.keys(name) if name.means(trusted.x509)]
        if not meant:
            raise Refusal(Reason.KEY_UNKNOWN)
        # Only the holder of a key is told what is the matter with it. A key may have two certificates, and one have ended.
        meant.sort(key=lambda trusted: trusted.why_not(self.now, self.accept.max_skew) is not None)
        signer = signature.verify(read, meant)
        if refusal := signer.why_not(self.now, self.accept.max_skew):
            raise refusal
        return signer


def remember(policy: Policy, username: str, nonce: bytes, accept: Acceptance, replay: ReplayCache, now: datetime) -> bool:
    """Notes that a token was used; False where it was before. For the tokens one sends oneself: both sides know the same
    password, so a peer without it could otherwise answer with the header it was sent."""
    if policy.password is None:
        return True
    salt = derived.salt(nonce) if policy.password is Password.DERIVED else nonce
    return _first(_token(username, salt), accept, replay, now)


def _token(username: str, nonce: bytes) -> bytes:
    return username.encode() + b"\0" + nonce  # XML text has no NUL, so they cannot run into each other


def _first(once: bytes, accept: Acceptance, replay: ReplayCache, now: datetime) -> bool:
    # Kept for the longest time the token could be fresh, and a second more for caches that keep whole seconds.
    until = now + accept.max_age + 2 * accept.max_skew + timedelta(seconds=1)
    return replay.remember(hashlib.sha256(once).hexdigest(), until, now)


def _need(elements: Mapping[str, etree._Element], tag: str) -> etree._Element:
    if tag not in elements:
        raise Refusal(Reason.PART_MISSING, f"no {etree.QName(tag).localname}")
    return elements[tag]
