"""Risk scores among rules: what their documents name is looked up, and whom they hear is settled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from detector.findings import LEVELS
from detector.rule import Rule
from detector.rule_types.entity_risk import EntityRisk
from detector.rulebook import sections
from detector.rulebook.book import RiskRule
from detector.rulebook.documents import Path
from detector.rulebook.mistakes import did_you_mean, quoted
from detector.rulebook.references import Draft, Register

KIND: Final = "risk score"
"""What a draft of such a document is called, so that no rule can look at it as at a behaviour."""
KIND_OF_SCORES: Final = "entity_risk"
"""The `type:` of such a document."""
HEARD: Final = ("detection", "behavior", "correlation")


@dataclass(frozen=True, slots=True)
class Score:
    """A risk score whose names are looked up; `only` are the ids that it names, if any."""

    draft: Draft
    risk: EntityRisk
    only: frozenset[str]


def read_score(draft: Draft, risk: EntityRisk | None, register: Register) -> Score | None:
    """The score of a document; null, and mistakes, if it names what is not there."""
    path: Path = ("behavior", "rules")
    told = draft.report.at(path)
    places = [(*path, at) for at in range(len(told))] if isinstance(told, list) else []
    named = [register.find(draft.report, place, HEARD)
             for place in places if not draft.report.spoilt(place)]  # fmt: skip
    _check_weights(draft, register)
    if draft.report.broken or risk is None:
        return None
    return Score(draft, risk, frozenset(each.head.rule.id for each in named if each))


def _check_weights(draft: Draft, register: Register) -> None:
    """Every weight is of a level, of a rule, or of a tag that a rule has."""
    tags = {tag for each in register.drafts.values() for tag in each.head.rule.tags}
    levels = set(map(str, LEVELS))
    weights = draft.report.at(("behavior", "weights"))
    for name in weights if isinstance(weights, dict) else ():
        found = register.named(name)
        if name in levels or name in tags or (found is not None and found.kind in HEARD):
            continue
        known = (*levels, *tags, *register.drafts)
        text = f"{quoted(name)} is no level, no rule, and no rule's tag"
        where: Path = ("behavior", "weights", name)
        fix, about = did_you_mean(name, known), sections.of_behavior("entity_risk")
        draft.report.wrong(where, text, fix, key=True, about=about)


def bound_scores(scores: Iterable[Score], rules: Mapping[str, Rule]) -> Iterator[RiskRule]:
    """The scores with the ids of the rules that they hear; `rules` are all rules by id."""
    every = tuple(scores)
    mute = {score.draft.head.rule.id for score in every}
    for score in every:
        identity, risk = score.draft.head.rule.id, score.risk
        rule = rules[identity]
        heard = tuple(
            each.id
            for each in rules.values()
            if each.id not in mute
            and (not score.only or each.id in score.only)
            and _speaks(each, risk)
        )
        for at, name in enumerate(risk.rules):
            silent = next((each for each in rules.values() if name in {each.name, each.id}), None)
            if silent is not None and silent.id not in heard:
                text = "finds nothing that could be added up: a building block, or on trial"
                score.draft.report.odd(("behavior", "rules", at), text, "leave it out")
        # Where the sum was just enough, it is below the half after that, and the alarm over.
        fold_for = max(rule.fold_for, timedelta(microseconds=risk.fading.half_life))
        yield RiskRule(replace(rule, group_by=risk.group_by, fold_for=fold_for), risk, heard)


def _speaks(rule: Rule, risk: EntityRisk) -> bool:
    """Whether a rule finds what counts."""
    return rule.raises and (risk.trial or rule.status != "test")
