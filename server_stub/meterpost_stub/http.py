"""The guard: what comes in as bytes is checked, opened, answered, sealed, counted and written down.

One walk for every request: HTTP, XML, SOAP 1.1, security, budget, service, budget, seal. The first thing that is wrong
is the answer, and nothing behind it runs. The guard decides nothing about clients and devices.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus

from lxml import etree

from meterpost.wsse import masked
from meterpost_stub import budget, coding, soap11
from meterpost_stub.budget import Count, Enforcement
from meterpost_stub.centre import Refusal
from meterpost_stub.clocks import Clocks
from meterpost_stub.security import Security, Sender
from meterpost_stub.service import Service
from meterpost_stub.soap11 import SoapFault
from meterpost_stub.store import Entry, Store
from meterpost_stub.web import LARGEST_BODY, XML, HttpRefusal, HttpRequest, HttpResponse, refusal, response
from meterpost_wsdl import compact, names, xmlio
from meterpost_wsdl.coding import in_gzip

_log = logging.getLogger(__name__)
_CHARSETS = ("utf-8", "utf-16", "us-ascii", "ascii")
_LARGE = 1024 * 1024
"""Octets from which messages are answered one at a time and in the same thread: each may need thirty times its size,
and the C library keeps what it freed for the thread that had it."""


@dataclass(slots=True)
class _Trace:
    """How far a request came, for the journal."""

    outcome: str = "ok"
    asked: Count | None = None
    answered: Count | None = None
    sender: Sender | None = None
    plain: bytes | None = None  # the body, where it came in a content-coding and could be decoded


class Guard:
    """Answers requests at the service's port; safe to use from several threads. `location` is its own address, for its WSDL."""

    def __init__(
        self,
        service: Service,
        store: Store,
        clocks: Clocks,
        security: Security,
        enforcement: Enforcement,
    ) -> None:
        self._service = service
        self._store = store
        self._clocks = clocks
        self._security = security
        self._enforcement = enforcement
        self.location = ""
        self._one_at_a_time = ThreadPoolExecutor(1)

    def answer(self, request: HttpRequest) -> HttpResponse:
        """The response to any request whatever; the exchange is in the journal before it is sent."""
        if request.method in ("GET", "HEAD"):
            return self._contract(request)
        trace = _Trace()
        try:
            body = _body(request)
            trace.plain = body if in_gzip(request.head) else None
            if len(body) > _LARGE:
                answer = self._one_at_a_time.submit(self._post, request, body, trace).result()
            else:
                answer = self._post(request, body, trace)
        except HttpRefusal as refused:
            trace.outcome = f"http {refused.status.value}: {refused}"
            answer = refusal(request, refused)
        except SoapFault as fault:
            trace.outcome = f"fault {fault.name}: {fault.why or fault}"
            answer = self._fault(request, fault, trace.sender)
        except Refusal as refused:
            trace.outcome = f"refused {refused.code}: {refused}"
            answer = self._fault(request, SoapFault("Client", str(refused), refusal=refused.code), trace.sender)
        except Exception:
            _log.exception("a request could not be answered")
            trace.outcome = "fault Server"
            answer = self._fault(request, SoapFault("Server", "the server has a problem of its own"), trace.sender)
        self._store.journal(self._entry(request, answer, trace))
        return answer

    def _post(self, request: HttpRequest, body: bytes, trace: _Trace) -> HttpResponse:
        root = soap11.parse(body)
        soap11.check_envelope(root)
        if soap11.is_encrypted(root):  # what it asks for cannot be read before it is opened
            trace.sender = self._security.open(root, None)
        message = soap11.request_of(root)
        formula, devices = budget.request_budget(message)
        asked = trace.asked = Count(formula, devices, len(request.head) + len(request.body or b""))
        sender = trace.sender = trace.sender or self._security.open(root, message)
        coding.demand_plain(request, sender.received)
        if self._enforcement is Enforcement.REFUSE:
            budget.check_texts(message)
        if self._too_large(asked, trace):
            raise Refusal("over-budget", str(asked))
        return self._reply(request, self._service.call(sender.account, root, sender.certificate), sender, trace)

    def _reply(self, request: HttpRequest, reply: etree._Element, sender: Sender, trace: _Trace) -> HttpResponse:
        budget.trim(reply)
        breach = names.violation(reply)
        if breach:
            raise ValueError(f"our own reply is not valid: {breach}")
        sealed = self._security.seal(compact.envelope(xmlio.write(reply, compact.PREFIXES)), sender)
        answer = coding.answer(request, HTTPStatus.OK, sealed)
        found = budget.reply_budget(reply)
        if found is not None:
            trace.answered = Count(*found, len(answer.head) + len(answer.body))
            if self._too_large(trace.answered, trace):
                raise ValueError(f"our own reply is over its budget: {trace.answered}")
        return answer

    def _fault(self, request: HttpRequest, fault: SoapFault, sender: Sender | None) -> HttpResponse:
        """Any fault is a 500 (R1126). Who is known gets it sealed: it may be a reason to give up a registration."""
        envelope = fault.envelope()
        if sender is not None:
            try:
                envelope = self._security.seal(compact.envelope(fault.content()), sender)
            except Exception:
                _log.exception("a fault could not be sealed")
        return coding.answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, envelope)

    def _too_large(self, count: Count, trace: _Trace) -> bool:
        """Whether a message must not pass for its size."""
        if count.over and self._enforcement is Enforcement.WARN:
            trace.outcome = f"ok, over budget: {count}"
            _log.warning("over budget: %s", count)
        return count.over and self._enforcement is Enforcement.REFUSE

    def _contract(self, request: HttpRequest) -> HttpResponse:
        """The WSDL, and the XSD where the WSDL's relative schemaLocation leads."""
        what = request.query.lower()
        if request.path == "/meterpost.wsdl" or (request.path in ("/", names.PATH) and what == "wsdl"):
            return response(request, HTTPStatus.OK, XML, names.wsdl_for(self.location))
        if request.path == "/meterpost.xsd" or (request.path in ("/", names.PATH) and what == "xsd"):
            return response(request, HTTPStatus.OK, XML, names.contract("meterpost.xsd"))
        if request.path == names.PATH:
            return refusal(request, _method_not_allowed())
        return refusal(request, HttpRefusal(HTTPStatus.NOT_FOUND, f"the service is at {names.PATH}, its WSDL at ?wsdl"))

    def _entry(self, request: HttpRequest, answer: HttpResponse, trace: _Trace) -> Entry:
        asked, answered = trace.asked, trace.answered
        return Entry(
            number=0,
            at=self._clocks.security(),
            outcome=trace.outcome,
            status=answer.status,
            transaction=asked.budget.id if asked else "",
            devices=asked.devices if asked else 0,
            answer=answered.budget.id if answered else "",
            answer_devices=answered.devices if answered else 0,
            request_head=request.head,
            request=_kept(request, trace.plain),
            response_head=answer.head,
            response=answer.body,
        )


