"""The risk of an entity in the engine: who hears what of whom, through pages, restarts and commands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from detector import jobs, kernel, thresholds, weighing
from detector.cli.main import run
from detector.delivery.bulletins import Cause
from detector.delivery.journal import How
from detector.delivery.orders import Orders
from detector.delivery.policy import Case, Hold, Verdict, policy
from detector.delivery.silences import Silence, silence
from detector.explaining import asking
from detector.explaining.explanation import Explanation
from detector.explaining.explanation import Verdict as Explained
from detector.plans import Texts
from detector.rule_types.signs import RiskTail
from detector.rulebook.book import Rulebook
from detector.rulebook.loading import Loaded, load
from detector.standings import standings
from detector.triage import Judgement
from tests import stories
from tests.fakes import Clock, ScriptedSource, close, open_desk
from tests.stories import Heard, Item, at, audit, copy, few, play, sign_in, written

ID = "7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a00{:02}"
DEEDS = {
    "grant_uva": ("grant uva", "privilege-escalation"),
    "export_report": ("export report", "discovery"),
    "create_cred": ("create cred", "persistence"),
    "delete_itemhist": ("delete itemhist", "defense-evasion"),
}
RISK = f"""
title: Signs that add up
name: risk
id: {ID.format(90)}
level: medium
behavior: {{type: entity_risk, MORE}}
"""


def rules(
    more: str = "threshold: 50", level: str = "low", status: str = "stable"
) -> dict[str, str]:
    """One rule for each deed, and a risk over all of them."""
    texts = {
        f"{name}.yml": (
            f"title: Seen {deed}\nname: {name}\nid: {ID.format(number)}\nlevel: {level}\n"
            f"status: {status}\ntags: [attack.{tactic}]\n"
            f"logsource: {{product: onepassword, service: auditevents}}\n"
            f"detection: {{s: {{action: {deed.split()[0]}, object_type: {deed.split()[1]}}}, "
            f"condition: s}}\n"
        )
        for number, (name, (deed, tactic)) in enumerate(DEEDS.items())
    }
    return texts | {"risk.yml": RISK.replace("MORE", more)}


def engine(texts: dict[str, str]) -> kernel.State:
    """An engine with these rules only."""
    loaded = load(texts)
    assert not loaded.mistakes
    return stories.engine(kernel.Plan(loaded.rulebook))


def deed(name: str, time: str, who: str = "ann", **more: Any) -> Item:
    """Somebody does what one of the rules is about."""
    return audit(who, "paris", time, deed=DEEDS[name][0], **more)


PLAIN = Orders(("slack", "email"))
THREE = [
    deed("grant_uva", "9:00"), deed("export_report", "13:00"), deed("create_cred", "17:00"),
]  # fmt: skip


def in_one(texts: dict[str, str], items: Sequence[Item], cuts: Sequence[int] = ()) -> Heard:
    """What an engine with these rules says of the items."""
    return play(engine(texts), items, cuts)


def test_signs_of_three_rules_within_a_day_are_told_with_all_their_events() -> None:
    (alert,) = in_one(rules(), THREE).of("risk")

    assert set(alert.event_ids) == {item.id for item in THREE}
    assert (alert.first_time, alert.time) == (THREE[0].time, THREE[-1].time)
    assert alert.summary == snapshot(
        "3 rules found something about Ann within 8 hours, which adds up to a risk of 57 (50 is enough for an alert)"
    )
    assert [each["rule"] for each in alert.evidence["contributions"]] == [
        "create_cred", "export_report", "grant_uva",
    ]  # fmt: skip


days = st.lists(
    st.tuples(st.sampled_from(sorted(DEEDS)), st.integers(0, 6 * 24 * 60), st.integers(0, 3000)),
    min_size=1,
    max_size=12,
    unique_by=lambda each: each[1],
)


@few
@given(days, st.lists(st.integers(0, 12), max_size=4), st.integers(0, 12))
def test_neither_the_cut_of_pages_nor_a_restart_changes_anything(
    drawn: list[tuple[str, int, int]], cuts: list[int], restart: int
) -> None:
    made = [
        (late, deed(name, stories.MONDAY + timedelta(minutes=minute)))  # type: ignore[arg-type]
        for name, minute, late in drawn
    ]
    items = stories.in_order(
        replace(item, received=item.time + timedelta(minutes=late)) for late, item in made
    )
    whole, parted = engine(rules()), engine(rules())
    one, other = play(whole, items), play(parted, items[:restart])
    parted = copy(parted)
    rest = play(parted, items[restart:], cuts)
    other.alerts.update(rest.alerts)

    assert other.told == one.told
    assert [*other.suppressed, *rest.suppressed] == one.suppressed
    assert written(parted) == written(whole)


def test_rules_on_trial_are_heard_only_where_that_is_asked_for() -> None:
    assert not in_one(rules(status="test"), THREE).of("risk")
    assert in_one(rules("trial: true", status="test"), THREE).of("risk")


def test_it_hears_only_the_rules_that_it_names() -> None:
    named = "rules: [grant_uva, export_report], least: {rules: 2, tactics: 2}, threshold: 30"
    (alert,) = in_one(rules(named), THREE).of("risk")

    assert {each["rule"] for each in alert.evidence["contributions"]} == {
        "grant_uva", "export_report",
    }  # fmt: skip


def test_an_exception_keeps_its_events_out_of_the_risk() -> None:
    exception = f"""
