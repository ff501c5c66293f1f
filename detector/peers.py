"""Learned peers: people who use the same vaults, by what is known of them at midnight.

How alike two people are is the share of what both use in what either uses (Jaccard's index), each
vault weighed by how few use it: what everybody uses says nothing. Only numbers of people decide,
ties by name, so that the same facts make the same peers.
"""

from __future__ import annotations

from itertools import islice
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
MOST_CELLS: Final = 4 * MOST_PAIRS
"""A table of so many pairs of people is kept at once (64 MB)."""
ALIKE_GRAINS: Final = 1_000_000
"""Who differs in how alike they are by less than one in so many is as near."""


def learned(facts: Facts, clock: int) -> dict[str, list[str]]:
    """The peers of everybody who has enough of them, the most alike first."""
    who, what = _recent(facts, clock // DAY_US - RECENT_DAYS)
    if not len(who):
        return {}
    people, who = np.unique(who, return_inverse=True)
    _, what, crowd = np.unique(what, return_inverse=True, return_counts=True)
    own = np.bincount(who, np.log(len(people) / crowd)[what], len(people))
    pairs, shared = _pairs((who, what), crowd, len(people))
    first, second = pairs // len(people), pairs % len(people)
    either = own[first] + own[second] - shared
    alike = shared / np.where(either > 0, either, np.inf)
    near = alike >= LEAST_ALIKE
    names = [facts.ledger.names[number] for number in people.tolist()]
    return _nearest(names, first[near], second[near], alike[near])


def _recent(facts: Facts, since: int) -> tuple[np.ndarray, np.ndarray]:
    """Who used which vault since a day: the numbers of people and vaults, of whom uses enough."""
    table, vaults = facts.ledger.table, facts.ledger.is_of(VAULT)
    lines = np.flatnonzero(vaults[table["what"]])
    lines = lines[(table["days"][lines] > 0) & (table["last_day"][lines] >= since)]
    who, what = (table[name][lines].astype(np.int64) for name in ("who", "what"))
    enough = np.bincount(who, minlength=1)[who] >= LEAST_VAULTS
    return who[enough], what[enough]


def _pairs(
    uses: tuple[np.ndarray, np.ndarray], crowd: np.ndarray, people: int
) -> tuple[np.ndarray, np.ndarray]:
    """Every two people who share a vault as one number, and the weight of what they share.

    Vaults of equally many people are taken together, those of the fewest first.
    """
    who, what = uses
    users = np.sort((crowd[what] * len(crowd) + what) * people + who) % people
    sizes, vaults = np.unique(crowd, return_counts=True)
    each = sizes * (sizes - 1) // 2
    left = MOST_PAIRS - np.cumsum(vaults * each) + vaults * each
    fit = np.clip(left // np.maximum(each, 1), 0, vaults)
    fit[(sizes == 1) | (sizes > MOST_SHARED)] = 0
    starts = np.cumsum(vaults * sizes) - vaults * sizes
    keys = [
        _together(users[start : start + count * size].reshape(count, size), people)
        for start, count, size in zip(starts.tolist(), fit.tolist(), sizes.tolist(), strict=True)
        if count
    ]
    return _summed(keys, np.repeat(np.log(people / sizes), fit * each), people * people)


def _together(users: np.ndarray, people: int) -> np.ndarray:
    """Every two users of each vault as one number; of shape (vaults, users), users ascending."""
    one, other = np.triu_indices(users.shape[1], 1)
    return np.asarray((users[:, one] * people + users[:, other]).ravel())


def _summed(
    keys: list[np.ndarray], weights: np.ndarray, cells: int
) -> tuple[np.ndarray, np.ndarray]:
    """The distinct keys, and the sum of the weights of each: where there are few, by one table."""
    every = np.concatenate([np.empty(0, dtype=np.int64), *keys])
    if cells <= MOST_CELLS:
        sums = np.bincount(every, weights, cells)
        pairs = np.flatnonzero(sums > 0)
        return pairs, sums[pairs]
    pairs, place = np.unique(every, return_inverse=True)
    return pairs, np.bincount(place, weights, len(pairs))


def _nearest(
    names: list[str], first: np.ndarray, second: np.ndarray, alike: np.ndarray
) -> dict[str, list[str]]:
    """By name those who are most alike, from every two who are alike enough.

    Each two are one number to be sorted: one of them, how unlike they are, the other, by the
    ranks of their names.
    """
    by_name = np.argsort(np.array(names, dtype=np.str_), kind="stable")
    rank = np.empty(len(names), dtype=np.int64)
    rank[by_name] = np.arange(len(names))
    own, other = (rank[np.concatenate(each)] for each in ((first, second), (second, first)))
    unlike = ALIKE_GRAINS - np.rint(np.tile(alike, 2) * ALIKE_GRAINS).astype(np.int64)
    nearest = np.sort((own * (ALIKE_GRAINS + 1) + unlike) * len(names) + other) % len(names)
    counts = np.bincount(own, minlength=len(names))
    starts = np.cumsum(counts) - counts
    kept = np.where(counts >= LEAST_PEERS, np.minimum(counts, MOST_PEERS), 0)
    places = np.repeat(starts - np.cumsum(kept) + kept, kept) + np.arange(kept.sum())
    sorted_names = [names[each] for each in by_name.tolist()]
    peers = iter([sorted_names[each] for each in nearest[places].tolist()])
    found = zip(sorted_names, kept.tolist(), strict=True)
    return {name: list(islice(peers, count)) for name, count in found if count}
