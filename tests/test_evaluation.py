"""Measuring: what counts as found and as false, what an interval is, and what a page keeps."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import workhours
from detector.alerts import Alert, Reason, RuleRef, Status
from detector.cli.main import run
from detector.evaluation import companies, pages
from detector.evaluation.figures import figures, ratio
from detector.evaluation.grading import grade
from detector.evaluation.interruptions import Wish, best, hear
from detector.evaluation.listening import Change
from detector.evaluation.trials import Hit, Outcome, Trial
from detector.findings import Level, Subject, SubjectType
from detector.simulator import Attack, Plan, simulate, write
from detector.sources.replay import ReplayError

NOON = datetime(2026, 4, 7, 12, tzinfo=UTC)


def _attack(identity: str, *events: str) -> Attack:
    return Attack(identity, "session_theft", "careful", ("P1",), NOON, NOON, events, "")


def _alert(identity: str, level: Level, *events: str, after_min: int = 5) -> Alert:
    time = NOON + timedelta(minutes=after_min)
    return Alert(
        id=identity,
        rule=RuleRef("r", "op_new_device", ""),
        level=level,
        score=50,
        status=Status.OPEN,
        reason=Reason.FIRST_SEEN,
        subject=Subject(SubjectType.PERSON, "P1"),
        time=time,
        first_time=time,
        detected_at=time,
        event_ids=events,
        count=len(events),
        summary="",
        evidence={},
        why=(),
        suppressed_by=None,
        incident_id=None,
        tags=(),
        account="a",
    )


def _trial(name: str, found: int, missed: int, *, false: int = 0) -> Trial:
    hit = Hit("op_new_device", "medium", 10.0)
    outcomes = [Outcome(f"{name}-{n}", "session_theft", "careful", hit, hit) for n in range(found)]
    outcomes += [Outcome(f"{name}-m{n}", "mass_reveal", "noisy", None, None) for n in range(missed)]
    wrong = {"op_new_device": false} if false else {}
    return Trial(
        name,
        100,
        10.0,
        1000,
        tuple(outcomes),
        {"op_new_device": found},
        wrong,
        0,
        false,
        found + min(false, 1),
        min(false, 1),
    )


def test_an_attack_is_found_by_an_alert_that_names_one_of_its_events() -> None:
    alerts = [
        _alert("late", Level.HIGH, "e2", after_min=9),
        _alert("low", Level.LOW, "e1", after_min=1),
        _alert("wrong", Level.MEDIUM, "other"),
    ]
    found = grade([_attack("a", "e1", "e2"), _attack("b", "e9")], alerts)

    assert [alert.id for alert in found.catches[0].alerts] == ["low", "late"]
    assert [alert.id for alert in found.catches[0].told] == ["late"]
    assert found.catches[1].alerts == ()
    assert [alert.id for alert in found.true_alerts] == ["late"]
    assert [alert.id for alert in found.false_alerts] == ["wrong"]
    assert [alert.id for alert in found.digest] == ["low"]


def test_a_rule_on_trial_interrupts_nobody() -> None:
    alerts = [_alert("right", Level.HIGH, "e1"), _alert("wrong", Level.HIGH, "other")]

    found = grade([_attack("a", "e1")], alerts, frozenset({alerts[0].rule.id}))

    assert [alert.id for alert in found.catches[0].alerts] == ["right"]
    assert found.catches[0].told == found.true_alerts == found.false_alerts == ()
    assert {alert.id for alert in found.digest} == {"right", "wrong"}


def _about(person: str, alert: Alert, **evidence: str) -> Alert:
    return replace(alert, subject=Subject(SubjectType.PERSON, person), evidence=evidence)


def _changes(*alerts: Alert) -> list[Change]:
    return [Change(workhours.microseconds(alert.time), alert) for alert in alerts]


def test_alerts_of_one_incident_interrupt_once_and_what_gets_worse_does_again() -> None:
    first = _about("P1", _alert("a", Level.MEDIUM, "x", after_min=0))
    joins = _about("P1", _alert("b", Level.MEDIUM, "y", after_min=119))
    apart = _about("P1", _alert("c", Level.MEDIUM, "z", after_min=240))
    other = _about("P2", _alert("d", Level.MEDIUM, "w"))
    low = _about("P3", _alert("e", Level.LOW, "w"))
    again = replace(first, reason=Reason.STILL_HAPPENING, time=NOON + timedelta(hours=1))
    worse = replace(again, reason=Reason.LEVEL_RAISED, level=Level.HIGH)

    def heard(*alerts: Alert) -> int:
        return len(hear(_changes(*alerts), []))

    assert heard() == heard(low) == 0
    assert heard(first) == heard(first, joins) == heard(first, again) == heard(first, low) == 1
    assert heard(first, apart) == heard(first, other) == heard(first, worse) == 2
    assert len(hear(_changes(first, other), [], {first.rule.id})) == 0


def test_a_rule_and_the_model_about_one_person_are_heard_once_and_about_the_attack_of_either() -> (
    None
):
    rule = _about("P1", _alert("a", Level.MEDIUM, "e1"))
    model = replace(
        _about("P1", _alert("b", Level.MEDIUM, "e2", after_min=30)), rule=RuleRef("m", "model", "")
    )
    late = replace(model, id="c", event_ids=("e3",), time=NOON + timedelta(days=2))
    attacks = [_attack("one", "e1"), _attack("two", "e2"), _attack("three", "e3")]

    (heard,) = hear(_changes(rule, model), attacks)
    assert sorted(heard.attacks) == [0, 1]
    assert heard.attacks[0] == heard.at < heard.attacks[1]
    assert hear(_changes(rule), attacks[1:])[0].attacks == {}
    joined = replace(late, first_time=NOON)
    assert 2 not in hear(_changes(rule, joined), attacks)[0].attacks


def test_the_best_interruptions_are_the_high_ones_then_those_of_rules_then_of_the_model() -> None:
    high = replace(_about("P1", _alert("a", Level.HIGH, "x")), score=61)
    strong, weak = (
        replace(_about(person, _alert(person, Level.MEDIUM, "x")), score=score)
        for person, score in (("P2", 50), ("P3", 41))
    )
    model = replace(_about("P4", _alert("m", Level.MEDIUM, "x")), score=59)
    model = replace(model, rule=RuleRef("m", "model", ""))
    changes = _changes(model, weak, strong, high)

    def kept(most: int) -> list[tuple[str, str]]:
        return [(each.rule, each.level) for each in best(changes, [], (), Wish(most, "m"))]

    assert len(kept(9)) == len(kept(4)) == 4
    assert len(kept(3)) == 3
    assert "model" not in {rule for rule, _ in kept(3)}
    assert len(kept(2)) == 2
    assert kept(1) == kept(0) == [("op_new_device", Level.HIGH)]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 600), st.booleans()), max_size=12))
def test_nothing_is_heard_more_often_than_it_changes(doings: list[tuple[str, int, bool]]) -> None:
    alerts = [
        _about(who, _alert(str(place), Level.HIGH if bad else Level.MEDIUM, "x", after_min=after))
        for place, (who, after, bad) in enumerate(doings)
    ]
    heard, worse = hear(_changes(*alerts), []), sum(each.level is Level.HIGH for each in alerts)

    assert bool(alerts) == bool(heard)
    assert len(heard) <= len(alerts)
    assert len(best(_changes(*alerts), [], (), Wish(0, "m"))) <= worse
    assert {each.level for each in heard} >= ({Level.HIGH} if worse else set())


def test_one_alert_may_find_two_attacks() -> None:
    found = grade([_attack("a", "e1"), _attack("b", "e2")], [_alert("x", Level.HIGH, "e1", "e2")])

    assert all(catch.told for catch in found.catches)
    assert len(found.true_alerts) == 1


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=2, max_size=12),
    st.floats(0.5, 100),
)
def test_an_interval_lies_around_the_whole_and_within_the_extremes(
    parts: list[tuple[int, int]], per: float
) -> None:
    found = ratio(parts, per=per)
    each = [count / of * per for count, of in parts]

    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert min(each) - 1e-3 <= found.low <= found.high <= max(each) + 1e-3
    assert min(each) - 1e-3 <= found.value <= max(each) + 1e-3
    assert ratio(parts, per=per) == found


def test_the_more_companies_the_narrower_the_interval() -> None:
    few, many = ratio([(1, 2), (2, 2)]), ratio([(1, 2), (2, 2)] * 50)

    assert few.value == many.value == 0.75
    assert (many.high or 1) - (many.low or 0) < (few.high or 1) - (few.low or 0)


def test_a_single_company_has_no_interval() -> None:
    found = ratio([(1, 4)])

    assert (found.value, found.low, found.high) == (0.25, None, None)


def test_figures_count_attacks_and_false_alerts_by_person_and_day() -> None:
    found = figures([_trial("a", 3, 1, false=2), _trial("b", 1, 3)], [_trial("q", 0, 0, false=1)])

    assert (found.recall.value, found.precision.value) == (0.5, round(4 / 6, 4))
    assert found.by_kind["mass_reveal"].value == 0.0
    assert found.by_tier["careful"].value == 1.0
    assert found.false_alerts.per_day_and_1000_people.value == 1.0
    assert found.false_alerts.heard_per_day_and_1000_people.value == 0.5
    assert found.without_attacks is not None
    assert found.without_attacks.per_day_and_100_people.value == 0.1
    assert found.time_to_detect.median == 10.0


def test_a_page_keeps_what_people_wrote_around_the_figures() -> None:
    first = pages.replaced("# Mine\n\nbefore\n", "evaluate", "one")
    first += "\nafter\n"
    second = pages.replaced(first, "evaluate", "two")

    assert "before" in second
    assert "after" in second
    assert "two" in second
    assert "one" not in second
    assert pages.replaced(second, "evaluate", "two") == second
    assert pages.replaced("", "evaluate", "x").startswith(pages.TITLE)


def test_a_folder_is_evaluated_with_its_own_labels_people_and_teaching_time(tmp_path: Path) -> None:
    plan = Plan(seed=3, people=8, days=6, attacks=3)
    write(simulate(plan), tmp_path)

    company = companies.read(tmp_path)

    assert company.people == 8
    assert len(company.attacks) == 3
    assert company.teach_until == plan.start + timedelta(days=plan.quiet_days)
    assert all(attack.first_time >= company.teach_until for attack in company.attacks)
    assert set(company.texts.people) == {"people.yml"}
    assert companies.read(tmp_path, NOON).teach_until == NOON


def test_a_folder_without_a_plan_is_taught_until_the_eve_of_the_first_attack(
    tmp_path: Path,
) -> None:
    write(simulate(Plan(seed=3, people=8, days=6, attacks=3)), tmp_path)
    (tmp_path / "company.json").unlink()

    company = companies.read(tmp_path)

    first = min(attack.first_time for attack in company.attacks)
    assert timedelta() <= first - company.teach_until < timedelta(days=1)
    assert company.people is None


@pytest.mark.parametrize("labels", [None, b"{", b'[{"id": 1}]'])
def test_a_folder_without_good_labels_is_refused_with_its_name(
    tmp_path: Path, labels: bytes | None
) -> None:
    write(simulate(Plan(seed=3, people=5, days=2, attacks=0)), tmp_path)
    (tmp_path / "attacks.json").unlink()
    if labels is not None:
        (tmp_path / "attacks.json").write_bytes(labels)

    with pytest.raises(ReplayError, match=r"attacks\.json"):
        companies.read(tmp_path)


def test_the_command_measures_a_folder_and_a_made_company_alike(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = ["--seeds", "3", "--people", "8", "--days", "12", "--attacks", "3"]
    write(
        simulate(Plan(seed=3, people=8, days=12, attacks=3, start=companies.START)),
        tmp_path / "c",
    )
    page, lines = tmp_path / "page.md", tmp_path / "alerts.ndjson"

    assert run(["evaluate", "--from", str(tmp_path / "c"), "--json", "--alerts", str(lines)]) == 0
    folder = json.loads(capsys.readouterr().out)
    assert run(["evaluate", *made, "--json", "--write", str(page)]) == 0
    here = json.loads(capsys.readouterr().out)

    assert folder["trials"][0] | {"company": ""} == here["trials"][0] | {"company": ""}
    assert here["figures"]["recall"]["of"] == 3
    assert here["figures"]["without_attacks"]["companies"] == 1
    assert here["without_attacks"][0]["outcomes"] == []
    assert "vaultwatch evaluate --seeds 3" in page.read_text()
    for line in lines.read_text().splitlines():
        assert {"company", "attacks", "id", "level"} <= set(json.loads(line))


def test_the_command_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["evaluate"]) == 2
    assert "--seeds" in capsys.readouterr().err
    assert run(["evaluate", "--from", str(tmp_path / "no")]) == 2
    assert "no such folder" in capsys.readouterr().err
    assert run(["evaluate", "--seeds", "1", "--people", "2"]) == 2
    assert "at least 5 people" in capsys.readouterr().err
