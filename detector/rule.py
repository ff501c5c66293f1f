"""A rule as everyone but the rulebook sees it: who it is, how bad, and what to tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from detector.findings import Level

ROUTINES: Final = ("same", "administration")
"""What makes a matched event routine: the same was done before, or administration is."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What stands in a rule file beside its logic. The names are Sigma's.

    `raises` is false for building blocks: rules that others refer to, or that say
    `alert: {generate: false}`; they match, but open no alert of their own.
    `status: test` rules run, but reach only the digest.
    `fold_for` is the quiet time on the event clock after which an alert takes no more findings.
    """

    id: str
    name: str
    title: str
    level: Level
    status: str = "stable"
    description: str = ""
    tags: tuple[str, ...] = ()
    falsepositives: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    runbook: tuple[str, ...] = ()
    group_by: tuple[str, ...] = ()
    fold_for: timedelta = timedelta(days=3)
    raises: bool = True
    routine: str | None = None
    """One of ROUTINES: for whom what the rule matches is daily work, and low."""
    file: str = ""
