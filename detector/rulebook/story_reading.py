"""Reads `tests:` of rule files, word by word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Any, Final

from detector import events
from detector.findings import LEVELS
from detector.rulebook.documents import Path
from detector.rulebook.headers import read_span
from detector.rulebook.mistakes import did_you_mean, quoted
from detector.rulebook.references import Draft, Register
from detector.rulebook.reports import Report
from detector.rulebook.stories import Expect, Story, StoryEvent

EVENT_KEYS: Final = (
    "at",
    "use",
    "feed",
    "times",
    "every",
    "user",
    "from",
    "ip",
    "device",
    "session",
)
WORDS: Final = EVENT_KEYS[5:]
STORY_KEYS: Final = ("name", "learned", "look-alike", "events", "networks", "people", "expect")
EXPECT_KEYS: Final = ("alerts", "level", "because", "subject")
MOST_STORIES: Final = 200
MOST_ALERTS: Final = 1_000
MOST_TIMES: Final = 1_000
NUMBER: Final = "#"
"""In the words and fields of an event that happens several times, the number of the time."""


Feeds = Mapping[str, tuple[str, ...]]
"""The feeds of each detection, by the rule's id."""


def read_all_stories(
    drafts: Iterable[Draft], feeds: Feeds, register: Register
) -> tuple[Story, ...]:
    """The stories of every document; what is wrong goes to their reports."""
    return tuple(
        story
        for draft in drafts
        if "tests" in draft.report.document.value
        for story in _Reader(draft, feeds, register).stories()
    )


