"""What is wrong with correlation documents, each with its place; and which rules stay quiet."""

from __future__ import annotations

from inline_snapshot import snapshot

from detector.rulebook.loading import Loaded, load
from tests.test_correlations import BASES, indented

TRAVEL = """
title: Trip
name: trip
id: 00000000-0000-4000-8000-000000000004
behavior: {type: impossible_travel, rules: [revealed]}
"""


def document(number: int, correlation: str, *, name: str = "", more: str = "") -> str:
    """A correlation of that number."""
    named = f"name: {name}\n" if name else ""
    identity = f"00000000-0000-4000-8000-0000000000{number:02}"
    return f"title: T{number}\nid: {identity}\n{named}{more}correlation:\n{correlation}"


def loaded(*documents: str) -> Loaded:
    """The documents beside the base rules, each in a file of its own."""
    texts = {f"{place}.yml": text for place, text in enumerate(documents, 1)}
    return load({"base.yml": BASES, "trip.yml": TRAVEL, **texts})


def said(*documents: str) -> list[str]:
    """The mistakes of the documents."""
    return [str(each) for each in loaded(*documents).mistakes]


def test_every_mistake_has_its_place_and_a_cure() -> None:
    documents = [
        document(11, indented(type="event_counts", condition="{gte: 3}")),
        document(12, indented(type="event_count", condition="{gte: many, gtt: 3}")),
        document(13, indented(type="event_count", condition="{gte: 0}")),
        document(14, indented(type="event_count", condition="{gt: 5, lt: 5}")),
        document(15, indented(type="value_count", condition="{gte: 3}")),
        document(16, indented(type="value_percentile", condition="{gte: 3, field: item.version}")),
        document(17, indented(type="event_count", rules="[reveald]", condition="{gte: 3}")),
        document(18, indented(type="event_count", group_by="[session.id]", condition="{gte: 3}")),
        document(19, indented(type="event_count", timespan="60d", condition="{gte: 3}")),
        document(20, indented(type="temporal", rules="[revealed, filled]", condition="revealed")),
        document(21, indented(type="temporal", condition="revealed and (not")),
        document(22, indented(type="temporal_ordered", condition="{gte: 7}")),
        document(
            23,
            indented(
                type="event_count",
                aliases="{who: {filled: user.id}}",
                group_by="[who]",
                condition="{gte: 3}",
            ),
        ),
        document(24, indented(type="event_count", generate="maybe", condition="{gte: 999999}")),
    ]

    assert said(*documents) == snapshot(
        [
            "1.yml:7:11: correlation.type: 'event_counts' is not a type of correlation; did you mean 'event_count'?",
            "10.yml:8:16: correlation.condition: does not use 'filled'; use it, or leave it out of 'rules:'",
            "11.yml:8:16: correlation.condition: a rule is missing at the end; write it like 'rule_a and not rule_b'",
            "12.yml:8:16: correlation.condition: an ordered correlation asks for all its rules; leave it out, or write 'gte: 1'",
            "13.yml:8:15: correlation.aliases.who: says nothing about 'revealed'; name its field, too",
            "13.yml:8:21: correlation.aliases.who.filled: 'filled' is not one of its rules",
            "14.yml:8:15: correlation.generate: 'maybe' is neither true nor false",
            "14.yml:9:16: correlation.condition: no more than 50,000 can be counted",
            "2.yml:8:22: correlation.condition.gte: 'many' is not a number of 0 or more",
            "2.yml:8:28: correlation.condition.gtt: not a key of correlation.condition; did you mean 'gt'?",
            "3.yml:8:16: correlation.condition: always holds; ask for one at least",
            "4.yml:8:16: correlation.condition: can never hold: more than 5 and less than 5",
            "5.yml:8:16: correlation.condition.field: value_count needs one field; write it like 'field: item.id'",
            "6.yml:8:16: correlation.condition.percentile: a percentile of 0 to 100 is needed; write it like 'percentile: 95'; Sigma names no default",
            "7.yml:4:13: correlation.rules[0]: no rule is called 'reveald'; did you mean 'revealed'?",
            "8.yml:5:16: correlation.group-by[0]: 'session.id' is not a field of events of 'Revealed'",
            "9.yml:6:15: correlation.timespan: '60d' is not more than 0 and at most 30 days; the window of events reaches no further",
        ]
    )


