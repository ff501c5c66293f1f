"""What administrators have to do: routine work, joiners and leavers, policies, recoveries."""

from __future__ import annotations

import random
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

from detector.simulator import rates
from detector.simulator.calendars import DAY, HOUR, Calendar
from detector.simulator.company import Company
from detector.simulator.happenings import FOREVER, Life
from detector.simulator.journal import Deed
from detector.simulator.people import Person
from detector.simulator.streams import lower_id, stream, upper_id

_REPORTS: Final = ("usage", "domain-breach", "team", "watchtower")


@dataclass(frozen=True, slots=True)
class Duty:
    """Something an administrator will do at about a moment; `late` if it cannot wait."""

    at: float
    admin: str
    deed: Deed
    late: bool = False


def duties(company: Company, calendar: Calendar, lives: dict[str, Life]) -> dict[str, list[Duty]]:
    """The duties of every administrator by uuid, in order."""
    rng = stream(company.plan.seed, "duties")
    desk = Desk(company, calendar, lives, rng)
    for day in range(calendar.days):
        desk.routine(day)
        desk.policy(day)
        desk.incident(day)
    for who in company.people:
        desk.joiner(who)
        desk.leaver(who)
        desk.forgetter(who)
        desk.personal(who)
    result: dict[str, list[Duty]] = {}
    for duty in sorted(desk.duties, key=attrgetter("at")):
        result.setdefault(duty.admin, []).append(duty)
    return result


def about(who: Person) -> dict[str, Any]:
    """The fields of an audit event whose object is a person."""
    return {"object_details": who.details}


def member(who: Person, info: str = "R") -> dict[str, Any]:
    """The fields of an audit event whose second object is a person."""
    number = int.from_bytes(who.uuid.encode()[:4], "big") % 10_000_000
    fields = {"aux_id": number, "aux_uuid": who.uuid, "aux_details": who.details}
    return {**fields, "aux_info": info} if info else fields


