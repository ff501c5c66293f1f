"""The people of the company: who they are, where they live, what they do."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Final

from detector.simulator import rates
from detector.simulator.places import CITIES, City
from detector.simulator.streams import stream, upper_id

DOMAIN: Final = "northwind.example"
SERVICE_DOMAIN: Final = "1passwordserviceaccounts.com"
OFFICE_SETS: Final = (
    ("Toronto", "Berlin", "London"),
    ("New York", "Amsterdam"),
    ("San Francisco", "Dublin", "Bengaluru", "Sydney"),
    ("London", "Krakow", "Singapore"),
    ("Montreal", "Paris"),
)
_REMOTE: Final = (
    "Ottawa", "Waterloo", "Vancouver", "Calgary", "Boston", "Austin", "Denver", "Phoenix",
    "Seattle", "Manchester", "Edinburgh", "Munich", "Hamburg", "Rennes", "Lyon", "Madrid",
    "Lisbon", "Milan", "Warsaw", "Stockholm", "Bucharest", "Cape Town", "Mumbai", "Melbourne",
    "Buenos Aires", "Mexico City", "Tel Aviv",
)  # fmt: skip
_ROLES: Final = (
    ("engineer", 34), ("support", 14), ("sales", 16), ("marketing", 10), ("finance", 7),
    ("people", 5), ("design", 6), ("executive", 4), ("contractor", 4),
)  # fmt: skip
_FIRST: Final = (
    "Ana", "Ben", "Chloe", "Dmitri", "Elif", "Farah", "Grace", "Hiro", "Ines", "Jonas", "Kavya",
    "Liam", "Maya", "Noah", "Olga", "Priya", "Quentin", "Rosa", "Sven", "Tomas", "Uma", "Viktor",
    "Wen", "Ximena", "Yara", "Zoe", "Aisha", "Bruno", "Carla", "David", "Emma", "Felix",
)  # fmt: skip
_LAST: Final = (
    "Adler", "Bauer", "Costa", "Dubois", "Evans", "Ferrari", "Garcia", "Hughes", "Ivanov",
    "Jansen", "Kowalski", "Lopez", "Murphy", "Nair", "O'Neill", "Patel", "Quinn", "Rossi",
    "Schmidt", "Tremblay", "Ueda", "Varga", "Weber", "Xu", "Young", "Zhang", "Andersson",
    "Brown", "Chen", "Diaz", "Engel", "Fischer", "Gupta", "Hoffmann", "Ito", "Johnson",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, or some service, that has an account in the company."""

    uuid: str
    name: str
    email: str
    home: City
    office: City | None
    role: str
    is_admin: bool
    is_service: bool
    sso: bool
    user: dict[str, Any] = field(repr=False, compare=False)
    details: dict[str, Any] = field(repr=False, compare=False)

    @property
    def zone(self) -> str:
        """The IANA time zone of the home."""
        return self.home.zone

    @property
    def first_name(self) -> str:
        """The first name."""
        return self.name.split()[0]


@dataclass(frozen=True, slots=True)
class Post:
    """A position: what the company decides about a person before it knows the name."""

    role: str
    home: City
    office: City | None
    is_admin: bool = False
    is_service: bool = False


def person(name: str, email: str, post: Post, account: str, rng: random.Random) -> Person:
    """Put somebody on a post; the shapes that events carry are made once, here."""
    uuid = upper_id(rng)
    details = {"uuid": uuid, "name": name, "email": email}
    user = {**details, "user_type": "user", "user_account_uuid": account}
    sso = not post.is_service and post.role != "contractor" and rng.random() < rates.SSO_SHARE
    return Person(
        uuid, name, email, post.home, post.office, post.role,
        post.is_admin, post.is_service, sso, user, details,
    )  # fmt: skip


def staff(seed: int, count: int, offices: tuple[City, ...], account: str) -> tuple[Person, ...]:
    """Everybody who works for the company; the first three are its chief administrators."""
    names: set[str] = set()
    people = []
    for index in range(count):
        rng = stream(seed, "staff", index)
        post = _post(index, offices, rng)
        name = _name(rng, names)
        local = name.lower().replace(" ", ".").replace("'", "")
        people.append(person(name, f"{local}@{DOMAIN}", post, account, rng))
    return tuple(people)


def _post(index: int, offices: tuple[City, ...], rng: random.Random) -> Post:
    weights = [1.0 / (place + 1) for place in range(len(offices))]
    office = rng.choices(offices, weights)[0]
    if index < 3 or (index != 4 and rng.random() < rates.ADMIN_SHARE):
        return Post("it", office, office, is_admin=True)
    role = rng.choices([role for role, _ in _ROLES], [weight for _, weight in _ROLES])[0]
    if rng.random() < rates.REMOTE_SHARE or role == "contractor":
        return Post(role, CITIES[rng.choice(_REMOTE)], None)
    return Post(role, office, office)


def _name(rng: random.Random, taken: set[str]) -> str:
    name = f"{rng.choice(_FIRST)} {rng.choice(_LAST)}"
    while name in taken:
        name = f"{rng.choice(_FIRST)} {rng.choice(_LAST)}{rng.choice(('', ' Jr', ' II'))}"
        if name in taken:
            name = f"{name.split()[0]} {rng.choice(_LAST)}-{rng.choice(_LAST)}"
    taken.add(name)
    return name
