"""A command's end: ask the running service, or where none runs, be the writer oneself."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from detector import accounts
from detector.changes import catalog
from detector.changes.base import ChangeRefused, Office, Request
from detector.changes.door import address, receive
from detector.jobs import Desk
from detector.settings import Settings, orders
from detector.store.database import DirectoryInUse
from detector.store.sqlite import Sqlite

TRIES: Final = 100
WAIT_S: Final = 0.1
"""Ten seconds: a service that starts holds the lock before it opens its door."""


def ask(
    settings: Settings, request: Request, now: datetime, sleep: Callable[[float], object]
) -> dict[str, Any]:
    """Have one change made, wherever the writer is; return what was done.

    Raises ChangeRefused, or StoreError where the data directory cannot be used.
    """
    directory = settings.data.directory
    for _ in range(TRIES):
        body = _through_the_door(directory, request)
        if body is not None:
            return catalog.read(body)
        try:
            return _oneself(settings, request, now)
        except DirectoryInUse:
            sleep(WAIT_S)
    return _oneself(settings, request, now)


def _through_the_door(directory: Path, request: Request) -> bytes | None:
    """The service's answer, null if nobody listens there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(request.patience_s)
        try:
            with address(directory) as place:
                connection.connect(place)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except OSError as error:
            msg = f"{directory}: the running service cannot be asked: {error}"
            raise ChangeRefused(msg) from error
        try:
            connection.sendall(catalog.write(request))
            connection.shutdown(socket.SHUT_WR)
            return receive(connection)
        except OSError as error:
            msg = f"{directory}: the service did not answer ({error}); see whether the change is there"
            raise ChangeRefused(msg) from error


def _oneself(settings: Settings, request: Request, now: datetime) -> dict[str, Any]:
    with ExitStack() as resources:
        store = Sqlite(settings.data.directory)
        resources.callback(store.close)

        def desk(name: str) -> Desk:
            if store.started(name) is None:
                raise no_account(name, store.accounts())
            account = accounts.restore(store, name, span=settings.data.window)
            return Desk(account, store)

        return request.carry_out(Office(store, now, desk, orders(settings)))


def no_account(name: str, names: list[str]) -> ChangeRefused:
    """The refusal that names what there is."""
    return ChangeRefused(f"no account {name!r}; there are: {', '.join(names) or 'none'}")
