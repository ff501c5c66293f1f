"""The scene of an attack: who there is to attack, from where, and with what."""

from __future__ import annotations

import random
from typing import Final, TypeVar

from detector.simulator.calendars import DAY, Calendar
from detector.simulator.clients import App, app, device
from detector.simulator.company import Company
from detector.simulator.journal import FEDERATED, PASSWORD, Deed, Journal, Seat, Session, Use
from detector.simulator.network import Spot
from detector.simulator.people import Person
from detector.simulator.places import CITIES, City, distance_km, nearby
from detector.simulator.streams import lower_id
from detector.simulator.workday import Worker

T = TypeVar("T")
Pairs = list[tuple[str, str]]
_HIDEOUTS: Final = (
    "Lagos", "Bucharest", "Ho Chi Minh City", "Kyiv", "Istanbul", "Sao Paulo", "Warsaw", "Tokyo",
    "Amsterdam", "Las Vegas", "Auckland", "Frankfurt am Main",
)  # fmt: skip
_READING: Final = ("reveal", "reveal", "secure-copy")


class Scene:
    """One attack in the making: its tier, its day, its own random stream and journal."""

    def __init__(
        self,
        company: Company,
        calendar: Calendar,
        workers: dict[str, Worker],
        journal: Journal,
        rng: random.Random,
    ) -> None:
        self.company, self.calendar, self.workers = company, calendar, workers
        self.journal, self.rng = journal, rng
        self.tier, self.day = "noisy", 0
        self.spared: set[str] = set()
        self.people: list[str] = []

    def pick(self, noisy: T, careful: T, mimicry: T) -> T:
        """The value for the tier of this attack."""
        return {"noisy": noisy, "careful": careful, "mimicry": mimicry}[self.tier]

    def count(self, noisy: int, careful: int, mimicry: int) -> int:
        """About so many, for the tier of this attack."""
        mean = self.pick(noisy, careful, mimicry)
        return max(1, round(mean * self.rng.uniform(0.7, 1.35)))

    def victim(self, *, admin: bool = False, dormant: bool = False) -> Worker:
        """Somebody who is there to be attacked, or to attack; preferably nobody twice."""
        noon = self.company.plan.begin + (self.day + 0.5) * DAY
        able = [
            worker
            for worker in self.workers.values()
            if worker.life.dormant == dormant
            and (worker.who.is_admin or not admin)
            and (dormant or worker.life.hired < noon < worker.life.left - DAY)
        ]
        fresh = [worker for worker in able if worker.who.uuid not in self.spared]
        there = [worker for worker in fresh if self.day not in worker.life.off]
        worker = self.rng.choice(there or fresh or able)
        self.involve(worker.who)
        return worker

    def involve(self, who: Person) -> None:
        """Name somebody in the label, and spare them the next attack."""
        self.people.append(who.uuid)
        self.spared.add(who.uuid)

    def in_hours(self, worker: Worker, day: int | None = None) -> float:
        """A moment in somebody's working hours."""
        habits = worker.habits
        hour = self.rng.uniform(habits.starts + 0.5, max(habits.starts + 1.5, habits.ends - 2.5))
        return self.calendar.local(worker.who.zone, self.day if day is None else day, hour)

    def any_hour(self, worker: Worker) -> float:
        """A moment of the day at which an attacker elsewhere happens to work."""
        return self.calendar.local(worker.who.zone, self.day, self.rng.uniform(0, 24))

    def workdays(self, most: int) -> list[int]:
        """The workdays from the day of the attack on, at most so many."""
        days = range(self.day, self.calendar.days)
        return [day for day in days if self.calendar.weekday(day) < 5][:most] or [self.day]

    def foreign(self, worker: Worker) -> Spot:
        """A rented server in a country far from somebody's home."""
        home = worker.who.home
        far = [CITIES[name] for name in _HIDEOUTS if distance_km(CITIES[name], home) > 1500]
        return self.company.internet.public(
            "hosting", self.rng.choice(far), self.rng.randrange(4000)
        )

    def neighbour(self, worker: Worker) -> Spot:
        """A home connection in another city of somebody's country, or another one in theirs."""
        return self._residential(self.rng.choice(nearby(worker.who.home)[:4]))

    def next_door(self, worker: Worker) -> Spot:
        """A home connection in somebody's own city."""
        return self._residential(worker.who.home)

    def hideout(self, worker: Worker) -> Spot:
        """Where the attacker connects from, by tier."""
        return self.pick(self.foreign, self.neighbour, self.next_door)(worker)

    def stranger(self, worker: Worker) -> App:
        """A browser on a computer that has nothing to do with the victim's."""
        usual = worker.belongings.at(self.company.plan.begin)["extension"].fields["os_name"]
        kind = self.rng.choice(("linux", "mac" if usual == "Windows" else "windows"))
        return app("web", device(kind, "User", self.rng), self.rng)

    def imitation(self, worker: Worker, part: str = "extension") -> App:
        """The victim's own kind of app, on a device of the attacker."""
        real = worker.belongings.at(self.company.plan.begin + self.day * DAY)[part]
        return App(real.kind, lower_id(self.rng), dict(real.fields), real.lag_days, real.frozen)

    def intruder(self, worker: Worker) -> Seat:
        """The attacker as the victim: app and address by tier."""
        made = self.pick(self.stranger, self.imitation, self.imitation)(worker)
        return Seat(worker.who, made, self.hideout(worker))

    def own(self, worker: Worker, at: float) -> tuple[Session, Seat]:
        """The session that somebody is in at a moment; signs in where there is none."""
        known = [pair for pair in worker.journal.sessions if at - 3 * DAY < pair[0].began < at]
        computers = [pair for pair in known if pair[1].app.kind != "phone"]
        if computers:
            return max(computers, key=lambda pair: pair[0].began)
        apps = worker.belongings.at(at)
        seat = Seat(worker.who, apps["desktop"], worker.presence.home(self.rng)["desktop"])
        return usual_sign_in(self.journal, at - self.rng.uniform(20, 400), seat), seat

    def reach(self, worker: Worker, count: int) -> Pairs:
        """Items that somebody could open, whether they ever do or not."""
        return [worker.taste.unusual(self.rng) for _ in range(count)]

    def read(self, at: float, seat: Seat, pairs: Pairs, gap_s: float, action: str = "") -> float:
        """Read items one after the other; gives the moment after the last."""
        for vault, item in pairs:
            at += self.rng.expovariate(1.0 / gap_s) + 0.2
            known = self.workers.get(seat.who.uuid)
            edits = known.taste.edits.get((vault, item), 0) if known else 0
            use = Use(vault, item, action or self.rng.choice(_READING), edits)
            self.journal.use(at, seat, use)
        return at

    def audit(self, at: float, seat: Seat, session: Session, deed: Deed) -> None:
        """An audit event of the attack."""
        self.journal.audit(at, seat, session, deed)

    def _residential(self, city: City) -> Spot:
        provider, host = self.rng.randrange(3), self.rng.randrange(4000)
        return self.company.internet.home(city, provider, host)


def usual_sign_in(journal: Journal, at: float, seat: Seat) -> Session:
    """Sign in as somebody usually does, written into the attack's journal."""
    return journal.sign_in(at, seat, FEDERATED if seat.who.sso else PASSWORD)
