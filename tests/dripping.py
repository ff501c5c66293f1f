"""A server that takes all and answers byte by byte, each soon enough, and never ends."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

HEADERS = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Slow: "
"""The beginning of an answer whose headers have no end."""
BODY = b'HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{"items":["'
"""The beginning of an answer whose body has no end."""


@contextmanager
def dripping(answer: bytes, *, every_s: float = 0.05) -> Iterator[int]:
    """Serve the answer, and then on and on; the port."""
    stop = Event()
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.05)

    def drip(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            for byte in answer:
                connection.sendall(bytes([byte]))
            while not stop.wait(every_s):
                connection.sendall(b"x")

    def accept() -> None:
        while not stop.is_set():
            with suppress(TimeoutError):
                threads.append(Thread(target=drip, args=(server.accept()[0],)))
                threads[-1].start()

    threads = [Thread(target=accept)]
    threads[0].start()
    try:
        yield server.getsockname()[1]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        server.close()
