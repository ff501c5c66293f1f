"""Learned peers: people who use the same vaults, by what is known of them at midnight.

How alike two people are is the share of what both use in what either uses (Jaccard's index), each
vault weighed by how few use it: what everybody uses says nothing. Only numbers of people decide,
ties by name, so that the same facts make the same peers.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from detector.facts import Facts
from detector.observations import VAULT
from detector.workhours import DAY_US

LEARNED: Final = "learned"
"""What a rule says that wants these peers."""
RECENT_DAYS: Final = 30
LEAST_VAULTS: Final = 2
"""Of who uses fewer nobody can say what the work is."""
LEAST_ALIKE: Final = 0.25
LEAST_PEERS: Final = 5
"""Fewer than so many say nothing, and nobody is a peer."""
MOST_PEERS: Final = 15
MOST_SHARED: Final = 200
"""A vault of more people is no piece of work."""
MOST_PAIRS: Final = 2_000_000
"""So many pairs of people with a vault are looked at; the vaults of the fewest people come first."""


def learned(facts: Facts, clock: int) -> dict[str, list[str]]:
    """The peers of everybody who has enough of them, the most alike first."""
    who, what = _recent(facts, clock // DAY_US - RECENT_DAYS)
    if not len(who):
        return {}
    people, who = np.unique(who, return_inverse=True)
    _, what, crowd = np.unique(what, return_inverse=True, return_counts=True)
    weight = np.log(len(people) / crowd)
    own = np.bincount(who, weight[what], len(people))
    first, second, shared = _pairs((who, what), crowd, weight, len(people))
    either = own[first] + own[second] - shared
    alike = shared / np.where(either > 0, either, np.inf)
    near = alike >= LEAST_ALIKE
    names = [facts.ledger.names[number] for number in people.tolist()]
    return _nearest(names, first[near], second[near], alike[near])


def _nearest(
    names: list[str], first: np.ndarray, second: np.ndarray, alike: np.ndarray
) -> dict[str, list[str]]:
    """By name those who are most alike, from every two who are alike enough."""
    by_name = np.argsort(np.array(names, dtype=np.str_), kind="stable")
    rank = np.empty(len(names), dtype=np.int64)
    rank[by_name] = np.arange(len(names))
    own, other = (rank[np.concatenate(each)] for each in ((first, second), (second, first)))
    order = np.lexsort((other, np.tile(-np.round(alike, 6), 2), own))
    counts = np.bincount(own, minlength=len(names))
    ends = np.cumsum(counts)
    found = {}
    for place in np.flatnonzero(counts >= LEAST_PEERS).tolist():
        start = int(ends[place] - counts[place])
        nearest = other[order[start : min(start + MOST_PEERS, int(ends[place]))]]
        found[names[by_name[place]]] = [names[each] for each in by_name[nearest].tolist()]
    return found


def _recent(facts: Facts, since: int) -> tuple[np.ndarray, np.ndarray]:
    """Who used which vault since a day: the numbers of people and vaults, of whom uses enough."""
    ledger = facts.ledger
    table, kinds = ledger.table, np.array(ledger.kinds, dtype=np.int64)
    lines = table[(table["days"] > 0) & (table["last_day"] >= since)]
    lines = lines[kinds[lines["what"]] == VAULT] if len(lines) else lines
    used = np.bincount(lines["who"], minlength=1)
    lines = lines[used[lines["who"]] >= LEAST_VAULTS]
    return lines["who"].astype(np.int64), lines["what"].astype(np.int64)


def _pairs(
    uses: tuple[np.ndarray, np.ndarray], crowd: np.ndarray, weight: np.ndarray, people: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every two people who share a vault, and the weight of what they share."""
    who, what = uses
    order = np.lexsort((who, what))
    users = np.split(who[order], np.cumsum(crowd)[:-1])
    keys, weights, left = [], [], MOST_PAIRS
    for vault in np.argsort(crowd, kind="stable").tolist():
        size = int(crowd[vault])
        left -= size * (size - 1) // 2
        if size > MOST_SHARED or left < 0:
            break
        one, other = np.triu_indices(size, 1)
        keys.append(users[vault][one] * people + users[vault][other])
        weights.append(np.full(len(one), weight[vault]))
    if not keys:
        nothing = np.empty(0, dtype=np.int64)
        return nothing, nothing, np.empty(0)
    pairs, place = np.unique(np.concatenate(keys), return_inverse=True)
    return pairs // people, pairs % people, np.bincount(place, np.concatenate(weights))
