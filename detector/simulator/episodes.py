"""Unusual but honest days: new devices, forgotten passwords, rotations, migrations, exports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from detector.simulator import rates
from detector.simulator.calendars import HOUR
from detector.simulator.duties import about
from detector.simulator.happenings import FOREVER, Life
from detector.simulator.journal import BAD_PASSWORD, Deed, Seat, Use
from detector.simulator.presence import Stretch
from detector.simulator.streams import lower_id
from detector.simulator.workday import Worker, device_deed

Episode = Callable[[Worker, float, Seat], None]


def rotation(worker: Worker, at: float, seat: Seat) -> None:
    """Change the passwords of many systems in one go."""
    session = worker.session(at, seat)
    vault = worker.rng.choice(worker.company.vaults_of(worker.who))
    count = min(len(vault.items), worker.rng.randrange(15, 90))
    for item in worker.rng.sample(vault.items, count):
        at += worker.rng.uniform(15, 150)
        for action in ("reveal", "enter-item-edit-mode"):
            worker.journal.use(at, seat, Use(vault.uuid, item, action))
        deed = Deed("update", "item", item, {"aux_uuid": vault.uuid})
        worker.journal.audit(at + worker.rng.uniform(5, 40), seat, session, deed)


def migration(worker: Worker, at: float, seat: Seat) -> None:
    """Move a vault: its items are fetched, made anew elsewhere, and deleted."""
    session = worker.session(at, seat)
    source, target = (worker.rng.choice(worker.company.vaults_of(worker.who)) for _ in range(2))
    for item in source.items[: worker.rng.randrange(20, 120)]:
        at += worker.rng.uniform(1, 20)
        fresh = lower_id(worker.rng)
        worker.journal.use(at, seat, Use(source.uuid, item, "server-fetch"))
        worker.journal.use(at + 0.5, seat, Use(target.uuid, fresh, "server-create"))
        for action, uuid, vault in (("create", fresh, target), ("delete", item, source)):
            deed = Deed(action, "item", uuid, {"aux_uuid": vault.uuid})
            worker.journal.audit(at + worker.rng.uniform(0.6, 2), seat, session, deed)


def export(worker: Worker, at: float, seat: Seat) -> None:
    """Export a vault: one use for each of its items, within seconds."""
    session = worker.session(at, seat)
    vault = worker.rng.choice(worker.company.vaults_of(worker.who))
    worker.journal.audit(at, seat, session, Deed("export", "vault", vault.uuid))
    for item in vault.items:
        at += worker.rng.uniform(0.01, 0.2)
        worker.journal.use(at, seat, Use(vault.uuid, item, "export"))


def handover(worker: Worker, at: float, seat: Seat) -> None:
    """Read through a project that somebody else leaves behind."""
    vault = worker.rng.choice(worker.company.vaults)
    for item in worker.rng.sample(vault.items, min(len(vault.items), worker.rng.randrange(8, 40))):
        at += worker.rng.uniform(10, 240)
        action = worker.rng.choice(("reveal", "secure-copy", "reveal"))
        worker.journal.use(at, seat, Use(vault.uuid, item, action))
    worker.taste.learn(vault.uuid, list(vault.items[:12]))


def share(worker: Worker, at: float, seat: Seat) -> None:
    """Send an outsider a link to an item."""
    vault, item = worker.rng.choice(worker.taste.usual())
    worker.journal.use(at, seat, Use(vault, item, "share"))
    session = worker.session(at, seat)
    deed = Deed("share", "item", item, {"aux_uuid": vault})
    worker.journal.audit(at + 2, seat, session, deed)


def project(worker: Worker, at: float, seat: Seat) -> None:
    """Join a project: items of a vault that were not needed before."""
    vault = worker.rng.choice(worker.company.vaults)
    items = worker.rng.sample(vault.items, min(len(vault.items), 10))
    worker.taste.learn(vault.uuid, items)
    for item in items[: worker.rng.randrange(1, 6)]:
        at += worker.rng.uniform(5, 300)
        worker.journal.use(at, seat, Use(vault.uuid, item, "fill"))


def passkey(worker: Worker, at: float, seat: Seat) -> None:
    """Register a passkey of one's own accord."""
    session = worker.session(at, seat)
    worker.journal.audit(at, seat, session, Deed("create", "cred", lower_id(worker.rng)))


