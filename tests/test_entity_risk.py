"""The risk of an entity: what findings add up to, against a sum that is written out by hand."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from detector import arrays, triage
from detector.alerts import Alert, Reason
from detector.findings import Finding, Level, Subject, SubjectType
from detector.rule import Rule
from detector.rule_types import signs
from detector.rule_types.entity_risk import POINTS, EntityRisk
from detector.rule_types.signs import RiskTail
from detector.rulebook.book import RiskRule
from detector.triage import Judgement
from detector.weighing import Audience
from detector.workhours import HOUR_US, microseconds
from tests import stories

ANN = Subject(SubjectType.PERSON, "ANN", "ann@acme.example", "Ann")
BEN = Subject(SubjectType.PERSON, "BEN", "ben@acme.example", "Ben")
TACTICS = {"a": "initial-access", "b": "persistence", "c": "collection", "d": "persistence"}
RULES = {
    name: Rule(name, f"op_{name}", f"Rule {name}", Level.LOW, tags=(f"attack.{tactic}",))
    for name, tactic in TACTICS.items()
}
RISK = Rule("risk", "op_risk", "Risk", Level.MEDIUM, fold_for=timedelta(days=3))


def risk_of(**more: Any) -> EntityRisk:
    """A risk score with other keys than usual."""
    return EntityRisk.model_validate({"type": "entity_risk", **more})


@dataclass
class Ear:
    """Triage and one risk score that hears all that it lets pass, as the kernel has them."""

    risk: EntityRisk = field(default_factory=risk_of)
    rules: Mapping[str, Rule] = field(default_factory=lambda: RULES | {"risk": RISK})
    tail: RiskTail = field(default_factory=RiskTail)
    opened: dict[str, list[triage.Open]] = field(default_factory=dict)
    found: list[Finding] = field(default_factory=list)
    told: list[triage.Verdict] = field(default_factory=list)

    def hear(self, finding: Finding) -> None:
        """Decide about a finding, and about what the risk makes of it."""
        verdict = triage.decide(finding, self.rules, self.opened, self._telling(finding))
        entry = RiskRule(RISK, self.risk, tuple(RULES))
        audience = Audience((entry,), {"risk": self.tail}, self.rules)
        if finding.rule_id == "risk":
            self.found.append(finding)
            self.told.append(verdict)
        for risen in [*audience.heard((finding, verdict.alert), None)]:
            self.hear(risen)

    def _telling(self, finding: Finding) -> triage.Telling:
        def tell(rule: Rule, who: str, evidence: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
            if rule.id != "risk":
                return who, ()
            told = self.risk.tell(who, evidence)
            return told.summary, told.why

        return triage.Telling("acme", tell, microseconds(finding.time) + 10**15)

    def play(self, findings: Iterable[Finding]) -> Ear:
        """Hear one after the other."""
        for each in findings:
            self.hear(each)
        return self

    @property
    def alerts(self) -> dict[str, Alert]:
        """The alerts of the risk as they last stood."""
        return {each.alert.id: each.alert for each in self.told if each.alert is not None}

    def score(self, hours: float, who: Subject = ANN) -> float:
        """The risk of somebody so many hours after the beginning."""
        entity = self.tail.entities.get(who.id)
        time = microseconds(stories.MONDAY) + round(hours * HOUR_US)
        return self.risk.fading.sum(entity, time).score if entity else 0.0


def finding(rule: str, hours: float, number: int = 0, **more: Any) -> Finding:
    """A low finding about Ann so many hours after the beginning."""
    time = stories.MONDAY + timedelta(hours=hours)
    made = Finding(rule, Level.LOW, 0.5, ANN, time, time, number, (f"e{number}",), (number,))
    return replace(made, **more)


def written_out(heard: Sequence[Finding], risk: EntityRisk, at: float) -> tuple[float, int, int]:
    """The sum at an hour, the rules and the tactics in it, with nothing of the engine's arithmetic."""
    half_life = float(risk.half_life[:-1]) * (24 if risk.half_life.endswith("d") else 1)
    by_rule: dict[str, list[float]] = {}
    for each in heard:
        age = at - (each.time - stories.MONDAY) / timedelta(hours=1)
        if 0 <= age <= 10 * half_life:
            left = POINTS[each.level] * 0.5 ** (age / half_life)
            by_rule.setdefault(each.rule_id, []).append(left)
    parts = {}
    for rule, left in by_rule.items():
        weight, parts[rule] = 1.0, 0.0
        for points in sorted(left, reverse=True)[:16]:
            parts[rule] += weight * points
            weight *= risk.again
    counting = [rule for rule, points in parts.items() if points >= risk.threshold / 20]
    return sum(parts.values()), len(counting), len({TACTICS[rule] for rule in counting})


