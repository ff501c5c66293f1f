"""Machines with an account: the SCIM bridge, builds, Connect servers and the nightly backup."""

from __future__ import annotations

import random
from collections.abc import Iterator
from operator import itemgetter

from detector.simulator import rates
from detector.simulator.calendars import DAY, HOUR, Calendar
from detector.simulator.clients import app, device, machine
from detector.simulator.company import Company
from detector.simulator.duties import about, member
from detector.simulator.happenings import FOREVER, Life
from detector.simulator.journal import PASSWORD, Deed, Journal, Outcome, Seat, Use
from detector.simulator.people import Person
from detector.simulator.streams import poisson, stream, upper_id

_KINDS = {"scim": "scim", "ci": "cli", "connect": "connect", "backup": "sdk"}


def seats_of(company: Company, service: Person) -> list[Seat]:
    """Where a service runs: one or several machines of its cloud."""
    rng = stream(company.plan.seed, "machines", service.uuid)
    count = 4 if service.role == "ci" else 1
    seats = []
    for _ in range(count):
        program = machine(
            _KINDS[service.role], f"ip-10-0-{rng.randrange(255)}-{rng.randrange(255)}", rng
        )
        spot = company.internet.public("cloud", service.home, rng.randrange(4000))
        seats.append(Seat(service, program, spot))
    return seats


def automate(
    company: Company, calendar: Calendar, lives: dict[str, Life], service: Person
) -> Journal:
    """Everything that one service does in the simulated time."""
    rng = stream(company.plan.seed, "service", service.uuid)
    journal = Journal(company.account, company.plan.begin, stream(company.plan.seed, service.uuid))
    seats = seats_of(company, service)
    if service.role == "scim":
        _provision(company, lives, journal, seats[0], rng)
        return journal
    secrets = _secrets(company, rng, 400 if service.role == "backup" else 25)
    for day in range(calendar.days):
        if service.role == "backup":
            _back_up(calendar.local("UTC", day, 2.0), journal, seats[0], secrets, rng)
        else:
            _run(company, calendar, day, (journal, seats, secrets), rng)
    return journal


def _secrets(company: Company, rng: random.Random, count: int) -> list[tuple[str, str]]:
    vaults = [vault for vault in company.vaults if vault.team in {"engineer", "it"}]
    pairs = [(vault.uuid, item) for vault in vaults for item in vault.items]
    return rng.sample(pairs, min(count, len(pairs)))


def _run(
    company: Company,
    calendar: Calendar,
    day: int,
    kit: tuple[Journal, list[Seat], list[tuple[str, str]]],
    rng: random.Random,
) -> None:
    journal, seats, secrets = kit
    busy = 1.0 if calendar.weekday(day) < 5 else 0.25
    size = 8.0 + len(company.people) / 10
    start = calendar.local("UTC", day, 0.0)
    for _ in range(poisson(rng, size * busy)):
        seat = rng.choice(seats)
        at = start + min(max(rng.gauss(14, 4.5), 0.0), 23.9) * HOUR
        if rng.random() < 0.15:
            journal.sign_in(at - 1.5, seat, PASSWORD)
        for vault, item in rng.sample(secrets, min(rng.randrange(1, 7), len(secrets))):
            at += rng.uniform(0.05, 0.8)
            journal.use(at, seat, Use(vault, item, "server-fetch"))


def _back_up(
    at: float, journal: Journal, seat: Seat, secrets: list[tuple[str, str]], rng: random.Random
) -> None:
    at += rng.uniform(0, 90)
    journal.sign_in(at, seat, PASSWORD)
    for vault, item in secrets[: 60 + rng.randrange(3)]:
        at += rng.uniform(0.1, 0.5)
        journal.use(at, seat, Use(vault, item, "server-fetch"))


def _provision(
    company: Company, lives: dict[str, Life], journal: Journal, seat: Seat, rng: random.Random
) -> None:
    begin = company.plan.begin
    session = journal.sign_in(begin + rng.uniform(0, 1200), seat, PASSWORD)
    for at, deed in sorted(_changes(company, lives, rng), key=itemgetter(0)):
        if begin + 1500 < at < company.plan.end:
            if at - session.began > 7 * DAY:
                session = journal.sign_in(at - rng.uniform(1, 5), seat, PASSWORD)
            journal.audit(at, seat, session, deed)


def _changes(
    company: Company, lives: dict[str, Life], rng: random.Random
) -> Iterator[tuple[float, Deed]]:
    """What the directory tells the bridge: joiners, leavers and changes of groups."""
    for who in company.people:
        life = lives[who.uuid]
        group = company.groups.get(who.role, company.groups["everyone"])
        if life.hired != -FOREVER:
            at = _on_schedule(life.hired - rng.uniform(1, 4) * DAY)
            yield at, Deed("create", "invite", upper_id(rng), {"aux_info": who.email})
            yield at + 0.7, Deed("provsn", "user", who.uuid, about(who))
            yield at + 1.9, Deed("join", "gm", group, member(who))
        if life.left < company.plan.end:
            at = _on_schedule(life.left + rng.uniform(0.2, 5) * HOUR)
            yield at, Deed("suspend", "user", who.uuid, about(who))
    groups = list(company.groups.values())[3:]
    for day in range(company.plan.days):
        if rng.random() < rates.SCIM_CHANGE_RATE:
            at = _on_schedule(company.plan.begin + day * DAY + 6 * HOUR)
            who = rng.choice(company.people)
            yield at, Deed(rng.choice(("join", "leave")), "gm", rng.choice(groups), member(who))
            yield at + 0.8, Deed("update", "user", who.uuid, about(who))


def _on_schedule(at: float) -> float:
    """The next run of the bridge: every 40 minutes."""
    return (at // 2400 + 1) * 2400.0


def strangers(company: Company) -> Journal:
    """Failed guesses from the internet that hit somebody's address now and then."""
    rng = stream(company.plan.seed, "strangers")
    journal = Journal(company.account, company.plan.begin, stream(company.plan.seed, "guesses"))
    for day in range(company.plan.days):
        if rng.random() >= rates.PUBLIC_GUESS_RATE:
            continue
        who = rng.choice(company.people)
        city = rng.choice(company.offices)
        browser = app("web", device("windows", "User", rng), rng)
        spot = company.internet.public("hosting", city, rng.randrange(4000))
        at = company.plan.begin + (day + rng.random()) * DAY
        for _ in range(rng.choice((1, 1, 2, 3))):
            at += rng.uniform(2, 60)
            outcome = Outcome("credentials_failed", "password_secret_bad")
            journal.sign_in(at, Seat(who, browser, spot), outcome)
    return journal
