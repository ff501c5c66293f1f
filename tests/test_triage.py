"""Triage: open, fold, raise, amend; the score's band agrees with the level."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from detector import triage, workhours
from detector.alerts import Reason, alert_id
from detector.correlations.firings import SUPERSEDED
from detector.findings import LEVELS, Finding, Level, Subject, SubjectType
from detector.rule import Rule
from tests import stories

RULE = Rule(id="r", name="rule", title="Rule", level=Level.MEDIUM, fold_for=timedelta(days=3))
ANN = Subject(SubjectType.PERSON, "ANN", "ann@acme.example", "Ann")
TELLING = triage.Telling("acme", lambda rule, who, evidence: (who, ()), 4 * 10**15)


def _finding(day: float, number: int = 0, **changed: object) -> Finding:
    time = stories.MONDAY + timedelta(days=day)
    made = Finding("r", Level.MEDIUM, 0.5, ANN, time, time, number, (f"e{number}",), (number,))
    return replace(made, **changed)  # type: ignore[arg-type]


def _play(found: list[Finding]) -> tuple[list[triage.Verdict], dict[str, list[triage.Open]]]:
    opened: dict[str, list[triage.Open]] = {}
    return [triage.decide(each, {"r": RULE}, opened, TELLING) for each in found], opened


findings = st.lists(
    st.builds(
        _finding,
        st.floats(0, 20),
        st.integers(0, 30),
        level=st.sampled_from(LEVELS),
        rarity=st.floats(0, 0.999),
        session=st.sampled_from([None, "S1", "S2"]),
        amends=st.booleans(),
        suppressed_by=st.sampled_from([None, None, "learning"]),
    ),
    max_size=12,
    unique_by=lambda finding: finding.seq,
)


@given(findings)
def test_score_and_level_never_contradict_each_other(found: list[Finding]) -> None:
    verdicts, _ = _play(found)
    for verdict in verdicts:
        if verdict.alert is not None:
            band = verdict.alert.level.rank * triage.BAND
            assert band <= verdict.alert.score < band + triage.BAND


@given(findings)
def test_only_an_amendment_lowers_an_alert(found: list[Finding]) -> None:
    verdicts, _ = _play(found)
    levels: dict[str, Level] = {}
    for verdict in verdicts:
        alert = verdict.alert
        if alert is None:
            continue
        if verdict.reason is not Reason.AMENDED and alert.id in levels:
            assert alert.level.rank >= levels[alert.id].rank
        levels[alert.id] = alert.level


@given(findings)
def test_every_verdict_has_a_reason_and_a_held_finding_no_alert(found: list[Finding]) -> None:
    verdicts, _ = _play(found)
    for finding, verdict in zip(found, verdicts, strict=True):
        assert (verdict.alert is None) == (verdict.reason is Reason.SUPPRESSED)
        if finding.suppressed_by:
            assert verdict.reason is Reason.SUPPRESSED


@given(findings)
def test_an_alert_keeps_the_id_of_the_finding_that_opened_it(found: list[Finding]) -> None:
    verdicts, _ = _play(found)
    opening = {
        alert_id("r", ANN, each.finding.event_ids)
        for each in verdicts
        if each.reason is Reason.FIRST_SEEN
    }
    assert {each.alert.id for each in verdicts if each.alert} == opening


def test_findings_of_one_rule_and_subject_fold_while_it_is_not_quiet_for_too_long() -> None:
    verdicts, _ = _play([_finding(0, 1), _finding(2, 2), _finding(4, 3), _finding(9, 4)])

    assert [each.reason for each in verdicts] == [
        Reason.FIRST_SEEN,
        Reason.STILL_HAPPENING,
        Reason.STILL_HAPPENING,
        Reason.FIRST_SEEN,
    ]
    assert verdicts[2].alert is not None
    assert verdicts[2].alert.event_ids == ("e1", "e2", "e3")


def test_a_late_finding_opens_an_older_alert_and_leaves_the_newer_one_open() -> None:
    verdicts, _ = _play([_finding(10, 1), _finding(1, 2), _finding(11, 3), _finding(2, 4)])
    alerts = [each.alert.id for each in verdicts if each.alert]

    assert alerts[2] == alerts[0]
    assert alerts[3] == alerts[1]
    assert alerts[0] != alerts[1]


def test_a_late_earlier_event_changes_the_first_time_only() -> None:
    verdicts, _ = _play([_finding(3, 1), _finding(1, 2)])
    first, second = verdicts[0].alert, verdicts[1].alert
    assert first is not None
    assert second is not None

    assert second.first_time == stories.MONDAY + timedelta(days=1)
    assert (second.id, second.time) == (first.id, first.time)


def test_an_alert_dated_ahead_of_its_receipt_does_not_take_what_comes_years_later() -> None:
    opened: dict[str, list[triage.Open]] = {}
    received = workhours.microseconds(stories.MONDAY)
    told = replace(TELLING, detected_at=received)
    triage.decide(_finding(3000, 1), {"r": RULE}, opened, told)
    later = replace(TELLING, detected_at=received + 30 * 86_400_000_000)
    verdict = triage.decide(_finding(29, 2), {"r": RULE}, opened, later)

    assert verdict.reason is Reason.FIRST_SEEN


def test_an_amendment_lowers_the_alert_of_its_session_alone() -> None:
    sign_in = _finding(0, 1, session="S1")
    known = _finding(0.1, 2, session="S1", amends=True, level=Level.INFORMATIONAL)
    alone, _ = _play([sign_in, known])
    crowd, _ = _play([sign_in, _finding(0.05, 3, session="S2"), known])

    assert alone[-1].alert is not None
    assert alone[-1].alert.level is Level.INFORMATIONAL
    assert crowd[-1].alert is not None
    assert crowd[-1].alert.level is Level.MEDIUM


def test_a_worse_finding_raises_the_alert_and_brings_its_evidence() -> None:
    verdicts, _ = _play([_finding(0, 1), _finding(1, 2, level=Level.HIGH, evidence={"a": 1})])
    alert = verdicts[1].alert
    assert alert is not None

    assert (verdicts[1].reason, alert.level, alert.evidence) == (
        Reason.LEVEL_RAISED, Level.HIGH, {"a": 1},
    )  # fmt: skip


def test_alerts_that_nothing_can_reach_are_dropped() -> None:
    _, opened = _play([_finding(0, 1)])
    triage.close(opened, {"r": RULE}, workhours.microseconds(stories.MONDAY + timedelta(days=10)))
    assert opened
    triage.close(opened, {"r": RULE}, workhours.microseconds(stories.MONDAY + timedelta(days=12)))

    assert not opened


def _window(day: float, number: int, **changed: object) -> Finding:
    evidence = {"correlation": "value_avg", "group": {"user.id": "ANN"}}
    return _finding(day, number, evidence=evidence, **changed)


def test_what_a_late_event_makes_untrue_sets_the_open_alert_right() -> None:
    undone = {"suppressed_by": SUPERSEDED}
    found = [
        _window(0, 1),
        _window(0.1, 2),
        _window(0, 3, **undone),
        _window(0.1, 4, **undone),
        _window(0.2, 5),
    ]
    verdicts, opened = _play(found)

    alerts = [verdict.alert for verdict in verdicts]
    assert len({alert.id for alert in alerts if alert}) == 1
    assert [verdict.reason for verdict in verdicts] == [
        Reason.FIRST_SEEN,
        Reason.STILL_HAPPENING,
        Reason.AMENDED,
        Reason.AMENDED,
        Reason.LEVEL_RAISED,
    ]
    assert [alert.level for alert in alerts if alert] == [
        Level.MEDIUM, Level.MEDIUM, Level.MEDIUM, Level.INFORMATIONAL, Level.MEDIUM
    ]  # fmt: skip
    assert [alert.summary for alert in alerts if alert] == [
        "Ann", "Ann", "Ann", "No longer so: Ann", "Ann"
    ]  # fmt: skip
    last = alerts[-1]
    assert last is not None
    assert [text.startswith("- taken back: an event came late") for text in last.why] == [True] * 2
    ((old,),) = opened.values()
    assert len(old.standing) == 1


def test_a_window_that_no_alert_tells_is_only_held_back() -> None:
    verdicts, _ = _play([_window(0, 1), _window(1, 2, suppressed_by=SUPERSEDED)])

    assert verdicts[1].reason is Reason.SUPPRESSED
    assert verdicts[1].alert is None


def test_an_alert_of_more_windows_than_are_remembered_is_never_taken_back_as_a_whole() -> None:
    many = [_window(0.001 * number, number) for number in range(triage.MOST_STANDING + 5)]
    undone = [replace(each, suppressed_by=SUPERSEDED) for each in many]
    _, opened = _play([*many, *undone])

    ((old,),) = opened.values()
    assert old.standing == ["more"]
    assert old.level == Level.MEDIUM
    assert len(old.corrections) == triage.MOST_CORRECTIONS
