"""Octets: what is counted is what the other end saw, exactly."""

from transport_lab import ConnectProxy, Relay, Server, http, says

from meterpost.settings import ServerSettings
from meterpost.transport import HttpsTransport, Outbound
from meterpost_wsdl.names import OPERATIONS, action

REPLY = http(b"<reply/>")


def test_the_server_receives_exactly_the_head_and_body_that_are_reported(pki, reach) -> None:
    with Server(pki.server("good"), says(REPLY)) as server:
        transport = reach(server.port)
        for body in (b"<one/>", b"", b"\x00\xff" * 40_000):
            message = Outbound.of(action("SyncProxy"), body)
            reply = transport.post(message)
            (received,) = server.requests[-1:]
            assert (received.head, received.body) == (reply.request_head, body)
            assert received.head == transport.head(message)
            assert (reply.response_head + reply.body) == REPLY


def test_the_lean_head_to_the_octet(pki, reach) -> None:
    with Server(pki.server("good"), says(REPLY)) as server:
        reply = reach(server.port).post(Outbound.of(action("SyncProxy"), b"<one/>"))
    assert reply.request_head == (
        b"POST /mp HTTP/1.1\r\n"
        b"Host: 127.0.0.1:%d\r\n"
        b"Content-Type: text/xml; charset=utf-8\r\n"
        b"Content-Length: 6\r\n"
        b'SOAPAction: "urn:meterpost:1:SyncProxy"\r\n'
        b"\r\n" % server.port
    )


def test_the_head_of_every_operation_leaves_room_under_the_budgets(reach) -> None:
    transport = reach(443, host="meters.communication-server.example.com")
    sizes = {operation: len(transport.head(Outbound.of(action(operation), b""))) + 7 for operation in OPERATIONS}
    assert sizes == {
        "RegisterProxy": 178,
        "RegisterProxyDevices": 185,
        "SyncProxy": 174,
        "SyncProxyStatus": 180,
        "BillingTransaction": 183,
    }
    coded = {operation: len(transport.head(Outbound.of(action(operation), b"", True))) + 6 for operation in OPERATIONS}
    assert coded == {operation: size + len("Content-Encoding: gzip\r\n") for operation, size in sizes.items()}
    assert max(coded.values()) <= 218


def test_the_wire_is_what_a_relay_counts_with_the_handshake_in_the_first_exchange(pki, reach) -> None:
    with Server(pki.server("good"), says(REPLY)) as server, Relay(server.port) as relay:
        transport = reach(relay.port)
        up = down = 0
        wires = []
        for body in (b"<one/>", b"<one/>", b"x" * 200_000):
            reply = transport.post(Outbound.of(action("SyncProxy"), body))
            wires.append((reply.request_wire, reply.response_wire))
            up, down = up + reply.request_wire, down + reply.response_wire
            assert (up, down) == (relay.counted.up, relay.counted.down)
        assert relay.connections == 1
    http_octets = len(transport.head(Outbound.of(action("SyncProxy"), b"<one/>"))) + 6
    assert wires[1] == (http_octets + 2 * 22, len(REPLY) + 22)  # a TLS 1.3 record costs 5 + 1 + 16
    assert wires[0][0] > wires[1][0] + 400  # ClientHello and Finished


def test_what_a_live_test_cost_is_not_lost(pki, reach) -> None:
    with Server(pki.server("good"), says(REPLY)) as server, Relay(server.port) as relay:
        transport = reach(relay.port)
        transport.peer()
        reply = transport.post(Outbound.of(action("SyncProxy"), b"<one/>"))
        assert (reply.request_wire, reply.response_wire) == (relay.counted.up, relay.counted.down)


def test_the_connect_exchange_is_on_the_wire_and_not_in_the_message(pki, reach) -> None:
    with Server(pki.server("good"), says(REPLY)) as server, ConnectProxy() as http_proxy:
        transport = reach(server.port, http_proxy=f"http://127.0.0.1:{http_proxy.port}")
        reply = transport.post(Outbound.of(action("SyncProxy"), b"<one/>"))
        assert (reply.request_wire, reply.response_wire) == (http_proxy.counted.up, http_proxy.counted.down)
        assert reply.request_head == server.requests[0].head


def test_an_interim_continue_belongs_to_the_head(pki, reach) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    with Server(pki.server("good"), says(interim + REPLY)) as server:
        reply = reach(server.port).post(Outbound.of("a", b"<one/>"))
    assert reply.status == 200
    assert reply.response_head + reply.body == interim + REPLY


def test_chunks_are_joined_and_cookies_are_not_kept(pki, reach) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nSet-Cookie: id=7\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n<a>\r\n4\r\n</a>\r\n0\r\n\r\n"
    with Server(pki.server("good"), says(chunked)) as server:
        transport = reach(server.port)
        assert [transport.post(Outbound.of("a", b"<one/>")).body for _ in range(2)] == [b"<a></a>"] * 2
        assert server.requests[0] == server.requests[1]


def test_a_path_with_a_query_and_odd_characters_is_sent_as_promised(pki, reach) -> None:
    with Server(pki.server("good"), says(REPLY)) as server:
        url = f"https://127.0.0.1:{server.port}/a b/%7Eü/../x?q=1&r=ä#part"
        transport = HttpsTransport(ServerSettings(url=url, ca_file="house-ca.pem"), pki.folder)
        message = Outbound.of("a", b"")
        assert transport.post(message).request_head == server.requests[0].head == transport.head(message)
        transport.close()
