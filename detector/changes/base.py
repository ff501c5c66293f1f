"""What a request is, and what the process that carries it out has at hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from detector.delivery.orders import Orders
from detector.jobs import Desk
from detector.store.sqlite import Sqlite


class ChangeRefused(Exception):
    """What was asked for cannot be done; the text says why and what to do."""


@dataclass(frozen=True)
class Office:
    """Where a request is carried out: the process that holds the writer."""

    store: Sqlite
    now: datetime
    desk: Callable[[str], Desk]
    """The account of that name, at work. Raises ChangeRefused where there is none.

    What touches its state goes through `desk.changing()`, as every step of a job does.
    """
    orders: Orders = field(default_factory=lambda: Orders(()))
    """What the configuration says about telling."""
    reload: Callable[[], dict[str, Any]] | None = None
    """Look at the files now and say what came of it; none where no service runs."""


class Request(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """One change, as it travels: its kind is the name of the class."""

    patience_s: ClassVar[float] = 60.0
    """How long the answer may take."""

    def carry_out(self, office: Office) -> dict[str, Any]:
        """Do it; return what `--json` prints. Raises ChangeRefused or StoreError."""
        raise NotImplementedError
