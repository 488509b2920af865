"""One message goes out and its answer comes back: encode, seal, hold against the budget, send, open, decode,
and a line in the journal whatever happened. The outbox is not this module's: it neither queues nor repeats."""

import logging
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from meterpost import soap, wsse
from meterpost.agent.reports import in_words
from meterpost.errors import AuthenticationError, MeterpostError, Refused
from meterpost.ledger import Ledger
from meterpost.lifecycle.messages import Reply, Request
from meterpost.model import NOT_SENT, Credentials, Exchange, HttpReply, Sizes
from meterpost.settings import SecuritySettings
from meterpost.transport import Transport
from meterpost_wsdl import names

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

_CODEC = soap.Codec()
"""One for the life of the process: it reads the contract at the first reply, which takes a while."""


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
    ) -> None:
        self._transport = transport
        self._ledger = ledger
        self._credentials = credentials
        self._acceptance = wsse.Acceptance(
            policies=(security.policy,),
            max_age=timedelta(seconds=security.max_age_s),
            max_skew=timedelta(seconds=security.max_skew_s),
        )
        self._policy = wsse.POLICIES[security.policy]
        self._replay = ledger.nonce_cache()
        self._url = url
        self._clock = clock

    def compose(self, message: Request, nonce: bytes = bytes(wsse.NONCE)) -> tuple[bytes, bytes, soap.BudgetVerdict]:
        """Head and sealed body of `message` as `send` would send them now, and the verdict on their size."""
        sealed = wsse.seal(_CODEC.encode(message), self._policy, self._credentials, self._clock(), nonce)
        head = self._transport.head(names.action(type(message).__name__), len(sealed))
        transaction, devices = soap.transaction_of(message)
        return head, sealed, soap.check(transaction, devices, len(head) + len(sealed))

    def send(self, message: Request) -> Reply:
        """The server's answer to `message`, believed only after its seal held.

        Raises OverBudget before anything is sent or journalled; NetworkError, TlsError, PeerError, AuthenticationError
        or Refused after: whether the server has the message is then unknown unless it is Refused."""
        nonce = secrets.token_bytes(wsse.NONCE)
        head, sealed, verdict = self.compose(message, nonce)
        verdict.demand()
        line = Exchange(
            at=self._clock(),
            url=self._url,
            transaction=verdict.budget.id,
            devices=verdict.devices,
            request=head + sealed,
            request_sizes=Sizes(len(sealed), len(head) + len(sealed), 0),
            outcome="ok",
        )
        try:
            wsse.remember(self._credentials.username, nonce, self._acceptance, self._replay, line.at)
            reply = self._transport.post(names.action(type(message).__name__), sealed)
            line = _measured(line, sealed, reply)
            answer = self._open(reply, message)
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

    def _open(self, reply: HttpReply, message: Request) -> Reply:
        root = soap.root_of(reply)
        if error := soap.fault_of(root, reply.status):
            raise error
        verdict = wsse.open_envelope(root, self._acceptance, self._password_of, self._replay, self._clock())
        if not verdict.ok:
            raise AuthenticationError(
                f"the reply does not prove that it comes from the server: {'; '.join(verdict.reasons)}",
                "Check this computer's clock; if it is right, somebody may be between this computer and the server.",
            )
        return _CODEC.decode(root, message)

    def _password_of(self, username: str) -> str | None:
        return self._credentials.password if username == self._credentials.username else None


def _measured(line: Exchange, sealed: bytes, reply: HttpReply) -> Exchange:
    """The line with what the transport saw leave and come."""
    return replace(
        line,
        request=reply.request_head + sealed,
        request_sizes=Sizes(len(sealed), len(reply.request_head) + len(sealed), reply.request_wire),
        response=reply.response_head + reply.body,
        response_sizes=Sizes(len(reply.body), len(reply.response_head) + len(reply.body), reply.response_wire),
    )


def _outcome(error: Exception) -> str:
    """How the journal says what became of a message that was not answered well."""
    if isinstance(error, Refused):
        return f"refused, {error.code}: {error}"
    unsent = isinstance(error, MeterpostError) and error.nothing_left
    return f"{NOT_SENT if unsent else 'failed'}: {in_words(error)}"
