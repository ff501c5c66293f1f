"""Folders of thousands of rules that mean harm: four times as many cost four times as much.

Work is counted in calls of functions, which no other process on the machine can slow down.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType

import pytest

from detector.rulebook.chains import MOST_NAMED
from detector.rulebook.loading import load

FEW, MANY = 75, 300
MOST_MORE = 5.5
"""How much more work four times as many documents may be: some things are sorted."""


def ident(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def detection(number: int, asked: str = "{action: x}", more: str = "") -> str:
    return (
        f"title: T{number}\nid: {ident(number)}\nname: c{number}\nlevel: low\n"
        "logsource: {product: onepassword, service: auditevents}\n"
        f"detection: {{s: {asked}, condition: s}}\n{more}"
    )


def correlation(number: int, *rules: int | str) -> str:
    named = ", ".join(f"c{rule}" for rule in rules)
    return (
        f"title: C{number}\nid: {ident(number)}\nname: c{number}\nlevel: low\ncorrelation:\n"
        f"    type: temporal\n    rules: [{named}]\n    timespan: 1h\n    group-by: [user.id]\n"
    )


def circle(count: int) -> list[str]:
    return [correlation(at, (at + 1) % count) for at in range(count)]


def dense_circle(count: int) -> list[str]:
    return [correlation(at, *((at + step) % count for step in range(1, 9))) for at in range(count)]


def way_into_a_circle(count: int) -> list[str]:
    return [correlation(0, 1), correlation(1, 0), *(correlation(n, n - 1) for n in range(2, count))]


def chain(count: int) -> list[str]:
    return [detection(0), *(correlation(n, n - 1) for n in range(1, count))]


def same_ids(count: int) -> list[str]:
    return [detection(1) for _ in range(count)]


def mistakes(count: int) -> list[str]:
    return [
        detection(n, "{acton: x, object_type|contians: y}", "levl: high\n") for n in range(count)
    ]


def catastrophes(count: int) -> list[str]:
    return [detection(n, "{action|re: '(a+)+$(b|bb)*((c+)*)+x'}") for n in range(count)]


def stories(count: int) -> list[str]:
    more = "tests: [{name: n, events: [{at: 9h, feed: auditevents, times: 99}], expect: {alerts: 0}}]\n"
    return [detection(n, more=more) for n in range(count)]


def unknown_references(count: int) -> list[str]:
    return [correlation(n, f"c{n}x") for n in range(count)]


CROWDS = [circle, dense_circle, way_into_a_circle, chain, same_ids, mistakes, catastrophes, stories]


def work(documents: list[str]) -> int:
    """Calls of functions that loading some documents takes."""
    calls = 0

    def count(_: FrameType, event: str, __: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    texts = {f"{number}.yml": text for number, text in enumerate(documents)}
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        load(texts)
    finally:
        sys.setprofile(before)
    return calls


@pytest.mark.parametrize("crowd", CROWDS)
def test_four_times_as_many_documents_are_four_times_the_work(
    crowd: Callable[[int], list[str]],
) -> None:
    load({"first.yml": detection(1)})

    assert work(crowd(MANY)) < MOST_MORE * work(crowd(FEW))


def test_the_nearest_name_is_looked_for_only_while_few_are_unknown() -> None:
    found = load({"a.yml": "---\n".join(unknown_references(600))})

    unknown = [mistake for mistake in found.mistakes if "no rule is called" in mistake.text]
    assert len(unknown) == 600
    assert 0 < sum(mistake.fix.startswith("did you mean") for mistake in unknown) < 300


def test_a_mistake_does_not_name_every_rule_of_a_long_circle() -> None:
    found = load({"a.yml": "---\n".join(circle(100))})

    assert len(found.mistakes) == 100
    for mistake in found.mistakes:
        assert mistake.text.count(" -> ") == MOST_NAMED
        assert f"{100 - MOST_NAMED} more" in mistake.text
