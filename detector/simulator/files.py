"""Write a simulation to a folder, in the layout that `vaultwatch backtest` reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice, starmap
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from detector.events import FEEDS
from detector.simulator import atlas, rates
from detector.simulator.arrivals import Arrival
from detector.simulator.simulation import Simulation
from detector.simulator.streams import stream

LABELS: Final = "attacks.json"
PLAN: Final = "company.json"
_CHUNK: Final = 10_000


def write(simulation: Simulation, folder: Path) -> None:
    """Write the feeds, their order of arrival, the labels, and what is known of the company."""
    folder.mkdir(parents=True, exist_ok=True)
    for feed in FEEDS:
        items = (arrival.item for arrival in simulation.arrivals if arrival.feed == feed)
        _lines(folder / f"{feed}.ndjson", items)
    _lines(folder / "arrivals.ndjson", starmap(_receipt, enumerate(simulation.arrivals, start=1)))
    labels = msgspec.json.encode([asdict(attack) for attack in simulation.attacks])
    (folder / LABELS).write_bytes(msgspec.json.format(labels, indent=2) + b"\n")
    (folder / PLAN).write_bytes(msgspec.json.encode(simulation.plan) + b"\n")
    _yaml(folder / "people.yml", {"people": listed_people(simulation)})
    networks = [{**asdict(net), "cidrs": list(net.cidrs)} for net in simulation.networks]
    _yaml(folder / "networks.yml", {"networks": networks})
    atlas.write(simulation.plan.seed, simulation.plan.begin, folder)


def listed_people(simulation: Simulation) -> list[dict[str, str]]:
    """The part of the staff that the company's HR data knows."""
    rng = stream(simulation.plan.seed, "hr")
    return [
        {"email": who.email, "name": who.name, "timezone": who.zone}
        for who in simulation.people
        if not who.is_service and rng.random() < rates.LISTED_SHARE
    ]


def utc(moment: datetime) -> str:
    """A moment as RFC 3339 in UTC.

    >>> utc(datetime(2026, 3, 2, tzinfo=UTC))
    '2026-03-02T00:00:00.000000Z'
    """
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def _receipt(seq: int, arrival: Arrival) -> dict[str, Any]:
    received_at, uuid = utc(arrival.arrived), arrival.item["uuid"]
    return {"seq": seq, "received_at": received_at, "feed": arrival.feed, "uuid": uuid}


def _lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    encoder, rest = msgspec.json.Encoder(), iter(rows)
    with path.open("wb") as file:
        while chunk := list(islice(rest, _CHUNK)):
            file.write(encoder.encode_lines(chunk))


def _yaml(path: Path, content: dict[str, Any]) -> None:
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    path.write_text(text, encoding="utf-8")
