"""The late law: what is found on time is found when it comes late, if the facts are the same."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from detector import kernel
from detector.alerts import Alert
from tests import stories
from tests.stories import Heard, Item, few, play
from tests.team import learned_engine

EVENING = stories.at("20:00")

journeys = st.lists(
    st.tuples(
        st.integers(0, 11 * 60),
        st.sampled_from(["paris", "brussels", "milan", "lagos", "tokyo", "toronto"]),
        st.sampled_from(["mac", "web", "phone"]),
    ),
    min_size=2,
    max_size=7,
    unique_by=lambda step: step[0],
)


def _day(steps: list[tuple[int, str, str]]) -> list[Item]:
    """One person's sign-ins of a day in order of time, all received in the evening."""
    made = [
        stories.sign_in("ann", place, stories.at("8:00") + timedelta(minutes=minute), client=client)
        for minute, place, client in sorted(steps)
    ]
    return [Item(item.feed, item.fields, item.time, EVENING) for item in made]


def _evening(items: list[Item]) -> Heard:
    """What an engine says whose clock stands at the evening, so that no fact settles between."""
    state = learned_engine(with_model=False)
    kernel.tick(state, EVENING)
    return play(state, items)


def _evidence(alerts: list[Alert]) -> set[str]:
    return {event for alert in alerts for event in alert.event_ids}


@few
@given(journeys, st.randoms(use_true_random=False))
def test_travel_is_found_in_whatever_order_sign_ins_come(
    steps: list[tuple[int, str, str]], chance: Random
) -> None:
    items = _day(steps)
    mixed = items.copy()
    chance.shuffle(mixed)

    on_time, late = _evening(items), _evening(mixed)
    assert _evidence(on_time.of("op_impossible_travel")) <= _evidence(
        late.of("op_impossible_travel")
    )


@few
@given(journeys, st.randoms(use_true_random=False))
def test_new_things_are_found_in_whatever_order_sign_ins_come(
    steps: list[tuple[int, str, str]], chance: Random
) -> None:
    items = _day(steps)
    mixed = items.copy()
    chance.shuffle(mixed)

    on_time, late = _evening(items), _evening(mixed)
    assert _evidence(on_time.of("op_new_device")) == _evidence(late.of("op_new_device"))


def test_a_late_sign_in_between_two_others_is_compared_with_both() -> None:
    trip = [("9:00", "paris"), ("10:00", "tokyo"), ("11:00", "lagos")]
    first, between, last = (
        stories.sign_in("ann", place, at).after(stories.usage("ann", "paris", "20:00"))
        for at, place in trip
    )
    on_time = _evening([first, between, last]).of("op_impossible_travel")
    late = _evening([first, last, between]).of("op_impossible_travel")

    assert set(on_time[0].event_ids) == {first.id, between.id, last.id}
    assert set(late[0].event_ids) == {first.id, between.id, last.id}


def test_a_late_trusted_place_is_compared_with_what_came_after_its_neighbour() -> None:
    """Paris to Toronto by way of Brussels: only the way from trusted Paris is too fast."""
    steps = [("12:00", "paris"), ("12:10", "milan"), ("12:20", "brussels")]
    near = [
        stories.sign_in("ann", place, at).after(stories.usage("ann", "paris", "20:00"))
        for at, place in steps
    ]
    mixed = [near[1], near[2], near[0]]

    on_time, late = _evening(near), _evening(mixed)
    assert _evidence(on_time.of("op_impossible_travel")) <= _evidence(
        late.of("op_impossible_travel")
    )


def test_an_event_after_seven_days_reaches_rules_on_single_events_only() -> None:
    state = learned_engine(with_model=False)
    kernel.tick(state, stories.at("10 10:00"))
    old = [
        stories.audit("ann", "tokyo", "10:00", deed="export vault"),
        stories.sign_in("ann", "lagos", "10:30", client="web"),
    ]
    received = stories.at("10 10:00")
    heard = play(state, [Item(item.feed, item.fields, item.time, received) for item in old])

    assert {alert.rule.name for alert in heard.alerts.values()} == {"op_vault_exported"}
    assert heard.late == 2


def test_an_item_from_the_future_blinds_no_rule() -> None:
    """A sign-in dated next year is no point of anybody's way."""
    state = learned_engine(with_model=False)
    future = stories.sign_in("ann", "toronto", "300 10:00")
    future = Item(future.feed, future.fields, future.time, stories.at("9:00"))
    trip = [stories.sign_in("ann", "paris", "10:00"), stories.sign_in("ann", "tokyo", "11:00")]

    assert play(state, [future, *trip]).of("op_impossible_travel")
