"""The atlas of the simulated internet: who runs which block, as databases and lists of networks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, Final

from detector.simulator import mmdb
from detector.simulator.network import Internet
from detector.simulator.places import CITIES, City
from detector.simulator.streams import number

ASN_FILE: Final = "asn.mmdb"
CITY_FILE: Final = "city.mmdb"
LISTS: Final = "network-lists"
_HOMES: Final = 3
_LISTED: Final = {"hosting": "hosting", "cloud": "hosting", "mobile": "mobile", "satellite": "satellite"}  # fmt: skip
_RADIUS_KM: Final = {"home": 10, "mobile": 200, "satellite": 500}


def write(seed: int, begin: float, folder: Path) -> None:
    """Write the ASN and city databases, and a list for each kind of network."""
    blocks = list(_blocks(seed))
    owners = [(block, _owner(seed, name)) for name, _, block in blocks]
    places = [(block, _place(name, city)) for name, city, block in blocks]
    epoch = int(begin)
    (folder / ASN_FILE).write_bytes(mmdb.database(owners, "GeoLite2-ASN", epoch))
    (folder / CITY_FILE).write_bytes(mmdb.database(places, "GeoLite2-City", epoch))
    (folder / LISTS).mkdir(exist_ok=True)
    for kind in sorted(set(_LISTED.values())):
        ranges = {str(block) for name, _, block in blocks if _LISTED.get(_kind(name)) == kind}
        day = datetime.fromtimestamp(begin, UTC).date()
        head = f"# kind: {kind}\n# date: {day}\n# origin: the simulated internet\n"
        text = head + "".join(f"{each}\n" for each in sorted(ranges))
        (folder / LISTS / f"{kind}.txt").write_text(text, encoding="utf-8")


def _blocks(seed: int) -> Iterator[tuple[str, City, IPv4Network]]:
    """Every block by the name that the internet has for it."""
    internet = Internet(seed)
    for city in CITIES.values():
        names = [f"{kind}/{city.name}" for kind in ("hosting", "cloud", "satellite")]
        for kind in ("home", "mobile"):
            names += [f"{kind}/{city.name}/{provider}" for provider in range(_HOMES)]
        for name in names:
            yield name, city, internet.block(name)


def _kind(name: str) -> str:
    return name.partition("/")[0]


def _owner(seed: int, name: str) -> dict[str, Any]:
    return {
        "autonomous_system_number": 64_512 + number(seed, "as", name) % 1_023,
        "autonomous_system_organization": f"Simulated {name.replace('/', ' ')}",
    }


def _place(name: str, city: City) -> dict[str, Any]:
    return {
        "country": {"iso_code": city.code},
        "city": {"names": {"en": city.name}},
        "subdivisions": [{"names": {"en": city.region}}],
        "location": {
            "latitude": city.latitude,
            "longitude": city.longitude,
            "accuracy_radius": _RADIUS_KM.get(_kind(name), 50),
        },
    }
