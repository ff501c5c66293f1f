"""A detection of what happened in one event, with what else the event would allow to ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from detector import events
from detector.drafting.scalars import pattern, scalar
from detector.drafting.templates import head
from detector.rulebook import schemas

Row = Mapping[str, Any]
"""An event by the columns of the event schema."""
_TELLING: Final = {
    events.AUDIT: ("object.type", "event.action"),
    events.SIGNIN: ("event.category", "event.type"),
    events.USAGE: ("event.action",),
}
"""What says of what kind an event is."""
_ELSE: Final = ("client.app_name", "item.id", "object.id", "user.id")
"""What is asked for where an event has nothing of that."""
_TURNED: Final = {events.AUDIT: "event.action", events.SIGNIN: "event.category"}
"""What another event differs in, in the test that must not alert."""
_OTHERS: Final = {
    (events.AUDIT, "event.action"): ("update", "view"),
    (events.AUDIT, "object.type"): ("report", "item"),
    (events.SIGNIN, "event.category"): ("success", "credentials_failed"),
    (events.SIGNIN, "event.type"): ("credentials_ok", "password_secret_bad"),
    (events.USAGE, "event.action"): ("fill", "reveal"),
}
"""Everyday values, of which one is never the event's own."""
_ANY: Final = ("something else", "another")
_NO_HINTS: Final = frozenset(
    {"event.id", "event.seq", "event.feed", "event.received", "person", "session.id"}
)
"""What is never the same again, or is no matter of the event."""
_LONGEST: Final = 100


class NotTelling(ValueError):
    """The event has nothing that a rule could ask for."""


@dataclass(frozen=True)
class _Field:
    """A field as a rule names it, and its value in the event."""

    column: str
    name: str
    value: str | int


def of_event(row: Row, title: str, identity: str) -> str:
    """The text of a rule file that matches the event. Raises NotTelling."""
    feed, fields = row["event.feed"], {each.column: each for each in _fields(row)}
    asked = [fields[column] for column in _TELLING[feed] if column in fields]
    asked = asked or [fields[column] for column in _ELSE if column in fields][:1]
    if not asked:
        msg = "the event has neither action nor kind, app, object or person to ask for"
        raise NotTelling(msg)
    lines = [*_detection(feed, asked, fields.values()), *_tests(feed, asked)]
    return head(title, identity) + "\n".join(lines) + "\n"


def _fields(row: Row) -> Iterator[_Field]:
    """What the event has, without its own id and times, in the order of the schema."""
    known = schemas.of_feed(row["event.feed"])
    for column in events.COLUMNS:
        value = row.get(column.name)
        raw = column.raw.get(row["event.feed"], ())
        if (
            column.name in known.dtypes
            and column.name not in _NO_HINTS
            and isinstance(value, str | int)
            and value != ""
        ):
            yield _Field(column.name, raw[0] if raw else column.name, value)


def _detection(feed: str, asked: list[_Field], fields: Iterable[_Field]) -> Iterator[str]:
    yield f"logsource: {{product: onepassword, service: {feed}}}"
    yield "detection:"
    yield "    selection:"
    for each in asked:
        yield f"        {each.name}: {scalar(pattern(each.value))}"
    more = [each for each in fields if each not in asked and len(str(each.value)) <= _LONGEST]
    if more:
        yield "        # The event says this, too; what you ask for belongs into the tests as well:"
    for each in more:
        yield f"        # {each.name}: {scalar(pattern(each.value))}"
    yield "    condition: selection"
    yield "alert:"
    yield "    runbook:"
    yield "        - Ask the person, not by e-mail, whether it was theirs."


def _tests(feed: str, asked: list[_Field]) -> Iterator[str]:
    """It alerts on itself; not on another deed, and not on what is alike in one field only."""
    turned = next((each for each in asked if each.column == _TURNED.get(feed)), asked[0])
    kept = [each for each in asked if each != turned]
    yield "tests:"
    yield from _test("the event that this was made of", feed, asked)
    yield from _test("another event", feed, [_other(feed, turned), *kept], alerts=0)
    if kept:
        alike = [turned, *(_other(feed, each) for each in kept)]
        name = f"the same {turned.name}, but another {kept[0].name}"
        yield from _test(name, feed, alike, alerts=0, look_alike=True)
    else:
        yield "    # A test of something innocent that looks alike has 'look-alike: true'."


def _test(
    name: str, feed: str, fields: list[_Field], *, alerts: int = 1, look_alike: bool = False
) -> Iterator[str]:
    said = ", ".join(f"{each.name}: {scalar(each.value)}" for each in fields)
    yield f"    - name: {name}"
    if look_alike:
        yield "      look-alike: true"
    yield "      events:"
    yield f"          - {{at: 9h, feed: {feed}, user: ana, {said}}}"
    yield f"      expect: {{alerts: {alerts}{', level: low' if alerts else ''}}}"


def _other(feed: str, field: _Field) -> _Field:
    words = _OTHERS.get((feed, field.column), _ANY)
    differs = (word for word in words if word != str(field.value).lower())
    return _Field(field.column, field.name, next(differs))
