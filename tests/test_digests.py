"""Digests: what was only recorded, what waits, what is noisy, what is blind; daily and weekly."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from detector import jobs
from detector.delivery.bulletins import Digest, DigestKind
from detector.delivery.commands import Verb
from detector.delivery.orders import Inhibition, Timetable
from detector.delivery.reports import RuleWeek, Week, is_due, weekly
from detector.findings import Level
from detector.store.sqlite import Commit, Start
from tests.delivery import NOON, Day, alert, day, high
from tests.fakes import ORDERS

HOUR = timedelta(hours=1)
PARIS = ZoneInfo("Europe/Paris")
TABLE = Timetable(time(8, 30), 0, PARIS)


def digests(one: Day) -> list[Digest]:
    return [each for each in one.box.messages if isinstance(each, Digest)]


def sections(found: Digest) -> dict[str, tuple[str, ...]]:
    return {each.title: each.lines for each in found.sections}


def until_morning(one: Day, days: int = 1) -> None:
    """Let the clock come to half past eight, as often as said."""
    for _ in range(days * 24 * 12):
        one.now += HOUR / 12
        jobs.digest(one.store, one.orders, one.now, ["rules/bad.yml:2:5: id: not a UUID"])
        one.tell()


def test_what_was_only_recorded_comes_once_a_day(tmp_path: Path) -> None:
    orders = replace(
        ORDERS,
        digest=Timetable(time(8, 30), None, PARIS),
        inhibitions=(Inhibition(("takeover",), ("new_device",)),),
    )
    with day(tmp_path, orders) as one:
        one.store.commit(Commit("acme", NOON, start=Start(NOON)))
        low = alert("ann", "low_thing", level=Level.LOW, score=25)
        trial = alert("ben", "on_trial")
        one.say(Verb.SILENCE, "", matchers=("rule=hushed",), until=NOON + timedelta(days=3))
        one.find(low, high("cleo"), alert("dan", "hushed"))
        one.find(trial, trial=frozenset({trial.rule.id}))
        one.find(alert("cleo", "new_device"))
        until_morning(one, 2)

        first, second = digests(one)
        assert first.kind is DigestKind.DAILY
        assert (
            first.summary
            == "1 alert told (1 high), 1 alert only here, 1 silenced, 1 said by another alert."
        )
        found = sections(first)
        assert found["High, and nobody has looked at it"][0].startswith(
            "for 19 h: Cleo did takeover"
        )
        assert found["Only here"] == ("1 alert, low: Low thing: Ann",)
        assert found["Rules on trial"] == ("1 alert, medium: On trial: Ben",)
        assert found["Silences"][0].endswith("by sam, 1 alert hidden: because")
        assert found["Coverage"] == ("acme: nothing was read yet",)
        assert found["Rules"] == ("rules/bad.yml:2:5: id: not a UUID",)
        assert one.store.digested(first.id) == {low.id, trial.id}
        assert second.summary == "All quiet."
        assert second.since == first.until


def test_noisy_rules_come_once_a_week(tmp_path: Path) -> None:
    with day(tmp_path, replace(ORDERS, digest=TABLE)) as one:
        for number in range(4):
            found = alert(
                f"p{number}", "noisy", time=one.now, first_time=one.now, detected_at=one.now
            )
            one.find(found)
            one.now += HOUR
            if number:
                one.say(Verb.FALSE_POSITIVE, found.id)
        one.find(alert("ann", "calm", time=one.now, first_time=one.now))
        until_morning(one, 8)

        (found,) = [each for each in digests(one) if each.kind is DigestKind.WEEKLY]
        assert found.summary == (
            "5 alerts of 2 rules; 3 were benign or false positives, most of noisy."
        )
        assert sections(found)["Noisy rules"] == (
            "noisy: 4 alerts, 75% looked at after 60 min, 3 false positive, 0 benign, 0 resolved",
        )


weeks = st.builds(
    RuleWeek, st.sampled_from("abc"), st.just("T"), st.integers(1, 9), st.integers(0, 9),
    st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.none(),
)  # fmt: skip


@given(st.lists(weeks))
def test_every_rule_of_a_week_stands_in_one_section(rules: list[RuleWeek]) -> None:
    found = weekly(Week(rules), NOON - timedelta(days=7), NOON)
    assert sum(len(each.lines) for each in found.sections) == len(rules) or len(rules) > 15


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_digest_is_due_at_its_local_time_and_made_up_for_when_missed() -> None:
    daily = [
        ("2026-03-03T07:29", "2026-03-02T07:30", False),
        ("2026-03-03T07:30", "2026-03-02T07:30", True),
        ("2026-03-03T19:00", "2026-03-02T07:30", True),
        ("2026-03-03T19:00", "2026-03-03T07:31", False),
        ("2026-03-30T06:30", "2026-03-29T06:31", True),
    ]
    for now, last, due in daily:
        assert is_due(at(last), at(now), TABLE, None) is due, now
    assert is_due(None, at("2026-03-03T07:31"), TABLE, None)
    assert not is_due(None, at("2026-03-03T12:00"), TABLE, None)
    assert is_due(at("2026-03-02T07:30"), at("2026-03-09T07:30"), TABLE, 0)
    assert not is_due(at("2026-03-02T07:30"), at("2026-03-08T23:30"), TABLE, 0)


@given(st.integers(0, 60 * 24 * 300), st.integers(1, 60 * 24 * 30))
def test_a_digest_that_was_just_made_is_not_due(minutes: int, later: int) -> None:
    now = NOON + timedelta(minutes=minutes)
    for weekday in (None, 3):
        assert not is_due(now, now, TABLE, weekday)
        span = timedelta(days=1 if weekday is None else 7, hours=1)
        assert is_due(now, now + span + timedelta(minutes=later), TABLE, weekday)


def test_what_was_sent_long_ago_is_let_go_and_what_waits_stays(tmp_path: Path) -> None:
    with day(tmp_path, replace(ORDERS, digest=TABLE)) as one:
        one.find(high("ann"), alert("ben", "low_thing", level=Level.LOW, score=25))
        until_morning(one)
        one.box.refuse = 99
        one.find(high("cleo"))
        later = one.now + timedelta(days=90)

        assert one.store.outbox.forget(NOON) == 0
        assert one.store.outbox.forget(later) >= 2

        assert {each.state for each in one.store.outbox.listed()} == {"waiting"}
        assert one.why(high("ann")) == []
        assert len(one.store.alerts()) == 3
