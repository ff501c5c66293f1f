"""The simulation: live through the plan, then put what happened into the order of arrival."""

from __future__ import annotations

from dataclasses import dataclass

from detector.simulator.arrivals import Arrival, in_order
from detector.simulator.attacks import attack
from detector.simulator.attacks.labels import Attack
from detector.simulator.automation import automate, strangers
from detector.simulator.calendars import calendar_of
from detector.simulator.company import Company, Network, Plan, Vault, found
from detector.simulator.duties import duties
from detector.simulator.employment import live
from detector.simulator.happenings import Life, Trip, lives
from detector.simulator.people import Person


@dataclass(frozen=True, slots=True)
class Member:
    """One line of the roster."""

    uuid: str
    name: str
    email: str
    city: str
    country: str
    zone: str
    role: str
    is_admin: bool
    is_service: bool
    is_dormant: bool


@dataclass(frozen=True, slots=True)
class Simulation:
    """Everything that the plan led to."""

    plan: Plan
    account: str
    arrivals: tuple[Arrival, ...]
    attacks: tuple[Attack, ...]
    people: tuple[Member, ...]
    networks: tuple[Network, ...]
    vaults: tuple[Vault, ...]
    trips: tuple[Trip, ...]


def simulate(plan: Plan) -> Simulation:
    """Simulate a plan; the same plan always gives the same simulation."""
    company = found(plan)
    calendar = calendar_of(plan.start, plan.days)
    courses = lives(company, calendar)
    tasks = duties(company, calendar, courses)
    workers = [
        live(company, calendar, who, courses[who.uuid], tasks.get(who.uuid, []))
        for who in company.people
    ]
    labels, added = attack(company, calendar, workers)
    journals = [worker.journal for worker in workers]
    journals += [automate(company, calendar, courses, who) for who in company.services]
    journals.append(strangers(company))
    return Simulation(
        plan=plan,
        account=company.account,
        arrivals=in_order(
            [arrival for journal in journals for arrival in journal.arrivals] + added
        ),
        attacks=tuple(labels),
        people=roster(company, courses),
        networks=company.networks,
        vaults=company.vaults,
        trips=tuple(trip for life in courses.values() for trip in life.trips),
    )


def roster(company: Company, courses: dict[str, Life]) -> tuple[Member, ...]:
    """Everybody with an account, services included."""
    return tuple(
        _member(who, dormant=who.uuid in courses and courses[who.uuid].dormant)
        for who in (*company.people, *company.services)
    )


def _member(who: Person, *, dormant: bool) -> Member:
    return Member(
        who.uuid, who.name, who.email, who.home.name, who.home.code, who.zone, who.role,
        who.is_admin, who.is_service, dormant,
    )  # fmt: skip
