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
from meterpost.transport import Outbound, Transport
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
        policy = wsse.policy(security.policy)
        self._acceptance = wsse.Acceptance(
            policies=(policy.reply,),
            max_age=timedelta(seconds=security.max_age_s),
            max_skew=timedelta(seconds=security.max_skew_s),
        )
        self._policy = policy
        self._identity = wsse.Identity(credentials)
        self._trust = wsse.Trust(self._password_of)
        self._replay = ledger.nonce_cache()
        self._url = url
        self._clock = clock

    def compose(self, message: Request, nonce: bytes = bytes(wsse.NONCE)) -> tuple[bytes, Outbound, soap.BudgetVerdict]:
        """Head and octets of `message` as `send` would send them now, and the verdict on their size."""
        sealed = wsse.seal(_CODEC.encode(message), self._policy, self._identity, self._clock(), nonce)
        outbound = Outbound.of(names.action(type(message).__name__), sealed, self._policy.compressed)
        head = self._transport.head(outbound)
        transaction, devices = soap.transaction_of(message)
        return head, outbound, soap.check(transaction, devices, len(head) + len(outbound.body))

    def send(self, message: Request) -> Reply:
        """The server's answer to `message`, believed only after its seal held.

        Raises OverBudget before anything is sent or journalled; NetworkError, TlsError, PeerError, AuthenticationError
        or Refused after: whether the server has the message is then unknown unless it is Refused."""
        nonce = secrets.token_bytes(wsse.NONCE)
        head, outbound, verdict = self.compose(message, nonce)
        verdict.demand()
        line = Exchange(
            at=self._clock(),
            url=self._url,
            transaction=verdict.budget.id,
            devices=verdict.devices,
            request=head + outbound.body,
            request_sizes=Sizes(len(outbound.envelope), len(head) + len(outbound.body), 0),
            outcome="ok",
        )
        try:
            wsse.remember(self._policy, self._credentials.username, nonce, self._acceptance, self._replay, line.at)
            reply = self._transport.post(outbound)
            line = _measured(line, outbound, reply)
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
        verdict = wsse.open_envelope(root, self._acceptance, self._trust, self._replay, self._clock())
        if not verdict.ok:
            raise AuthenticationError(
                f"the reply does not prove that it comes from the server: {'; '.join(verdict.reasons)}",
                "Check this computer's clock; if it is right, somebody may be between this computer and the server.",
            )
        return _CODEC.decode(root, message)

    def _password_of(self, username: str) -> str | None:
        return self._credentials.password if username == self._credentials.username else None


def _measured(line: Exchange, outbound: Outbound, reply: HttpReply) -> Exchange:
    """The line with what the transport saw leave and come."""
    request, response = reply.request_head + outbound.body, reply.response_head + reply.octets
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
