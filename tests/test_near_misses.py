"""What came close, and what exceptions, silences and other alerts hid: counted by the engine."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import exceptions, jobs, kernel, rungs, thresholds, workhours
from detector.cli.main import run
from detector.delivery import nearness
from detector.delivery.commands import Verb
from detector.delivery.orders import Inhibition
from detector.findings import Finding, Level, Subject, SubjectType
from detector.rulebook.book import Rulebook
from detector.store.sqlite import Commit, Start
from tests import stories
from tests.delivery import NOON, alert, day
from tests.fakes import ORDERS, Clock, ScriptedSource, close, open_desk, shipped_texts
from tests.stories import (
    THREE_EXPORTS,
    YEARLY_BACKUP,
    Item,
    at,
    audit,
    engine,
    few,
    page,
    play,
    shipped_with,
)


def export(who: str, time: str) -> Item:
    return audit(who, "paris", time, deed="export vault")


def costs(rulebook: Rulebook, items: list[Item]) -> dict[str, exceptions.Cost]:
    pages = [(page([item])[0], [item.raw]) for item in items]
    return {cost.title: cost for cost in exceptions.over(rulebook, pages)}


def test_an_exception_costs_the_events_and_alerts_that_it_hides() -> None:
    items = [
        export("ann", "9:00"),
        export("ann", "9:02"),
        export("ann", "9:04"),
        export("bob", "9:05"),
    ]

    cost = costs(shipped_with(YEARLY_BACKUP, THREE_EXPORTS), items)["The yearly backup"]

    assert cost.events == {"op_vault_exported": 3}
    # One of the exports, which fold, and one of the correlation.
    assert cost.alerts == 2


def test_an_exception_that_hides_nothing_costs_nothing() -> None:
    cost = costs(shipped_with(YEARLY_BACKUP), [export("bob", "9:00")])["The yearly backup"]

    assert (cost.total, cost.alerts) == (0, 0)


def test_behaviours_that_did_not_see_an_event_are_named() -> None:
    program = """
title: Ann signs in by program
id: 0d8a2c1e-52a7-4ac0-8d8b-4a3f1a2b9c79
logsource: {product: onepassword}
filter:
    rules: [op_signin_ok]
    ann: {user.email: ann@acme.example}
    condition: not ann
"""
    found = costs(shipped_with(program), [stories.sign_in("ann", "paris", "9:00")])

    cost = found["Ann signs in by program"]
    assert cost.events == {"op_signin_ok": 1}
    assert cost.blinded["op_impossible_travel"] == 1
    assert "behaviours that did not see them" in exceptions.line(cost)


@few
@given(
    st.lists(st.tuples(st.sampled_from(["ann", "bob"]), st.integers(0, 60 * 24 * 9)), max_size=12)
)
def test_what_an_exception_hides_is_what_the_engine_raises_without_it(
    drawn: list[tuple[str, int]],
) -> None:
    """Of the whole engine, with every rule and what it learns."""
    items = [
        export(who, f"{minute // 1440} {minute // 60 % 24}:{minute % 60:02}")
        for who, minute in sorted(set(drawn), key=lambda each: each[1])
    ]
    with_it, without_it = shipped_with(YEARLY_BACKUP, THREE_EXPORTS), shipped_with(THREE_EXPORTS)
    exact = {match.rule.id for match in with_it.matches}
    exact |= {entry.rule.id for entry in with_it.correlations}

    cost = costs(with_it, items)["The yearly backup"]

    raised = []
    for rulebook in (with_it, without_it):
        heard = play(engine(kernel.Plan(rulebook)), items)
        raised.append(sum(each.rule.id in exact for each in heard.alerts.values()))
    assert cost.alerts == raised[1] - raised[0]


def test_a_count_that_was_nearly_enough_is_told_until_it_fires() -> None:
    state = engine(kernel.Plan(shipped_with(THREE_EXPORTS.replace("gte: 3", "gte: 4"))))
    play(state, [export("ann", "9:00"), export("ann", "9:03"), export("ann", "9:06")])

    (below,) = thresholds.below(state, 0)

    assert (below.rule, below.counted, below.asked) == ("three_exports", 3, 4)
    assert below.who == "Ann"
    assert nearness.below_line(below).startswith("three_exports: 3 of 4: Ann, ")
    later = workhours.microseconds(stories.at("2 0:00"))
    assert thresholds.below(state, later) == []
    play(state, [export("ann", "9:08")])
    assert thresholds.below(state, 0) == []


def test_a_volume_that_stays_below_the_least_is_told() -> None:
    reading = """
title: Many secrets
id: 0d8a2c1e-52a7-4ac0-8d8b-4a3f1a2b9c80
name: many_secrets
level: medium
behavior:
    type: volume
    rules: [op_secret_taken]
    of: item.id
    least: 10
    within: [day]
