"""The company as founded: its plan, people, offices, networks, groups and vaults."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from detector.simulator.network import Internet
from detector.simulator.people import (
    DOMAIN,
    OFFICE_SETS,
    SERVICE_DOMAIN,
    Person,
    Post,
    person,
    staff,
)
from detector.simulator.places import CITIES, City
from detector.simulator.streams import lower_id, stream, upper_id

GROUPS: Final = (
    "owners", "administrators", "security", "everyone", "engineer", "support", "sales",
    "marketing", "finance", "people", "design", "executive", "contractor", "it",
)  # fmt: skip
EGRESS_PER_OFFICE: Final = 4
_SERVICES: Final = (
    ("SCIM Bridge", "scim", "scim"),
    ("CI Deploy", "ci", "ci"),
    ("Kubernetes Connect", "connect", "connect"),
    ("Nightly Backup", "backup", "ci"),
)
_CLOUDS: Final = ("Ashburn", "Frankfurt am Main", "Dublin", "Singapore")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate; days count from `start`, a Monday by default.

    Attacks begin after day `attacks_from_day`; in a shorter plan, in its last quarter.
    """

    seed: int = 7
    people: int = 80
    days: int = 49
    start: datetime = datetime(2026, 3, 2, tzinfo=UTC)
    attacks: int = 12
    attacks_from_day: int = 35

    def __post_init__(self) -> None:
        if self.start.utcoffset() is None:
            raise ValueError("Plan.start must carry a time zone")
        if self.people < 5 or self.days < 1 or self.attacks < 0:
            raise ValueError("a plan needs at least 5 people, 1 day and no negative attacks")

    @property
    def quiet_days(self) -> int:
        """How many days go by before there can be an attack."""
        return max(0, min(self.attacks_from_day, self.days - 1 - self.days // 4))

    @property
    def begin(self) -> float:
        """The first moment, in seconds since 1970."""
        return self.start.timestamp()

    @property
    def end(self) -> float:
        """The moment after the last, in seconds since 1970."""
        return self.begin + self.days * 86_400.0


@dataclass(frozen=True, slots=True)
class Vault:
    """A shared vault; only its uuids are ever in the feeds."""

    uuid: str
    name: str
    team: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Network:
    """A network of the company: the egress of an office, or of the VPN."""

    name: str
    kind: str
    cidrs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Company:
    """Everything about the company that does not change while the simulation runs."""

    plan: Plan
    account: str
    offices: tuple[City, ...]
    people: tuple[Person, ...]
    services: tuple[Person, ...]
    internet: Internet
    networks: tuple[Network, ...]
    groups: dict[str, str]
    vaults: tuple[Vault, ...]

    @property
    def admins(self) -> tuple[Person, ...]:
        """The administrators."""
        return tuple(person for person in self.people if person.is_admin)

    def vaults_of(self, who: Person) -> tuple[Vault, ...]:
        """The vaults that a person's role opens."""
        return tuple(v for v in self.vaults if v.team in {who.role, "everyone"})


def found(plan: Plan) -> Company:
    """Found the company of a plan."""
    rng = stream(plan.seed, "company")
    account = upper_id(rng)
    offices = tuple(CITIES[name] for name in OFFICE_SETS[plan.seed % len(OFFICE_SETS)])
    internet = Internet(plan.seed)
    return Company(
        plan=plan,
        account=account,
        offices=offices,
        people=staff(plan.seed, plan.people, offices, account),
        services=_services(account, rng),
        internet=internet,
        networks=_networks(internet, offices),
        groups={name: lower_id(rng) for name in GROUPS},
        vaults=_vaults(plan.people, rng),
    )


def _services(account: str, rng: random.Random) -> tuple[Person, ...]:
    services = []
    for name, local, role in _SERVICES:
        post = Post(role, CITIES[rng.choice(_CLOUDS)], None, is_service=True)
        email = f"{local}-{lower_id(rng)[:6]}@{SERVICE_DOMAIN}"
        services.append(person(name, email, post, account, rng))
    return tuple(services)


def _networks(internet: Internet, offices: tuple[City, ...]) -> tuple[Network, ...]:
    networks = []
    for office in offices:
        block = internet.block(f"office/{office.name}")
        networks.append(Network(f"{office.name} office", "office", (f"{block[0]}/28",)))
    gateways = [internet.block(f"vpn/{office.name}") for office in offices]
    cidrs = tuple(f"{block[0]}/28" for block in gateways)
    return (*networks, Network(f"{DOMAIN} VPN", "vpn", cidrs))


def _vaults(people: int, rng: random.Random) -> tuple[Vault, ...]:
    vaults = [_vault("Company", "everyone", rng)]
    for team in GROUPS[4:]:
        share = 6 if team == "engineer" else 2
        count = share + people // 150
        vaults += [_vault(f"{team} {index + 1}", team, rng) for index in range(count)]
    return tuple(vaults)


def _vault(name: str, team: str, rng: random.Random) -> Vault:
    items = tuple(lower_id(rng) for _ in range(round(rng.lognormvariate(3.9, 0.7)) + 5))
    return Vault(lower_id(rng), name, team, items)
