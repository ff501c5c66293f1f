"""Which rules of two rulebooks are not the same, and what those need to run by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from detector.rulebook.book import BehaviorRule, CorrelationRule, Match, RiskRule, Rulebook

Entry = Match | BehaviorRule | CorrelationRule | RiskRule


def entries(rulebook: Rulebook) -> dict[str, Entry]:
    """Every entry of a rulebook by its rule's id."""
    every: tuple[Entry, ...] = (
        *rulebook.matches, *rulebook.behaviors, *rulebook.correlations, *rulebook.risks,
    )  # fmt: skip
    return {entry.rule.id: entry for entry in every}


def changed(rulebook: Rulebook, other: Rulebook) -> frozenset[str]:
    """Ids of the rules of a rulebook that the other does not have, or not so.

    A rule is another one, too, if one that it looks at is.
    """
    mine, theirs = entries(rulebook), entries(other)
    found = {rule for rule, entry in mine.items() if not _same(entry, theirs.get(rule))}
    # Entries stand behind those that they look at.
    for rule, entry in mine.items():
        if not isinstance(entry, Match) and not found.isdisjoint(entry.bases):
            found.add(rule)
    return frozenset(found)


def part(rulebook: Rulebook, rules: Iterable[str]) -> Rulebook:
    """The rulebook of these rules and of all that they look at; what a risk hears comes from outside."""
    mine = entries(rulebook)
    wanted, seen = [*rules], set[str]()
    while wanted:
        rule = wanted.pop()
        if rule not in seen:
            seen.add(rule)
            wanted += _bases(mine, rule)
    return Rulebook(
        tuple(entry for entry in rulebook.matches if entry.rule.id in seen),
        tuple(entry for entry in rulebook.behaviors if entry.rule.id in seen),
        tuple(entry for entry in rulebook.correlations if entry.rule.id in seen),
        f"{rulebook.version}-part",
        tuple(entry for entry in rulebook.risks if entry.rule.id in seen),
    )


def _bases(mine: Mapping[str, Entry], rule: str) -> tuple[str, ...]:
    entry = mine[rule]
    return () if isinstance(entry, Match | RiskRule) else entry.bases


def _same(entry: Entry, other: Entry | None) -> bool:
    """Whether two entries detect and tell the same; where the file lies is no matter."""
    if other is None or type(entry) is not type(other):
        return False
    mine = replace(entry, rule=replace(entry.rule, file=""))
    theirs = replace(other, rule=replace(other.rule, file=""))
    if isinstance(entry, CorrelationRule) and isinstance(other, CorrelationRule):
        phrases = [[base.phrase for base in each.logic.bases] for each in (entry, other)]
        if phrases[0] != phrases[1]:
            return False
    return bool(mine == theirs)
