"""Changes that a command asks of the one process that may write."""

from detector.changes.asking import ask, no_account
from detector.changes.base import ChangeRefused, Office, Request
from detector.changes.catalog import answer
from detector.changes.door import opened

__all__ = ["ChangeRefused", "Office", "Request", "answer", "ask", "no_account", "opened"]
