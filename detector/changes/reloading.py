"""Putting saved files to work without waiting for the service to look at them."""

from __future__ import annotations

from typing import Any, ClassVar

from detector.changes.base import ChangeRefused, Office, Request


class Reload(Request, frozen=True):
    """Look at rules, people, networks, lists and templates now; their tests are played first."""

    patience_s: ClassVar[float] = 1_000.0

    def carry_out(self, office: Office) -> dict[str, Any]:
        """What is at work now, and every reason why it is not what lies on the disk."""
        if office.reload is None:
            msg = (
                "no service runs on this data directory; it reads the files when it starts, and "
                "'vaultwatch check' and 'vaultwatch rules test' prove them now"
            )
            raise ChangeRefused(msg)
        return office.reload()
