"""Personal habits: when somebody works, how much, with which apps, and on which items."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from detector.simulator import rates
from detector.simulator.company import Company
from detector.simulator.journal import Use
from detector.simulator.people import Person
from detector.simulator.streams import pick, stream

_ACTIONS: Final = {
    "fill": 60.0,
    "secure-copy": 17.0,
    "reveal": 9.0,
    "select-sso-provider": 4.0,
    "enter-item-edit-mode": 3.5,
    "server-fetch": 1.5,
    "other": 0.5,
    "share": 0.15,
}
_EAGER: Final = {"engineer": 1.2, "it": 1.5, "support": 1.4, "executive": 0.5, "contractor": 0.6}


@dataclass(frozen=True, slots=True)
class Habits:
    """How somebody works; hours are local."""

    starts: float
    ends: float
    lunch: float
    spread: float
    weekdays: tuple[float, ...]
    evening: float
    home_share: float
    uses_a_day: float
    apps: dict[str, float]
    vpn: bool
    private_vpn: bool
    ipv6: bool


def habits_of(company: Company, who: Person) -> Habits:
    """The habits of a person."""
    rng = stream(company.plan.seed, "habits", who.uuid)
    starts = rng.gauss(8.9, 0.9) + (0.7 if who.role in {"engineer", "design"} else 0.0)
    part_time = rng.random() < 0.12
    weekdays = tuple(0.05 if part_time and day == 4 else rng.uniform(0.93, 1.0) for day in range(5))
    return Habits(
        starts=min(max(starts, 6.0), 12.0),
        ends=starts + rng.gauss(8.8, 0.7),
        lunch=rng.gauss(12.6, 0.4),
        spread=abs(rng.gauss(0.45, 0.2)) + 0.1,
        weekdays=(*weekdays, 0.0, 0.0),
        evening=rng.uniform(0.15, 0.6) if rng.random() < rates.EVENING_SHARE else 0.03,
        home_share=1.0 if who.office is None else _hybrid(rng),
        uses_a_day=rates.USES_A_DAY * rng.lognormvariate(0.0, 0.55) * _EAGER.get(who.role, 1.0),
        apps=_apps(who, rng),
        vpn=rng.random() < rates.VPN_SHARE,
        private_vpn=rng.random() < rates.PRIVATE_VPN_SHARE,
        ipv6=rng.random() < rates.IPV6_SHARE,
    )


def _hybrid(rng: random.Random) -> float:
    return min(max(rng.gauss(rates.HOME_DAY_SHARE, 0.22), 0.02), 0.98)


def _apps(who: Person, rng: random.Random) -> dict[str, float]:
    mix = {
        "extension": rng.uniform(0.45, 0.8),
        "desktop": rng.uniform(0.1, 0.3),
        "phone": rng.uniform(0.04, 0.18),
        "web": 0.01,
    }
    if who.role in {"engineer", "it"}:
        mix["cli"] = rng.uniform(0.02, 0.2)
    return mix


class Taste:
    """The items that somebody uses, the favourites first, and the ones within reach."""

    __slots__ = ("_action_weights", "_actions", "_reach", "_usual", "_weights", "edits")

    def __init__(self, company: Company, who: Person) -> None:
        rng = stream(company.plan.seed, "taste", who.uuid)
        self._reach = company.vaults_of(who)
        count = min(sum(len(vault.items) for vault in self._reach), round(rng.uniform(15, 60)))
        weights = [rng.expovariate(1.0) for _ in self._reach]
        chosen: dict[tuple[str, str], None] = {}
        for _ in range(count):
            vault = rng.choices(self._reach, weights)[0]
            chosen[vault.uuid, rng.choice(vault.items)] = None
        self._usual = list(chosen)
        self._weights = list(accumulate(1.0 / (rank + 1.5) for rank in range(len(self._usual))))
        self._actions = tuple(_ACTIONS)
        tastes = (weight * rng.lognormvariate(0.0, 0.5) for weight in _ACTIONS.values())
        self._action_weights = list(accumulate(tastes))
        self.edits = dict.fromkeys(self._usual, 0)

    def use(self, rng: random.Random, app: str) -> Use:
        """One use of an item: nearly always a usual one."""
        if rng.random() < rates.EXPLORE_RATE:
            vault, item = self.unusual(rng)
        else:
            vault, item = pick(rng, self._usual, self._weights)
        return Use(vault, item, self._action(rng, app), self.edits.get((vault, item), 0))

    def usual(self) -> list[tuple[str, str]]:
        """The usual items, the favourites first."""
        return self._usual

    def unusual(self, rng: random.Random) -> tuple[str, str]:
        """Any item within reach."""
        vault = rng.choice(self._reach)
        return vault.uuid, rng.choice(vault.items)

    def learn(self, vault: str, items: list[str]) -> None:
        """Take up the items of a new project, as often used as middling favourites."""
        for item in items:
            if (vault, item) not in self.edits:
                self.edits[vault, item] = 0
                self._usual.append((vault, item))
                self._weights.append(self._weights[-1] + 0.12)

    def _action(self, rng: random.Random, app: str) -> str:
        if app == "cli":
            return "server-fetch"
        if app == "web":
            return "reveal" if rng.random() < 0.5 else "server-fetch"
        return pick(rng, self._actions, self._action_weights)
