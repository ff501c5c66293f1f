"""A person's days at work: sessions, uses of items, and what people do to their own account."""

from __future__ import annotations

from itertools import accumulate
from typing import Final

from detector.simulator import rates
from detector.simulator.belongings import Belongings
from detector.simulator.calendars import HOUR, Calendar
from detector.simulator.clients import App
from detector.simulator.company import Company
from detector.simulator.habits import Habits, Taste, habits_of
from detector.simulator.happenings import Life
from detector.simulator.journal import (
    BAD_PASSWORD,
    FEDERATED,
    PASSWORD,
    SECOND_FACTOR,
    Deed,
    Journal,
    Outcome,
    Seat,
    Session,
    Use,
)
from detector.simulator.people import Person
from detector.simulator.presence import Presence, Stretch
from detector.simulator.streams import lower_id, pick, poisson, stream

_SLIPS: Final = (
    Outcome("mfa_failed", "totp_bad"),
    Outcome("mfa_failed", "totp_timeout"),
    Outcome("mfa_failed", "code_timeout"),
    Outcome("mfa_failed", "u2f_timeout"),
)
_EDITS: Final = ("update", "create", "patch", "delete")
_SSO_SLIP: Final = Outcome("sso_failed", "sso_user_mismatch")
_OUTDATED: Final = Outcome("modern_version_failed", "modern_version_old")