"""
    state = engine(kernel.Plan(shipped_with(reading)))
    play(
        state,
        [
            stories.usage("ben", "paris", f"9:{n:02}", item=f"i{n}", action="reveal")
            for n in range(8)
        ],
    )

    found = [each for each in thresholds.below(state, 0) if each.rule == "many_secrets"]

    assert [(each.counted, each.asked, each.time) for each in found] == [
        (8, 10, stories.at("9:07"))
    ]


margins = st.none() | st.floats(0, 30).map(lambda each: round(each, 1))
rows = st.lists(
    st.tuples(
        st.sampled_from(["r1", "r2"]),
        st.sampled_from(sorted(rungs.WORDS)),
        margins,
        st.integers(0, 9),
    ),
    max_size=30,
)


@given(rows)
def test_the_nearest_is_the_one_that_was_held_back_by_least(
    drawn: list[tuple[str, str, float | None, int]],
) -> None:
    held = [
        {
            "rule_id": rule, "rung": rung, "margin": margin, "seq": seq,
            "subject": {"name": None, "email": None, "id": f"P{seq}"},
            "time": (NOON + timedelta(hours=seq)).isoformat(), "event_ids": [f"E{seq}"],
        }
        for rule, rung, margin, seq in drawn
    ]  # fmt: skip

    found = nearness.nearest(held, {"r1": "one"})

    assert sum(each.count for each in found) == len(held)
    for each in found:
        mine = [
            m
            for rule, rung, m, _ in drawn
            if ({"r1": "one"}.get(rule, rule), rung) == (each.rule, each.rung)
        ]
        known = [margin for margin in mine if margin is not None]
        counted = each.rung in rungs.UNITS and known
        assert each.margin == (min(known) if counted else None)
        assert rungs.words(each.rung) in nearness.near_line(each)
    with_margin = [each.margin for each in found if each.margin is not None]
    assert with_margin == sorted(with_margin)


def held_back(rule: str, rung: str, margin: float | None) -> Finding:
    subject = Subject(SubjectType.PERSON, "ANN", "ann@acme.example", "Ann")
    return Finding(
        rule, Level.MEDIUM, 0.5, subject, NOON, NOON, 7, ("E7",), (7,),
        suppressed_by=rung, margin=margin,
    )  # fmt: skip


def test_the_weekly_digest_tells_what_came_close_and_what_was_hidden(tmp_path: Path) -> None:
    orders = replace(ORDERS, inhibitions=(Inhibition(("takeover",), ("new_device",)),))
    with day(tmp_path, orders) as one:
        one.store.commit(Commit("acme", NOON, start=Start(NOON)))
        one.say(Verb.SILENCE, "", matchers=("rule=hushed",), until=NOON + timedelta(days=3))
        one.find(alert("dan", "hushed"), alert("eve", "hushed"))
        one.find(alert("cleo", "takeover", level=Level.HIGH, score=65))
        one.find(alert("cleo", "new_device"))
        found = [
            held_back("id-hushed", "told-before", 2.5),
            held_back("id-hushed", "told-before", 0.5),
        ]
        one.store.commit(Commit("acme", NOON, suppressed=found))

        digest = jobs.weekly(one.store, NOON + timedelta(hours=1))

    sections = {each.title: each.lines for each in digest.sections}
    (near,) = sections["Near misses"]
    assert near.startswith(
        "hushed: 2 findings held back: the same was told lately, and is no worse now; "
        "nearest by 0.5 days to go: Ann"
    )
    hidden = sections["Hidden by silences and other alerts"]
    assert any("rule=hushed" in line and "2 alerts hidden" in line for line in hidden)
    assert any(line.startswith("said by alerts of takeover: 1 alert") for line in hidden)


def test_the_weekly_digest_tells_of_counts_that_nearly_were_enough(tmp_path: Path) -> None:
    texts = shipped_texts()
    texts = replace(
        texts, rules={**texts.rules, "own.yml": THREE_EXPORTS.replace("gte: 3", "gte: 4")}
    )
    desk = open_desk(tmp_path, at("0:00"), texts=texts)
    exports = [
        audit("ann", "paris", time, deed="export vault") for time in ("11:00", "11:01", "11:02")
    ]
    jobs.poll(desk, ScriptedSource(exports), Clock(at("12:00")))
    jobs.keep_state(desk, at("12:00"))

    digest = jobs.weekly(desk.store, at("13:00"))
    close(desk)

    (near,) = [each.lines for each in digest.sections if each.title == "Near misses"]
    assert any(line.startswith("three_exports: 3 of 4: ") for line in near)


def test_the_command_tells_of_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["simulate", "--people", "8", "--days", "6", "--attacks", "0", "--start", "2026-03-02"]
    assert run([*words, "--out", "company"]) == 0
    capsys.readouterr()

    assert run(["rules", "near-misses", "--from", "company", "--since", "4d", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert found["near"]
    assert all(near["time"] >= "2026-03-03" for near in found["near"])
    programs = next(
        cost for cost in found["exceptions"] if cost["title"] == "Programs are not people"
    )
    assert sum(programs["events"].values()) > 0
    assert run(["rules", "near-misses", "--from", "company"]) == 0
    said = capsys.readouterr().out
    assert "Held back by an innocent explanation" in said
    assert "'Programs are not people'" in said