def enough(heard: Sequence[Finding], risk: EntityRisk, at: float) -> bool:
    """Whether the sum at an hour is enough."""
    score, rules, tactics = written_out(heard, risk, at)
    return score >= risk.threshold and rules >= risk.least.rules and tactics >= risk.least.tactics


hours = st.integers(0, 60 * 24 * 6).map(lambda minute: minute / 60)
lows = st.lists(
    st.builds(
        finding,
        st.sampled_from(sorted(RULES)),
        hours,
        st.integers(0, 10**6),
        level=st.sampled_from([Level.INFORMATIONAL, Level.LOW]),
    ),
    max_size=12,
    unique_by=(lambda each: each.seq, lambda each: each.time),
)


@given(lows, hours, st.sampled_from(["12h", "1d", "3d"]), st.sampled_from([0.0, 0.5, 0.9]))
def test_the_risk_is_the_sum_written_out(
    heard: list[Finding], at: float, half_life: str, again: float
) -> None:
    ear = Ear(risk_of(**{"half-life": half_life, "again": again})).play(heard)

    score, _, _ = written_out(heard, ear.risk, at)
    assert math.isclose(ear.score(at), score, abs_tol=1e-9)


@given(lows, st.floats(20, 120), st.integers(1, 4), st.integers(0, 3))
def test_it_alerts_if_and_only_if_the_sum_was_enough_at_some_finding(
    heard: list[Finding], threshold: float, rules: int, tactics: int
) -> None:
    heard = sorted(heard, key=lambda each: each.time)
    risk = risk_of(threshold=threshold, least={"rules": rules, "tactics": tactics})
    times = [(each.time - stories.MONDAY) / timedelta(hours=1) for each in heard]
    close = [abs(written_out(heard, risk, at)[0] - threshold) < 1e-6 for at in times]
    if any(close):
        return

    ear = Ear(risk).play(heard)
    assert bool(ear.alerts) == any(enough(heard, risk, at) for at in times)


@given(lows, st.randoms(use_true_random=False))
def test_what_is_found_on_time_is_found_in_whatever_order_it_comes(
    heard: list[Finding], chance: Random
) -> None:
    """The order decides neither whether it alerts, nor how high the risk was seen."""
    on_time = sorted(heard, key=lambda each: each.time)
    mixed = on_time.copy()
    chance.shuffle(mixed)

    one, other = Ear().play(on_time), Ear().play(mixed)
    peaks = [
        max(((each.level.rank, each.rarity) for each in ear.found), default=None)
        for ear in (one, other)
    ]
    assert peaks[0] == peaks[1]
    assert bool(one.alerts) == bool(other.alerts)


def _is_enough(found: Finding) -> bool:
    """Whether it reached the threshold, and does not only belong to what did."""
    return found.evidence["risk"] >= found.evidence["threshold"]


@given(lows, st.integers(0, 12))
def test_a_restart_at_any_finding_changes_nothing(heard: list[Finding], cut: int) -> None:
    whole, parted = Ear().play(heard), Ear().play(heard[:cut])
    parted.tail = arrays.decode(arrays.encode(parted.tail), RiskTail)
    parted.play(heard[cut:])

    assert parted.found == whole.found
    assert arrays.encode(parted.tail) == arrays.encode(whole.tail)


