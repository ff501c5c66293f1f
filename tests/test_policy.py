"""The policy: one named reason for every decision, whatever the circumstances."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.alerts import Status
from detector.delivery.bulletins import Cause
from detector.delivery.incidents import CLOSED
from detector.delivery.journal import How
from detector.delivery.lifecycle import JUDGED
from detector.delivery.orders import Inhibition, Match, Orders, QuietHours, Route
from detector.delivery.policy import TIMERS, Case, Decision, Hold, Verdict, policy
from detector.delivery.silences import Silence, silence
from detector.findings import LEVELS, Level
from tests.delivery import NOON, alert, high

DAY = timedelta(days=1)
NIGHT = QuietHours(time(22), time(7), ZoneInfo("Europe/Paris"), frozenset({5, 6}))
PLAIN = Orders(("slack", "email"))
FULL = replace(
    PLAIN,
    quiet=NIGHT,
    inhibitions=(Inhibition(("takeover",), ("new_device",)),),
    routes=(
        Route(Match(level=("high", "critical")), ("slack", "email")),
        Route(Match(rule=("nowhere",)), ()),
        Route(Match(level=("medium",)), ("slack",), wait=timedelta(minutes=1)),
    ),
)


def own(author: str) -> Silence:
    span = (NOON - DAY, NOON + 400 * DAY)
    return silence(["account=acme"], author=author, reason="x", span=span, how=How.CLI)


moments = st.integers(0, 270 * 24 * 60).map(lambda minutes: NOON + timedelta(minutes=minutes))
alerts = st.builds(
    lambda who, rule, level, status: alert(
        who, rule, level=level, score=20 * level.rank + 5, status=status
    ),
    st.sampled_from(["ann", "ben"]),
    st.sampled_from(["new_device", "takeover", "nowhere"]),
    st.sampled_from(Level),
    st.sampled_from(Status),
)
cases = st.builds(
    Case,
    alerts,
    st.sampled_from(Cause),
    st.just(NOON),
    told=st.none() | st.sampled_from(Level),
    others=st.lists(alerts, max_size=2),
    trial=st.booleans(),
    late=st.booleans(),
)
silences = st.sampled_from([(), (own("sam"),), (own("ann"),), (own("ann"), own("sam"))])
orders = st.sampled_from([PLAIN, FULL])


@given(cases, silences, orders, moments)
def test_there_is_always_one_decision_and_it_is_always_the_same(
    case: Case, held: tuple[Silence, ...], said: Orders, now: datetime
) -> None:
    decision = policy(case, held, said, now)
    assert decision == policy(case, held, said, now)
    assert isinstance(decision.reason, Cause) is (decision.verdict in {Verdict.TELL, Verdict.EDIT})
    assert (decision.verdict is Verdict.HOLD) <= (decision.until is not None)


@given(cases, silences, orders, moments)
def test_what_is_held_is_held_for_a_time_to_come(
    case: Case, held: tuple[Silence, ...], said: Orders, now: datetime
) -> None:
    decision = policy(case, held, said, now)
    if decision.verdict is Verdict.HOLD:
        assert decision.until is not None
        assert now < decision.until <= now + timedelta(days=9)


@given(cases, orders, moments)
def test_what_is_high_and_new_waits_for_nothing(case: Case, said: Orders, now: datetime) -> None:
    told = high(case.alert.subject.id.lower(), "takeover", status=Status.OPEN)
    plain = Case(told, Cause.FIRST_TOLD, now)
    assert policy(plain, (), said, now).verdict is Verdict.TELL


@given(cases, orders, moments)
def test_what_a_silence_means_is_neither_told_nor_edited(
    case: Case, said: Orders, now: datetime
) -> None:
    decision = policy(case, (own("sam"),), said, now)
    assert decision.verdict not in {Verdict.TELL, Verdict.EDIT, Verdict.HOLD}


@given(cases, orders, moments)
def test_a_silence_of_oneself_changes_nothing(case: Case, said: Orders, now: datetime) -> None:
    if case.alert.subject.id != "ANN":
        return
    with_it = policy(case, (own("ann"),), said, now)
    without = policy(case, (), said, now)
    assert replace(with_it, detail="") == replace(without, detail="")


@given(cases, silences, orders, moments)
def test_nothing_on_trial_is_ever_sent(
    case: Case, held: tuple[Silence, ...], said: Orders, now: datetime
) -> None:
    decision = policy(replace(case, trial=True), held, said, now)
    assert decision.verdict in {Verdict.DIGEST, Verdict.RECORD}


@given(cases, silences, orders, moments)
def test_what_a_person_closed_is_told_only_if_it_got_worse(
    case: Case, held: tuple[Silence, ...], said: Orders, now: datetime
) -> None:
    decision = policy(case, held, said, now)
    news = {Cause.LEVEL_RAISED, Cause.RECOVERED}
    if case.alert.status in JUDGED and case.cause not in news:
        assert decision.reason is Hold.CLOSED


@given(cases, silences, orders, moments)
def test_nobody_is_reminded_of_what_somebody_looks_at(
    case: Case, held: tuple[Silence, ...], said: Orders, now: datetime
) -> None:
    for cause in TIMERS:
        decision = policy(replace(case, cause=cause), held, said, now)
        if case.alert.status is not Status.OPEN:
            assert decision.verdict is Verdict.RECORD


@given(cases, silences, orders, moments)
def test_a_repeat_is_never_loud_unless_it_is_worse_than_was_told(
    case: Case, held: tuple[Silence, ...], said: Orders, now: datetime
) -> None:
    told = case.told or Level.CRITICAL
    decision = policy(replace(case, cause=Cause.REPEATED), held, said, now)
    if case.alert.level.rank <= told.rank:
        assert decision.verdict is not Verdict.TELL


@pytest.mark.parametrize(
    ("changed", "verdict", "reason"),
    [
        ({}, Verdict.TELL, Cause.FIRST_TOLD),
        ({"trial": True}, Verdict.DIGEST, Hold.ON_TRIAL),
        ({"alert": alert("ann", "x", level=Level.LOW, score=25)}, Verdict.DIGEST, Hold.DIGEST_ONLY),
        ({"alert": alert("ann", "nowhere")}, Verdict.DIGEST, Hold.NO_ROUTE),
        ({"others": [high()]}, Verdict.RECORD, Hold.INHIBITED),
        ({"others": [high("ben")]}, Verdict.TELL, Cause.FIRST_TOLD),
        ({"others": [high(time=NOON - 3 * DAY / 24)]}, Verdict.TELL, Cause.FIRST_TOLD),
        ({"late": True}, Verdict.DIGEST, Hold.CATCHING_UP),
        ({"told": Level.MEDIUM}, Verdict.EDIT, Cause.ANOTHER_ALERT),
        ({"told": Level.LOW}, Verdict.TELL, Cause.LEVEL_RAISED),
        ({"since": NOON + timedelta(seconds=30)}, Verdict.HOLD, Hold.GROUPING),
        ({"cause": Cause.REPEATED}, Verdict.RECORD, Hold.NOT_TOLD_YET),
        ({"cause": Cause.REPEATED, "told": Level.HIGH}, Verdict.EDIT, Cause.REPEATED),
    ],
)
def test_each_circumstance_has_its_reason(
    changed: dict[str, object], verdict: Verdict, reason: Cause | Hold
) -> None:
    plain = Case(alert(), Cause.FIRST_TOLD, NOON - timedelta(minutes=2))
    decision = policy(replace(plain, **changed), (), FULL, NOON)  # type: ignore[arg-type]
    assert (decision.verdict, decision.reason) == (verdict, reason)


@pytest.mark.parametrize(
    ("now", "over"),
    [
        ("2026-03-02T12:00", None),
        ("2026-03-02T20:59", None),
        ("2026-03-02T21:00", "2026-03-03T06:00"),
        ("2026-03-03T05:59", "2026-03-03T06:00"),
        ("2026-03-03T06:00", None),
        ("2026-03-06T23:30", "2026-03-09T06:00"),
        ("2026-03-28T12:00", "2026-03-30T05:00"),
    ],
)
def test_quiet_hours_end_by_the_local_clock_and_run_together(now: str, over: str | None) -> None:
    expected = datetime.fromisoformat(over).replace(tzinfo=UTC) if over else None
    assert NIGHT.over_at(datetime.fromisoformat(now).replace(tzinfo=UTC)) == expected


@given(moments, st.times(), st.times(), st.frozensets(st.integers(0, 6)))
def test_after_quiet_hours_it_is_not_quiet(
    now: datetime, begins: time, ends: time, days: frozenset[int]
) -> None:
    quiet = QuietHours(begins, ends, ZoneInfo("America/New_York"), days)
    over = quiet.over_at(now)
    if over is not None and over < now + timedelta(days=8):
        assert over > now
        assert quiet.over_at(over) is None


def test_the_ladder_speaks_of_every_hold_there_is() -> None:
    spoken = {Hold.FLOOD}  # said by the flood protection, after the policy
    for status in Status:
        for cause in Cause:
            for level in LEVELS:
                for told in (None, Level.LOW, Level.CRITICAL):
                    found = alert("ann", "new_device", level=level, status=status)
                    base = Case(found, cause, NOON, told=told)
                    for case in (
                        base,
                        replace(base, trial=True),
                        replace(base, late=True),
                        replace(base, others=[high()]),
                        replace(base, alert=replace(found, rule=alert("a", "nowhere").rule)),
                    ):
                        for held in ((), (own("sam"),)):
                            for now in (NOON, NOON + timedelta(hours=11)):
                                said: Decision = policy(case, held, FULL, now)
                                spoken |= {said.reason} if isinstance(said.reason, Hold) else set()
    assert spoken == set(Hold)
    assert CLOSED > JUDGED
