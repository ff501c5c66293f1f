"""People as an organisation knows them (people.yml): e-mail, name, time zone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Colleague:
    """One entry of people.yml. `timezone` is an IANA zone."""

    email: str
    name: str | None = None
    timezone: str | None = None


class People:
    """The entries by e-mail, whatever its case."""

    def __init__(self, colleagues: tuple[Colleague, ...] = (), *, timezone: str = "UTC") -> None:
        self.colleagues = colleagues
        self.timezone = timezone
        """Zone of the organisation, for people whose own is not known."""
        self._by_email = {person.email.casefold(): person for person in colleagues}

    def find(self, email: str | None) -> Colleague | None:
        """The colleague with this e-mail, null if there is none."""
        return self._by_email.get(email.casefold()) if email else None
