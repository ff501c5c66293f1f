"""Builders of small days: raw API items by who, where and when, and an engine to play them to.

Times are read against Monday 2 March 2026: "10:00" is that day, "3 10:00" three days later.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml
from hypothesis import HealthCheck, settings

from detector import arrays, events, kernel, snapshots, window
from detector.alerts import Alert
from detector.anomaly.declaration import Declaration
from detector.findings import Finding
from detector.rule_types.base import SERVICE_MAIL
from detector.rulebook.book import Rulebook
from detector.rulebook.loading import load
from detector.sources import records

few = settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
"""For laws that play a whole engine for each example."""

ROOT = Path(__file__).parent.parent
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
PLACES = {
    "paris": ("FR", "Paris", 48.8566, 2.3522),
    "brussels": ("BE", "Brussels", 50.8503, 4.3517),
    "milan": ("IT", "Milan", 45.4642, 9.19),
    "toronto": ("CA", "Toronto", 43.6532, -79.3832),
    "lagos": ("NG", "Lagos", 6.5244, 3.3792),
    "tokyo": ("JP", "Tokyo", 35.6762, 139.6503),
}
CLIENTS = {
    "mac": ("1Password for Mac", "MacBook Pro", "MacOSX"),
    "web": ("1Password for Web", "Chrome", "Windows"),
    "phone": ("1Password for iOS", "iPhone", "iOS"),
}
THREE_EXPORTS = """
title: Three exports
id: 0d8a2c1e-52a7-4ac0-8d8b-4a3f1a2b9c77
name: three_exports
level: medium
correlation:
    type: event_count
    rules: [op_vault_exported]
    group-by: [user.id]
    timespan: 10m
    generate: true
    condition: {gte: 3}
"""
YEARLY_BACKUP = """
title: The yearly backup
id: 0d8a2c1e-52a7-4ac0-8d8b-4a3f1a2b9c78
logsource: {product: onepassword}
filter:
    rules: [op_vault_exported]
    ann: {user.email: ann@acme.example}
    condition: not ann
"""


@cache
def shipped_with(*texts: str) -> Rulebook:
    """The shipped rules and these."""
    ours = {str(path): path.read_text() for path in sorted((ROOT / "rules").rglob("*.yml"))}
    loaded = load(ours | {f"{number}.yml": text for number, text in enumerate(texts)})
    assert not loaded.mistakes
    return loaded.rulebook


@dataclass(frozen=True)
class Item:
    """A raw item of one feed, when it happened and when it was received."""

    feed: str
    fields: dict[str, Any] = field(repr=False)
    time: datetime
    received: datetime

    @property
    def id(self) -> str:
        """The item's uuid."""
        return str(self.fields["uuid"])

    @property
    def raw(self) -> bytes:
        """The item as the API writes it."""
        return json.dumps(self.fields).encode()

    def after(self, other: Item, **later: float) -> Item:
        """The same item, received after another one."""
        return replace(self, received=max(self.time, other.received) + timedelta(**later))


def at(text: str) -> datetime:
    """A time like "10:00" or "3 10:00:30"."""
    day, _, clock = text.rpartition(" ")
    hour, minute, second = (*map(int, clock.split(":")), 0)[:3]
    return MONDAY + timedelta(days=int(day or 0), hours=hour, minutes=minute, seconds=second)


def _item(feed: str, time: str | datetime, fields: dict[str, Any]) -> Item:
    when = at(time) if isinstance(time, str) else time
    known = json.dumps([feed, when.isoformat(), fields], sort_keys=True).encode()
    whole = {"uuid": f"E{abs(hash_of(known)):020}", "timestamp": when.isoformat()} | fields
    return Item(feed, whole, when, when + timedelta(seconds=5))


def hash_of(body: bytes) -> int:
    """A stable 64-bit number for a text."""
    return int(window.contents([body])[0])


def _user(who: str) -> dict[str, Any]:
    """A person; "bot" is a program."""
    domain = SERVICE_MAIL if who == "bot" else "@acme.example"
    return {"uuid": who.upper(), "name": who.title(), "email": f"{who}{domain}"}


def _location(place: str) -> dict[str, Any]:
    country, city, north, east = PLACES[place]
    return {"country": country, "region": "", "city": city, "latitude": north, "longitude": east}


def address(who: str, place: str) -> str:
    """Everybody has one address at each place."""
    return f"81.{sorted(PLACES).index(place)}.{sum(map(ord, who)) % 250}.7"


def _client(who: str, place: str, client: str) -> dict[str, Any]:
    app, platform, system = CLIENTS[client]
    return {"app_name": app, "platform_name": platform, "os_name": system,
            "ip_address": address(who, place)}  # fmt: skip


def sign_in(who: str, place: str, time: str | datetime, **more: Any) -> Item:
    """A sign-in attempt; `client`, `session`, `category` as keywords."""
    fields = {
        "category": more.get("category", "success"),
        "type": "credentials_ok",
        "session_uuid": more.get("session", f"S-{who}-{place}-{time}"),
        "target_user": _user(who),
        "client": _client(who, place, more.get("client", "mac")),
        "location": _location(place),
    }
    return _item(events.SIGNIN, time, fields)