class Worker:
    """One person at work; holds the sessions that are open, app by app."""

    __slots__ = (
        "belongings", "calendar", "company", "habits", "journal", "life", "open", "presence",
        "releases", "rng", "taste", "who",
    )  # fmt: skip

    def __init__(self, company: Company, calendar: Calendar, who: Person, life: Life) -> None:
        seed = company.plan.seed
        self.company, self.calendar, self.who, self.life = company, calendar, who, life
        self.rng = stream(seed, "work", who.uuid)
        self.habits: Habits = habits_of(company, who)
        self.taste = Taste(company, who)
        self.belongings = Belongings(company, who, life)
        self.presence = Presence(company, calendar, who, self.habits, life)
        self.journal = Journal(company.account, company.plan.begin, stream(seed, "ink", who.uuid))
        self.open: dict[App, tuple[Session, Seat]] = {}
        self.releases: dict[App, int] = {}

    def work(self, stretch: Stretch, day: int) -> None:
        """Live through one stretch: sign in, use items, look after the own account."""
        apps = {
            part: app
            for part, app in self.belongings.at(stretch.start).items()
            if part in stretch.spots
        }
        seats = {part: Seat(self.who, app, stretch.spots[part]) for part, app in apps.items()}
        if not seats:
            return
        for part, seat in seats.items():
            if self._wants(part) and self._needs_session(seat, stretch.start):
                self.sign_in(stretch.start + self.rng.uniform(0, 600), seat)
        self._use_items(stretch, seats)
        self._look_after_account(stretch, seats, day)

    def sign_in(self, at: float, seat: Seat) -> Session:
        """Sign in as this person does, with the slips that people make; ends in a session."""
        rng, journal = self.rng, self.journal
        if rng.random() < rates.MISTYPE_RATE:
            for _ in range(1 + poisson(rng, 0.4)):
                journal.sign_in(at, seat, BAD_PASSWORD)
                at += rng.uniform(4, 40)
        if seat.app.frozen and rng.random() < rates.OUTDATED_RATE * 10:
            journal.sign_in(at, seat, _OUTDATED)
            at += rng.uniform(20, 200)
        outcome = self._outcome(seat)
        if outcome == SECOND_FACTOR and rng.random() < rates.MFA_SLIP_RATE:
            journal.sign_in(at, seat, rng.choice(_SLIPS))
            at += rng.uniform(10, 60)
        for start, end in self.life.outages if outcome == FEDERATED else ():
            if start <= at < end:
                at = self._wait_out(at, end, seat)
        if outcome == FEDERATED and rng.random() < rates.SSO_SLIP_RATE:
            journal.sign_in(at, seat, _SSO_SLIP)
            at += rng.uniform(10, 90)
        session = journal.sign_in(at, seat, outcome)
        self.open[seat.app] = session, seat
        return session

    def session(self, at: float, seat: Seat) -> Session:
        """The open session of an app; signs in where there is none."""
        found = self.open.get(seat.app)
        if found is None:
            return self.sign_in(at - self.rng.uniform(3, 60), seat)
        return found[0]

    def _outcome(self, seat: Seat) -> Outcome:
        abroad = seat.spot.country not in {"", self.who.home.code}
        if abroad and self.rng.random() < rates.FIREWALL_REPORT_RATE * 0.3:
            return Outcome("firewall_reported_success", "country_blocked", seat.spot.country)
        if self.who.sso:
            return FEDERATED
        new = seat.app not in self.open
        return SECOND_FACTOR if new or self.rng.random() < rates.MFA_RATE else PASSWORD

    def _wait_out(self, at: float, end: float, seat: Seat) -> float:
        """Try single sign-on in vain until it works again, or the password is remembered."""
        for _ in range(1 + poisson(self.rng, 1.2)):
            self.journal.sign_in(at, seat, _SSO_SLIP)
            at += self.rng.uniform(5, 120)
        return max(at, end + self.rng.uniform(0, 900))

    def _wants(self, part: str) -> bool:
        usual = self.habits.apps.get(part, 0.03)
        return self.rng.random() < min(1.0, 4.0 * usual)

    def _needs_session(self, seat: Seat, at: float) -> bool:
        found = self.open.get(seat.app)
        if found is None or at - found[0].began > 14 * 24 * HOUR:
            return True
        if seat.app.kind == "phone":
            return self.rng.random() < rates.SIGN_IN_RATE * 0.5
        return self.rng.random() < rates.SIGN_IN_RATE

    def _use_items(self, stretch: Stretch, seats: dict[str, Seat]) -> None:
        rng, habits, journal = self.rng, self.habits, self.journal
        hours = (stretch.end - stretch.start) / HOUR
        mean = habits.uses_a_day * hours / 7.5 * stretch.weight * rng.lognormvariate(0, 0.3)
        parts = list(seats)
        weights = list(accumulate(habits.apps.get(part, 0.03) for part in parts))
        offline_until = stretch.end + 600 if stretch.offline else 0.0
        ready: dict[str, float] = {}
        for at in self._moments(stretch, poisson(rng, mean)):
            part = pick(rng, parts, weights)
            seat = seats[part]
            if part not in ready:
                opened = self.session(at, seat) if not stretch.offline else None
                ready[part] = opened.began + 2 if opened else at
            use = self.taste.use(rng, seat.app.kind)
            journal.use(max(at, ready[part]), seat, use, offline_until=offline_until)

    def _moments(self, stretch: Stretch, count: int) -> list[float]:
        rng = self.rng
        moments: list[float] = []
        while len(moments) < count:
            at = rng.uniform(stretch.start, stretch.end)
            moments.append(at)
            while rng.random() < 0.3 and len(moments) < count:
                at = min(at + rng.expovariate(1 / 40), stretch.end)
                moments.append(at)
        return sorted(moments)

    def _look_after_account(self, stretch: Stretch, seats: dict[str, Seat], day: int) -> None:
        rng = self.rng
        seat = seats.get("desktop") or seats.get("extension") or next(iter(seats.values()))
        if stretch.offline:
            return
        if self.who.sso:
            for _ in range(poisson(rng, rates.TOKENS_A_DAY * stretch.weight / 2)):
                self._note(rng.uniform(stretch.start, stretch.end), seat, "ssotknv", "ssotkn")
        for _ in range(poisson(rng, rates.EDITS_A_DAY * stretch.weight / 2)):
            self._edit(rng.uniform(stretch.start, stretch.end), seat)
        for other in seats.values():
            release = other.app.release(day)
            if other.app in self.open and self.releases.get(other.app, release) != release:
                at = rng.uniform(stretch.start, stretch.end)
                self._note(at, other, "update", "device", other.app.device)
            self.releases[other.app] = release

    def _note(self, at: float, seat: Seat, action: str, kind: str, uuid: str = "") -> None:
        session = self.session(at, seat)
        at = max(at, session.began + 1.5)
        deed = Deed(action, kind, uuid or lower_id(self.rng))
        if kind == "device":
            deed = device_deed(action, uuid, self.who)
        self.journal.audit(at, seat, session, deed)

    def _edit(self, at: float, seat: Seat) -> None:
        vault, item = self.rng.choice(self.taste.usual()[:20])
        action = self.rng.choices(_EDITS, (6, 2, 1, 0.7))[0]
        if action == "create":
            item = lower_id(self.rng)
            self.taste.learn(vault, [item])
        else:
            self.taste.edits[vault, item] = self.taste.edits.get((vault, item), 0) + 1
        session = self.session(at, seat)
        at = max(at, session.began + 2)
        if action == "update":
            use = Use(vault, item, "enter-item-edit-mode", self.taste.edits[vault, item])
            self.journal.use(max(session.began, at - self.rng.uniform(5, 90)), seat, use)
        deed = Deed(action, "item", item, {"aux_uuid": vault})
        self.journal.audit(at, seat, session, deed)


def device_deed(action: str, uuid: str, owner: Person) -> Deed:
    """An audit event about somebody's device."""
    number = int.from_bytes(uuid.encode()[:4], "big") % 10_000_000
    extra = {"aux_id": number, "aux_uuid": owner.uuid, "aux_details": owner.details}
    return Deed(action, "device", uuid, extra)
