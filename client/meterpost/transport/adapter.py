"""What requests sends through: one metered connection of ours in place of urllib3's pools. It must never send a
request twice."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from meterpost.model import HttpReply
from meterpost.settings import ServerSettings
from meterpost.transport.http_proxy import HttpProxy
from meterpost.transport.meter import MeteredConnection, MeteredContext
from meterpost.transport.port import Endpoint
from meterpost.transport.trouble import Way, explain


class MeteredAdapter(HTTPAdapter):
    """A transport adapter for one server. A kept connection that the server closed meanwhile is replaced before
    anything is sent; once a request has begun to leave it is not repeated, for the server may have it."""

    def __init__(self, endpoint: Endpoint, server: ServerSettings, proxy: HttpProxy | None, context: MeteredContext) -> None:
        super().__init__()
        self._endpoint = endpoint
        self._server = server
        self._proxy = proxy
        self._context = context
        self._connection: MeteredConnection | None = None

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Whatever goes wrong inside ends the connection; what the network raised is told in people's words."""
        try:
            yield
        except BaseException as error:
            way = self._way()
            self.close()
            if isinstance(error, (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError)):
                raise explain(error, way) from error
            raise

    def connected(self) -> MeteredConnection:
        """The kept connection, or a new one where there is none that can still be used."""
        if self._connection is None or not self._connection.is_connected:
            self._connection = self._connect()
        return self._connection

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Of what requests passes only the request counts; redirects, proxies and trust are this adapter's own."""
        connection = self.connected()
        connection.tls.begin()
        # A server may answer, a 413 say, before it has read all, and close (RFC 9112, 9.6).
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request(
                request.method or "POST",
                request.path_url,
                body=request.body,
                headers=request.headers,
                preload_content=False,
                decode_content=False,
            )
        return self.build_response(request, connection.getresponse())

    def reply(self, response: requests.Response, body: bytes) -> HttpReply:
        """The exchange as it was measured, once its `body` has been read. Raises http.client.IncompleteRead."""
        assert self._connection is not None
        tls = self._connection.tls
        if not tls.response_head.complete:  # http.client takes the end of the stream for the end of the head
            raise http.client.IncompleteRead(bytes(tls.response_head.octets))
        request_wire, response_wire = tls.tcp.take()
        return HttpReply(
            status=response.status_code,
            reason=response.reason,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=body,
            request_head=bytes(tls.request_head.octets),
            response_head=bytes(tls.response_head.octets),
            request_wire=request_wire,
            response_wire=response_wire,
        )

    def close(self) -> None:
        super().close()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> MeteredConnection:
        self.close()
        hop = self._proxy or self._endpoint
        connection = MeteredConnection(hop.host, hop.port, timeout=self._server.connect_timeout_s, ssl_context=self._context)
        if self._proxy:
            connection.set_tunnel(self._endpoint.host, self._endpoint.port, headers=self._proxy.headers())
        try:
            connection.connect()
        except BaseException:
            connection.close()
            raise
        connection.timeout = self._server.read_timeout_s
        return connection

    def _way(self) -> Way:
        return Way(
            server=self._endpoint.authority,
            http_proxy=self._proxy,
            connect_timeout_s=self._server.connect_timeout_s,
            read_timeout_s=self._server.read_timeout_s,
            secured=self._connection is not None,
        )
