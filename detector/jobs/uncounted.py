"""What correlations could not count, as the newest snapshot of an account has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from detector import accounts, arrays, plans, snapshots
from detector.correlations.groups import CorrelationTail
from detector.rulebook.book import Rulebook
from detector.store.sqlite import Sqlite
from detector.wording import plural


def lines(store: Sqlite, account: str) -> list[str]:
    """A line for each correlation of the account that could not count all that it was shown.

    The numbers are since the rule was adopted, or its file last changed what it counts.
    """
    found = store.snapshot(account)
    loaded = snapshots.load(found[1]) if found else None
    adopted = store.log.controls(account, kind=accounts.PLAN)
    if loaded is None or not adopted:
        return []
    texts = plans.Texts.parse(adopted[-1].body)
    return list(of(accounts.plan_of(store, texts, adopted[-1].at).rulebook, loaded[1]))


def of(rulebook: Rulebook, tails: Mapping[str, bytes]) -> Iterator[str]:
    """The lines for tails by rule id; what another version wrote says nothing."""
    for entry in rulebook.correlations:
        body = tails.get(entry.rule.id)
        if entry.foreign or body is None:
            continue
        try:
            told = _told(arrays.decode(body, CorrelationTail))
        except msgspec.DecodeError:
            continue
        if told:
            yield f"{entry.rule.name}: {told}"


def _told(tail: CorrelationTail) -> str:
    parts = (
        (tail.ungrouped, "without what it groups by"),
        (tail.valueless, "without the value that it counts"),
        (tail.crowded, "dropped early, because there were more than it keeps"),
    )
    return "; ".join(f"{plural(count, 'event')} {what}" for count, what in parts if count)
