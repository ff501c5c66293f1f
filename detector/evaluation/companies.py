"""Labelled companies: a folder that `vaultwatch simulate --out` wrote, or one made on the spot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from detector import files, workhours
from detector.plans import Texts
from detector.simulator import Attack, Plan, simulate, write
from detector.simulator.files import LABELS, PLAN
from detector.sources import replay
from detector.sources.replay import Recorded, ReplayError

START: Final = datetime(2026, 3, 2, tzinfo=UTC)
"""First day of a company made on the spot: a Monday, and the same for everybody who measures."""


@dataclass(frozen=True)
class Labelled:
    """Recorded events with their labels; before `teach_until` they only teach.

    `people` is null where the folder does not say it; `texts` are what the company states.
    """

    name: str
    recorded: Recorded
    attacks: tuple[Attack, ...]
    teach_until: datetime
    people: int | None
    texts: Texts


def read(folder: Path, teach_until: datetime | None = None) -> Labelled:
    """Read a folder of feeds with `attacks.json`. Raises ReplayError where there is none.

    The teaching ends at `teach_until`, else where the folder's own plan says, else at the
    midnight (UTC) before the first attack.
    """
    path = folder / LABELS
    try:
        attacks = msgspec.json.decode(path.read_bytes(), type=tuple[Attack, ...])
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}; 'vaultwatch simulate --out' writes labels"
        raise ReplayError(msg) from error
    except msgspec.DecodeError as error:
        msg = f"{path}: not a list of labelled attacks: {error}"
        raise ReplayError(msg) from error
    recorded = replay.read(folder)
    plan = _plan(folder)
    until = teach_until or (plan and _taught(plan)) or _eve(attacks, recorded)
    return Labelled(
        folder.name, recorded, attacks, until, plan.people if plan else None, _stated(folder)
    )


@contextmanager
def made(plan: Plan, *, attacked: bool = True) -> Iterator[Labelled]:
    """A simulated company for as long as it is measured; its twin lives without the attacks."""
    plan = plan if attacked else replace(plan, attacks=0)
    with TemporaryDirectory(prefix="vaultwatch-evaluate-") as folder:
        write(simulate(plan), Path(folder))
        yield replace(read(Path(folder)), name=f"seed {plan.seed}")


def _taught(plan: Plan) -> datetime:
    return plan.start + timedelta(days=plan.quiet_days)


def _eve(attacks: tuple[Attack, ...], recorded: Recorded) -> datetime:
    """The midnight before the first attack; without one, after three quarters of the time."""
    times = [attack.first_time for attack in attacks]
    if not times:
        found = recorded.times()
        first, last = workhours.instant(int(found.min())), workhours.instant(int(found.max()))
        times = [first + (last - first) * 0.75]
    return min(times).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _plan(folder: Path) -> Plan | None:
    path = folder / PLAN
    if not path.is_file():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Plan)
    except msgspec.DecodeError as error:
        msg = f"{path}: not a plan of a simulated company: {error}"
        raise ReplayError(msg) from error


def _stated(folder: Path) -> Texts:
    def text(name: str) -> dict[str, str]:
        path = folder / name
        return {name: files.read_file(path)} if path.is_file() else {}

    return Texts(people=text("people.yml"), networks=text("networks.yml"))
