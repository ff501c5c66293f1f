"""An overall limit on a request: no wait on its connection goes on beyond it.

The timeouts of an HTTP client bound each read. A server that sends its headers byte by byte keeps
to every one of them, and holds whoever asked for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ssl import SSLContext
from typing import Any, Final

import httpcore
import httpx

TOO_SLOW: Final = "the answer came too slowly"
SecondsLeft = Callable[[], float]
_left: ContextVar[SecondsLeft | None] = ContextVar("_left", default=None)


@contextmanager
def within(left: SecondsLeft) -> Iterator[None]:
    """Let what is asked for in here, on this thread, end when no seconds are left."""
    token = _left.set(left)
    try:
        yield
    finally:
        _left.reset(token)


def limited(client: httpx.Client) -> httpx.Client:
    """The client, with connections that keep to `within`, also those by way of a proxy.

    httpcore takes a backend; httpx has no argument that would hand it on.
    """
    for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001
        if isinstance(transport, httpx.HTTPTransport):
            transport._pool._network_backend = _Backend()  # noqa: SLF001
    return client


class _Backend(httpcore.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        made = super().connect_tcp(host, port, _wait(timeout), local_address, socket_options)
        return _Stream(made)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return self._inner.read(max_bytes, _wait(timeout))
        except httpcore.ReadTimeout:
            _wait(timeout)  # says so where it was the whole that took too long
            raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _wait(timeout))

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _wait(timeout)))


def _wait(timeout: float | None) -> float | None:
    """How long this one wait may be. Raises httpcore.ReadTimeout where no time is left."""
    left = _left.get()
    if left is None:
        return timeout
    seconds = left()
    if seconds <= 0:
        raise httpcore.ReadTimeout(TOO_SLOW)
    return seconds if timeout is None else min(seconds, timeout)
