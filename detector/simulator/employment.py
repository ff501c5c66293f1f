"""A whole employment: every stretch of every day, with the episodes and duties that fall in it."""

from __future__ import annotations

from detector.simulator import rates
from detector.simulator.calendars import HOUR, Calendar
from detector.simulator.company import Company
from detector.simulator.duties import Duty
from detector.simulator.episodes import befall, begin_employment, set_up
from detector.simulator.happenings import FOREVER, Life
from detector.simulator.journal import Seat, Use
from detector.simulator.people import Person
from detector.simulator.presence import Stretch
from detector.simulator.workday import Worker


def live(
    company: Company, calendar: Calendar, who: Person, life: Life, duties: list[Duty]
) -> Worker:
    """Live through the simulated time; the worker's journal holds what it left behind."""
    worker = Worker(company, calendar, who, life)
    pending = list(duties)
    changes = worker.belongings.changes()
    begun = life.hired == -FOREVER
    for day in range(-1, calendar.days + 1):
        for stretch in _within(worker, worker.presence.stretches(day, worker.rng)):
            if not begun:
                begin_employment(worker, stretch)
                begun = True
            while changes and changes[0] < stretch.end:
                set_up(worker, stretch, changes.pop(0))
            worker.work(stretch, day)
            befall(worker, stretch)
            while pending and pending[0].at < stretch.end:
                perform(worker, stretch, pending.pop(0))
    return worker


def perform(worker: Worker, stretch: Stretch, duty: Duty) -> None:
    """Do a duty: in working time, or at its own hour from home if it cannot wait."""
    apps = worker.belongings.at(duty.at)
    if duty.late and duty.at < stretch.start - HOUR:
        home = worker.presence.home(worker.rng)
        away = worker.life.where(worker.who.home, duty.at) != worker.who.home
        if not away and not worker.life.travelling(duty.at) and duty.at > worker.company.plan.begin:
            seat = Seat(worker.who, apps["web"], home["web"])
            session = worker.sign_in(duty.at - worker.rng.uniform(20, 200), seat)
            worker.journal.audit(max(duty.at, session.began + 5), seat, session, duty.deed)
        return
    part = "web" if "web" in stretch.spots else next(iter(stretch.spots))
    seat = Seat(worker.who, apps[part], stretch.spots[part])
    at = max(duty.at, stretch.start + worker.rng.uniform(200, 1200))
    session = worker.session(at, seat)
    at = max(at, session.began + 5)
    worker.journal.audit(at, seat, session, duty.deed)
    if duty.deed.object_type == "uva" and duty.deed.extra.get("aux_uuid") == worker.who.uuid:
        break_glass(worker, at, seat, duty.deed.object_uuid)


def break_glass(worker: Worker, at: float, seat: Seat, uuid: str) -> None:
    """Look up what one opened a vault for, by ticket."""
    vault = next(vault for vault in worker.company.vaults if vault.uuid == uuid)
    if worker.rng.random() < rates.BREAK_GLASS_SHARE:
        for item in worker.rng.sample(vault.items, worker.rng.randrange(1, 5)):
            at += worker.rng.uniform(15, 500)
            worker.journal.use(at, seat, Use(vault.uuid, item, "reveal"))


def _within(worker: Worker, stretches: list[Stretch]) -> list[Stretch]:
    """The stretches inside the simulated time and the employment."""
    plan, life = worker.company.plan, worker.life
    start, end = max(plan.begin, life.hired), min(plan.end, life.left, life.asleep)
    clipped = (
        stretch._replace(start=max(stretch.start, start), end=min(stretch.end, end))
        for stretch in stretches
    )
    return [stretch for stretch in clipped if stretch.end - stretch.start > 0.1 * HOUR]