def usage(who: str, place: str, time: str | datetime, **more: Any) -> Item:
    """An item used; `item`, `vault`, `action`, `client` as keywords."""
    fields = {
        "action": more.get("action", "fill"),
        "vault_uuid": more.get("vault", f"vault-{who}"),
        "item_uuid": more.get("item", f"item-{who}"),
        "user": _user(who),
        "client": _client(who, place, more.get("client", "mac")),
        "location": _location(place),
    }
    return _item(events.USAGE, time, fields)


def audit(who: str, place: str, time: str | datetime, **more: Any) -> Item:
    """An audited action; `deed` ("export vault"), `object`, `session`, `device` as keywords."""
    action, kind = more.get("deed", "update device").split()
    fields = {
        "actor_uuid": who.upper(),
        "actor_details": _user(who),
        "action": action,
        "object_type": kind,
        "object_uuid": more.get("object", f"object-{who}"),
        "session": {
            "uuid": more.get("session", f"S-{who}-{place}-{time}"),
            "device_uuid": more.get("device", f"mac-{who}"),
            "ip": address(who, place),
        },
        "location": _location(place),
    }
    return _item(events.AUDIT, time, fields)


def page(items: Sequence[Item]) -> tuple[pl.DataFrame, np.ndarray]:
    """The items as a page in their order, with the hashes of their contents."""
    frames = [pl.DataFrame(schema=events.SCHEMA)]
    order: list[int] = []
    for feed in events.FEEDS:
        places = [place for place, item in enumerate(items) if item.feed == feed]
        mine = [items[place] for place in places]
        times = [item.received for item in mine]
        frames.append(records.shape(feed, [item.raw for item in mine], times).frame)
        order += places
    back = np.argsort(np.array(order, dtype=np.int64), kind="stable")
    return pl.concat(frames)[back], window.contents([item.raw for item in items])


@cache
def rulebook() -> Rulebook:
    """The shipped rules."""
    texts = {str(path): path.read_text() for path in sorted((ROOT / "rules").rglob("*.yml"))}
    return load(texts).rulebook


def declaration(**changed: Any) -> Declaration:
    """The shipped model declaration, made small and talkative."""
    shipped = yaml.safe_load((ROOT / "models/isolation_forest.yaml").read_text())
    small = {"trees": 10, "sample": 32, "budget": 1e6, "most": 8, "cold_start": "1d"}
    return Declaration.model_validate(shipped | small | changed)


def engine(plan: kernel.Plan | None = None, *, teach_until: datetime | None = None) -> kernel.State:
    """A kernel that knows nothing yet."""
    until = (
        (teach_until - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        if teach_until
        else 0
    )
    memory = kernel.Memory("acme", teach_until=until)
    return kernel.State(memory, plan or kernel.Plan(rulebook(), declaration()))


def written(state: kernel.State) -> bytes:
    """All that the kernel would bring back after a restart."""
    return arrays.encode([state.memory, sorted(state.tails.items())])


def copy(state: kernel.State) -> kernel.State:
    """The state as a restart would find it; the window starts with the ids of nothing."""
    loaded = snapshots.load(snapshots.dump(state))
    assert loaded is not None
    memory, tails, _ = loaded
    again = kernel.State(memory, state.plan, model=state.model)
    snapshots.attach(again, tails)
    return again


@dataclass
class Heard:
    """What an engine said: alerts by id as they last stood, and what was held back."""

    alerts: dict[str, Alert] = field(default_factory=dict)
    suppressed: list[Finding] = field(default_factory=list)
    duplicates: int = 0
    changed: int = 0
    late: int = 0

    def hear(self, outcome: kernel.Outcome) -> None:
        """Take in what one page brought."""
        self.alerts.update({alert.id: alert for alert in outcome.alerts})
        self.suppressed += outcome.suppressed
        self.duplicates += outcome.duplicates
        self.changed += outcome.changed
        self.late += outcome.late

    def of(self, rule: str) -> list[Alert]:
        """The alerts of a rule."""
        return [alert for alert in self.alerts.values() if alert.rule.name == rule]

    @property
    def told(self) -> dict[str, Alert]:
        """The alerts without what belongs to delivery: why a page mentioned them, and when."""
        return {
            key: replace(alert, reason=None, detected_at=None)  # type: ignore[arg-type]
            for key, alert in self.alerts.items()
        }


def play(state: kernel.State, items: Sequence[Item], cuts: Iterable[int] = ()) -> Heard:
    """Play items in their order, as pages cut before the given places (default: one page)."""
    heard = Heard()
    edges = sorted({0, len(items), *(cut for cut in cuts if 0 < cut < len(items))})
    for start, end in pairwise(edges):
        heard.hear(kernel.detect(state, *page(items[start:end])))
    return heard


def in_order(items: Iterable[Item]) -> list[Item]:
    """Items in the order in which they were received."""
    return sorted(items, key=lambda item: item.received)
