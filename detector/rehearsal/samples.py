"""What a story says of its events: what `use:` stands for, the words, and the fields."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from detector import events
from detector.rehearsal import items
from detector.rehearsal.cast import Told, Unplayable, stable_id, stranger
from detector.rulebook.book import Match, Rulebook
from detector.rulebook.examples import NoExample, example
from detector.rulebook.matching import plan
from detector.rulebook.mistakes import quoted
from detector.rulebook.schemas import of_feed
from detector.rulebook.stories import StoryEvent
from detector.sources import records

_USER: Final = ("user.id", "user.name")
_NOON: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Samples:
    """What makes an event one that a rule matches, by column; found once for each rule."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._rules: dict[str, Match] = {}
        for entry in rulebook.matches:
            self._rules[entry.rule.name] = self._rules[entry.rule.id] = entry
        self._found: dict[tuple[str, str], Told] = {}

    def tell(self, event: StoryEvent) -> Told:
        """What the story says of an event, fields over words over sample. Raises Unplayable."""
        said = dict(self._sample(event)) if event.use else {}
        if event.user:
            said = {key: value for key, value in said.items() if key not in _USER}
        if event.from_place:
            places = (*items.SPOT, "location.country")
            said = {key: value for key, value in said.items() if key not in places}
        fields = {
            (column := items.column_of(name, event.feed)): _as_sent(column, value)
            for name, value in event.fields.items()
        }
        return said | _words(event) | fields

    def _sample(self, event: StoryEvent) -> Told:
        key = (event.use or "", event.feed)
        if key not in self._found:
            self._found[key] = _needed(self._rule(key[0]), event.feed)
        found = self._found[key]
        acting = found.get("user.id")
        if event.user is None or acting is None:
            return found
        return {name: items.SAME if value == acting else value for name, value in found.items()}

    def _rule(self, name: str) -> Match:
        if name not in self._rules:
            msg = f"use: {quoted(name)} is no rule that is decided by one event"
            raise Unplayable(msg)
        return self._rules[name]


def _words(event: StoryEvent) -> dict[str, Any]:
    if event.device and event.feed != events.AUDIT:
        msg = f"{event.feed} tell no device; only auditevents do ('use: op_session')"
        raise Unplayable(msg)
    words = {
        "source.ip": event.ip,
        "device.id": stable_id("device", event.device) if event.device else None,
        "session.id": stable_id("session", event.session) if event.session else None,
    }
    return {name: value for name, value in words.items() if value is not None}


def _needed(match: Match, feed: str) -> Told:
    """The example of a rule, less what everyday events have as well."""
    try:
        item = example(match, feed)
    except NoExample as error:
        msg = f"no event was found that {match.rule.name} matches; give feed: and fields instead"
        raise Unplayable(msg) from error
    names = events.fields(feed)
    needed = {names[name]: value for name, value in _leaves(item, "")}
    everyday = items.everyday(feed, stranger(), stranger().home, ip="198.51.100.7")
    for name in [name for name in needed if everyday.get(name) is not None]:
        fewer = {other: value for other, value in needed.items() if other != name}
        if _holds(match, feed, everyday | fewer):
            needed = fewer
    return needed


def _holds(match: Match, feed: str, columns: Mapping[str, Any]) -> bool:
    raw = items.encode(feed, columns, uuid="EXAMPLE", time=_NOON)
    step = plan(of_feed(feed), {match.rule.id: match.condition})
    return step is not None and any(step.hits(records.shape(feed, [raw], _NOON).frame))


def _leaves(item: Mapping[str, Any], path: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in item.items():
        inner = _leaves(value, f"{path}{name}.") if isinstance(value, dict) else None
        found += [(f"{path}{name}", value)] if inner is None else inner
    return found


def _as_sent(column: str, value: Any) -> Any:
    """A YAML number where the API sends a text."""
    if value is None or events.SCHEMA[column] != events.TEXT:
        return value
    return str(value)