@given(lows, lows)
def test_more_findings_never_lower_a_risk(heard: list[Finding], more: list[Finding]) -> None:
    fewer, all_of_them = Ear().play(heard), Ear().play([*heard, *more])

    for at in (24.0, 72.0, 144.0):
        assert all_of_them.score(at) >= fewer.score(at) - 1e-9


@given(lows)
def test_no_finding_is_part_of_a_risk_before_it_happened(heard: list[Finding]) -> None:
    ear = Ear().play(heard)
    first = min(((each.time - stories.MONDAY) / timedelta(hours=1) for each in heard), default=0)

    assert ear.score(first - 0.01) == 0.0
    assert all(each.first_time <= each.time for each in ear.found)


def test_one_noisy_rule_never_reaches_it() -> None:
    ear = Ear(risk_of(least={"rules": 1, "tactics": 1}))
    ear.play([finding("a", number / 60, number) for number in range(500)])

    assert 39 < ear.score(9) <= 40
    assert not ear.found
    assert len(ear.tail.entities["ANN"].signs["a"]) == signs.MOST_OF_RULE


def test_it_is_told_once_and_again_when_it_is_a_level_worse() -> None:
    ear = Ear(risk_of(**{"raise-at": 2}))
    ear.play([finding(rule, hour, hour) for hour, rule in enumerate("abc")])
    ear.play([finding("d", 3 + number / 10, 10 + number) for number in range(3)])
    ear.play([finding(rule, 4, 20 + number) for number, rule in enumerate("abcabc")])

    assert len(ear.alerts) == 1
    raised = [each.reason for each in ear.told if each.reason is not Reason.STILL_HAPPENING]
    assert raised == [Reason.FIRST_SEEN, Reason.LEVEL_RAISED]
    assert next(iter(ear.alerts.values())).level is Level.HIGH


def test_a_sum_about_the_threshold_does_not_flap() -> None:
    """It falls to less than is enough and comes again, but was never below the half."""
    ear = Ear().play([finding(rule, 0, number) for number, rule in enumerate("abc")])
    ear.play([finding(rule, 38 + at, 10 + at) for at, rule in enumerate("aabc")])
    below = [each for each in ear.found if not _is_enough(each)]

    assert below
    assert _is_enough(ear.found[-1])
    assert len(ear.alerts) == 1
    quiet = finding("a", 24 * 40, 99)
    ear.play([quiet, finding("b", 24 * 40, 100), finding("c", 24 * 40, 101)])
    assert len(ear.alerts) == 2


def test_what_was_told_and_has_not_fallen_is_not_told_again_after_a_quiet_time() -> None:
    ear = Ear().play([finding(rule, 0, at) for at, rule in enumerate("abcdabcdabcd")])
    ear.play([finding("a", 80, 20)])

    assert ear.score(80) > 25
    assert len(ear.alerts) == 1
    assert ear.found[-1].suppressed_by == "told-before"


def test_what_is_held_back_adds_nothing() -> None:
    held = [finding(rule, hour, hour, suppressed_by="learning") for hour, rule in enumerate("abcd")]
    ear = Ear().play(held)

    assert not ear.tail.entities
    assert not ear.found


def test_of_what_somebody_was_told_nobody_is_told_twice() -> None:
    loud = finding("a", 0, 0, level=Level.MEDIUM)
    ear = Ear().play([loud, finding("b", 1, 1), finding("c", 2, 2)])

    assert [each.suppressed_by for each in ear.found] == ["told-by-rule"]
    first = ear.opened[triage.fingerprint("a", ANN)][0].id
    assert ear.found[0].evidence["told_by"] == first
    assert not ear.alerts


def test_what_nobody_was_told_of_is_told_though_something_else_was() -> None:
    loud = finding("d", 0, 0, level=Level.MEDIUM)
    ear = Ear().play([loud, *(finding(rule, 0, 1 + at) for at, rule in enumerate("abc"))])

    assert [each.level for each in ear.alerts.values()] == [Level.MEDIUM]


