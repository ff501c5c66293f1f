"""Volume, dormant return and session hijack: what they must see, and what they must not."""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nbinom

from detector import kernel, plans
from detector.facts import Facts
from detector.findings import Level
from detector.networks import NamedNetwork, Networks
from detector.persons import Person
from detector.rule_types.journeys import Leg, Point, leg
from detector.rule_types.ladder import weights
from detector.rule_types.paces import ALL, Pace, VolumeTail, close
from detector.rule_types.surprise import as_often, more_than_usual
from detector.rule_types.usual import usual_of
from detector.workhours import DAY_US
from tests import stories
from tests.stories import Heard, Item, audit, few, play, sign_in, usage
from tests.team import learned_engine

EVENING = stories.at("20:00")


def reveals(
    who: str, day: int, count: int, *, vaults: int = 4, start: datetime | None = None
) -> list[Item]:
    """Items that nobody ever used, one a minute from ten o'clock of a day on, or from a time."""
    start = start or stories.MONDAY + timedelta(days=day, hours=10)
    return [
        usage(who, "paris", start + timedelta(minutes=n), action="reveal",
              item=f"loot-{who}-{day}-{n}", vault=f"vault-{n % vaults}")
        for n in range(count)
    ]  # fmt: skip


def quiet_engine() -> kernel.State:
    return learned_engine(with_model=False)


def test_many_items_out_of_the_blue_alert_and_the_alert_names_them() -> None:
    loot = reveals("ann", 0, 14)
    (alert,) = play(quiet_engine(), loot).of("op_reveal_unused")

    assert alert.level == Level.MEDIUM
    assert set(alert.event_ids) == {item.id for item in loot}


def test_few_items_each_day_alert_after_some_days() -> None:
    work = [item for day in (0, 1, 2, 3, 4) for item in reveals("ann", day, 3)]
    (alert,) = play(quiet_engine(), work).of("op_reveal_unused")

    assert alert.evidence["window"] in {"week", "days"}


def test_few_items_on_one_day_do_not() -> None:
    assert not play(quiet_engine(), reveals("ann", 0, 4)).of("op_reveal_unused")


def test_items_that_the_person_uses_are_not_counted() -> None:
    usual = [
        usage("ann", "paris", f"{10 + n // 60}:{n % 60:02}", action="reveal", item=f"item-ann-{n % 4}")
        for n in range(40)
    ]  # fmt: skip
    assert not play(quiet_engine(), usual).of("op_reveal_unused")


def test_a_work_in_one_known_vault_is_only_low() -> None:
    state = quiet_engine()
    play(state, reveals("ann", 0, 2, vaults=1))
    (alert,) = play(state, reveals("ann", 2, 14, vaults=1)).of("op_reveal_unused")

    assert alert.level == Level.LOW


def test_who_often_does_much_is_not_surprising() -> None:
    """The person's own past is what counts: three weeks of twelve new items on every workday."""
    state, days = quiet_engine(), [day for day in range(28) if day % 7 < 5]
    for day in days:
        play(state, reveals("ann", day, 12))
    calm = quiet_engine()

    assert not play(state, reveals("ann", 30, 12)).of("op_reveal_unused")
    assert play(calm, reveals("ann", 30, 12)).of("op_reveal_unused")


def _evening(items: list[Item]) -> Heard:
    """What an engine says whose clock stands at the evening, so that no fact settles between."""
    state = quiet_engine()
    kernel.tick(state, EVENING)
    return play(state, [Item(each.feed, each.fields, each.time, EVENING) for each in items])


@few
@given(st.integers(1, 25), st.randoms(use_true_random=False))
def test_a_volume_is_found_in_whatever_order_it_comes(count: int, chance: Random) -> None:
    loot = reveals("ann", 0, count)
    mixed = loot.copy()
    chance.shuffle(mixed)
    on_time, late = _evening(loot), _evening(mixed)

    assert bool(on_time.of("op_reveal_unused")) == bool(late.of("op_reveal_unused"))
    assert {event for alert in on_time.of("op_reveal_unused") for event in alert.event_ids} <= {
        event for alert in late.of("op_reveal_unused") for event in alert.event_ids
    }


hours = st.integers(0, 9 * 24)
visits = st.tuples(
    st.sampled_from(["ann", "ben"]), hours, st.integers(1, 10), st.sampled_from([0, 0, 30])
)


