"""Attacks from inside: people, administrators and tokens that do what they should not."""

from __future__ import annotations

from typing import Final

from detector.simulator.attacks.scene import Scene, usual_sign_in
from detector.simulator.automation import seats_of
from detector.simulator.calendars import HOUR
from detector.simulator.clients import machine
from detector.simulator.duties import about, member
from detector.simulator.journal import SECOND_FACTOR, Deed, Seat, Session, Use
from detector.simulator.streams import upper_id
from detector.simulator.workday import Worker

_WEAKENING: Final = (
    ("disblmfa", "account"), ("updatfw", "account"), ("chngpsso", "sso"), ("delgsso", "sso"),
    ("uisas", "account"), ("disblsso", "sso"), ("updatduo", "account"),
)  # fmt: skip


def mass_reveal(scene: Scene) -> str:
    """Reads or exports whatever the own account opens, from the own desk."""
    worker = scene.victim()
    at = scene.in_hours(worker)
    session, seat = scene.own(worker, at)
    if scene.tier == "noisy":
        for vault in scene.company.vaults_of(worker.who)[:3]:
            at += scene.rng.uniform(30, 120)
            scene.audit(at, seat, session, Deed("export", "vault", vault.uuid))
            scene.read(at, seat, [(vault.uuid, item) for item in vault.items], 0.1, "export")
    loot = scene.reach(worker, scene.count(150, 70, 28))
    scene.read(at, seat, loot, scene.pick(6.0, 90.0, 450.0))
    return f"{worker.who.name} read {len(loot)} items that the job did not ask for"


def slow_exfiltration(scene: Scene) -> str:
    """Takes a few items out each day, for as long as it goes."""
    worker = scene.victim()
    days = scene.workdays(10)
    taken = 0
    for day in days:
        at = scene.in_hours(worker, day)
        _, seat = scene.own(worker, at)
        loot = scene.reach(worker, scene.count(28, 10, 4))
        scene.read(at, seat, loot, scene.pick(40.0, 600.0, 2400.0))
        taken += len(loot)
    return f"{worker.who.name} took {taken} items on {len(days)} days"


def self_grant(scene: Scene) -> str:
    """An administrator opens vaults for themselves and empties them."""
    worker = scene.victim(admin=True)
    at = scene.in_hours(worker)
    session, seat = scene.own(worker, at)
    foreign = [v for v in scene.company.vaults if v.team not in {"everyone", worker.who.role}]
    vaults = scene.rng.sample(foreign, min(scene.pick(4, 2, 1), len(foreign)))
    for vault in vaults:
        scene.audit(at, seat, session, Deed("grant", "uva", vault.uuid, member(worker.who, "")))
        begun = at + scene.pick(60.0, 900.0, 2.2 * HOUR)
        loot = list(vault.items[: scene.count(200, 15, 6)])
        action = scene.pick("export", "", "")
        pairs = [(vault.uuid, item) for item in loot]
        at = scene.read(begun, seat, pairs, scene.pick(0.4, 60.0, 300.0), action)
        if scene.tier != "noisy":
            revoked = Deed("revoke", "uva", vault.uuid, member(worker.who, ""))
            scene.audit(at + 300, seat, session, revoked)
        at += scene.pick(120.0, 1500.0, 600.0)
    return f"administrator {worker.who.name} opened {len(vaults)} foreign vaults and read them"


def weakened_policy(scene: Scene) -> str:
    """A taken-over administrator weakens the account's own protection."""
    worker = scene.victim(admin=True)
    at = scene.pick(scene.any_hour, scene.in_hours, scene.in_hours)(worker)
    session, seat = _administrator(scene, worker, at)
    deeds = scene.rng.sample(_WEAKENING, scene.pick(5, 3, 1))
    for action, kind in deeds:
        at += scene.rng.uniform(30, 240)
        scene.audit(at, seat, session, Deed(action, kind, scene.company.account))
    if scene.tier == "noisy":
        for action, kind in (("create", "sa"), ("create", "satoken")):
            at += 45
            scene.audit(at, seat, session, Deed(action, kind, upper_id(scene.rng)))
    said = ", ".join(action for action, _ in deeds)
    return f"the policy was weakened ({said}) as administrator {worker.who.name}"


def night_admin(scene: Scene) -> str:
    """An administrator acts when nobody looks: suspends people and raises accomplices."""
    worker = scene.victim(admin=True)
    hour = scene.pick(scene.rng.uniform(1.5, 4.5), scene.rng.uniform(0, 5), 20.5)
    at = scene.calendar.local(worker.who.zone, scene.day, hour) + scene.rng.uniform(0, HOUR)
    apps = worker.belongings.at(at)
    seat = Seat(worker.who, apps["web"], worker.presence.home(scene.rng)["web"])
    session = usual_sign_in(scene.journal, at - 40, seat)
    deeds = scene.count(20, 6, 2)
    for _ in range(deeds):
        at += scene.rng.uniform(15, 200)
        scene.audit(at, seat, session, _abuse(scene))
    return f"administrator {worker.who.name} did {deeds} privileged things at night"


def token_abuse(scene: Scene) -> str:
    """A stolen service-account token fetches secrets from elsewhere."""
    services = [who for who in scene.company.services if who.role != "scim"]
    service = scene.rng.choice(services)
    scene.involve(service)
    real = scene.rng.choice(seats_of(scene.company, service))
    app = machine(scene.pick("sdk", "cli", "cli"), "localhost", scene.rng)
    if scene.tier != "noisy":
        app = real.app
    somebody = scene.rng.choice(list(scene.workers.values()))
    city = service.home
    spot = scene.pick(
        scene.foreign(somebody),
        scene.company.internet.public("hosting", city, scene.rng.randrange(4000)),
        scene.company.internet.public("cloud", city, scene.rng.randrange(4000)),
    )
    seat = Seat(service, app, spot)
    at = scene.any_hour(somebody)
    if scene.tier != "mimicry":
        scene.journal.sign_in(at - 5, seat, SECOND_FACTOR._replace(type="credentials_ok"))
    count = scene.count(250, 50, 12)
    teams = [v for v in scene.company.vaults if v.team in {"engineer", "it"}]
    for _ in range(count):
        at += scene.rng.expovariate(1 / scene.pick(0.5, 20.0, 90.0))
        vault = scene.rng.choice(teams)
        use = Use(vault.uuid, scene.rng.choice(vault.items), "server-fetch")
        scene.journal.use(at, seat, use)
    return f"the token of {service.name} fetched {count} secrets from {spot.ip}"


def _administrator(scene: Scene, worker: Worker, at: float) -> tuple[Session, Seat]:
    if scene.tier == "mimicry":
        return scene.own(worker, at)
    seat = scene.intruder(worker)
    return scene.journal.sign_in(at - 30, seat, SECOND_FACTOR), seat


def _abuse(scene: Scene) -> Deed:
    other = scene.rng.choice(scene.company.people)
    vault = scene.rng.choice(scene.company.vaults)
    return scene.rng.choice(
        (
            Deed("suspend", "user", other.uuid, about(other)),
            Deed("join", "gm", scene.company.groups["owners"], member(other, "A")),
            Deed("grant", "uva", vault.uuid, member(other, "")),
            Deed("beginr", "user", other.uuid, about(other)),
            Deed("delete", "vault", vault.uuid),
            Deed("export", "report", upper_id(scene.rng).lower()),
        )
    )
