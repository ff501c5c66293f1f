"""The script of a story: its events as raw items, in the order in which they arrive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import polars as pl

from detector import events
from detector.rehearsal import items
from detector.rehearsal.cast import (
    Member,
    Told,
    Unplayable,
    address,
    cast,
    city_of,
    name_of,
    stable_id,
)
from detector.rehearsal.samples import Samples
from detector.rulebook.stories import Story
from detector.sources import records

START: Final = datetime(2026, 3, 2, tzinfo=UTC)
"""When every story begins: a Monday, at midnight."""
LONGEST: Final = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Line:
    """One raw item and when it arrives."""

    feed: str
    raw: bytes
    received: datetime
    uuid: str


@dataclass(frozen=True, slots=True)
class Script:
    """What there is to play: the people by name, and the story's items as they arrive."""

    members: Mapping[str, Member]
    lines: tuple[Line, ...]


def write(samples: Samples, story: Story) -> Script:
    """The script of a story. Raises Unplayable."""
    told = tuple(samples.tell(event) for event in story.events)
    members = cast(story, told)
    return Script(members, tuple(_lines(story, told, members)))


def _lines(story: Story, told: Sequence[Told], members: Mapping[str, Member]) -> list[Line]:
    lines: list[Line] = []
    logins: dict[str, datetime] = {}
    latest = timedelta()
    for number, (event, said) in enumerate(zip(story.events, told, strict=True), 1):
        if event.at > LONGEST:
            msg = f"event {number}: a story may last {LONGEST.days} days at most"
            raise Unplayable(msg)
        latest = max(latest, event.at)
        time = START + event.at
        uuid = stable_id("event", story.rule_id, story.name, str(number))
        member = members[name_of(event.user, said)]
        place = city_of(event.from_place) if event.from_place else member.home
        columns = items.whole(event, said, member, place)
        columns.setdefault("session.id", stable_id("session of", uuid))
        login = logins.setdefault(str(columns["session.id"]), time)
        columns.setdefault("session.login_time", items.stamp(login))
        if columns["source.ip"] is None and "source.ip" not in said:
            at_home = place == member.home
            columns["source.ip"] = member.ip if at_home else address(member.name, place)
        raw = items.encode(event.feed, columns, uuid=uuid, time=time)
        lines.append(Line(event.feed, raw, START + latest, uuid))
    return lines


def shape(lines: Sequence[Line]) -> tuple[pl.DataFrame, pl.Series]:
    """The rows of the event schema in order of arrival, and their raw items."""
    frames: list[pl.DataFrame] = []
    places: list[int] = []
    raws: list[bytes] = []
    for feed in events.FEEDS:
        of_feed = [(place, line) for place, line in enumerate(lines) if line.feed == feed]
        if not of_feed:
            continue
        shaped = records.shape(
            feed, [line.raw for _, line in of_feed], [line.received for _, line in of_feed]
        )
        if shaped.flaws:
            flaw = shaped.flaws[0]
            msg = f"event {of_feed[flaw.index][0] + 1}: {flaw.reason}"
            raise Unplayable(msg)
        frames.append(shaped.frame)
        raws += shaped.raws
        places += [place for place, _ in of_feed]
    order = pl.Series(places).arg_sort()
    return pl.concat(frames)[order], pl.Series(raws, dtype=pl.Binary)[order]