@few
@given(st.lists(visits, max_size=8), st.integers(1, 9))
def test_a_restart_changes_nothing_about_what_is_counted(
    drawn: list[tuple[str, int, int, int]], step: int
) -> None:
    """How much more of a day is nothing to look at is no part of the state, and is found again."""
    items = [
        Item(each.feed, each.fields, each.time, each.time + timedelta(hours=late))
        for number, (who, hour, count, late) in enumerate(drawn)
        for each in reveals(who, number, count, start=stories.MONDAY + timedelta(hours=hour))
    ]
    items = stories.in_order(items)
    whole, state, heard = quiet_engine(), quiet_engine(), Heard()
    told = play(whole, items)
    for start in range(0, len(items), step):
        heard.hear(kernel.detect(state, *stories.page(items[start : start + step])))
        state = stories.copy(state)

    assert heard.told == told.told
    assert stories.written(state) == stories.written(whole)


@given(st.integers(1, 60), st.floats(0.01, 50), st.floats(1, 40))
def test_more_is_never_likelier(count: int, mean: float, spread: float) -> None:
    here, more = (more_than_usual(n, mean, spread) for n in (count, count + 1))
    assert 0 <= more <= here + 1e-9 <= 1 + 1e-9


@given(st.integers(1, 60), st.floats(0.05, 50), st.floats(1.1, 40))
def test_chances_are_those_of_the_distribution(count: int, mean: float, spread: float) -> None:
    exact = nbinom(mean / (spread - 1), 1 / spread).sf(count - 1)
    assert more_than_usual(count, mean, spread) == pytest.approx(exact, rel=0.2, abs=1e-12)


@given(st.integers(0, 8), st.integers(0, 8), st.floats(0, 1))
def test_how_often_is_a_chance(times: int, tries: int, chance: float) -> None:
    assert 0 <= as_often(times, tries, chance) <= 1


def test_a_person_who_was_away_for_long_comes_back() -> None:
    state = quiet_engine()
    kernel.tick(state, stories.at("40 8:00"))
    back = sign_in("ann", "lagos", "40 9:00", client="web")
    (alert,) = play(state, [back]).of("op_dormant_return")

    assert (alert.level, alert.event_ids) == (Level.MEDIUM, (back.id,))
    assert alert.evidence["quiet_days"] >= 39


def test_an_account_that_nobody_announced_is_dormant_until_now() -> None:
    state = quiet_engine()
    kernel.tick(state, stories.at("20 8:00"))
    heard = play(state, [sign_in("zoe", "paris", "20 9:00")])

    assert [alert.evidence["never_seen"] for alert in heard.of("op_dormant_return")] == [True]


@pytest.mark.parametrize("deed", ["provsn user", "create user", "activate user"])
def test_an_account_that_was_announced_is_not(deed: str) -> None:
    state = quiet_engine()
    kernel.tick(state, stories.at("20 8:00"))
    heard = play(
        state,
        [audit("ben", "paris", "20 8:30", deed=deed, object="ZOE"), sign_in("zoe", "paris", "20 9:00")],
    )  # fmt: skip

    assert not heard.of("op_dormant_return")
    assert "announced" in {finding.suppressed_by for finding in heard.suppressed}


def test_what_somebody_who_is_back_does_next_raises_the_alert() -> None:
    state = quiet_engine()
    kernel.tick(state, stories.at("40 8:00"))
    back = [
        sign_in("ann", "paris", "40 9:00", session="S"),
        audit("ann", "paris", "40 9:20", session="S", deed="export vault"),
    ]
    (alert,) = play(state, back).of("op_dormant_return")

    assert (alert.level, alert.evidence["followed_by"]) == (Level.HIGH, "exporting a vault")


def _session(minutes: int, place: str) -> list[Item]:
    later = stories.at("9:00") + timedelta(minutes=minutes)
    return [
        sign_in("ann", "paris", "9:00", session="S"),
        audit("ann", place, later, session="S"),
    ]


def test_a_session_that_goes_on_from_another_continent_is_stolen() -> None:
    trip = _session(30, "tokyo")
    (alert,) = play(quiet_engine(), trip).of("op_session_hijack")

    assert alert.level == Level.MEDIUM
    assert set(alert.event_ids) == {item.id for item in trip}


