"""What came of rule files as bytes, and back: what is dear to make need not be made again."""

from __future__ import annotations

from typing import Any

import msgspec
from pydantic import ValidationError

from detector.correlations.bounds import Bounds, Masks
from detector.correlations.correlation import Correlation
from detector.correlations.definition import Base
from detector.rule import Rule
from detector.rule_types import catalog
from detector.rule_types.base import Behavior
from detector.rule_types.entity_risk import EntityRisk
from detector.rulebook.book import BehaviorRule, CorrelationRule, Match, RiskRule, Rulebook
from detector.rulebook.conditions import Condition
from detector.rulebook.loaded import Exemption, Loaded, Overlay
from detector.rulebook.logsources import LogSource
from detector.rulebook.mistakes import Mistake
from detector.rulebook.stories import Story

Number = int | float
"""A number that stays what it was: a float field would make floats of integers."""


class NotKept(Exception):
    """Bytes cannot be read, or what came of the files does not come back from bytes as it was."""


class _Match(msgspec.Struct, array_like=True):
    rule: Rule
    condition: Condition
    feeds: tuple[str, ...]
    source: LogSource
    own: Condition | None
    """Null where no exception makes it another than the whole."""
    exceptions: tuple[tuple[str, Condition], ...]
    written: dict[str, Any]

    @staticmethod
    def of(entry: Match) -> _Match:
        own = entry.own if entry.exceptions else None
        return _Match(
            entry.rule, entry.condition, entry.feeds, entry.source,
            own, entry.exceptions, dict(entry.written),
        )  # fmt: skip

    def entry(self) -> Match:
        own = self.condition if self.own is None else self.own
        return Match(
            self.rule, self.condition, self.feeds, self.source, own, self.exceptions, self.written
        )


class _Behavior(msgspec.Struct, array_like=True):
    rule: Rule
    said: dict[str, Any]
    bases: tuple[str, ...]

    @staticmethod
    def of(entry: BehaviorRule) -> _Behavior:
        said = entry.behavior.model_dump(mode="json", by_alias=True)
        return _Behavior(entry.rule, said, entry.bases)

    def entry(self) -> BehaviorRule:
        behavior = catalog.adapter.validate_python(self.said)
        if not isinstance(behavior, Behavior):
            msg = f"{self.rule.id} is no behavior"
            raise NotKept(msg)
        return BehaviorRule(self.rule, behavior, self.bases)


class _Risk(msgspec.Struct, array_like=True):
    rule: Rule
    said: dict[str, Any]
    bases: tuple[str, ...]

    @staticmethod
    def of(entry: RiskRule) -> _Risk:
        return _Risk(entry.rule, entry.logic.model_dump(mode="json", by_alias=True), entry.bases)

    def entry(self) -> RiskRule:
        return RiskRule(self.rule, EntityRisk.model_validate(self.said), self.bases)


class _Correlation(msgspec.Struct, array_like=True):
    rule: Rule
    kind: str
    bases: tuple[Base, ...]
    span: int
    bounds: tuple[tuple[str, Number], ...] | None
    masks: Masks | None
    keys: tuple[str, ...]
    counted: str | None
    percent: Number
    ids: tuple[str, ...]
    generate: bool
    foreign: bool

    @staticmethod
    def of(entry: CorrelationRule) -> _Correlation:
        logic = entry.logic
        asked = logic.asked
        return _Correlation(
            entry.rule, logic.kind, logic.bases, logic.span,
            asked.pairs if isinstance(asked, Bounds) else None,
            asked if isinstance(asked, Masks) else None,
            logic.keys, logic.counted, logic.percent,
            entry.bases, entry.generate, entry.foreign,
        )  # fmt: skip

    def entry(self) -> CorrelationRule:
        asked = self.masks or Bounds(self.bounds or ())
        logic = Correlation(
            self.kind, self.bases, self.span, asked, self.keys, self.counted, self.percent
        )
        return CorrelationRule(self.rule, logic, self.ids, self.generate, self.foreign)


class _Archive(msgspec.Struct, array_like=True):
    matches: tuple[_Match, ...]
    behaviors: tuple[_Behavior, ...]
    correlations: tuple[_Correlation, ...]
    version: str
    stories: tuple[Story, ...]
    mistakes: tuple[Mistake, ...]
    warnings: tuple[Mistake, ...]
    documents: int
    loaded: int
    exemptions: tuple[Exemption, ...]
    overlays: tuple[Overlay, ...]
    risks: tuple[_Risk, ...]


def pack(loaded: Loaded) -> bytes:
    """As bytes, from which the very same comes back. Raises NotKept."""
    book = loaded.rulebook
    archive = _Archive(
        tuple(map(_Match.of, book.matches)),
        tuple(map(_Behavior.of, book.behaviors)),
        tuple(map(_Correlation.of, book.correlations)),
        book.version,
        loaded.stories,
        loaded.mistakes,
        loaded.warnings,
        loaded.documents,
        loaded.loaded,
        loaded.exemptions,
        loaded.overlays,
        tuple(map(_Risk.of, book.risks)),
    )
    try:
        body = msgspec.msgpack.encode(archive)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise NotKept(str(error)) from error
    if _told(unpack(body)) != _told(loaded):
        msg = "something in the rules does not come back as it was"
        raise NotKept(msg)
    return body


def unpack(body: bytes) -> Loaded:
    """What `pack` was given. Raises NotKept."""
    try:
        archive = msgspec.msgpack.decode(body, type=_Archive)
        behaviors = tuple(each.entry() for each in archive.behaviors)
        risks = tuple(each.entry() for each in archive.risks)
    except (msgspec.DecodeError, ValidationError, RecursionError) as error:
        raise NotKept(str(error)) from error
    book = Rulebook(
        tuple(each.entry() for each in archive.matches),
        behaviors,
        tuple(each.entry() for each in archive.correlations),
        archive.version,
        risks,
    )
    return Loaded(
        book,
        archive.stories,
        archive.mistakes,
        archive.warnings,
        archive.documents,
        archive.loaded,
        archive.exemptions,
        archive.overlays,
    )


def _told(loaded: Loaded) -> str:
    """All that was loaded in words, which tell 1 from 1.0 and a date from a text."""
    return repr((loaded, [match.written for match in loaded.rulebook.matches]))