class _Reader:
    """Reads the stories of one document."""

    def __init__(self, draft: Draft, feeds: Feeds, register: Register) -> None:
        self._report: Report = draft.report
        self._rule_id, self._level = draft.head.rule.id, draft.head.rule.level
        self._feeds = feeds
        self._register = register

    def stories(self) -> Iterable[Story]:
        told = self._report.at(("tests",))
        if not isinstance(told, list) or len(told) > MOST_STORIES:
            fix = "write '- name: ...', 'events:' and 'expect:'"
            self._report.wrong(("tests",), f"not a list of at most {MOST_STORIES} stories", fix)
            return
        for index in range(len(told)):
            before = len(self._report.mistakes)
            story = self._story(("tests", index))
            if story and len(self._report.mistakes) == before:
                yield story

    def _story(self, path: Path) -> Story | None:
        told = self._report.at(path)
        if not isinstance(told, dict):
            self._report.wrong(path, "not a mapping", "write 'name:', 'events:' and 'expect:'")
            return None
        self._report.known_keys(path, STORY_KEYS)
        name = self._report.text((*path, "name"))
        if not name:
            self._report.wrong((*path, "name"), "a story needs a name")
        return Story(
            self._rule_id,
            name,
            self._flag((*path, "learned")),
            self._events((*path, "events")),
            expect := self._expect((*path, "expect")),
            self._networks((*path, "networks")),
            self._people((*path, "people")),
            self._is_look_alike((*path, "look-alike"), expect),
            self._report.document.place(path)[0],
        )

    def _flag(self, path: Path) -> bool:
        value = self._report.at(path)
        if not isinstance(value, bool | None):
            self._report.wrong(path, f"{quoted(value)} is neither true nor false")
        return value is True

    def _is_look_alike(self, path: Path, expect: Expect) -> bool:
        """True if the story says so; then the rule must not speak as loud as it can."""
        look_alike = self._flag(path)
        quieter = expect.level in LEVELS[: self._level.rank]
        if look_alike and expect.alerts and not quieter:
            fix = f"expect none, or one below {self._level}"
            self._report.wrong(path, "what only looks alike must not alert as the real thing", fix)
        return look_alike

    def _events(self, path: Path) -> tuple[StoryEvent, ...]:
        told = self._report.at(path)
        if not isinstance(told, list) or not told:
            fix = "write '- {at: 0h, use: op_signin_ok, user: ana}'"
            self._report.wrong(path, "a list of events is needed", fix)
            return ()
        return tuple(
            event
            for index in range(len(told))
            for event in self._repeated((*path, index), self._event((*path, index)))
        )

    def _repeated(self, path: Path, event: StoryEvent | None) -> Iterator[StoryEvent]:
        """An event as often as it says `times:`, with `every:` between."""
        times, every = self._report.at((*path, "times")), timedelta(seconds=1)
        if times is None:
            yield from [event] if event else []
            return
        if (
            isinstance(times, bool)
            or not isinstance(times, int)
            or times not in range(1, MOST_TIMES)
        ):
            self._report.wrong((*path, "times"), f"{quoted(times)} is not a number of times")
            return
        if self._report.at((*path, "every")) is not None:
            every = read_span(self._report, (*path, "every")) or every
        for number in range(times if event else 0):
            assert event is not None
            yield _numbered(event, number, every)

    def _event(self, path: Path) -> StoryEvent | None:
        told = self._report.at(path)
        if not isinstance(told, dict):
            self._report.wrong(path, "not a mapping", "write '{at: 0h, use: op_signin_ok}'")
            return None
        at = read_span(self._report, (*path, "at"))
        use, feed = self._feed(path, told)
        words = {key: self._report.text((*path, key)) or None for key in WORDS}
        first = (words["ip"] or "").replace(NUMBER, "1")
        if first and not _is_address(first):
            self._report.wrong((*path, "ip"), f"{quoted(words['ip'])} is not an IP address")
        fields = {key: value for key, value in told.items() if key not in EVENT_KEYS}
        if feed:
            self._check_fields(path, fields, feed)
        if at is None or not feed:
            return None
        return StoryEvent(
            at,
            feed,
            use,
            words["user"],
            words["from"],
            words["ip"],
            words["device"],
            words["session"],
            fields,
        )

    def _feed(self, path: Path, told: dict[str, Any]) -> tuple[str | None, str]:
        """The rule that an event uses, and the event's feed (empty if it cannot be known)."""
        feed = told.get("feed")
        if feed is not None and feed not in events.FEEDS:
            self._report.not_one_of((*path, "feed"), feed, "a feed", events.FEEDS)
            return None, ""
        if "use" not in told:
            if feed is None:
                self._report.wrong(path, "neither 'use:' nor 'feed:' is here")
            return None, feed or ""
        draft = self._register.find(self._report, (*path, "use"))
        if draft is None or draft.head.rule.id not in self._feeds:
            return None, ""
        feeds = self._feeds[draft.head.rule.id]
        if not feeds:
            text = f"{quoted(told['use'])} is about events that do not come here"
            self._report.wrong((*path, "use"), text)
            return None, ""
        if feed and feed not in feeds:
            text = f"{quoted(told['use'])} looks at {', '.join(feeds)}"
            self._report.wrong((*path, "feed"), text)
        return str(told["use"]), feed or feeds[0]

    def _check_fields(self, path: Path, fields: Mapping[str, Any], feed: str) -> None:
        known = events.fields(feed)
        for key, value in fields.items():
            if key not in known:
                fix = did_you_mean(key, (*EVENT_KEYS, *known))
                text = f"not a field of {feed}"
                self._report.wrong((*path, key), text, fix, key=True)
            elif not isinstance(value, str | int | float | None):
                self._report.wrong((*path, key), f"{quoted(value)} is not a value")

    def _expect(self, path: Path) -> Expect:
        told = self._report.at(path)
        if not isinstance(told, dict):
            self._report.wrong(path, "what is expected?", "write 'expect: {alerts: 1}'")
            return Expect(0)
        self._report.known_keys(path, EXPECT_KEYS)
        alerts = told.get("alerts")
        if (
            isinstance(alerts, bool)
            or not isinstance(alerts, int)
            or alerts not in range(MOST_ALERTS)
        ):
            self._report.wrong((*path, "alerts"), f"{quoted(alerts)} is not a number of alerts")
            alerts = 0
        level = told.get("level")
        if level is not None and level not in LEVELS:
            self._report.not_one_of((*path, "level"), level, "a level", map(str, LEVELS))
        because = self._report.text((*path, "because")) or None
        subject = self._report.text((*path, "subject")) or None
        return Expect(alerts, level, because, subject)

    def _networks(self, path: Path) -> Mapping[str, tuple[str, ...]]:
        told = self._report.at(path)
        if told is None:
            return {}
        if not isinstance(told, dict):
            self._report.wrong(path, "not a mapping", "write '{office: 203.0.113.0/24}'")
            return {}
        networks = {name: self._report.texts((*path, name)) for name in told}
        for name, ranges in networks.items():
            for text in ranges:
                if not _is_network(text):
                    self._report.wrong((*path, name), f"{quoted(text)} is not a network")
        return networks

    def _people(self, path: Path) -> Mapping[str, Mapping[str, Any]]:
        told = self._report.at(path)
        if told is None:
            return {}
        if not isinstance(told, dict) or not all(isinstance(who, dict) for who in told.values()):
            fix = "write '{ana: {timezone: Europe/Paris}}'"
            self._report.wrong(path, "not a mapping of people", fix)
            return {}
        return told


def _numbered(event: StoryEvent, number: int, every: timedelta) -> StoryEvent:
    """The event as it happens for that time, counted from 0."""

    def told(value: Any) -> Any:
        return value.replace(NUMBER, str(number)) if isinstance(value, str) else value

    return replace(
        event,
        at=event.at + number * every,
        user=told(event.user),
        ip=told(event.ip),
        device=told(event.device),
        session=told(event.session),
        fields={name: told(value) for name, value in event.fields.items()},
    )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True
