"""What rules keep is bounded, whoever chooses the values, and can be looked at."""

from __future__ import annotations

from detector.holdings import FACTS, held
from detector.persons import Guard
from detector.rule_types import seen
from detector.rule_types.seen import Pending, SeenTail, Telling
from detector.workhours import DAY_US
from tests import stories
from tests.stories import play, sign_in
from tests.team import TEAM, learned_engine


def test_groups_values_and_sessions_are_bounded_and_the_longest_kept_go() -> None:
    tail = SeenTail()
    for number in range(seen.MOST_GROUPS + 3):
        tail.count(f"g{number}", number, None)
    for number in range(seen.MOST_VALUES + 3):
        tail.show("g9", f"v{number}", number)
        tail.tell("g9", f"v{number}", Telling(number, 1))
    for number in range(seen.MOST_SESSIONS + 3):
        tail.open(f"s{number}", Pending(number, "e", number, False, {}))

    assert next(iter(tail.first)) == "g3"
    assert len(tail.first) == len(tail.events) == seen.MOST_GROUPS
    assert "v2" not in tail.values["g9"]
    assert len(tail.values["g9"]) == len(tail.told["g9"]) == seen.MOST_VALUES
    assert next(iter(tail.sessions)) == "s3"
    assert len(tail.sessions) == seen.MOST_SESSIONS


def test_every_rule_with_a_memory_is_metered() -> None:
    state = learned_engine(with_model=False)
    before = {each.rule: each for each in held(state)}
    play(state, [sign_in(f"new-{number}", "paris", "9:00") for number in range(20)])
    after = {each.rule: each for each in held(state)}

    assert set(before) == {FACTS, *(entry.rule.name for entry in state.rulebook.stateful)}
    assert before[FACTS].entries == len(TEAM)
    assert after["op_impossible_travel"].entries == before["op_impossible_travel"].entries + 20
    assert after["op_impossible_travel"].bytes > before["op_impossible_travel"].bytes


def test_a_guard_that_nothing_was_seen_under_is_forgotten() -> None:
    facts = learned_engine(with_model=False).memory.facts
    today = stories.MONDAY.toordinal() - stories.datetime(1970, 1, 1).toordinal()
    guards = facts.people["ANN"].guards
    guards["6:old"] = Guard(0, today - facts.remember_days - 1)
    guards["6:lately"] = Guard(0, today - facts.remember_days)
    facts.forget(today * DAY_US)

    assert set(guards) == {"6:lately"}