_EPISODES: Final[tuple[tuple[float, Episode], ...]] = (
    (rates.MIGRATION_RATE, migration),
    (rates.EXPORT_RATE, export),
    (rates.HANDOVER_RATE, handover),
    (rates.SHARE_RATE, share),
    (rates.NEW_PROJECT_RATE, project),
    (rates.PASSKEY_RATE, passkey),
)


def befall(worker: Worker, stretch: Stretch) -> None:
    """Let the episodes of one stretch happen, if any do."""
    seat = _seat(worker, stretch)
    if seat is None or stretch.offline:
        return
    recover(worker, stretch, seat)
    rotates = rates.ROTATION_RATE * (3.0 if worker.who.role in {"engineer", "it"} else 0.5)
    for rate, episode in ((rotates, rotation), *_EPISODES):
        if worker.rng.random() < rate / 2 * stretch.weight:
            at = worker.rng.uniform(stretch.start, stretch.end)
            session = worker.session(at, seat)
            episode(worker, max(at, session.began + 3), seat)


def recover(worker: Worker, stretch: Stretch, seat: Seat) -> None:
    """Guess the forgotten password in vain, and set a new one after the recovery."""
    forgot = worker.life.forgot
    if not stretch.start <= forgot < stretch.end and not forgot < stretch.start < forgot + 4 * HOUR:
        return
    worker.life = _remembering(worker)
    at = max(forgot, stretch.start)
    for _ in range(worker.rng.randrange(4, 11)):
        at += worker.rng.uniform(8, 70)
        worker.journal.sign_in(at, seat, BAD_PASSWORD)
    at = max(at, forgot + 1.0 * HOUR) + worker.rng.uniform(300, 1300)
    session = worker.sign_in(at, seat)
    for action in ("changemp", "changeks"):
        at = max(at, session.began) + 8
        worker.journal.audit(
            at, seat, session, Deed(action, "user", worker.who.uuid, about(worker.who))
        )


def set_up(worker: Worker, stretch: Stretch, changed: float) -> None:
    """Put new apps to use: sign in on each device that is new, which authorises it."""
    spots = stretch.spots
    before, after = worker.belongings.at(changed - 1.0), worker.belongings.at(changed)
    for part, app in after.items():
        if before.get(part) is app or part in {"web", "cli"} or part not in spots:
            continue
        seat = Seat(worker.who, app, spots[part])
        at = max(changed, stretch.start) + worker.rng.uniform(60, 900)
        session = worker.sign_in(at, seat)
        at = session.began + 3
        if part != "extension" or before["extension"].device != app.device:
            deed = device_deed("create", app.device, worker.who)
            worker.journal.audit(at, seat, session, deed)


def begin_employment(worker: Worker, stretch: Stretch) -> None:
    """The first morning: join, activate the account, authorise the devices."""
    for part, app in worker.belongings.at(stretch.start).items():
        if part not in {"desktop", "phone"} or part not in stretch.spots:
            continue
        seat = Seat(worker.who, app, stretch.spots[part])
        at = max(worker.life.hired, stretch.start) + worker.rng.uniform(30, 1500)
        session = worker.sign_in(at, seat)
        at = session.began
        if part == "desktop":
            for action in ("join", "verify", "activate"):
                at += 5
                deed = Deed(action, "user", worker.who.uuid, about(worker.who))
                worker.journal.audit(at, seat, session, deed)
        deed = device_deed("create", app.device, worker.who)
        worker.journal.audit(at + 4, seat, session, deed)


def _seat(worker: Worker, stretch: Stretch) -> Seat | None:
    apps = worker.belongings.at(stretch.start)
    for part in ("desktop", "extension", "phone"):
        if part in stretch.spots:
            return Seat(worker.who, apps[part], stretch.spots[part])
    return None


def _remembering(worker: Worker) -> Life:
    return replace(worker.life, forgot=FOREVER)
