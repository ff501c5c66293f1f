"""Daily work of administrators is low, the same in strange surroundings is not; and told once."""

from __future__ import annotations

import numpy as np
import pytest

from detector import kernel, triage
from detector.findings import Level
from detector.observations import DEED, DEVICE, PLACE
from detector.rulebook.loading import load
from tests.stories import audit, play, sign_in
from tests.team import learned_engine
from tests.test_triage import RULE, TELLING, _finding


def _knows(state: kernel.State, kind: int, value: str, days: int) -> None:
    """Ann has shown the value on so many days."""
    ledger = state.memory.facts.ledger
    ledger.add("ANN", kind, value, (0, 0, 0))
    for day in range(1, days):
        line = ledger.lines(ledger.numbers(["ANN"]), ledger.things(kind, [value]))
        ledger.again(line, np.array([day]))


@pytest.mark.parametrize(
    ("days", "place", "device", "level"),
    [
        (3, "paris", "mac-ann", Level.LOW),
        (2, "paris", "mac-ann", Level.MEDIUM),  # not often enough
        (3, "lagos", "mac-ann", Level.MEDIUM),  # a country that is new for her
        (3, "paris", "another", Level.MEDIUM),  # a device that is new for her
    ],
)
def test_what_was_done_before_is_low_in_known_surroundings(
    days: int, place: str, device: str, level: Level
) -> None:
    state = learned_engine(with_model=False)
    _knows(state, DEED, "a:create:sa", days)
    deed = audit("ann", place, "10:00", deed="create sa", device=device)
    (alert,) = play(state, [deed]).of("op_service_account_created")

    assert alert.level == level
    assert alert.evidence["routine_days"] == days
    assert any(line.startswith("- routine") for line in alert.why) == (level is Level.LOW)


def test_administration_is_any_privileged_change_on_five_days() -> None:
    state = learned_engine(with_model=False)
    revoked = audit("ann", "paris", "10:00", deed="trevoke satoken")
    (before,) = play(state, [revoked]).of("op_integration_tampered")
    state = learned_engine(with_model=False)
    _knows(state, DEED, "a:join:gm", 3)
    _knows(state, DEED, "a:grant:uva", 2)
    (after,) = play(state, [revoked]).of("op_integration_tampered")

    assert (before.level, after.level) == (Level.MEDIUM, Level.LOW)


def test_what_people_do_for_themselves_is_another_deed() -> None:
    """Who lets others into groups each week still alerts when the name is their own."""
    state = learned_engine(with_model=False)
    _knows(state, DEED, "a:join:gm", 9)
    own = audit("ann", "paris", "10:00", deed="join gm")
    own.fields["aux_uuid"] = "ANN"
    (alert,) = play(state, [own]).of("op_self_group_escalation")

    assert alert.level is Level.HIGH
    assert "adding themselves to a group, from Paris, for the first time" in alert.summary


def test_a_routine_is_one_of_two_and_of_single_events_only() -> None:
    rule = """
title: Something
id: 5f0d2d4e-6c1b-4a57-9f0e-4c2f6f1e9a99
logsource: {product: onepassword, service: auditevents}
detection: {a: {action: join}, condition: a}
alert: {routine: sometimes}
"""
    counted = """
title: Much of it
id: 5f0d2d4e-6c1b-4a57-9f0e-4c2f6f1e9a98
correlation:
    type: event_count
    rules: [5f0d2d4e-6c1b-4a57-9f0e-4c2f6f1e9a99]
    group-by: [user.id]
    timespan: 1h
    condition: {gte: 2}
alert: {routine: same}
"""
    words = [each.text for each in load({"a.yml": rule}).mistakes]
    more = [
        each.text
        for each in load({"a.yml": rule.replace("sometimes", "same"), "b.yml": counted}).mistakes
    ]

    assert len(words) == 1
    assert "sometimes" in words[0]
    assert more == ["alert.routine: only rules on single events have a routine"]


def test_a_hop_between_places_seen_on_two_days_is_low() -> None:
    """On three days it is familiar and held back, on one it is medium."""
    levels = []
    for days in (1, 2, 3):
        state = learned_engine(with_model=False)
        _knows(state, PLACE, "Tokyo||JP", days)
        trip = [sign_in("ann", "paris", "10:00"), sign_in("ann", "tokyo", "12:00")]
        levels.append([alert.level for alert in play(state, trip).of("op_impossible_travel")])

    assert levels == [[Level.MEDIUM], [Level.LOW], []]


def test_the_model_does_not_tell_again_what_a_rule_told() -> None:
    """Only where the alert is of another rule, of medium or above, and names one of the events."""
    model = _finding(0, 7, rule_id="model")
    told: dict[str, list[triage.Open]] = {}
    triage.decide(_finding(0, 7), {"r": RULE}, told, TELLING)
    low: dict[str, list[triage.Open]] = {}
    triage.decide(_finding(0, 7, level=Level.LOW), {"r": RULE}, low, TELLING)
    other: dict[str, list[triage.Open]] = {}
    triage.decide(_finding(0, 8), {"r": RULE}, other, TELLING)

    held = triage.unless_told(model, told)
    assert held.suppressed_by == triage.TOLD_BY_RULE
    assert held.evidence["told_by"] == told[triage.fingerprint("r", model.subject)][0].id
    assert triage.unless_told(model, low) is model
    assert triage.unless_told(model, other) is model
    assert triage.unless_told(_finding(0, 7), told).suppressed_by is None


def test_a_device_that_the_event_does_not_name_speaks_neither_way() -> None:
    state = learned_engine(with_model=False)
    _knows(state, DEED, "a:create:sa", 3)
    assert state.memory.facts.days("ANN", DEVICE, "mac-ann")
    deed = audit("ann", "paris", "10:00", deed="create sa")
    deed.fields["session"]["device_uuid"] = None
    (alert,) = play(state, [deed]).of("op_service_account_created")

    assert alert.level is Level.LOW