def test_a_session_that_travels_as_fast_as_people_do_is_low() -> None:
    (alert,) = play(quiet_engine(), _session(26 * 60, "tokyo")).of("op_session_hijack")

    assert alert.level == Level.LOW


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_stolen_session_is_found_whichever_end_comes_late(order: tuple[int, int]) -> None:
    trip = _session(30, "tokyo")
    (alert,) = _evening([trip[place] for place in order]).of("op_session_hijack")

    assert set(alert.event_ids) == {item.id for item in trip}


def _kind_of_address(kind: str, *, declared: bool) -> tuple[list[Level], set[str | None]]:
    """Levels and rungs, where a session goes on from an address of a kind the day after."""
    items, state = _session(26 * 60, "brussels"), quiet_engine()
    frame, contents = stories.page(items)
    if declared:
        ranges = (ip_network("81.0.0.0/16"),)
        assert ip_address(frame["source.ip"][1]) in ranges[0]
        named = Networks((NamedNetwork("its name", kind, ranges),))
        state = kernel.reconfigure(state, kernel.Plan(state.plan.rulebook, networks=named))
    else:
        kinds = pl.Series("source.kind", [None, kind])
        frame = frame.with_columns(kinds)
    heard = Heard()
    heard.hear(kernel.detect(state, frame, contents))
    mine = [found for found in heard.suppressed if "strong" in found.evidence]
    levels = [alert.level for alert in heard.of("op_session_hijack")]
    return levels, {found.suppressed_by for found in mine}


def test_a_vpn_is_the_companys_only_where_the_organisation_says_so() -> None:
    assert _kind_of_address("vpn", declared=True) == ([], {"corporate-network"})
    assert _kind_of_address("vpn", declared=False) == ([Level.MEDIUM], set())
    assert _kind_of_address("mobile", declared=False)[0] == [Level.LOW]


def _leg(kind: str | None, country: str) -> Leg:
    """From Paris to Marseille, or to what lies as far abroad, in a quarter of an hour."""
    start = Point(
        0, 1, "a", 48.86, 2.35, "FR", "Paris||FR", "198.51.100.1", "n1", None, "s", "c", None
    )
    end = Point(
        900_000_000,
        2,
        "b",
        43.3,
        5.37,
        country,
        f"There||{country}",
        "192.0.2.1",
        "n2",
        kind,
        "s",
        "c",
        None,
    )
    found = leg(start, end)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("kind", "country", "weight"),
    [("mobile", "FR", -1), ("mobile", "CH", 0), ("hosting", "FR", 0), (None, "FR", 0)],
)
def test_a_carrier_may_let_its_customers_out_anywhere_in_the_country(
    kind: str | None, country: str, weight: int
) -> None:
    found = _leg(kind, country)

    assert weights(found, Facts(), "ANN")["carrier"] == weight
    assert found.by_carrier == (weight < 0)


def _company(groups: dict[str, tuple[int, int]]) -> tuple[Facts, VolumeTail]:
    """By group so many people, each of whom takes so many new items on each of twelve days."""
    facts, tail = Facts(), VolumeTail()
    for group, (people, items) in groups.items():
        for number in range(people):
            name = f"{group}-{number}"
            facts.people[name] = Person(DAY_US, 13 * DAY_US, days=12)
            pace = Pace(group=group, days=dict.fromkeys(range(1, 13), items))
            tail.people[name] = pace
    close(tail, 20)
    return facts, tail


def test_much_is_compared_within_the_group_where_it_is_large_enough() -> None:
    facts, tail = _company({"support": (10, 9), "sales": (10, 0), "board": (3, 9)})
    usual = {}
    for group in ("support", "sales", "board", ALL):
        facts.people["new"] = Person(19 * DAY_US, 19 * DAY_US, days=1)
        tail.people["new"] = Pace(group=group)
        usual[group] = usual_of(facts, tail, "new", 20)
        del tail.people["new"]

    assert [usual[group].group for group in usual] == ["support", "sales", ALL, ALL]
    assert usual["sales"].mean < 0.2 < usual["board"].mean < 7 < usual["support"].mean
    assert usual["board"].everybody == usual[ALL].everybody


def test_groups_stand_in_the_file_of_people() -> None:
    text = "people: [{email: ann@acme.example, group: support}, {email: ben@acme.example}]"
    people = plans.build(plans.Texts(people={"people.yml": text}), EVENING.date()).plan.people

    assert people.has_groups
    assert [people.group(who) for who in ("ANN@acme.example", "ben@acme.example", None)] == [
        "support",
        "",
        "",
    ]
