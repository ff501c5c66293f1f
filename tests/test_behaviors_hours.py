"""Off hours: the person's own clock, daylight saving, holidays, duty, and what moves the level."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from detector import kernel, plans
from detector.findings import Level
from detector.observations import SLOT
from detector.people import Duty, Holiday, People
from tests import stories
from tests.fakes import shipped_texts
from tests.stories import MONDAY, Heard, Item, audit, play
from tests.team import learned_engine

PARIS = ZoneInfo("Europe/Paris")
BEFORE, AFTER = date(2026, 3, 23), date(2026, 3, 30)
"""Mondays before and after the clocks of Europe go forward."""


def grant(day: date, hour: int, minute: int = 30, deed: str = "grant uva") -> Item:
    """An administrative action of ann at a time of the clocks in Paris."""
    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=PARIS)
    return audit("ann", "paris", local.astimezone(MONDAY.tzinfo), deed=deed, object=f"{local}")


def heard_at(*items: Item, people: People | None = None) -> Heard:
    state = learned_engine(with_model=False)
    if people is not None:
        state = kernel.reconfigure(state, kernel.Plan(state.plan.rulebook, people=people))
    return play(state, items)


def rung(heard: Heard) -> str | None:
    """What holds ann's action back; null if it alerts."""
    if heard.of("op_off_hours_admin"):
        return None
    return next(found.suppressed_by for found in heard.suppressed if "local_time" in found.evidence)


@pytest.mark.parametrize("hour", range(24))
def test_daylight_saving_moves_no_hour(hour: int) -> None:
    assert rung(heard_at(grant(BEFORE, hour))) == rung(heard_at(grant(AFTER, hour)))


def test_the_own_hours_are_known_by_the_own_clock() -> None:
    alike = [hour for hour in range(24) if rung(heard_at(grant(AFTER, hour))) == "usual-hours"]

    assert alike == list(range(8, 17))


def test_few_weeks_know_the_hours_of_workdays_together() -> None:
    """Three weeks hold three Wednesdays; one of them away must not make ten o'clock strange."""
    state = learned_engine(with_model=False)
    ledger = state.memory.facts.ledger
    for _, slot, _ in ledger.of("ANN", SLOT):
        if slot.startswith("Wed"):
            ledger.drop("ANN", SLOT, slot)
    heard = play(state, [grant(BEFORE + timedelta(days=2), 10)])

    assert rung(heard) == "usual-hours"


def test_no_hour_of_a_holiday_is_usual() -> None:
    holiday = People(holidays=(Holiday(BEFORE, "a bank holiday", ("Europe/Paris",)),))
    elsewhere = People(holidays=(Holiday(BEFORE, "Labour Day", ("America/New_York",)),))
    (alert,) = heard_at(grant(BEFORE, 10), people=holiday).of("op_off_hours_admin")

    assert "a bank holiday" in alert.why[0]
    assert rung(heard_at(grant(BEFORE, 10), people=elsewhere)) == "usual-hours"


def test_who_is_on_call_works_at_any_hour() -> None:
    start = datetime(2026, 3, 23, tzinfo=PARIS)
    duty = People(duties=(Duty("Ann@acme.example", start, start + timedelta(days=1)),))

    assert rung(heard_at(grant(BEFORE, 3), people=duty)) == "on-call"
    assert rung(heard_at(grant(BEFORE + timedelta(days=1), 3), people=duty)) is None


def test_a_bout_is_one_alert_and_several_kinds_of_actions_weigh() -> None:
    night = [grant(BEFORE, 3, 0), grant(BEFORE, 3, 10), grant(BEFORE, 3, 20, "suspend user")]
    (alert,) = heard_at(*night).of("op_off_hours_admin")

    assert (alert.count, alert.level) == (3, Level.MEDIUM)


@pytest.mark.parametrize(
    ("hour", "deed", "level"),
    [
        (18, "grant uva", Level.LOW),  # overtime with what ann does every day
        (3, "grant uva", Level.MEDIUM),
        (18, "suspend user", Level.MEDIUM),
        (18, "export vault", Level.HIGH),
    ],
)
def test_the_level_follows_the_action(hour: int, deed: str, level: Level) -> None:
    state = learned_engine(with_model=False)
    play(state, [grant(MONDAY.date() + timedelta(days=day), 11) for day in (0, 1, 2, 3)])
    kernel.tick(state, stories.at("4 0:00"))
    (alert,) = play(state, [grant(BEFORE, hour, deed=deed)]).of("op_off_hours_admin")

    assert alert.level == level


def test_holidays_and_duties_stand_in_the_file_of_people() -> None:
    text = """
people: []
holidays:
  - {date: 2026-12-25, name: Christmas}
on_call:
  - {email: ann@acme.example, from: 2026-03-02T18:00:00+01:00, until: 2026-03-03T08:00:00+01:00}
"""
    built = plans.build(replace(shipped_texts(), people={"people.yml": text}), MONDAY.date())

    assert not built.mistakes
    assert built.plan.people.holiday(date(2026, 12, 25), "Asia/Tokyo")
    assert built.plan.people.on_call("ann@acme.example", stories.at("20:00"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("people: []\nholidays: [{date: soon}]\n", "holidays.0.date"),
        ("people: []\nholidays: [{date: 2026-12-25, timezones: [Mars]}]\n", "no IANA time zone"),
        ("people: []\non_call: [{email: ann@acme.example, from: 2026-03-02, until: 2026-03-03}]\n", "on_call.0.from"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_them_is_named(text: str, words: str) -> None:
    built = plans.build(replace(shipped_texts(), people={"people.yml": text}), MONDAY.date())

    assert any(words in str(mistake) for mistake in built.mistakes), built.mistakes