def _kept(request: HttpRequest, plain: bytes | None) -> bytes:
    """The body without passwords; of what could not be decoded whole, others might decode the beginning."""
    body = request.body or b""
    begins = coding.beginning(body) if plain is None else b""
    return masked(body, begins or plain)


def _body(request: HttpRequest) -> bytes:
    """The body of a POST, decoded, that is fit to be parsed. Raises HttpRefusal."""
    if request.method != "POST":
        raise _method_not_allowed()
    if request.path != names.PATH:
        raise HttpRefusal(HTTPStatus.NOT_FOUND, f"the service is at {names.PATH}")
    media = Message()
    media["content-type"] = request.headers.get("content-type", "application/octet-stream")
    if media.get_content_type() != "text/xml":
        raise HttpRefusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"text/xml is expected, not {media.get_content_type()}")
    charset = media.get_param("charset", "utf-8")
    if str(charset).lower() not in _CHARSETS:
        raise HttpRefusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the charset must be utf-8 or utf-16")
    length = request.headers.get("content-length", "")
    if request.body is None:
        if length.isdigit() and "transfer-encoding" not in request.headers:
            raise HttpRefusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {LARGEST_BODY} octets are read")
        raise HttpRefusal(HTTPStatus.LENGTH_REQUIRED, "a Content-Length is required")
    return coding.decoded(request)


def _method_not_allowed() -> HttpRefusal:
    return HttpRefusal(HTTPStatus.METHOD_NOT_ALLOWED, "only POST is served here", {"Allow": "POST"})
