"""Rule texts in; the rulebook, the stories and all mistakes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType

from detector.rule_types.base import Behavior, Document
from detector.rule_types.entity_risk import EntityRisk
from detector.rulebook.behaviors import (
    check_fields,
    in_columns,
    read_bases,
    read_behavior,
    type_of,
)
from detector.rulebook.binding import Conditions, Parts, bound
from detector.rulebook.book import BehaviorRule, CorrelationRule
from detector.rulebook.chains import chained
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
from detector.rulebook.headers import kinds_of, read_head
from detector.rulebook.loaded import Loaded
from detector.rulebook.logsources import read_feeds
from detector.rulebook.mistakes import Mistake
from detector.rulebook.overlays import overlaid
from detector.rulebook.placeholders import fill_in, read_lists, say_what_waits
from detector.rulebook.references import Draft, Register
from detector.rulebook.reports import Report
from detector.rulebook.risks import KIND, KIND_OF_SCORES, Score, read_score
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
    drafts = [draft for report in reports for draft in _drafts(report)]
    register = Register()
    register.enter(drafts)
    conditions, feeds = _conditions(drafts)
    schemas = _schemas(drafts)
    stories = read_all_stories(drafts, feeds, register)
    behaviors = _behaviors(schemas, feeds, register)
    correlations = _correlations(drafts, feeds, register)
    scores = _scores(schemas, register)
    filters = _filters(drafts, feeds, register)
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
    reports = [
        Report(document)
        for reading in readings
        for document in (*reading.documents, *reading.damaged)
    ]
    unread = [mistake for reading in readings for mistake in reading.mistakes]
    return reports, unread, sum(reading.found for reading in readings)


def _drafts(report: Report) -> list[Draft]:
    """The draft of a document; one for each kind of one that is two."""
    kinds = kinds_of(report)
    head = read_head(report, kinds)
    return [Draft(report, kind, head) for kind in kinds]


def _conditions(drafts: Iterable[Draft]) -> tuple[Conditions, dict[str, tuple[str, ...]]]:
    """By the rule's id: the condition and the feeds of every sound detection; the feeds of all."""
    found: Conditions = {}
    feeds: dict[str, tuple[str, ...]] = {}
    for draft in drafts:
        if draft.kind != "detection":
            continue
        report, rule = draft.report, draft.head.rule.id
        named = read_feeds(report)
        condition = read_detection(report, named, "detection")
        able = feeds_of(report, condition, named)
        feeds.setdefault(rule, able)
        if condition is not None and not report.broken:
            found.setdefault(rule, (condition, able))
    return found, feeds


def _schemas(drafts: Iterable[Draft]) -> list[tuple[Draft, Document | None]]:
    """The behaviours, null for those that the catalog refuses; risk scores are set apart."""
    found = [(draft, read_behavior(draft.report)) for draft in drafts if draft.kind == "behavior"]
    for draft, _ in found:
        if type_of(draft.report) == KIND_OF_SCORES:
            draft.kind = KIND
    return found


def _scores(schemas: Iterable[tuple[Draft, Document | None]], register: Register) -> list[Score]:
    found = [
        read_score(draft, schema if isinstance(schema, EntityRisk) else None, register)
        for draft, schema in schemas
        if draft.kind == KIND
    ]
    return [score for score in found if score is not None]


def _behaviors(
    schemas: Iterable[tuple[Draft, Document | None]],
    feeds: dict[str, tuple[str, ...]],
    register: Register,
) -> list[BehaviorRule]:
    """The sound behaviours; the feeds that each looks at go to `feeds`, under its id."""
    made: list[BehaviorRule] = []
    for draft, schema in schemas:
        if draft.kind == KIND:
            continue
        behavior = schema if isinstance(schema, Behavior) else None
        bases = read_bases(draft.report, register)
        ids = tuple(dict.fromkeys(base.head.rule.id for base in bases))
        named = tuple(dict.fromkeys(feed for base in ids for feed in feeds.get(base, ())))
        feeds.setdefault(draft.head.rule.id, named)
        if named:
            check_fields(draft.report, behavior, named)
        if behavior is not None and not draft.report.broken:
            behavior = in_columns(behavior, named) if named else behavior
            made.append(BehaviorRule(draft.head.rule, behavior, ids))
    return made


def _correlations(
    drafts: Iterable[Draft], feeds: Mapping[str, tuple[str, ...]], register: Register
) -> list[CorrelationRule]:
    """The correlations in their order, each behind those that it looks at."""
    sketches = [
        (draft, sketch)
        for draft in drafts
        if draft.kind == "correlation" and (sketch := read_correlation(draft.report))
    ]
    return chained(sketches, feeds, register)


def _filters(
    drafts: Iterable[Draft], feeds: Mapping[str, tuple[str, ...]], register: Register
) -> list[Filter]:
    """The sound filters; one whose log source misses a rule it names is mistaken."""
    found = [
        entry
        for draft in drafts
        if draft.kind == "filter" and (entry := read_filter(draft.report, register))
    ]
    for entry in found:
        for target in sorted(entry.targets - ANY):
            check_cover(entry, target, feeds.get(target, ()))
    return [entry for entry in found if not entry.report.broken]
