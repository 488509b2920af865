"""One message goes out and its answer comes back: encode, seal, hold against the budget, send, open, decode,
and a line in the journal whatever happened. The outbox is not this module's: it neither queues nor repeats."""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from meterpost import soap, wsse
from meterpost.agent.reports import in_words
from meterpost.errors import AuthenticationError, MeterpostError, PeerError, Refused, SettingsError
from meterpost.keys import Keys, rehearsal
from meterpost.ledger import Ledger
from meterpost.lifecycle.messages import RegisterProxy, Reply, Request
from meterpost.model import NOT_SENT, Credentials, Exchange, HttpReply, Sizes
from meterpost.settings import SecuritySettings
from meterpost.transport import Outbound, Transport
from meterpost_wsdl import names

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

_BETWEEN = "somebody may be between this computer and the server."
_CLOCK = f"Check this computer's clock; if it is right, {_BETWEEN}"
_POLICY = (
    "Ask the server's operator which policy its answers follow, and choose it as security.policy, or name it in "
    f"security.accept; if it should be this one, {_BETWEEN}"
)
_PASSWORD = (
    "Who answers does not know the account's password, or something on the way changes messages: was the password changed at "
    f"the server, or is the address another server's? If neither, {_BETWEEN}"
)
_STRANGER = (
    "Somebody may be between, or the server signs with a certificate that 'meterpost keys' does not show: then ask the vendor "
    "for it (security.server_certificates), or to release this client's keys, and run 'meterpost keys renew --released'."
)
_REPEATED = f"Something on the way may repeat answers it has kept, such as an HTTP proxy; if nothing does, {_BETWEEN}"
_CHANGED = (
    "Something on the way may change messages, such as a firewall that inspects TLS, or the server writes them differently: "
    f"ask its operator with the answer that 'meterpost journal' keeps; if neither, {_BETWEEN}"
)
_OF = wsse.Reason
_ADVICE = {
    reason: advice
    for advice, reasons in {
        _CLOCK: (_OF.TIMESTAMP_STALE, _OF.TIMESTAMP_EARLY, _OF.TIMESTAMP_EXPIRED, _OF.DIGEST_STALE, _OF.DIGEST_EARLY),
        _POLICY: (_OF.POLICY_REFUSED, _OF.NO_SECURITY, _OF.DIGEST_REQUIRED),
        _PASSWORD: (_OF.USER_UNKNOWN, _OF.DIGEST_WRONG, _OF.PASSWORD_WRONG),
        _STRANGER: (_OF.KEY_UNKNOWN, _OF.KEY_EXPIRED),
        _REPEATED: (_OF.REPLAYED,),
    }.items()
    for reason in reasons
}
"""What to do about a reply that is refused for a reason; for any other, `_CHANGED`."""

_CODEC = soap.Codec()
"""One for the life of the process: it reads the contract at the first reply, which takes a while."""


@dataclass(frozen=True, slots=True)
class _Seal:
    """How one message is sealed, and whom its reply is believed."""

    policy: wsse.Policy
    identity: wsse.Identity
    accept: wsse.Acceptance
    trust: wsse.Trust


