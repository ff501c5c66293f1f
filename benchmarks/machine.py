"""How fast this machine is just now, so that figures of different days can be compared."""

from __future__ import annotations

import resource
from time import process_time

STORES = 1_000_000


def ns_per_store() -> float:
    """Nanoseconds of CPU for one store into a small dictionary, in a loop: a quiet core has 40."""
    small: dict[int, int] = {}
    start = process_time()
    for number in range(STORES):
        small[number & 1023] = number
    return (process_time() - start) / STORES * 1e9


def peak_mb() -> float:
    """Largest resident size of this process so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
