"""Rule texts in; the rulebook, the stories and all mistakes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from types import MappingProxyType

from detector.rule_types.base import Behavior, Document
from detector.rule_types.entity_risk import EntityRisk
from detector.rulebook.behaviors import in_columns, read_bases, read_behavior
from detector.rulebook.binding import Conditions, Parts, bound
from detector.rulebook.book import BehaviorRule, CorrelationRule
from detector.rulebook.chains import chained, feeds_of_behaviors
from detector.rulebook.conditions import Condition
from detector.rulebook.correlations import read_correlation
from detector.rulebook.detections import feeds_of, read_detection
from detector.rulebook.documents import read
from detector.rulebook.filters import (
    ANY,
    Filter,
    check_cover,
    exemption,
    is_over,
    read_filter,
)
from detector.rulebook.headers import kind_of, read_head
from detector.rulebook.loaded import Loaded
from detector.rulebook.logsources import read_feeds
from detector.rulebook.mistakes import Mistake
from detector.rulebook.overlays import overlaid
from detector.rulebook.placeholders import fill_in, read_lists, say_what_waits
from detector.rulebook.references import Draft, Register
from detector.rulebook.reports import Report
from detector.rulebook.risks import KIND, Score, read_score
from detector.rulebook.story_reading import read_all_stories


def load(
    texts: Mapping[str, str],
    *,
    today: date | None = None,
    lists: Mapping[str, str] = MappingProxyType({}),
) -> Loaded:
    """Load rule files (path to text). A broken document is reported and stops no other.

    `lists` are files too, with the values that `|expand` puts in place of `%placeholders%`; a list
    that a document brings only examples for is a warning.

    Filters whose `expires` is not after `today` no longer hold; without `today` none expires.
    """
    read_reports, unread, found = _read_all(texts)
    pack = overlaid(read_reports)
    reports = pack.at_work
    values, unlisted = read_lists(lists)
    waiting: dict[str, list[Report]] = {}
    for report in reports:
        for name in fill_in(report, values):
            waiting.setdefault(name, []).append(report)
    say_what_waits(waiting, values)
    drafts = [draft for report in reports if (draft := _draft(report))]
    register = Register()
    register.enter(drafts)
    conditions = _conditions(drafts)
    schemas = _schemas(drafts)
    _set_scores_apart(schemas)
    stories = read_all_stories(drafts, conditions, register)
    behaviors = _behaviors(schemas, conditions, register)
    correlations = _correlations(drafts, behaviors, conditions, register)
    scores = _scores(schemas, register)
    filters = _filters(drafts, conditions, register)
    held = [entry for entry in filters if not is_over(entry, today)]
    rulebook = bound(drafts, Parts(conditions, behaviors, correlations, held, scores))
    mistakes = [*unread, *unlisted] + [
        mistake for report in (*reports, *pack.off) for mistake in report.mistakes
    ]
    return Loaded(
        rulebook,
        tuple(story for story in stories if story.rule_id in rulebook.rules),
        tuple(sorted(mistakes)),
        tuple(sorted(each for report in (*reports, *pack.off) for each in report.warnings)),
        documents=found,
        loaded=len(pack.overlays)
        + sum(not each.broken for each in pack.off)
        + sum(not draft.report.broken for draft in drafts),
        exemptions=tuple(exemption(entry, today) for entry in filters),
        overlays=pack.overlays,
    )


def _read_all(texts: Mapping[str, str]) -> tuple[list[Report], list[Mistake], int]:
    readings = [read(file, text) for file, text in sorted(texts.items())]
    reports = [Report(document) for reading in readings for document in reading.documents]
    unread = [mistake for reading in readings for mistake in reading.mistakes]
    return reports, unread, sum(reading.found for reading in readings)


def _draft(report: Report) -> Draft | None:
    kind = kind_of(report)
    if kind is None:
        return None
    return Draft(report, kind, read_head(report, kind))


def _conditions(drafts: Iterable[Draft]) -> Conditions:
    """The condition and the feeds of every detection that compiles, by the rule's id."""
    found: dict[str, tuple[Condition, tuple[str, ...]]] = {}
    for draft in drafts:
        if draft.kind != "detection":
            continue
        report = draft.report
        feeds = read_feeds(report)
        condition = read_detection(report, feeds, "detection")
        able = feeds_of(report, condition, feeds) if condition is not None else ()
        if condition is not None and not report.broken:
            found.setdefault(draft.head.rule.id, (condition, able))
    return found


def _schemas(drafts: Iterable[Draft]) -> list[tuple[Draft, Document]]:
    return [
        (draft, behavior)
        for draft in drafts
        if draft.kind == "behavior" and (behavior := read_behavior(draft.report))
    ]


def _set_scores_apart(schemas: Iterable[tuple[Draft, Document]]) -> None:
    for draft, schema in schemas:
        if isinstance(schema, EntityRisk):
            draft.kind = KIND


def _scores(schemas: Iterable[tuple[Draft, Document]], register: Register) -> list[Score]:
    found = [
        read_score(draft, schema, register)
        for draft, schema in schemas
        if isinstance(schema, EntityRisk)
    ]
    return [score for score in found if score is not None]


def _behaviors(
    schemas: Iterable[tuple[Draft, Document]], conditions: Conditions, register: Register
) -> list[BehaviorRule]:
    made: list[BehaviorRule] = []
    for draft, schema in schemas:
        if not isinstance(schema, Behavior):
            continue
        bases = read_bases(draft.report, schema, register)
        ids = tuple(dict.fromkeys(base.head.rule.id for base in bases))
        feeds = {feed for base in ids for feed in conditions[base][1]}
        behavior = in_columns(draft.report, schema, feeds) if feeds else schema
        if not draft.report.broken:
            made.append(BehaviorRule(draft.head.rule, behavior, ids))
    return made


def _correlations(
    drafts: Iterable[Draft],
    behaviors: Sequence[BehaviorRule],
    conditions: Conditions,
    register: Register,
) -> list[CorrelationRule]:
    """The correlations in their order, each behind those that it looks at."""
    sketches = [
        (draft, sketch)
        for draft in drafts
        if draft.kind == "correlation" and (sketch := read_correlation(draft.report))
    ]
    feeds = {rule: feeds for rule, (_, feeds) in conditions.items()}
    return chained(sketches, {**feeds, **feeds_of_behaviors(behaviors, feeds)}, register)


def _filters(drafts: Iterable[Draft], conditions: Conditions, register: Register) -> list[Filter]:
    """The filters; one whose log source misses a rule it names is mistaken."""
    sound: list[Filter] = []
    for draft in drafts:
        entry = read_filter(draft.report, register) if draft.kind == "filter" else None
        if entry is None:
            continue
        named = entry.targets - ANY
        covers = [check_cover(entry, target, conditions[target][1]) for target in sorted(named)]
        if all(covers):
            sound.append(entry)
    return sound