class Exchanges:
    """Speaks with one communication server. Not for several threads at once."""

    def __init__(
        self,
        transport: Transport,
        ledger: Ledger,
        credentials: Credentials,
        security: SecuritySettings,
        url: str,
        clock: Clock,
        keys: Keys,
    ) -> None:
        """Raises SettingsError for a policy that is none, here or in what is accepted."""
        self._transport = transport
        self._ledger = ledger
        self._credentials = credentials
        self._security = security
        self._policy = wsse.policy(security.policy)
        try:
            self._acceptance(security.accept or (self._policy.reply,))
        except SettingsError as error:
            raise SettingsError(f"security.accept: {error}", error.advice) from None
        self._replay = ledger.nonce_cache()
        self._url = url
        self._clock = clock
        self._keys = keys

    def compose(self, message: Request) -> tuple[bytes, Outbound, soap.BudgetVerdict]:
        """Head and octets of `message` as `send` would send them now, and the verdict on their size. Keys that are not there
        yet have others of their size in their place."""
        return self._compose(message, self._seal(message, shown=True), bytes(wsse.NONCE))

    def _compose(self, message: Request, seal: _Seal, nonce: bytes) -> tuple[bytes, Outbound, soap.BudgetVerdict]:
        if isinstance(message, RegisterProxy) and seal.identity.key:
            # The key that signs vouches for the new one; with the 97 octets of a proof T1 would not fit every address.
            message = replace(message, proof=None)
        sealed = wsse.seal(_CODEC.encode(message), seal.policy, seal.identity, self._clock(), nonce)
        outbound = Outbound.of(names.action(type(message).__name__), sealed, seal.policy.compressed)
        head = self._transport.head(outbound)
        transaction, devices = soap.transaction_of(message)
        return head, outbound, soap.check(transaction, devices, len(head) + len(outbound.body))

    def _seal(self, message: Request, shown: bool = False, keyless: bool = False) -> _Seal:
        """Raises SettingsError where the policy needs keys that are not here."""
        now, policy, accept = self._clock(), self._policy, self._security.accept
        key = self._keys.identity(now) if policy.needs_key else None
        answers_sign = any(wsse.POLICIES[name].needs_key for name in accept)
        server = self._keys.server_certificates() if policy.needs_key or answers_sign else ()
        if policy.needs_key and key is None:
            if keyless or isinstance(message, RegisterProxy):
                policy, accept = wsse.policy(policy.enrols_with), ()
            elif shown:
                key, server = rehearsal.stand_in()
            else:
                raise SettingsError(
                    f"security.policy {policy.name} signs, and there is no key with a valid certificate",
                    "'meterpost keys' shows what there is; 'meterpost sync' asks the server for a certificate.",
                )
        elif policy.needs_key and not server:
            raise SettingsError(
                f"security.policy {policy.name}: no certificate of the server is here, so no answer could be believed",
                "Ask the vendor for a file with the server's certificates, and name it in security.server_certificates.",
            )
        recipient = wsse.recipient(server, now) if policy.encrypted else b""
        content = wsse.ContentKey.to(recipient) if recipient else None
        return _Seal(
            policy,
            wsse.Identity(self._credentials, key, recipient, content),
            self._acceptance(accept or (policy.reply,)),
            wsse.Trust(self._password_of, lambda _: [wsse.Trusted(pem, "") for pem in server], sent=content),
        )

    def _acceptance(self, policies: tuple[str, ...]) -> wsse.Acceptance:
        age, skew = timedelta(seconds=self._security.max_age_s), timedelta(seconds=self._security.max_skew_s)
        return wsse.Acceptance(policies, age, skew)

    def send(self, message: Request, keyless: bool = False) -> Reply:
        """The server's answer to `message`, believed only after its seal held. `keyless`: where the policy signs and there is
        no key, it is sent as a registration is, by the password alone.

        Raises OverBudget before anything is sent or journalled; NetworkError, TlsError, PeerError, AuthenticationError
        or Refused after: whether the server has the message is then unknown unless it is Refused."""
        seal, nonce = self._seal(message, keyless=keyless), secrets.token_bytes(wsse.NONCE)
        head, outbound, verdict = self._compose(message, seal, nonce)
        verdict.demand()
        line = Exchange(
            at=self._clock(),
            url=self._url,
            transaction=verdict.budget.id,
            devices=verdict.devices,
            request=head + _kept(outbound),
            request_sizes=Sizes(len(outbound.envelope), len(head) + len(outbound.body), 0),
            outcome="ok",
        )
        try:
            wsse.remember(seal.policy, self._credentials.username, nonce, seal.accept, self._replay, line.at)
            reply = self._transport.post(outbound)
            line = _measured(line, outbound, reply)
            trust = replace(seal.trust, asked=wsse.tag_of(outbound.envelope))
            answer = self._open(reply, message, replace(seal, trust=trust))
        except Exception as error:
            self._keep(replace(line, outcome=_outcome(error)))
            raise
        transaction, devices = soap.transaction_of(answer)
        self._keep(replace(line, answer=transaction, answer_devices=devices))
        return answer

    def _keep(self, line: Exchange) -> None:
        self._ledger.add_exchange(line)
        log.debug(
            "%s for %d: %s (%d octets out, %d in)",
            line.transaction,
            line.devices,
            line.outcome,
            line.request_sizes.http,
            line.response_sizes.http,
        )

    def _open(self, reply: HttpReply, message: Request, seal: _Seal) -> Reply:
        root = soap.root_of(reply)
        verdict = wsse.open_envelope(root, seal.accept, seal.trust, self._replay, self._clock())
        if error := soap.fault_of(root, reply.status):
            proved = wsse.POLICIES[seal.policy.reply].proves_sender
            if isinstance(error, Refused) and proved and not verdict.ok:  # anybody between could end a registration so
                raise PeerError(
                    f"an answer that is not sealed as it should be says: {error} ({'; '.join(verdict.reasons)})",
                    "Nothing is done because of it; the message is sent again. Ask the server's operator if it was theirs.",
                )
            raise error
        if verdict.reason:
            raise AuthenticationError(
                f"the reply does not prove that it comes from the server: {'; '.join(verdict.reasons)}",
                _ADVICE.get(verdict.reason, _CHANGED),
            )
        return _CODEC.decode(root, message)

    def _password_of(self, username: str) -> str | None:
        return self._credentials.password if username == self._credentials.username else None


def _kept(outbound: Outbound) -> bytes:
    return wsse.masked(outbound.body, outbound.envelope if outbound.coded else None)


def _measured(line: Exchange, outbound: Outbound, reply: HttpReply) -> Exchange:
    """The line with what the transport saw leave and come."""
    request = reply.request_head + _kept(outbound)
    response = reply.response_head + wsse.masked(reply.octets, reply.body if reply.coded else None)
    return replace(
        line,
        request=request,
        request_sizes=Sizes(len(outbound.envelope), len(request), reply.request_wire),
        response=response,
        response_sizes=Sizes(len(reply.body), len(response), reply.response_wire),
    )


def _outcome(error: Exception) -> str:
    """How the journal says what became of a message that was not answered well."""
    if isinstance(error, Refused):
        return f"refused, {error.code}: {error}"
    unsent = isinstance(error, MeterpostError) and error.nothing_left
    return f"{NOT_SENT if unsent else 'failed'}: {in_words(error)}"
