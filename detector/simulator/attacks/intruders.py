"""Attacks from outside: somebody else gets into an account."""

from __future__ import annotations

from typing import Final

from detector.simulator.attacks.scene import Scene
from detector.simulator.calendars import HOUR
from detector.simulator.duties import about
from detector.simulator.journal import BAD_PASSWORD, PASSWORD, SECOND_FACTOR, Deed, Outcome, Seat
from detector.simulator.streams import lower_id
from detector.simulator.workday import Worker, device_deed

_PUSHES: Final = (Outcome("mfa_failed", "duo_timeout"), Outcome("mfa_failed", "duo_bad"))
_CODES: Final = (Outcome("mfa_failed", "totp_bad"), Outcome("mfa_failed", "code_timeout"))


def account_takeover(scene: Scene) -> str:
    """Signs in with stolen credentials and reads what there is."""
    worker = scene.victim()
    seat = scene.intruder(worker)
    at = scene.pick(scene.any_hour, scene.in_hours, scene.in_hours)(worker)
    for _ in range(scene.pick(scene.rng.randrange(1, 5), 0, 0)):
        scene.journal.sign_in(at, seat, BAD_PASSWORD)
        at += scene.rng.uniform(5, 40)
    session = scene.journal.sign_in(at, seat, SECOND_FACTOR)
    deed = device_deed("create", seat.app.device, worker.who)
    scene.audit(at + 2, seat, session, deed)
    loot = scene.reach(worker, scene.count(90, 22, 2))
    if scene.tier == "mimicry":
        loot += worker.taste.usual()[: scene.rng.randrange(3, 7)]
    scene.read(at + 20, seat, loot, scene.pick(15.0, 400.0, 900.0))
    return (
        f"{worker.who.name}'s account was used from {seat.spot.city.name} to read {len(loot)} items"
    )


def session_theft(scene: Scene) -> str:
    """Goes on with a session that the victim began, from another network."""
    worker = scene.victim()
    at = scene.in_hours(worker)
    session, real = scene.own(worker, at)
    spot = scene.pick(scene.foreign, scene.next_door, scene.next_door)(worker)
    seat = Seat(worker.who, real.app, spot)
    loot = scene.reach(worker, scene.count(60, 20, 5))
    for vault, item in loot[: scene.pick(12, 4, 2)]:
        deed = Deed("update", "item", item, {"aux_uuid": vault})
        scene.audit(at + scene.rng.uniform(10, 2 * HOUR), seat, session, deed)
    scene.read(at, seat, loot, scene.pick(20.0, 180.0, 600.0))
    return f"a session of {worker.who.name} was continued from {spot.ip} in {spot.city.name}"


def password_spray(scene: Scene) -> str:
    """Tries a common password on many accounts until one opens."""
    victim = scene.victim()
    targets = _targets(scene, victim, scene.count(60, 25, 10))
    machines = [scene.stranger(victim) for _ in range(scene.pick(1, 3, 5))]
    spots = [scene.pick(scene.foreign, scene.foreign, scene.neighbour)(victim) for _ in machines]
    start, span = scene.any_hour(victim), scene.pick(0.3 * HOUR, 6 * HOUR, 20 * HOUR)
    for number, worker in enumerate(targets):
        at = start + span * number / len(targets) + scene.rng.uniform(0, 20)
        turn = number % len(machines)
        seat = Seat(worker.who, machines[turn], spots[turn])
        scene.journal.sign_in(at, seat, BAD_PASSWORD)
    seat = Seat(victim.who, machines[0], spots[0])
    at = start + span + scene.rng.uniform(30, 400)
    scene.journal.sign_in(at, seat, PASSWORD)
    scene.read(at + 30, seat, scene.reach(victim, scene.count(30, 12, 5)), 90.0)
    return f"{len(targets)} accounts were tried and that of {victim.who.name} opened"


def mfa_fatigue(scene: Scene) -> str:
    """Has the password and asks for the second factor until the victim gives in."""
    worker = scene.victim()
    seat = scene.intruder(worker)
    at = scene.pick(scene.any_hour, scene.in_hours, scene.in_hours)(worker)
    outcomes = scene.pick(_PUSHES, _PUSHES, _CODES)
    for _ in range(scene.count(18, 6, 2)):
        scene.journal.sign_in(at, seat, scene.rng.choice(outcomes))
        at += scene.rng.expovariate(1 / scene.pick(60.0, 900.0, 60.0)) + 5
    session = scene.journal.sign_in(at, seat, SECOND_FACTOR)
    scene.audit(at + 3, seat, session, device_deed("create", seat.app.device, worker.who))
    loot = scene.reach(worker, scene.count(40, 15, 5))
    scene.read(at + 40, seat, loot, scene.pick(20.0, 120.0, 500.0))
    return f"{worker.who.name} gave in to requests for the second factor from {seat.spot.city.name}"


def dormant_revived(scene: Scene) -> str:
    """Uses an account that nobody has used for a long time."""
    worker = scene.victim(dormant=True)
    seat = scene.intruder(worker)
    at = scene.pick(scene.any_hour, scene.in_hours, scene.in_hours)(worker)
    session = scene.journal.sign_in(at, seat, PASSWORD)
    scene.audit(at + 2, seat, session, device_deed("create", seat.app.device, worker.who))
    if scene.tier == "noisy":
        for action in ("changemp", "changesk"):
            scene.audit(
                at + 30, seat, session, Deed(action, "user", worker.who.uuid, about(worker.who))
            )
    loot = scene.reach(worker, scene.count(50, 15, 6))
    scene.read(at + 60, seat, loot, scene.pick(12.0, 150.0, 800.0))
    return f"the dormant account of {worker.who.name} read {len(loot)} items"


def new_device(scene: Scene) -> str:
    """Adds a passkey and a device to the account, and comes back on later days."""
    worker = scene.victim()
    at = scene.in_hours(worker)
    session, real = scene.own(worker, at)
    spot = scene.hideout(worker)
    thief = Seat(worker.who, real.app, spot)
    seat = Seat(
        worker.who, scene.pick(scene.stranger, scene.imitation, scene.imitation)(worker), spot
    )
    if scene.tier != "mimicry":
        scene.audit(at, thief, session, Deed("create", "cred", lower_id(scene.rng)))
    scene.audit(at + 30, thief, session, device_deed("create", seat.app.device, worker.who))
    for number, day in enumerate(scene.workdays(scene.pick(4, 5, 7))):
        begun = at + 600 if number == 0 else scene.in_hours(worker, day)
        scene.journal.sign_in(begun, seat, SECOND_FACTOR if number == 0 else PASSWORD)
        loot = scene.reach(worker, scene.count(15, 6, 2))
        scene.read(begun + 30, seat, loot, scene.pick(20.0, 200.0, 700.0))
    return (
        f"a device in {spot.city.name} was added to {worker.who.name}'s account and used for days"
    )


def _targets(scene: Scene, victim: Worker, count: int) -> list[Worker]:
    others = [worker for worker in scene.workers.values() if worker is not victim]
    return scene.rng.sample(others, min(count, len(others)))
