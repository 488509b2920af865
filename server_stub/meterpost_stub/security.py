"""Message security at the server: a request's envelope is opened, the answer to it sealed the same way.

The client's library does both; here is who is believed, which policies are accepted of whom, and what an answer is signed
with. Whether a client may do what it asks for is not decided here.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lxml import etree

from meterpost.model import Credentials, KeyPair
from meterpost.wsse import (
    NONCE,
    POLICIES,
    Acceptance,
    ContentKey,
    Identity,
    Policy,
    Trust,
    open_envelope,
    policy,
    remember,
    seal,
)
from meterpost.wsse.algorithms import KeyKind
from meterpost.wsse.trust import kind_of, loaded
from meterpost_stub.clocks import Clocks
from meterpost_stub.key_book import KeyBook
from meterpost_stub.soap11 import SoapFault
from meterpost_stub.store import Store


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a request: proved, not claimed. `certificate` (PEM) is the one its signature was made with, b'' where a
    password was the proof. The request follows `received`, an answer `policy`, encrypted with `content` where that says
    so, and names the request by its `tag`."""

    account: str
    received: Policy
    policy: Policy
    client: str = ""
    certificate: bytes = b""
    content: ContentKey | None = field(default=None, repr=False)
    tag: str = ""


class Security:
    """`accounts` maps user names to passwords; `enrol` names the policies only a registration may follow besides `accept`.
    Safe to use from several threads."""

    def __init__(
        self,
        accounts: Mapping[str, str],
        accept: Acceptance,
        enrol: tuple[str, ...],
        keys: KeyBook,
        store: Store,
        clocks: Clocks,
    ) -> None:
        for name in (*accept.policies, *enrol):
            policy(name)  # what proves nothing is no request's
        self._accounts = accounts
        self._accept = accept
        self._enrolment = replace(accept, policies=tuple(dict.fromkeys((*accept.policies, *enrol))))
        self._keys = keys
        self._store = store
        self._clocks = clocks

    def open(self, root: etree._Element, request: etree._Element | None) -> Sender:
        """Who sent the envelope `root`; its Body is in the clear afterwards. `request` is the Body's child where that is in
        the clear already. Raises SoapFault."""
        client = None if request is None else request.get("client", "")
        enrolling = request is not None and etree.QName(request).localname == "RegisterProxy"
        trust = Trust(self._accounts.get, lambda name: self._keys.keys_of(name, client), self._keys.own())
        accept = self._enrolment if enrolling else self._accept
        verdict = open_envelope(root, accept, trust, self._store, self._clocks.security())
        if verdict.fault is not None:
            fault, why = verdict.fault, f"{verdict.reason} {verdict.detail}".strip()
            raise SoapFault(fault.name, fault.text, fault.namespace, why=why)
        certificate = verdict.signer.certificate if verdict.signer else b""
        if request is None and len(root[-1]) == 1:  # encrypted until now; whatever else is in there is refused as no message
            (request,) = root[-1]
        return Sender(
            verdict.username,
            POLICIES[verdict.policy],
            verdict.reply_policy,
            "" if request is None else request.get("client", ""),
            certificate,
            verdict.content,
            verdict.tag,
        )

    def seal(self, envelope: bytes, to: Sender) -> bytes:
        """`envelope` (compact, without header) as the answer to `to`."""
        now, nonce = self._clocks.security(), secrets.token_bytes(NONCE)
        remember(to.policy, to.account, nonce, self._accept, self._store, now)  # our own header is no request's
        credentials = Credentials(to.account, self._accounts.get(to.account, ""))
        identity = Identity(credentials, self._key(to) if to.policy.needs_key else None, content=to.content, answers=to.tag)
        return seal(envelope, to.policy, identity, now, nonce)

    def _key(self, to: Sender) -> KeyPair:
        """Of the kind the client signs with, which it therefore can verify."""
        kind = kind_of(loaded(to.certificate)) or KeyKind.P256
        return self._keys.reply_key(to.client, kind)
