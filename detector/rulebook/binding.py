"""The parts of all sound documents, put together: names, filters, and who alerts by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from detector.findings import Level
from detector.rule import Rule
from detector.rulebook import sections
from detector.rulebook.book import BehaviorRule, CorrelationRule, Match, Rulebook
from detector.rulebook.conditions import Condition, conjunction
from detector.rulebook.filters import Filter
from detector.rulebook.logsources import LogSource, read_source
from detector.rulebook.naming import names_of, version_of
from detector.rulebook.references import Draft
from detector.rulebook.risks import Score, bound_scores

Conditions = dict[str, tuple[Condition, tuple[str, ...]]]
"""The condition and the feeds of each detection, by the rule's id."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the documents became."""

    conditions: Conditions
    behaviors: Sequence[BehaviorRule]
    correlations: Sequence[CorrelationRule]
    filters: Sequence[Filter]
    scores: Sequence[Score]


def bound(drafts: Iterable[Draft], parts: Parts) -> Rulebook:
    """The rulebook of all sound documents."""
    sound = [draft for draft in drafts if not draft.report.broken]
    quiet = _quiet(sound, parts)
    names = names_of(draft.head.rule for draft in sound)
    rules = {
        draft.head.rule.id: replace(
            draft.head.rule,
            name=names[draft.head.rule.id],
            raises=draft.head.rule.id not in quiet,
        )
        for draft in sound
    }
    return Rulebook(
        tuple(_match(draft, rules, parts) for draft in sound if draft.kind == "detection"),
        tuple(
            replace(entry, rule=replace(rules[entry.rule.id], group_by=entry.behavior.group_by))
            for entry in parts.behaviors
        ),
        tuple(replace(entry, rule=_correlation(entry, rules)) for entry in parts.correlations),
        _version(sound, parts),
        tuple(bound_scores(parts.scores, rules)),
    )


def _match(draft: Draft, rules: Mapping[str, Rule], parts: Parts) -> Match:
    rule = rules[draft.head.rule.id]
    condition, feeds = parts.conditions[rule.id]
    source = read_source(draft.report) or LogSource()
    held = tuple(
        (str(each.report.document.value.get("title", "")), each.condition)
        for each in parts.filters
        if each.covers(rule.id, feeds, source)
    )
    whole = conjunction((condition, *(more for _, more in held)))
    written = draft.report.document.value["detection"]
    return Match(rule, whole, feeds, source, condition, held, written)


def _correlation(entry: CorrelationRule, rules: Mapping[str, Rule]) -> Rule:
    """A correlation's alert folds what lies within one window, however short it may fold."""
    rule = rules[entry.rule.id]
    span = timedelta(microseconds=entry.logic.span)
    return replace(rule, group_by=entry.logic.keys, fold_for=max(rule.fold_for, span))


def _quiet(sound: Sequence[Draft], parts: Parts) -> set[str]:
    """The rules that raise no alert of their own.

    As in Sigma, the base rules of a correlation do not, unless it says `generate: true`. What
    a document says of itself under `alert:` wins, and a behaviour goes on alerting.
    """
    used = {base for entry in parts.behaviors for base in entry.bases}
    loud = {base for entry in parts.correlations if entry.generate for base in entry.bases}
    taken = {base for entry in parts.correlations for base in entry.bases} - loud
    quiet: set[str] = set()
    for draft in sound:
        rule, generate = draft.head.rule, draft.head.generate
        if generate is not None:
            quiet |= set() if generate else {rule.id}
        elif rule.id in used or (rule.id in taken and draft.kind != "behavior"):
            quiet.add(rule.id)
            if rule.id in taken and rule.level.rank >= Level.MEDIUM.rank:
                text = "raises no alert of its own, because a correlation looks at it"
                draft.report.odd(
                    ("level",),
                    text,
                    "write 'alert: {generate: true}' to keep it",
                    about=sections.CORRELATION,
                )
    return quiet


def _version(sound: Sequence[Draft], parts: Parts) -> str:
    """The version of what is at work: a filter that has expired is not."""
    held = {id(entry.report) for entry in parts.filters}
    return version_of(
        draft for draft in sound if draft.kind != "filter" or id(draft.report) in held
    )
