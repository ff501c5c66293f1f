"""What blinds the engine itself, as alerts to its operator: opened, raised, folded, and over.

They belong to delivery, on the wall clock: the kernel and its log know nothing of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from detector.alerts import Alert, Reason, RuleRef, Status, alert_id
from detector.delivery.incidents import CLOSED
from detector.findings import Level, Subject, SubjectType

PREFIX: Final = "vaultwatch_"
"""How the ids of the engine's own rules begin."""
OPERATOR: Final = "operator"
LASTS: Final = "vaultwatch.lasts"
"""The tag of what is over by itself, once nothing reports it any more."""


class Kind(StrEnum):
    """The engine's own rules."""

    FEED_FAILING = "vaultwatch_feed_failing"
    FEED_SILENT = "vaultwatch_feed_silent"
    FEED_BEHIND = "vaultwatch_feed_behind"
    GAP = "vaultwatch_gap"
    TOKEN_EXPIRING = "vaultwatch_token_expiring"  # noqa: S105
    TOKEN_CHANGED = "vaultwatch_token_changed"  # noqa: S105
    STORE_FAILING = "vaultwatch_store_failing"
    DISK_LOW = "vaultwatch_disk_low"
    MODEL_REFUSED = "vaultwatch_model_refused"
    FILES_REFUSED = "vaultwatch_files_refused"


TITLES: Final = {
    Kind.FEED_FAILING: "A feed cannot be read",
    Kind.FEED_SILENT: "A feed is silent longer than is usual for it",
    Kind.FEED_BEHIND: "A feed stays behind",
    Kind.GAP: "Events may be missing",
    Kind.TOKEN_EXPIRING: "The Events API token expires",
    Kind.TOKEN_CHANGED: "The Events integration was changed",
    Kind.STORE_FAILING: "Nothing can be stored",
    Kind.DISK_LOW: "The disk is nearly full",
    Kind.MODEL_REFUSED: "A model is not used",
    Kind.FILES_REFUSED: "Saved files were refused",
}
_TOKEN_STEPS: Final = (
    "Issue a new token at 1Password.com > Integrations > Events Reporting.",
    "Put it where the configuration names it, and restart the service.",
    "Look at 'vaultwatch coverage': what was missed is fetched, as far back as 120 days.",
)
STEPS: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.FEED_FAILING: (
        "Run 'vaultwatch doctor --online' where the service runs.",
        "If the token was refused, ask who revoked it before you issue a new one.",
        "Nothing is lost for 120 days: the cursor is kept.",
    ),
    Kind.FEED_SILENT: (
        "Look at the same activity at 1Password.com: is anybody at work?",
        "Check that the token still has the feature of this feed ('vaultwatch doctor --online').",
    ),
    Kind.FEED_BEHIND: ("Look at 'vaultwatch coverage' and at the log of the service.",),
    Kind.GAP: (
        "Look at 'vaultwatch coverage' for the time that is meant.",
        "Look at the activity of that time at 1Password.com.",
    ),
    Kind.TOKEN_EXPIRING: _TOKEN_STEPS,
    Kind.TOKEN_CHANGED: (
        "Ask, not by e-mail, whether the change was theirs.",
        "If nobody owns it, treat all that follows as unseen, and begin your incident process.",
        *_TOKEN_STEPS,
    ),
    Kind.STORE_FAILING: (
        "Make room on the disk, or mend it; the service goes on by itself.",
        "Nothing is lost meanwhile: the cursors stay where the last commit was.",
    ),
    Kind.DISK_LOW: ("Make room on the disk of the data directory.",),
    Kind.MODEL_REFUSED: (
        "Look at 'vaultwatch model status': what was refused, and what is at work.",
        "A new model is trained by itself; 'vaultwatch model train' does it now.",
        "'vaultwatch model rollback ID' uses another one, also against the verdict of a trial.",
    ),
    Kind.FILES_REFUSED: (
        "Go to the file and line that are named, and mend them or take the change back.",
        "'vaultwatch check' and 'vaultwatch rules test' say the same before you save.",
        "Nothing else is to be done: what is saved is looked at again within seconds.",
    ),
}


