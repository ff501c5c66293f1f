"""Sets of rows as the bits of one number: whole sets are joined and cut in one step."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]


def of(rows: Rows) -> int:
    """The number whose bits are these rows.

    >>> of(np.array([0, 2]))
    5
    """
    if not len(rows):
        return 0
    held = np.zeros(int(rows.max()) + 1, dtype=np.bool_)
    held[rows] = True
    return int.from_bytes(np.packbits(held, bitorder="little").tobytes(), "little")


def rows(bits: int) -> Rows:
    """The rows that are the bits of a number, ascending."""
    body = np.frombuffer(bits.to_bytes((bits.bit_length() + 7) // 8, "little"), dtype=np.uint8)
    return np.flatnonzero(np.unpackbits(body, bitorder="little"))


def by_key(keys: npt.NDArray[np.integer], places: Rows) -> dict[int, int]:
    """For each key the bits of the places that stand beside it."""
    if not len(keys):
        return {}
    order, which = np.unique(keys, return_inverse=True)
    held = np.zeros((len(order), int(places.max()) + 1), dtype=np.bool_)
    held[which, places] = True
    packed = np.packbits(held, axis=1, bitorder="little")
    return {
        key: int.from_bytes(body.tobytes(), "little")
        for key, body in zip(order.tolist(), packed, strict=True)
    }
