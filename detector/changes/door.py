"""The service's end of the local socket: one request and one answer for each connection."""

from __future__ import annotations

import os
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import structlog

SOCKET: Final = "socket"
LARGEST: Final = 1 << 20
"""Bytes of a request; the largest note that a person writes is far below."""
PATIENCE_S: Final = 5.0
"""How long a caller may take to say what it wants."""

_LONGEST_PATH: Final = 100  # sun_path holds 104 bytes on macOS, 108 on Linux

log = structlog.get_logger()


@contextmanager
def opened(directory: Path, answer: Callable[[bytes], bytes]) -> Iterator[None]:
    """Answer requests in threads of their own while the context lasts.

    The caller holds the lock of `directory`, so that what lies at the socket's place is stale.
    """
    (directory / SOCKET).unlink(missing_ok=True)
    with _Door(directory, answer) as door:
        thread = threading.Thread(target=door.serve_forever, args=(0.1,), name="door")
        thread.start()
        try:
            yield
        finally:
            door.shutdown()
            thread.join()
            (directory / SOCKET).unlink(missing_ok=True)


@contextmanager
def address(directory: Path) -> Iterator[str]:
    """The socket's path, by way of the open directory where it is too long for an address."""
    path = str(directory / SOCKET)
    if len(os.fsencode(path)) <= _LONGEST_PATH or not Path("/proc/self/fd").is_dir():
        yield path
        return
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{SOCKET}"
    finally:
        os.close(handle)


def receive(connection: socket.socket) -> bytes:
    """Everything that the other end says until it falls silent. Raises OSError if it is too much."""
    parts, size = [], 0
    while part := connection.recv(1 << 16):
        parts.append(part)
        size += len(part)
        if size > LARGEST:
            msg = f"more than {LARGEST} bytes"
            raise OSError(msg)
    return b"".join(parts)


class _Door(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Only the owner of the data directory may connect: the mode is set before it listens.

    Closing it waits for the requests that are being carried out.
    """

    def __init__(self, directory: Path, answer: Callable[[bytes], bytes]) -> None:
        self.answer = answer
        with address(directory) as place:
            super().__init__(place, _Caller, bind_and_activate=False)
            try:
                self.server_bind()
                (directory / SOCKET).chmod(0o600)
                self.server_activate()
            except BaseException:
                self.server_close()
                raise


class _Caller(socketserver.BaseRequestHandler):
    """One connection."""

    def handle(self) -> None:
        """Read the request, carry it out, answer; a caller that goes away is no matter."""
        assert isinstance(self.server, _Door)
        connection: socket.socket = self.request
        connection.settimeout(PATIENCE_S)
        with suppress(OSError):
            body = receive(connection)
            connection.sendall(self._answered(body))

    def _answered(self, body: bytes) -> bytes:
        assert isinstance(self.server, _Door)
        try:
            return self.server.answer(body)
        except Exception:
            # A mistake in one kind of request must not close the door to the others.
            log.exception("request failed")
            return b'{"refusal":"the service could not do this; its log says why"}'