@dataclass(frozen=True)
class Trouble:
    """Something that is wrong now. `feed` is empty where the whole account is meant."""

    kind: Kind
    level: Level
    summary: str
    since: datetime
    feed: str = ""
    why: tuple[str, ...] = ()
    evidence: dict[str, Any] = field(default_factory=dict)
    event_ids: tuple[str, ...] = ()


def is_own(rule_id: str) -> bool:
    """Whether a rule is one of the engine's own."""
    return rule_id.startswith(PREFIX)


def decide(
    troubles: Iterable[Trouble], told: Sequence[Alert], account: str, now: datetime
) -> tuple[Alert, ...]:
    """The alerts that change: opened, raised to a higher level, or over. What goes on folds.

    `told` are the engine's alerts so far; one that a person closed stays closed.
    """
    known = {(each.rule.id, each.subject.id): each for each in told if each.status not in CLOSED}
    closed = {each.id for each in told if each.status in CLOSED}
    changed, found = list[Alert](), set[tuple[str, str]]()
    for trouble in troubles:
        fresh = _opened(trouble, account, now, lasts=True)
        key = (fresh.rule.id, fresh.subject.id)
        found.add(key)
        old = known.get(key)
        if old is None and fresh.id not in closed:
            changed.append(fresh)
        elif old is not None and fresh.level.rank > old.level.rank:
            changed.append(_raised(old, fresh))
    over = [alert for key, alert in known.items() if key not in found and LASTS in alert.tags]
    return (*changed, *(_over(alert, now) for alert in over))


def once(trouble: Trouble, account: str, now: datetime) -> Alert:
    """The alert of a trouble that happened and is not over until a person says so."""
    return _opened(trouble, account, now, lasts=False)


def _subject(account: str, trouble: Trouble) -> Subject:
    name = f"{account}/{trouble.feed}" if trouble.feed else account
    return Subject(SubjectType.SOURCE, name, None, name)


def _opened(trouble: Trouble, account: str, now: datetime, *, lasts: bool) -> Alert:
    kind, subject = trouble.kind, _subject(account, trouble)
    return Alert(
        id=alert_id(kind, subject, trouble.event_ids or (trouble.since.isoformat(),)),
        rule=RuleRef(kind, kind, TITLES[kind]),
        level=trouble.level,
        score=trouble.level.rank * 20 + 10,
        status=Status.OPEN,
        reason=Reason.FIRST_SEEN,
        subject=subject,
        time=now,
        first_time=trouble.since,
        detected_at=now,
        event_ids=trouble.event_ids,
        count=len(trouble.event_ids),
        summary=trouble.summary,
        evidence=trouble.evidence,
        why=trouble.why,
        suppressed_by=None,
        incident_id=None,
        tags=(OPERATOR, LASTS) if lasts else (OPERATOR,),
        account=account,
        runbook=STEPS[kind],
    )


def _raised(old: Alert, fresh: Alert) -> Alert:
    return replace(
        fresh,
        id=old.id,
        reason=Reason.LEVEL_RAISED,
        first_time=old.first_time,
        detected_at=old.detected_at,
    )


def _over(alert: Alert, now: datetime) -> Alert:
    words = f"Over after {duration(now - alert.first_time)}: {alert.summary}"
    return replace(
        alert, reason=Reason.RECOVERED, status=Status.RESOLVED, time=now, summary=words, runbook=()
    )


def duration(span: timedelta) -> str:
    """A length of time in words.

    >>> duration(timedelta(minutes=95)), duration(timedelta(days=3, hours=2))
    ('1 h 35 min', '3 days 2 h')
    """
    minutes = max(0, span // timedelta(minutes=1))
    hours, days = minutes // 60, minutes // 1440
    if days >= 2:
        return f"{days} days" + (f" {hours % 24} h" if hours % 24 else "")
    if hours:
        return f"{hours} h" + (f" {minutes % 60} min" if minutes % 60 else "")
    return f"{minutes} min"
