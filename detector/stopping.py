"""Being asked to stop: at the next page, and in any case within seconds."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog

GRACE_S: Final = 8.0
"""How long what is under way may take to its end: Docker kills after ten seconds."""
_STOPS: Final = (signal.SIGTERM, signal.SIGINT)

log = structlog.get_logger()


@contextmanager
def asked(stop: threading.Event, grace_s: float = GRACE_S) -> Iterator[None]:
    """Set `stop` at a signal; whoever is not at an end then in time is left as it is, with 0.

    A server that does not answer, a training, an account that is being brought back have no page
    at which they could stop. They are ended as kill -9 would end them, which loses nothing. A
    second signal does so at once.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    # A thread hears of it, not a handler: those wait for the main thread, which may be busy for
    # long, and may not take the lock of an event that the main thread is just waiting for.
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in _STOPS:
        signal.signal(number, _second_is_immediate)
    done = threading.Event()
    threading.Thread(target=_listen, args=(reader, stop, done, grace_s), daemon=True).start()
    try:
        yield
    finally:
        done.set()
        signal.set_wakeup_fd(before)
        os.close(writer)


def _second_is_immediate(number: int, _frame: object) -> None:
    signal.signal(number, signal.SIG_DFL)


def _listen(reader: int, stop: threading.Event, done: threading.Event, grace_s: float) -> None:
    """In a thread of its own: wait for a signal, then for the end, then leave."""
    with os.fdopen(reader, "rb", buffering=0) as heard:
        while (byte := heard.read(1)) and byte[0] not in _STOPS:
            pass
    if not byte:
        return
    stop.set()
    if not done.wait(grace_s):
        log.warning("stopped in the middle", after_s=grace_s, loses="nothing; it is done again")
        os._exit(0)