title: Ann may
id: {ID.format(80)}
logsource: {{product: onepassword}}
filter:
    rules: [export_report]
    ann: {{user.email: ann@acme.example}}
    condition: not ann
"""
    assert not in_one(rules() | {"exception.yml": exception}, THREE).of("risk")


def test_it_can_be_about_what_the_events_name() -> None:
    by_device = "group-by: [device.id], threshold: 50"
    people = ["ann", "ben", "cleo"]
    items = [
        replace(item, fields=item.fields | deed(name, time, who, device="shared", session="S").fields)
        for who, name, time, item in zip(
            people, ["grant_uva", "export_report", "create_cred"], ["9:00", "13:00", "17:00"], THREE,
            strict=True,
        )
    ]  # fmt: skip
    (alert,) = in_one(rules(by_device), items).of("risk")

    assert (alert.subject.type, alert.subject.id) == ("device", "shared")
    assert not in_one(rules(), items).of("risk")


def test_what_comes_too_late_for_all_but_single_events_adds_nothing() -> None:
    state = engine(rules())
    kernel.tick(state, at("9 10:00"))
    received = at("9 10:00")
    heard = play(state, [replace(item, received=received) for item in THREE])

    assert len(heard.alerts) == 3
    assert heard.late == 3
    assert not _tail(state).entities


def _tail(state: kernel.State) -> RiskTail:
    tail = state.tails[ID.format(90)]
    assert isinstance(tail, RiskTail)
    return tail


def test_a_verdict_in_the_log_ends_the_sum() -> None:
    state = engine(rules())
    (alert,) = play(state, THREE).of("risk")
    kernel.judge(state, Judgement(alert.id, "person", "ANN", harmless=True))

    assert not _tail(state).entities
    assert not play(state, [deed("delete_itemhist", "18:00")]).of("risk")


def test_an_event_that_nothing_is_found_at_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    state = engine(rules())
    asked: list[object] = []
    monkeypatch.setattr(weighing.Audience, "heard", lambda *args: asked.append(args) or [])
    play(state, [sign_in("ann", "paris", "9:00"), audit("ann", "paris", "9:01")])
    assert not asked
    play(state, [deed("grant_uva", "9:02")])
    assert asked


def test_a_rule_that_comes_or_goes_leaves_the_sums_alone() -> None:
    state = engine(rules())
    play(state, THREE[:2])
    fewer = rules()
    del fewer["delete_itemhist.yml"]
    changed = kernel.reconfigure(state, kernel.Plan(load(fewer).rulebook))

    assert play(changed, THREE[2:]).of("risk")


def _asked(state: kernel.State, item: Item) -> Explanation:
    frame, _ = stories.page([item])
    rule = state.rulebook.named("risk")
    assert rule is not None
    return asking.explain(asking.judge(state, frame, item.raw), rule)


def test_it_is_explained_how_far_the_sum_is_and_what_was_not_heard() -> None:
    state = engine(rules("weights: {export_report: 0}"))
    first, silent = _asked(state, THREE[0]), _asked(state, THREE[1])

    assert first.verdict is Explained.COUNTED
    assert [line.text for part in first.parts for line in part.lines] == snapshot(
        [
            "grant_uva found something (low)",
            "wanted: 50 or more points; seen: 20.0 with the 20 points of 'Seen grant uva'",
            "wanted: 3 or more rules; seen: 1",
            "wanted: 3 or more tactics; seen: 1",
        ]
    )
    assert [line.text for part in silent.parts for line in part.lines] == snapshot(
        [
            "export_report found something (low)",
            "wanted: findings that nothing holds back; seen: 'Seen export report' adds nothing (its weight is 0)",
        ]
    )
    assert _asked(state, sign_in("ann", "paris", "14:00")).verdict is Explained.UNCONCERNED


def test_what_a_rung_held_back_is_said_not_to_count() -> None:
    """Nothing is known of Ann yet, so that the journey only teaches."""
    state = stories.engine(kernel.Plan(_shipped()))
    play(state, [sign_in("ann", "paris", "9:00")])
    frame_item = sign_in("ann", "tokyo", "10:00")
    frame, _ = stories.page([frame_item])
    rule = state.rulebook.named("op_entity_risk")
    assert rule is not None
    told = asking.explain(asking.judge(state, frame, frame_item.raw), rule)

    said = [line.text for part in told.parts for line in part.lines]
    assert any("held back (learning: too little is known yet)" in each for each in said)
    assert any("adds nothing (learning" in each for each in said)


def _shipped() -> Rulebook:
    return stories.rulebook()


def test_a_sum_that_was_nearly_enough_is_a_near_miss() -> None:
    state = engine(rules("threshold: 70"))
    play(state, THREE)
    (below,) = thresholds.below(state, 0)

    assert (below.rule, below.who, below.asked) == ("risk", "Ann", 70)
    assert 49 <= below.counted < 70


@pytest.fixture
def config(tmp_path: Path) -> str:
    """An account in which three things were found about Ann, and one about Ben."""
    desk = open_desk(tmp_path / "data", at("0:00"), texts=Texts(rules=rules()))
    items = [*THREE, deed("grant_uva", "18:00", "ben")]
    jobs.poll(desk, ScriptedSource(items), Clock(at("18:10")))
    close(desk)
    path = tmp_path / "vaultwatch.toml"
    path.write_text(f'[data]\ndirectory = "{tmp_path}/data"\n')
    return str(path)


def test_who_is_at_risk_is_listed_and_told_rule_by_rule(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["facts", "risk", "--config", config]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert run(["facts", "risk", "ann@acme.example", "--config", config]) == 0
    told = capsys.readouterr().out
    assert run(["facts", "risk", "--json", "--config", config]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert [line.split()[2] for line in listed[2:]] == ["ann@acme.example", "ben@acme.example"]
    assert "56 of 50" in told
    assert "Seen create cred" in told
    assert [round(each["risk"]) for each in rows] == [56, 20]
    assert rows[0]["alert"]
    assert run(["facts", "risk", "nobody", "--config", config]) == 0
    assert "nobody is at no risk" in capsys.readouterr().out


def test_everybody_fades() -> None:
    state = engine(rules())
    play(state, THREE)

    now, later = (standings(state, at(time))[0].risk for time in ("17:00", "2 17:00"))
    assert later == pytest.approx(now / 2, abs=0.1)
    assert not standings(state, at("30 17:00"))


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("risk.yml", "MORE", "weights: {lo: 3}", "'lo' is no level, no rule, and no rule's tag; did you mean 'low'?"),
        ("risk.yml", "MORE", "weights: {low: -1}", "'-1'"),
        ("risk.yml", "MORE", "half-life: soon", "cannot read 'soon'; write it like 2d"),
        ("risk.yml", "MORE", "rules: [grant_uav]", "no rule is called 'grant_uav'; did you mean 'grant_uva'?"),
        ("risk.yml", "MORE", "group-by: [user.nmae]", "is not one of the words for this"),
        ("risk.yml", "MORE", "treshold: 3", "not a key here; did you mean 'threshold'?"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_at_its_place(file: str, old: str, new: str, said: str) -> None:
    texts = rules()
    texts[file] = RISK.replace(old, new)
    loaded = load(texts)

    assert len(loaded.mistakes) == 1
    assert said in str(loaded.mistakes[0])
    assert str(loaded.mistakes[0]).startswith(f"{file}:6:")


def _with(text: str) -> Loaded:
    return load(rules() | {"more.yml": text})


def test_no_rule_looks_at_a_risk_and_no_risk_at_another() -> None:
    correlation = f"""
