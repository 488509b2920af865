"""What an exception of the network means to the person in charge: what failed, whose side it is on, what to do.
Never repeats credentials."""

import http.client
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from urllib3.exceptions import ConnectTimeoutError, InvalidChunkLength, NewConnectionError

from meterpost.errors import MeterpostError, NetworkError, PeerError, TlsError
from meterpost.transport.http_proxy import HttpProxy

_CLOCK = "Compare this machine's clock with the right time; if it is right, tell the server's operator."
_INTERCEPTED = "If a firewall inspects TLS here, have it leave this server alone, or name the file of its CA in server.ca_file."
_CLIENT_CERTIFICATE = "Check server.client_certificate and server.client_key with the server's operator."
_LATER = "The message is kept and sent again. If it stays, tell the server's operator."

# X509_V_ERR_* of OpenSSL: what is wrong with {server}'s certificate, and what to do.
_CERTIFICATE = {
    9: ("is not valid yet", _CLOCK),
    10: ("has expired", _CLOCK),
    18: ("is signed by itself", "If that is meant to be so, name its file in server.ca_file. " + _INTERCEPTED),
    23: ("was revoked", "Tell the server's operator; nothing is sent until it is replaced."),
    62: ("is for another name", "Check server.url. " + _INTERCEPTED),
    64: ("is for another address", "Check server.url; the certificate must name the address. " + _INTERCEPTED),
}
_UNKNOWN_CA = (
    "was issued by a CA this machine does not know",
    "If the server's operator gave you a CA certificate, name its file in server.ca_file. " + _INTERCEPTED,
)

# Reasons of OpenSSL: what happened with {server}, and what to do.
_TOO_OLD = ("{server} speaks no TLS newer than 1.1", "TLS 1.2 is the least this client accepts. Tell the server's operator.")
_NOT_TLS = (
    "the answer from {server} is not TLS",
    "Check the port in server.url. Behind a login page (hotel, guest network) log in first; behind an HTTP proxy set"
    " server.http_proxy.",
)
_NOT_TLS_BEHIND_PROXY = (
    "what comes from {server} through the {http_proxy} is not TLS",
    "A page of the HTTP proxy's own, perhaps, or the wrong port in server.url. Ask who runs the HTTP proxy to allow CONNECT.",
)
_WANTED = ("{server} wants a client certificate", _CLIENT_CERTIFICATE)
_REFUSED = ("{server} does not accept our client certificate", _CLIENT_CERTIFICATE)
_HANDSHAKE = {
    "UNSUPPORTED_PROTOCOL": _TOO_OLD,
    "WRONG_SSL_VERSION": _TOO_OLD,
    "TLSV1_ALERT_PROTOCOL_VERSION": _TOO_OLD,
    "WRONG_VERSION_NUMBER": _NOT_TLS,
    "PACKET_LENGTH_TOO_LONG": _NOT_TLS,
    "RECORD_LAYER_FAILURE": _NOT_TLS,
    "HTTP_REQUEST": _NOT_TLS,
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": _WANTED,
    "SSLV3_ALERT_BAD_CERTIFICATE": _REFUSED,
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": _REFUSED,
    "SSLV3_ALERT_CERTIFICATE_REVOKED": _REFUSED,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": _REFUSED,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": _REFUSED,
    "TLSV1_ALERT_UNKNOWN_CA": _REFUSED,
    "TLSV1_ALERT_ACCESS_DENIED": _REFUSED,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": (
        "{server} and this client agree on no way to speak TLS",
        "The server may want a client certificate (server.client_certificate), or offer outdated ciphers only.",
    ),
}


# What an HTTP proxy says to a CONNECT, by status, else by its first digit: what it does about {server}, and what to do.
_LOGIN = (
    "the {http_proxy} sends us to a login page ({status})",
    "Log in to this network first, or ask who runs it for an exception.",
)
_NO_HTTP_PROXY = ("the {http_proxy} does not behave like an HTTP proxy ({status})", "{advice}")
_TUNNEL = {
    3: _LOGIN,
    4: (
        "the {http_proxy} will not connect us to {server} ({status})",
        "Ask who runs the HTTP proxy to allow CONNECT to this server.",
    ),
    400: _NO_HTTP_PROXY,
    404: _NO_HTTP_PROXY,
    405: _NO_HTTP_PROXY,
    407: (
        "the {http_proxy} {wants} (407)",
        "Set server.http_proxy_username and server.http_proxy_password, which come before those in HTTPS_PROXY; only Basic"
        " authentication is supported.",
    ),
    501: _NO_HTTP_PROXY,
    511: _LOGIN,
}
_UNREACHED = (
    "the {http_proxy} could not reach {server} ({status})",
    "Check server.url. If it is right, the server may be down: try later, then ask who runs the HTTP proxy.",
)


@dataclass(frozen=True, slots=True)
class Way:
    """How the server was to be reached. `secured`: the TLS handshake was done."""

    server: str
    http_proxy: HttpProxy | None
    connect_timeout_s: float
    read_timeout_s: float
    secured: bool

    @property
    def first_hop(self) -> str:
        return f"HTTP proxy {self.http_proxy.authority}" if self.http_proxy else f"communication server {self.server}"

    @property
    def first_hop_advice(self) -> str:
        if self.http_proxy:
            return f"Check the HTTP proxy's address ({self.http_proxy.found})."
        return "Check the server's address (server.url) and this computer's network connection."