def test_what_is_worse_than_was_told_is_told() -> None:
    loud = [finding(rule, 0, at, level=Level.MEDIUM) for at, rule in enumerate("ab")]
    ear = Ear(risk_of(**{"raise-at": 2})).play([*loud, finding("c", 0, 9)])

    (alert,) = ear.alerts.values()
    assert alert.level is Level.HIGH
    assert [each["told"] for each in alert.evidence["contributions"]] == [True, True, False]


def test_what_a_session_is_set_right_to_is_what_it_is_worth() -> None:
    strange = finding("a", 0, 0, level=Level.LOW, session="S1")
    right = finding("a", 1, 1, level=Level.INFORMATIONAL, session="S1", amends=True)
    ear = Ear().play([strange, finding("b", 0, 2), finding("c", 0, 3)])
    (alert,) = ear.alerts.values()
    assert alert.level is Level.MEDIUM
    ear.play([right])

    (alert,) = ear.alerts.values()
    assert alert.level is Level.INFORMATIONAL
    assert alert.reason is Reason.AMENDED
    assert alert.summary.startswith("No longer so")


def test_what_a_late_event_made_untrue_is_taken_back() -> None:
    ear = Ear().play([finding(rule, 0, number) for number, rule in enumerate("abc")])
    ear.play([finding("b", 0, 9, suppressed_by="superseded")])

    (alert,) = ear.alerts.values()
    assert alert.level is Level.INFORMATIONAL
    assert "b" not in ear.tail.entities["ANN"].signs


def test_a_verdict_on_the_risk_ends_the_sum() -> None:
    ear = Ear().play([finding(rule, 0, number) for number, rule in enumerate("abc")])
    (alert,) = ear.alerts
    assert triage.judge(ear.opened, Judgement(alert, "person", "ANN", harmless=True))
    ear.risk.hear_verdict(alert, ear.tail, harmless=True)
    ear.play([finding("d", 1, 9)])

    assert len(ear.found) == 1
    assert ear.score(1) == 20


def test_what_was_harmless_adds_nothing_any_more() -> None:
    ear = Ear().play([finding("a", 0, 0), finding("b", 0, 1)])
    alert = ear.opened[triage.fingerprint("a", ANN)][0].id
    ear.risk.hear_verdict(alert, ear.tail, harmless=False)
    assert ear.score(0) == 40
    ear.risk.hear_verdict(alert, ear.tail, harmless=True)

    assert ear.score(0) == 20


def test_weights_go_by_rule_then_tag_then_level() -> None:
    risk = risk_of(
        weights={"op_a": 7, "attack.persistence": 3, "attack.initial-access": 9, "low": 1}
    )

    worth = {name: risk.worth(rule, Level.LOW) for name, rule in RULES.items()}
    assert worth == {"a": 7, "b": 3, "c": 1, "d": 3}
    assert risk.worth(RULES["c"], Level.HIGH) == 60
    assert not Ear(risk_of(weights={"low": 0})).play([finding("a", 0)]).tail.entities


def test_what_is_kept_is_bounded_and_what_counts_no_more_goes() -> None:
    ear = Ear().play([finding("a", 0, 0), finding("b", 0, 1, subject=BEN)])
    horizon = 10 * ear.risk.fading.half_life + 7 * 24 * HOUR_US
    ear.risk.forget(ear.tail, microseconds(stories.MONDAY) + horizon)
    assert set(ear.tail.entities) == {"ANN", "BEN"}
    ear.risk.forget(ear.tail, microseconds(stories.MONDAY) + horizon + 1)
    assert not ear.tail.entities

    for number in range(signs.MOST_ENTITIES + 3):
        ear.tail.touch(Subject(SubjectType.PERSON, f"p{number}"))
    assert next(iter(ear.tail.entities)) == "p3"
    assert ear.tail.crowded == 3
    entity = ear.tail.touch(ANN)
    for number in range(2 * signs.MOST_SIGNS):
        sign = signs.Sign(number, 1.0, "low", None, (), (), "", -1, None)
        ear.risk.fading.add(entity, f"r{number // 8}", sign)
    assert sum(1 for _ in entity.every()) == signs.MOST_SIGNS
    assert min(sign.time for _, sign in entity.every()) == signs.MOST_SIGNS
