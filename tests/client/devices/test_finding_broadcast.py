"""One datagram to everybody: who answers is heard, who does not belong there is not. Loopback stands in for a subnet."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Address, IPv4Network

import pytest

from meterpost.devices.finding import broadcast
from meterpost.devices.finding.subnets import Subnet
from meterpost.errors import NetworkError

LOOPBACK = Subnet("lo", IPv4Address("127.0.0.1"), IPv4Network("127.0.0.0/8"))
LISTEN_S = 0.3


def bound(host: str, port: int = 0) -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((host, port))
    return udp


@contextmanager
def hearing(
    answers: int = 1, hosts: tuple[str, ...] = ("127.0.0.7", "127.0.0.8"), strangers: tuple[str, ...] = ()
) -> Iterator[int]:
    """Devices at `hosts` behind one ear for what is broadcast, each answering so often; `strangers` answer from a port of
    their own. Gives the port."""
    with ExitStack() as stack:
        try:
            ear = stack.enter_context(bound("127.255.255.255"))
        except OSError as error:
            pytest.skip(f"this system does not listen to a broadcast address: {error}")
        port = ear.getsockname()[1]
        mouths = [stack.enter_context(bound(host, port)) for host in hosts]
        mouths += [stack.enter_context(bound(host)) for host in strangers]

        def serve() -> None:
            while True:
                probe, asker = ear.recvfrom(2048)
                if probe == b"stop":
                    return
                for mouth in mouths * answers:
                    mouth.sendto(b"here: " + probe, asker)

        server = threading.Thread(target=serve)
        server.start()
        try:
            yield port
        finally:
            with bound("127.0.0.1") as udp:
                udp.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                udp.sendto(b"stop", ("127.255.255.255", port))
            server.join()


def shout(port: int, *subnets: Subnet) -> tuple[str, ...]:
    return asyncio.run(broadcast.shout(b"who is there", subnets or (LOOPBACK,), port, LISTEN_S))


def test_who_answers_is_heard_once() -> None:
    with hearing(answers=3) as port:
        assert shout(port) == ("127.0.0.7", "127.0.0.8")


def test_an_answer_from_another_port_is_none() -> None:
    with hearing(hosts=("127.0.0.7",), strangers=("127.0.0.8",)) as port:
        assert shout(port) == ("127.0.0.7",)


def test_an_answer_from_another_subnet_is_none() -> None:
    with hearing(hosts=("127.0.0.7", "127.9.9.9")) as port:
        assert shout(port) == ("127.0.0.7", "127.9.9.9")
        half = Subnet("lo", IPv4Address("127.128.0.1"), IPv4Network("127.128.0.0/9"))  # its broadcast is the same
        assert shout(port, half) == ()


def test_this_computer_is_not_its_own_discovery() -> None:
    with hearing(hosts=("127.0.0.7", "127.0.0.8")) as port:
        assert shout(port, Subnet("lo", IPv4Address("127.0.0.8"), IPv4Network("127.0.0.0/8"))) == ("127.0.0.7",)


def test_answers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broadcast, "MAX_ANSWERS", 1)
    with hearing() as port:
        assert len(shout(port)) == 1


def test_a_subnet_without_broadcast_is_not_asked() -> None:
    with bound("127.0.0.7") as neighbour:  # the last address of the two, and nobody's broadcast (RFC 3021)
        assert shout(neighbour.getsockname()[1], Subnet("ppp0", IPv4Address("127.0.0.6"), IPv4Network("127.0.0.6/31"))) == ()
        neighbour.setblocking(False)
        with pytest.raises(BlockingIOError):
            neighbour.recv(1)


GONE = Subnet("eth9", IPv4Address("203.0.113.9"), IPv4Network("203.0.113.0/24"))


def test_a_subnet_that_is_gone_costs_itself_only() -> None:
    with hearing() as port:
        assert shout(port, GONE, LOOPBACK) == ("127.0.0.7", "127.0.0.8")


def test_where_no_subnet_can_be_asked_it_is_said() -> None:
    with pytest.raises(NetworkError, match=r"203\.0\.113\.0/24") as refused:
        shout(1161, GONE)
    assert refused.value.advice
