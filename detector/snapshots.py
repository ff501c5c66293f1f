"""The kernel's state as bytes, so that a restart need not replay the whole log."""

from __future__ import annotations

import zlib
from typing import Final

import msgspec

from detector import arrays
from detector.kernel import Memory, State

FORMAT: Final = 8


class _Snapshot(msgspec.Struct):
    format: int
    memory: msgspec.Raw
    tails: dict[str, bytes]
    model: str


def dump(state: State) -> bytes:
    """Everything of the state but its configuration, window and model."""
    tails = {rule: arrays.encode(tail) for rule, tail in state.tails.items()}
    model = state.model.id if state.model else ""
    whole = _Snapshot(FORMAT, msgspec.Raw(arrays.encode(state.memory)), tails, model)
    return zlib.compress(msgspec.msgpack.encode(whole), level=1)


def load(body: bytes) -> tuple[Memory, dict[str, bytes], str] | None:
    """Memory, the tails by rule, and the model's id; null if another version wrote it."""
    try:
        whole = msgspec.msgpack.decode(zlib.decompress(body), type=_Snapshot)
        if whole.format != FORMAT:
            return None
        return arrays.decode(whole.memory, Memory), whole.tails, whole.model
    except (zlib.error, msgspec.DecodeError):
        return None


def attach(state: State, tails: dict[str, bytes]) -> bool:
    """Give the state's rules the tails they had; false if one cannot be read."""
    for entry in state.rulebook.stateful:
        body = tails.get(entry.rule.id)
        if body is None:
            continue
        try:
            state.tails[entry.rule.id] = arrays.decode(body, entry.logic.tail)
        except msgspec.DecodeError:
            return False
    return True