title: Two risks
id: {ID.format(81)}
correlation: {{type: event_count, rules: [risk], timespan: 1d, group-by: [user.id], condition: {{gte: 2}}}}
"""
    (mistake,) = _with(correlation).mistakes
    assert "'risk' is a risk score, not a detection or behavior or correlation" in str(mistake)
    second = RISK.replace("MORE", "rules: [risk]").replace(ID.format(90), ID.format(91))
    (mistake,) = _with(second.replace("name: risk", "name: other")).mistakes
    assert "'risk' is a risk score" in str(mistake)


def test_a_rule_that_finds_nothing_is_no_part_of_a_sum() -> None:
    texts = rules("rules: [grant_uva, export_report]", status="test")
    warnings = [str(each) for each in load(texts).warnings if "risk.yml" in str(each)]

    assert len(warnings) == 2
    assert "finds nothing that could be added up" in warnings[0]


def _silence(*matchers: str) -> Silence:
    span = (at("0:00"), at("9 0:00"))
    return silence(matchers, author="sam", reason="known", span=span, how=How.CLI)


def test_a_risk_is_silenced_where_the_rest_without_its_silenced_parts_is_not_enough() -> None:
    (alert,) = in_one(rules(), THREE).of("risk")
    every = [*THREE, deed("delete_itemhist", "17:30")]
    (more,) = in_one(rules(), every).of("risk")
    case, now = Case(alert, Cause.FIRST_TOLD, at("17:00")), at("17:01")
    of_report = _silence("rule=export_report", "level=low")

    decision = policy(case, (of_report,), PLAIN, now)
    assert (decision.reason, decision.detail) == (Hold.SILENCED, of_report.id)
    for other in (_silence("rule=delete_itemhist"), _silence("rule=export_report", "subject=BEN")):
        assert policy(case, (other,), PLAIN, now).verdict is not Verdict.RECORD
    assert policy(replace(case, alert=more), (of_report,), PLAIN, now).reason is not Hold.SILENCED
