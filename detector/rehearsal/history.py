"""What the people of a story did before it: thirty ordinary days at work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from detector import events
from detector.rehearsal import items
from detector.rehearsal.cast import Member, stable_id
from detector.rehearsal.script import Line

DAYS = 30
SATURDAY = 5
WORKDAY = (
    (time(9, 5), events.SIGNIN),
    (time(9, 20), events.AUDIT),
    (time(10, 10), events.USAGE),
    (time(11, 25), events.AUDIT),
    (time(12, 5), events.USAGE),
    (time(13, 40), events.USAGE),
    (time(14, 15), events.AUDIT),
    (time(15, 30), events.USAGE),
    (time(16, 45), events.AUDIT),
)
"""What happens on every working day, by the person's own clock."""


def before(start: datetime, members: tuple[Member, ...]) -> list[Line]:
    """The events of all members in the days before `start`, in order of time."""
    lines = [line for member in members for line in _days(start, member)]
    return sorted(lines, key=lambda line: (line.received, line.uuid))


def _days(start: datetime, member: Member) -> Iterator[Line]:
    zone = ZoneInfo(member.zone)
    first = (start - timedelta(days=DAYS)).date()
    everyday = {
        feed: items.everyday(feed, member, member.home, ip=member.ip) for feed in events.FEEDS
    }
    for day in (first + timedelta(days=number) for number in range(DAYS + 1)):
        if day.weekday() >= SATURDAY:
            continue
        session = {"session.id": stable_id("session of", member.name, str(day))}
        login = datetime.combine(day, WORKDAY[0][0], zone).astimezone(start.tzinfo)
        for clock, feed in WORKDAY:
            at = datetime.combine(day, clock, zone).astimezone(start.tzinfo)
            if at >= start:
                return
            more = session | {"session.login_time": items.stamp(login)}
            uuid = stable_id("before", member.name, feed, items.stamp(at))
            raw = items.encode(feed, everyday[feed] | more, uuid=uuid, time=at)
            yield Line(feed, raw, at, uuid)