def test_a_circle_is_named_and_whoever_leads_into_it() -> None:
    first = indented(type="event_count", rules="[second]", condition="{gte: 3}")
    second = indented(type="event_count", rules="[first]", condition="{gte: 3}")
    third = indented(type="event_count", rules="[first]", condition="{gte: 3}")
    assert said(
        document(11, first, name="first"),
        document(12, second, name="second"),
        document(13, third, name="third"),
    ) == snapshot(
        [
            "1.yml:5:12: correlation.rules: looks at itself: 'T11' -> 'T12'; break the circle",
            "2.yml:5:12: correlation.rules: looks at itself: 'T11' -> 'T12'; break the circle",
            "3.yml:5:13: correlation.rules[0]: 'first' is broken; first mend 1.yml:1",
        ]
    )


def test_a_correlation_knows_no_field_of_another_but_its_group() -> None:
    below = document(
        11, indented(type="event_count", group_by="[user.id]", condition="{gte: 3}"), name="below"
    )
    above = indented(
        type="event_count", rules="[below]", group_by="[item_uuid]", condition="{gt: 1}"
    )
    raw = indented(
        type="event_count", rules="[below]", group_by="[actor_uuid]", condition="{gt: 1}"
    )
    assert said(below, document(12, above), document(13, raw)) == snapshot(
        [
            "2.yml:5:16: correlation.group-by[0]: 'item_uuid' is not a field of the group of 'T11'; did you mean 'actor_uuid'?"
        ]
    )


def raising(*documents: str) -> dict[str, bool]:
    """Which rules raise alerts of their own."""
    return {rule.title: rule.raises for rule in loaded(*documents).rulebook.rules.values()}


def test_base_rules_stay_quiet_unless_the_correlation_or_they_say_otherwise() -> None:
    loud = BASES.split("\n---\n")[1].replace("alert: {generate: false}", "level: high")
    loud = loud.replace("Filled", "Loud").replace("filled", "loud").replace("0002", "0005")
    counts = indented(type="event_count", rules="[loud, trip]", condition="{gte: 3}")
    generates = indented(
        type="event_count", rules="[loud, trip]", generate="true", condition="{gte: 3}"
    )

    assert raising(loud)["Loud"]
    assert not raising(loud, document(12, counts))["Loud"]
    assert raising(loud, document(12, generates))["Loud"]
    assert raising(loud, document(12, counts))["Trip"], "a behaviour goes on alerting"
    assert [str(each) for each in loaded(loud, document(12, counts)).warnings] == snapshot(
        [
            "1.yml:8:8: level: raises no alert of its own, because a correlation looks at it; write 'alert: {generate: true}' to keep it"
        ]
    )


def test_a_field_that_the_rule_below_does_not_group_by_is_named_with_the_cure() -> None:
    base = (
        "title: F\nname: failed\nlogsource: {product: windows, service: security}\n"
        "detection: {s: {EventID: 4625}, condition: s}\n"
    )
    many = (
        "title: Many\nname: many\ncorrelation: {type: event_count, rules: [failed], "
        "group-by: [ComputerName], timespan: 5m, condition: {gte: 3}}\n"
    )
    then = (
        "title: Then\ncorrelation: {type: temporal, rules: [many, failed], group-by: [User], "
        "timespan: 1h}\n"
    )
    (mistake,) = load({"a.yml": "---\n".join((base, many, then))}).mistakes

    assert mistake.text.endswith("'User' is not a field of the group of 'Many'")
    assert mistake.fix == "add it to the 'group-by:' of 'Many'"
