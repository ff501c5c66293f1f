"""The kernel's state as bytes, so that a restart need not replay the whole log."""

from __future__ import annotations

import zlib
from typing import Final

import msgspec

from detector.kernel import Memory, State

FORMAT: Final = 1


class _Snapshot(msgspec.Struct):
    format: int
    memory: msgspec.Raw
    tails: dict[str, bytes]
    model: str


def dump(state: State) -> bytes:
    """Everything of the state but its configuration, window and model."""
    encode = msgspec.msgpack.encode
    tails = {rule: encode(tail) for rule, tail in state.tails.items()}
    model = state.model.id if state.model else ""
    whole = _Snapshot(FORMAT, msgspec.Raw(encode(state.memory)), tails, model)
    return zlib.compress(encode(whole), level=1)


def load(body: bytes) -> tuple[Memory, dict[str, bytes], str] | None:
    """Memory, the tails by rule, and the model's id; null if another version wrote it."""
    try:
        whole = msgspec.msgpack.decode(zlib.decompress(body), type=_Snapshot)
        if whole.format != FORMAT:
            return None
        return msgspec.msgpack.decode(whole.memory, type=Memory), whole.tails, whole.model
    except (zlib.error, msgspec.DecodeError):
        return None


def attach(state: State, tails: dict[str, bytes]) -> bool:
    """Give the state's rules the tails they had; false if one cannot be read."""
    for entry in state.rulebook.stateful:
        body = tails.get(entry.rule.id)
        if body is None:
            continue
        try:
            state.tails[entry.rule.id] = msgspec.msgpack.decode(body, type=entry.logic.tail)
        except msgspec.DecodeError:
            return False
    return True
