"""Sockets of the devices room's tests: what answers there is whatever a test wants."""

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest


@pytest.fixture
def udp_device() -> Iterator[Callable[[Callable[[bytes], bytes | None]], tuple[str, int]]]:
    """Starts devices on loopback that answer each datagram with what a function makes of it (None: silence)."""
    running: list[tuple[socket.socket, threading.Thread]] = []

    def serve(channel: socket.socket, answer: Callable[[bytes], bytes | None]) -> None:
        while True:
            data, peer = channel.recvfrom(65535)
            if data == b"stop":
                return
            reply = answer(data)
            if reply is not None:
                channel.sendto(reply, peer)

    def start(answer: Callable[[bytes], bytes | None]) -> tuple[str, int]:
        channel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        channel.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=serve, args=(channel, answer), daemon=True)
        thread.start()
        running.append((channel, thread))
        address: Any = channel.getsockname()
        return address

    yield start
    for channel, thread in running:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as knock:
            knock.sendto(b"stop", channel.getsockname())
        thread.join(5)
        channel.close()
