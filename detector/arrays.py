"""Numpy arrays inside of msgspec structures: as the bytes of an npy file, never a pickle."""

from __future__ import annotations

import io
from typing import Any, TypeVar

import msgspec
import numpy as np

T = TypeVar("T")


def encode(value: object) -> bytes:
    """A structure that may hold arrays as msgpack."""
    return msgspec.msgpack.encode(value, enc_hook=_packed)


def decode(body: bytes, kind: type[T]) -> T:
    """Read back what `encode` wrote. Raises msgspec.DecodeError."""
    return msgspec.msgpack.decode(body, type=kind, dec_hook=_unpacked)


def _packed(value: object) -> bytes:
    if not isinstance(value, np.ndarray):
        msg = f"{type(value).__name__} is nothing to be stored"
        raise NotImplementedError(msg)
    file = io.BytesIO()
    np.save(file, value, allow_pickle=False)
    return file.getvalue()


def _unpacked(kind: type, value: Any) -> np.ndarray:
    if kind is not np.ndarray or not isinstance(value, bytes):
        msg = f"expected an array, not {type(value).__name__}"
        raise ValueError(msg)
    found: np.ndarray = np.load(io.BytesIO(value), allow_pickle=False)
    return found
