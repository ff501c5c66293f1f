"""The configuration as standing orders of delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from detector.delivery import orders as standing
from detector.delivery.orders import Orders
from detector.settings.parts import WEEKDAYS

if TYPE_CHECKING:
    from detector.settings.delivery import Match, Route
    from detector.settings.model import Settings


def destinations(settings: Settings) -> tuple[str, ...]:
    """The names of all destinations; the console if there is no other, or a route names it."""
    routed = {name for each in settings.routes for name in (*each.send, *each.escalate)}
    named = tuple(settings.by_name())
    return named if named and "console" not in routed else (*named, "console")


def pictures_of(name: str) -> str:
    """What posts the pictures of a Slack destination: apart from it, so that no alert waits."""
    return f"{name}:pictures"


def orders(settings: Settings) -> Orders:
    """What delivery is told by the configuration."""
    plain, digest = settings.delivery, settings.digest
    weekly = None if digest.weekly == "never" else WEEKDAYS.index(digest.weekly)
    zone = ZoneInfo(settings.timezone)
    return Orders(
        destinations=destinations(settings),
        editing=frozenset(
            {*settings.webhook, *(name for name, each in settings.slack.items() if each.channel)}
        ),
        pictures={name: pictures_of(name) for name, each in settings.slack.items() if each.channel},
        routes=tuple(_route(each) for each in settings.routes),
        fallbacks=_fallbacks(settings),
        quiet=_quiet(settings),
        inhibitions=tuple(
            standing.Inhibition(each.by, each.hides, each.within) for each in settings.inhibitions
        ),
        flood=standing.Flood(settings.flood.high, settings.flood.other, settings.flood.within),
        digest=standing.Timetable(digest.at, weekly, zone, digest.send),
        incident_window=plain.incident_window,
        medium_wait=plain.medium_wait,
        remind_after=plain.remind_after,
        expire_after=plain.expire_after,
        longest_silence=settings.silences.longest,
        idle_silence=settings.silences.idle,
    )


def _route(route: Route) -> standing.Route:
    return standing.Route(
        _match(route.match),
        route.send,
        route.escalate,
        route.escalate_after,
        route.wait,
        route.mentions,
    )


def _match(match: Match) -> standing.Match:
    return standing.Match(match.level, match.account, match.rule, match.tag)


def _fallbacks(settings: Settings) -> dict[str, str]:
    return {name: each.fallback for name, each in settings.by_name().items() if each.fallback}


def _quiet(settings: Settings) -> standing.QuietHours | None:
    quiet = settings.quiet_hours
    if quiet is None:
        return None
    days = frozenset(WEEKDAYS.index(day) for day in quiet.days)
    zone = ZoneInfo(quiet.timezone or settings.timezone)
    return standing.QuietHours(quiet.begins, quiet.ends, zone, days)