class Desk:
    """The desk on which the duties of the simulated time pile up."""

    def __init__(
        self, company: Company, calendar: Calendar, lives: dict[str, Life], rng: random.Random
    ) -> None:
        self.company, self.calendar, self.lives, self.rng = company, calendar, lives, rng
        self.duties: list[Duty] = []

    def routine(self, day: int) -> None:
        """The requests of one day: access, groups, reports, vaults."""
        open_share = 1.0 if self.calendar.weekday(day) < 5 else rates.LATE_DUTY_SHARE
        expected = rates.DUTIES_PER_PERSON * len(self.company.people) * open_share
        for _ in range(round(self.rng.gauss(expected, expected**0.5))):
            admin = self._admin(day)
            deed = self._request(admin)
            late = self.rng.random() < rates.LATE_DUTY_SHARE
            hour = self.rng.uniform(18.5, 25.0) if late else self.rng.uniform(9.2, 17.2)
            at = self.calendar.local(admin.zone, day, hour)
            self._add(at, admin, deed, late=late)
            if deed.action == "grant" and self.rng.random() < 0.3:
                self._add(at + 40, admin, deed._replace(action="update"), late=late)

    def policy(self, day: int) -> None:
        """Now and then the settings of the whole account change."""
        if self.calendar.weekday(day) > 4 or self.rng.random() >= rates.POLICY_CHANGE_RATE:
            return
        action, kind = self.rng.choice(
            (
                ("updatfw", "account"), ("updatmfa", "account"), ("addgsso", "sso"),
                ("delgsso", "sso"), ("vrfydmn", "account"), ("uisas", "account"),
                ("chngpsso", "sso"), ("enblmfa", "account"),
            )
        )  # fmt: skip
        admin = self._admin(day)
        at = self.calendar.local(admin.zone, day, self.rng.uniform(10, 17))
        for repeat in range(self.rng.choice((1, 1, 2, 3))):
            self._add(at + repeat * 150, admin, Deed(action, kind, self.company.account))

    def incident(self, day: int) -> None:
        """Now and then a night is spent on containing what turns out to be harmless."""
        if not self._happens(rates.NIGHT_INCIDENT_RATE):
            return
        admin, who = self._admin(day), self.rng.choice(self.company.people)
        at = self.calendar.local(admin.zone, day, self.rng.uniform(22.5, 28.0))
        for action in ("suspend", "dealldev"):
            self._add(at, admin, Deed(action, "user", who.uuid, about(who)), late=True)
            at += self.rng.uniform(20, 200)
        for _ in range(self.rng.randrange(4)):
            self._add(at, admin, Deed("trevoke", "satoken", upper_id(self.rng)), late=True)
            at += self.rng.uniform(20, 200)
        morning = self.calendar.local(admin.zone, day + 1, self.rng.uniform(9.5, 11.5))
        self._add(morning, admin, Deed("reactive", "user", who.uuid, about(who)))

    def joiner(self, who: Person) -> None:
        """A new colleague is let into groups and vaults."""
        hired = self.lives[who.uuid].hired
        if hired == -FOREVER:
            return
        day = int((hired - self.company.plan.begin) // DAY)
        admin = self._admin(day)
        at = hired + self.rng.uniform(0.5, 3.0) * HOUR
        for group in ("everyone", who.role):
            uuid = self.company.groups.get(group, self.company.groups["everyone"])
            self._add(at, admin, Deed("join", "gm", uuid, member(who)))
            at += self.rng.uniform(10, 60)
        for vault in self.company.vaults_of(who)[:3]:
            self._add(at, admin, Deed("grant", "uva", vault.uuid, member(who, "")))
            at += self.rng.uniform(8, 40)

    def leaver(self, who: Person) -> None:
        """Whoever leaves is deleted some days after the SCIM bridge suspended them."""
        left = self.lives[who.uuid].left
        if left == FOREVER:
            return
        day = int((left - self.company.plan.begin) // DAY) + self.rng.choice((3, 7, 7, 14))
        admin = self._admin(day)
        at = self.calendar.local(admin.zone, day, self.rng.uniform(9.5, 16.5))
        self._add(at, admin, Deed("delete", "user", who.uuid, about(who)))

    def forgetter(self, who: Person) -> None:
        """Whoever forgot the password is recovered, once somebody has the time."""
        forgot = self.lives[who.uuid].forgot
        if forgot == FOREVER:
            return
        admin = self._admin(int((forgot - self.company.plan.begin) // DAY))
        at = forgot + self.rng.uniform(0.4, 1.0) * HOUR
        self._add(at, admin, Deed("beginr", "user", who.uuid, about(who)), late=True)
        self._add(at + 1500, admin, Deed("completr", "user", who.uuid, about(who)), late=True)

    def personal(self, who: Person) -> None:
        """What people change in their own account: Travel Mode, password, second factor."""
        for trip in self.lives[who.uuid].trips:
            if trip.destination.code != who.home.code and self._happens(rates.TRAVEL_MODE_SHARE):
                for at, action in (
                    (trip.depart - 4 * HOUR, "trvlaway"),
                    (trip.back_arrive + 4 * HOUR, "trvlback"),
                ):
                    self._add(at, who, Deed(action, "user", who.uuid, about(who)))
        for rate, actions in (
            (rates.OWN_PASSWORD_RATE, ("changemp",)),
            (rates.OWN_MFA_RATE, ("enblmfa", "updatmfa")),
        ):
            if self._happens(rate * self.calendar.days):
                at = self.company.plan.begin + self.rng.uniform(0, self.calendar.days) * DAY
                deed = Deed(self.rng.choice(actions), "user", who.uuid, about(who))
                self._add(at, who, deed)

    def _happens(self, chance: float) -> bool:
        return self.rng.random() < chance

    def _admin(self, day: int) -> Person:
        admins = self.company.admins
        present = [who for who in admins if day not in self.lives[who.uuid].off]
        weights = [1.0 / (rank + 1) for rank in range(len(present or admins))]
        return self.rng.choices(present or admins, weights)[0]

    def _request(self, admin: Person) -> Deed:
        rng, company = self.rng, self.company
        who, vault = rng.choice(company.people), rng.choice(company.vaults)
        group = company.groups[rng.choice(list(company.groups)[2:])]
        if rng.random() < rates.SELF_GRANT_SHARE:
            who = admin
        kind = rng.choices(
            ("report", "uva", "gm", "leave", "gva", "vault", "device", "sa", "invite", "group"),
            (24, 22, 16, 6, 6, 5, 5, 3, 6, 2),
        )[0]
        if kind == "report":
            return Deed("view", "report", lower_id(rng), {"aux_info": rng.choice(_REPORTS)})
        if kind == "uva":
            action = rng.choices(("grant", "update", "revoke"), (6, 2, 3))[0]
            return Deed(action, "uva", vault.uuid, member(who, ""))
        if kind in {"gm", "leave"}:
            return Deed("join" if kind == "gm" else "leave", "gm", group, member(who))
        if kind == "gva":
            action = rng.choice(("grant", "update", "revoke"))
            return Deed(action, "gva", vault.uuid, {"aux_uuid": group})
        if kind == "device":
            return Deed("delete", "device", lower_id(rng), member(who, ""))
        if kind == "sa":
            action, kind = rng.choice(
                (("create", "satoken"), ("trevoke", "satoken"), ("update", "sa"))
            )
            return Deed(action, kind, upper_id(rng))
        if kind == "invite":
            info = {"aux_info": f"guest{rng.randrange(999)}@partner.example"}
            return Deed(rng.choice(("create", "update")), "invite", upper_id(rng), info)
        return Deed(rng.choice(("create", "update")), kind, lower_id(rng))

    def _add(self, at: float, admin: Person, deed: Deed, *, late: bool = False) -> None:
        self.duties.append(Duty(at, admin.uuid, deed, late))
