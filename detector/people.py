"""People as an organisation knows them (people.yml): who they are, holidays, who is on call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Colleague:
    """One entry of people.yml. `timezone` is an IANA zone."""

    email: str
    name: str | None = None
    timezone: str | None = None
    group: str | None = None
    """People with the same work, among whom much or little is compared."""


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day on which nobody works, in some time zones or (none named) everywhere."""

    day: date
    name: str = ""
    zones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Duty:
    """A time at which somebody is on call, from `start` to before `end` (aware times)."""

    email: str
    start: datetime
    end: datetime


class People:
    """The entries by e-mail, whatever its case."""

    def __init__(
        self,
        colleagues: tuple[Colleague, ...] = (),
        *,
        timezone: str = "UTC",
        holidays: tuple[Holiday, ...] = (),
        duties: tuple[Duty, ...] = (),
    ) -> None:
        self.colleagues = colleagues
        self.timezone = timezone
        """Zone of the organisation, for people whose own is not known."""
        self._by_email = {person.email.casefold(): person for person in colleagues}
        self._holidays = {each.day: each for each in reversed(holidays)}
        self._duties: dict[str, list[Duty]] = {}
        for duty in duties:
            self._duties.setdefault(duty.email.casefold(), []).append(duty)

        self.has_groups = any(person.group for person in colleagues)

    def group(self, email: str | None) -> str:
        """The group of the colleague with this e-mail, empty if none is stated."""
        found = self.find(email)
        return (found and found.group) or ""

    def find(self, email: str | None) -> Colleague | None:
        """The colleague with this e-mail, null if there is none."""
        return self._by_email.get(email.casefold()) if email else None

    def holiday(self, day: date, zone: str) -> Holiday | None:
        """The holiday of a local day in a time zone, null if it is none."""
        found = self._holidays.get(day)
        return found if found and (not found.zones or zone in found.zones) else None

    def on_call(self, email: str | None, time: datetime) -> Duty | None:
        """The duty that somebody has at a time, null if there is none."""
        duties = self._duties.get(email.casefold(), []) if email else []
        return next((duty for duty in duties if duty.start <= time < duty.end), None)
