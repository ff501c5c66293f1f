"""Two people change places: each acts under the other's name, as in the CLUE-LDS data set.

Nobody wrote these events as an attack, so no detector can have been written for them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from detector.simulator.arrivals import Arrival
from detector.simulator.attacks.scene import Scene
from detector.simulator.calendars import DAY
from detector.simulator.people import Person
from detector.simulator.workday import Worker


def swapped_people(scene: Scene) -> tuple[str, list[Arrival]]:
    """Swap two people for some days; gives the summary and the swapped events."""
    first = scene.victim()
    second = _partner(scene, first)
    scene.involve(second.who)
    days = scene.pick(5, 3, 2)
    start = scene.company.plan.begin + scene.day * DAY
    swapped = []
    for worker, other in ((first, second), (second, first)):
        swapped += _rename(worker, other.who, start, start + days * DAY)
    names = f"{first.who.name} and {second.who.name}"
    return f"{names} acted under each other's name for {days} days", swapped


def _partner(scene: Scene, first: Worker) -> Worker:
    others = [
        worker
        for worker in scene.workers.values()
        if worker is not first and not worker.life.dormant
    ]
    others = [worker for worker in others if len(worker.journal.arrivals) > 200] or others
    alike = [worker for worker in others if worker.who.role == first.who.role]
    near = [worker for worker in others if worker.who.home == first.who.home]
    both = [worker for worker in alike if worker in near]
    far = [worker for worker in others if worker.who.home.code != first.who.home.code]
    return scene.rng.choice(scene.pick(far, near, both or alike) or others)


def _rename(worker: Worker, name: Person, start: float, end: float) -> list[Arrival]:
    renamed = []
    for index, arrival in enumerate(worker.journal.arrivals):
        moment = datetime.fromisoformat(arrival.item["timestamp"]).timestamp()
        if start <= moment < end:
            changed = Arrival(arrival.arrived, arrival.feed, _as(name, arrival.item))
            worker.journal.arrivals[index] = changed
            renamed.append(changed)
    return renamed


def _as(name: Person, item: dict[str, Any]) -> dict[str, Any]:
    changed = dict(item)
    for key in ("user", "target_user"):
        if key in item:
            changed[key] = name.user
    if "actor_uuid" in item:
        changed |= {"actor_uuid": name.uuid, "actor_details": name.details}
    return changed
