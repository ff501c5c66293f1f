"""To tell or to hold: every decision about an alert is a verdict with a named reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from detector.alerts import Alert, Status
from detector.delivery.bulletins import Cause
from detector.delivery.lifecycle import JUDGED
from detector.delivery.orders import Orders, Route
from detector.delivery.remainders import hushed
from detector.delivery.silences import Silence, holding
from detector.findings import Level


class Verdict(StrEnum):
    """What is done about an alert."""

    TELL = "tell"
    EDIT = "edit"
    HOLD = "hold"
    DIGEST = "digest"
    RECORD = "record"


class Hold(StrEnum):
    """Why nobody is told now."""

    SILENCED = "silenced"
    INHIBITED = "inhibited"
    SNOOZED = "snoozed"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"
    ON_TRIAL = "on_trial"
    DIGEST_ONLY = "digest_only"
    NO_ROUTE = "no_route"
    QUIET_HOURS = "quiet_hours"
    GROUPING = "grouping"
    NOT_TOLD_YET = "not_told_yet"
    CATCHING_UP = "catching_up"
    FLOOD = "flood"


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, its reason, until when it holds, and what a person should know beside."""

    verdict: Verdict
    reason: Cause | Hold
    until: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """An alert to be decided about, and what delivery knows of it.

    `cause` is what happened, `since` when it did. `told` is the highest level at which its
    incident was told, null if it was not. `others` are the open alerts of the account about
    the same subject. `trial`: its rule is on trial. `late`: it was found while catching up.
    """

    alert: Alert
    cause: Cause
    since: datetime
    told: Level | None = None
    others: Sequence[Alert] = ()
    trial: bool = False
    late: bool = False


@dataclass(frozen=True, slots=True)
class _Asked:
    case: Case
    silences: Sequence[Silence]
    orders: Orders
    now: datetime

    @property
    def alert(self) -> Alert:
        return self.case.alert

    @property
    def route(self) -> Route | None:
        return self.orders.route(self.case.alert)


Rung: TypeAlias = Callable[[_Asked], Decision | None]
TIMERS: Final = frozenset(
    {Cause.UNACKNOWLEDGED, Cause.ESCALATED, Cause.SNOOZE_ENDED, Cause.SILENCE_ENDED}
)
"""What comes by itself when its time has come."""
_REPEATS: Final = frozenset({Cause.REPEATED, Cause.AMENDED})


def policy(case: Case, silences: Sequence[Silence], orders: Orders, now: datetime) -> Decision:
    """Decide about one alert: the first rung of the ladder that says something."""
    asked = _Asked(case, silences, orders, now)
    return next(said for rung in _LADDER if (said := rung(asked)) is not None)


def _closed(asked: _Asked) -> Decision | None:
    """What was closed stays closed, unless it got worse; that it is over is news."""
    is_closed = asked.alert.status in JUDGED
    if is_closed and asked.case.cause not in {Cause.LEVEL_RAISED, Cause.RECOVERED}:
        return Decision(Verdict.RECORD, Hold.CLOSED, detail=asked.alert.status)
    return None


def _looked_at(asked: _Asked) -> Decision | None:
    """What comes by itself is for alerts that nobody has looked at."""
    if asked.case.cause not in TIMERS or asked.alert.status is Status.OPEN:
        return None
    reasons = {Status.ACKNOWLEDGED: Hold.ACKNOWLEDGED, Status.SNOOZED: Hold.SNOOZED}
    reason = reasons.get(asked.alert.status, Hold.CLOSED)
    return Decision(Verdict.RECORD, reason, detail=asked.alert.status)


def _on_trial(asked: _Asked) -> Decision | None:
    if asked.case.trial:
        return Decision(Verdict.DIGEST, Hold.ON_TRIAL, detail="status: test")
    return None


def _silenced(asked: _Asked) -> Decision | None:
    """Nobody hides an alert about themselves; a risk is silenced if what is left of it is not enough."""
    found = [each for each in asked.silences if not each.is_about_its_author(asked.alert)]
    silence = holding(found, asked.alert, asked.now) or hushed(found, asked.alert, asked.now)
    if silence is None:
        return None
    return Decision(Verdict.RECORD, Hold.SILENCED, silence.until, silence.id)


def _inhibited(asked: _Asked) -> Decision | None:
    for rule in asked.orders.inhibitions:
        for other in asked.case.others:
            if rule.hides_from(asked.alert, other):
                detail = f"{other.rule.name} {other.id}"
                return Decision(Verdict.RECORD, Hold.INHIBITED, detail=detail)
    return None


def _snoozed(asked: _Asked) -> Decision | None:
    """A snooze is broken by what is worse only."""
    if asked.alert.status is Status.SNOOZED and asked.case.cause in _REPEATS:
        return Decision(Verdict.EDIT, asked.case.cause, detail="snoozed")
    return None


def _routed(asked: _Asked) -> Decision | None:
    route = asked.route
    if route is None:
        return Decision(Verdict.DIGEST, Hold.DIGEST_ONLY, detail=f"level {asked.alert.level}")
    if not route.send:
        return Decision(Verdict.DIGEST, Hold.NO_ROUTE)
    return None


def _catching_up(asked: _Asked) -> Decision | None:
    if asked.case.late and asked.case.told is None:
        return Decision(Verdict.DIGEST, Hold.CATCHING_UP)
    return None


def _told_already(asked: _Asked) -> Decision | None:
    """What is told grows in place; what is worse than was told is told again."""
    case, told = asked.case, asked.case.told
    if told is None:
        if case.cause in _REPEATS | {Cause.RECOVERED}:
            return Decision(Verdict.RECORD, Hold.NOT_TOLD_YET)
        return None
    if asked.alert.level.rank > told.rank:
        return Decision(Verdict.TELL, Cause.LEVEL_RAISED, detail=f"from {told}")
    if case.cause is Cause.FIRST_TOLD:
        return Decision(Verdict.EDIT, Cause.ANOTHER_ALERT)
    if case.cause in {*_REPEATS, Cause.LEVEL_RAISED}:
        return Decision(Verdict.EDIT, case.cause)
    return None


def _quiet(asked: _Asked) -> Decision | None:
    over = asked.orders.quiet.over_at(asked.now) if asked.orders.quiet else None
    if over is None or asked.alert.level.rank >= Level.HIGH.rank:
        return None
    return Decision(Verdict.HOLD, Hold.QUIET_HOURS, over)


def _gathering(asked: _Asked) -> Decision | None:
    """What is told for the first time may wait for what belongs to it."""
    route = asked.route
    if route is None or asked.case.cause is not Cause.FIRST_TOLD:
        return None
    until = asked.case.since + asked.orders.wait(asked.alert, route)
    return Decision(Verdict.HOLD, Hold.GROUPING, until) if until > asked.now else None


def _tell(asked: _Asked) -> Decision:
    """Nothing speaks against it."""
    own = [each for each in asked.silences if each.is_about_its_author(asked.alert)]
    silence = holding(own, asked.alert, asked.now)
    detail = f"although {silence.author} silenced it, whom it is about" if silence else ""
    return Decision(Verdict.TELL, asked.case.cause, detail=detail)


_LADDER: Final[tuple[Rung, ...]] = (
    _closed, _looked_at, _on_trial, _silenced, _inhibited, _snoozed, _routed, _catching_up,
    _told_already, _quiet, _gathering, _tell,
)  # fmt: skip
