"""Labelled attacks of many kinds, each noisy, careful or close to the victim's own ways."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from detector.simulator.arrivals import Arrival
from detector.simulator.attacks.insiders import (
    mass_reveal,
    night_admin,
    self_grant,
    slow_exfiltration,
    token_abuse,
    weakened_policy,
)
from detector.simulator.attacks.intruders import (
    account_takeover,
    dormant_revived,
    mfa_fatigue,
    new_device,
    password_spray,
    session_theft,
)
from detector.simulator.attacks.labels import TIERS, Attack
from detector.simulator.attacks.scene import Scene
from detector.simulator.attacks.swaps import swapped_people
from detector.simulator.calendars import Calendar
from detector.simulator.company import Company
from detector.simulator.journal import Journal
from detector.simulator.streams import stream
from detector.simulator.workday import Worker

SWAP: Final = "swapped_people"
SCRIPTS: Final[dict[str, Callable[[Scene], str]]] = {
    script.__name__: script
    for script in (
        account_takeover, session_theft, password_spray, mfa_fatigue, mass_reveal,
        slow_exfiltration, self_grant, weakened_policy, night_admin, dormant_revived,
        token_abuse, new_device,
    )
}  # fmt: skip
KINDS: Final = (*SCRIPTS, SWAP)
"""Every kind of attack."""

_LONG: Final = frozenset({"slow_exfiltration", "new_device", SWAP})


def attack(
    company: Company, calendar: Calendar, workers: list[Worker]
) -> tuple[list[Attack], list[Arrival]]:
    """Carry out the attacks of the plan: their labels, and the events that they add."""
    seed, count = company.plan.seed, company.plan.attacks
    rng = stream(seed, "attacks")
    kinds = [kind for _ in range(0, count, len(KINDS)) for kind in rng.sample(KINDS, len(KINDS))]
    kinds = sorted(kinds[:count], key=lambda kind: kind not in _LONG)
    tiers = [tier for _ in range(0, count, len(TIERS)) for tier in rng.sample(TIERS, len(TIERS))]
    by_uuid = {worker.who.uuid: worker for worker in workers}
    spared: set[str] = set()
    labels: list[Attack] = []
    added: list[Arrival] = []
    for number, kind in enumerate(kinds):
        own = stream(seed, "attack", number)
        journal = Journal(company.account, company.plan.begin, stream(seed, "attack ink", number))
        scene = Scene(company, calendar, by_uuid, journal, own)
        scene.tier = tiers[number]
        scene.day = _day(company, calendar, number, quiet=scene.tier != "noisy")
        scene.spared = spared
        label, events = _carried_out(scene, kind, number)
        labels.append(label)
        added += events
    return labels, added


def _day(company: Company, calendar: Calendar, number: int, *, quiet: bool) -> int:
    """The day of an attack; whoever does not want to be seen comes on a workday."""
    plan = company.plan
    first = plan.quiet_days + 1
    last = max(first, plan.days - 2)
    day = min(last, first + int((number + 0.5) * (last - first + 1) / plan.attacks))
    weekend = calendar.weekday(day) - 4
    if not quiet or weekend <= 0:
        return day
    return day - weekend if day - weekend >= first else min(day + 3 - weekend, plan.days - 1)


def _carried_out(scene: Scene, kind: str, number: int) -> tuple[Attack, list[Arrival]]:
    end = scene.company.plan.end
    if kind == SWAP:
        summary, events = swapped_people(scene)
        added: list[Arrival] = []
    else:
        summary = SCRIPTS[kind](scene)
        written = scene.journal.arrivals
        events = added = [arrival for arrival in written if _moment(arrival).timestamp() < end]
    times = [_moment(arrival) for arrival in events] or [datetime.fromtimestamp(end, UTC)]
    label = Attack(
        id=f"attack-{number + 1:03d}",
        kind=kind,
        tier=scene.tier,
        people=tuple(dict.fromkeys(scene.people)),
        first_time=min(times),
        last_time=max(times),
        event_uuids=tuple(arrival.item["uuid"] for arrival in events),
        summary=summary,
        swapped=kind == SWAP,
    )
    return label, added


def _moment(arrival: Arrival) -> datetime:
    return datetime.fromisoformat(arrival.item["timestamp"])
