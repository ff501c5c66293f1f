"""What a commit itself shows to be wrong: gaps, and changes of our own integration at 1Password."""

from __future__ import annotations

from collections.abc import Iterable, Set
from datetime import datetime
from typing import Final

import polars as pl

from detector import events
from detector.coverage import NAMES, Gap
from detector.findings import Level
from detector.troubles import Kind, Trouble

BLINDING: Final = frozenset({"delete", "suspend", "trevoke", "expire"})
"""Actions on an integration or its token after which it gives nothing any more."""
_WORDS: Final = {
    "delete": "deleted",
    "suspend": "suspended",
    "trevoke": "revoked",
    "expire": "expired",
    "create": "issued anew",
    "trename": "renamed",
    "tverify": "verified",
}


def lost(account: str, gaps: Iterable[Gap]) -> list[Trouble]:
    """Gaps that nothing can close any more."""
    return [
        Trouble(
            Kind.GAP,
            Level.HIGH,
            f"{NAMES[gap.feed].capitalize()} of {account} from {gap.start:%Y-%m-%d %H:%M} to "
            f"{gap.end:%Y-%m-%d %H:%M} UTC are lost",
            gap.start,
            gap.feed,
            why=(f"+ {gap.why}",),
        )
        for gap in gaps
        if gap.lost
    ]


def tampering(
    account: str, frame: pl.DataFrame, own: Set[str], teach_until: datetime
) -> list[Trouble]:
    """Changes of the integration or the token that this service itself uses.

    `own` are their ids; changes of any other integration are the business of the rules.
    """
    if not own or not frame.height:
        return []
    mine = pl.col("object.id").is_in(list(own)) | pl.col("aux.id").is_in(list(own))
    rows = frame.filter(
        (pl.col("event.feed") == events.AUDIT)
        & pl.col("object.type").is_in(["sa", "satoken"])
        & (pl.col("event.time") >= teach_until)
        & mine
    )
    return [_changed(account, row) for row in rows.iter_rows(named=True)]


def _changed(account: str, row: dict[str, object]) -> Trouble:
    action, moment = str(row["event.action"]), row["event.time"]
    assert isinstance(moment, datetime)
    who = row["user.email"] or row["user.name"] or row["user.id"] or "somebody"
    what = "token" if row["object.type"] == "satoken" else "integration"
    blind = action in BLINDING
    return Trouble(
        Kind.TOKEN_CHANGED,
        Level.CRITICAL if blind else Level.MEDIUM,
        f"{who}: the Events {what} of {account} was {_WORDS.get(action, action)}",
        moment,
        why=("+ it is the one by which this service reads",),
        evidence={
            "event.action": action,
            "user.email": row["user.email"],
            "source.ip": row["source.ip"],
        },
        event_ids=(str(row["event.id"]),),
    )
