"""Which rules have the tests that a rule should have: one positive, one negative, one look-alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from detector.rule import Rule
from detector.rulebook.book import BehaviorRule, CorrelationRule, RiskRule, Rulebook
from detector.rulebook.stories import Story


@dataclass(frozen=True, slots=True)
class Covered:
    """The tests of a rule, counted.

    Positive: an alert is expected. Negative: none is. Look-alikes are counted apart from both:
    what happens looks like the real thing and is innocent.
    """

    rule: Rule
    positive: int
    negative: int
    look_alike: int

    @property
    def missing(self) -> tuple[str, ...]:
        """The kinds of test that it has none of; a building block that never alerts needs none."""
        if not self.rule.raises:
            return ()
        counts = {
            "positive": self.positive,
            "negative": self.negative,
            "look-alike": self.look_alike,
        }
        return tuple(kind for kind, count in counts.items() if not count)


def coverage(rulebook: Rulebook, stories: Iterable[Story]) -> list[Covered]:
    """Every rule with its tests, by name."""
    told: dict[str, list[Story]] = {}
    for story in stories:
        told.setdefault(story.rule_id, []).append(story)
    rules = sorted(rulebook.rules.values(), key=lambda rule: rule.name)
    return [_covered(rule, told.get(rule.id, [])) for rule in rules]


def _covered(rule: Rule, stories: list[Story]) -> Covered:
    plain = [story for story in stories if not story.look_alike]
    positive = sum(story.expect.alerts > 0 for story in plain)
    return Covered(rule, positive, len(plain) - positive, len(stories) - len(plain))


def concerned(rulebook: Rulebook, changed: Iterable[str]) -> set[str]:
    """The ids of the rules in these files, and of those that look at them, directly or not."""
    files = set(changed)
    found = {rule.id for rule in rulebook.rules.values() if rule.file in files}
    lookers: list[BehaviorRule | CorrelationRule | RiskRule] = [
        *rulebook.behaviors, *rulebook.correlations, *rulebook.risks,
    ]  # fmt: skip
    before = -1
    while len(found) > before:
        before = len(found)
        for entry in lookers:
            if found.intersection(entry.bases):
                found.add(entry.rule.id)
    return found