def explain(error: BaseException, way: Way) -> MeterpostError:
    """The error for people behind `error` and what it was raised from; before TLS is up nothing of a message has left."""
    told = _explained(error, way)
    if not way.secured:
        told = type(told)(f"{told}; no message was sent", told.advice)
        told.nothing_left = True
    return told


def _explained(error: BaseException, way: Way) -> MeterpostError:
    causes = tuple(_causes(error))
    for kind, telling in _ROWS:
        for cause in causes:
            if isinstance(cause, kind) and (told := telling(cause, way)):
                return told
    return NetworkError(f"the {way.first_hop} cannot be reached: {type(error).__name__}", way.first_hop_advice)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__  # not __context__: it leads on to whatever the caller was just handling


def _unknown_name(_: BaseException, way: Way) -> MeterpostError:
    return NetworkError(
        f"the name of the {way.first_hop} is unknown",
        f"{way.first_hop_advice} If that is right, ask who runs the network about the DNS.",
    )


def _connect_timeout(_: BaseException, way: Way) -> MeterpostError:
    perhaps = "" if way.http_proxy else ", or an HTTP proxy may be needed (server.http_proxy)"
    return NetworkError(
        f"the {way.first_hop} did not take the connection within {way.connect_timeout_s:g} s",
        f"{way.first_hop_advice} A firewall may be dropping it{perhaps}.",
    )


def _refused(_: BaseException, way: Way) -> MeterpostError:
    return NetworkError(
        f"the {way.first_hop} refuses connections", f"{way.first_hop_advice} The port may be wrong, or the service down."
    )


def _unreachable(cause: BaseException, way: Way) -> MeterpostError:
    why = cause.__cause__
    reason = why.strerror if isinstance(why, OSError) else None
    return NetworkError(f"the {way.first_hop} cannot be reached: {reason or 'no route'}", way.first_hop_advice)


def _tunnel(cause: BaseException, way: Way) -> MeterpostError | None:
    answer = re.match(r"Tunnel connection failed: (\d{3})", str(cause))
    if answer is None or way.http_proxy is None:
        return None
    status = int(answer[1])
    what, advice = _TUNNEL.get(status) or _TUNNEL.get(status // 100, _UNREACHED)
    wants = "does not accept our user name and password" if way.http_proxy.credentials else "wants a user name and password"
    return NetworkError(
        what.format(http_proxy=way.first_hop, server=way.server, status=status, wants=wants),
        advice.format(advice=way.first_hop_advice),
    )


def _certificate(cause: BaseException, way: Way) -> MeterpostError:
    code = cause.verify_code if isinstance(cause, ssl.SSLCertVerificationError) else 0
    wrong, advice = _CERTIFICATE.get(code, _UNKNOWN_CA)
    return TlsError(f"the certificate of {way.server} {wrong}", advice)


def _tls(cause: BaseException, way: Way) -> MeterpostError | None:
    if isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return _broken(cause, way) if way.secured else None
    reason = (cause.reason if isinstance(cause, ssl.SSLError) else None) or "no reason given"
    told = _HANDSHAKE.get(reason, (f"TLS with {{server}} failed ({reason})", f"Try again. {_LATER}"))
    what, advice = _NOT_TLS_BEHIND_PROXY if told is _NOT_TLS and way.http_proxy else told
    return TlsError(what.format(server=way.server, http_proxy=way.first_hop), advice)


def _timeout(_: BaseException, way: Way) -> MeterpostError:
    if way.secured:
        return NetworkError(f"the communication server {way.server} did not answer within {way.read_timeout_s:g} s", _LATER)
    return NetworkError(
        f"the {way.first_hop} took the connection, but no TLS came about within {way.connect_timeout_s:g} s",
        way.first_hop_advice,
    )


def _broken(_: BaseException, way: Way) -> MeterpostError:
    if way.secured:
        return NetworkError(f"the connection to {way.server} broke before its reply was complete", _LATER)
    return NetworkError(
        f"the {way.first_hop} closed the connection before TLS came about",
        f"{way.first_hop_advice} A firewall may be cutting it, or the port be wrong.",
    )


def _not_http(_: BaseException, way: Way) -> MeterpostError:
    if way.secured:
        return PeerError(
            f"{way.server} answered something that is not HTTP", "Check server.url, and tell the server's operator."
        )
    return NetworkError(f"the {way.first_hop} answered something that is not HTTP", way.first_hop_advice)


# In this order: the first row that has something to say about any cause wins.
_ROWS: tuple[tuple[type[BaseException], Callable[[BaseException, Way], MeterpostError | None]], ...] = (
    (socket.gaierror, _unknown_name),
    (ConnectionRefusedError, _refused),
    (NewConnectionError, _unreachable),
    (ConnectTimeoutError, _connect_timeout),  # NewConnectionError is one, for history's sake
    (ssl.SSLCertVerificationError, _certificate),
    (ssl.SSLError, _tls),
    (TimeoutError, _timeout),
    (OSError, _tunnel),
    (InvalidChunkLength, _not_http),
    (http.client.IncompleteRead, _broken),
    (ConnectionError, _broken),  # http.client.RemoteDisconnected is one
    (ssl.SSLEOFError, _broken),
    (http.client.HTTPException, _not_http),
)
