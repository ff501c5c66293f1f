"""Writes small databases in the MaxMind format: a search tree over IPv6, data, metadata.

Format: maxmind.github.io/MaxMind-DB, version 2.0. IPv4 ranges stand under ::/96, as there.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final

MARKER: Final = b"\xab\xcd\xefMaxMind.com"
_TEXT, _DOUBLE, _UINT16, _UINT32, _MAP, _UINT64, _ARRAY = 2, 3, 5, 6, 7, 9, 11
_BITS: Final = 128


class Short(int):
    """A number that readers want as an unsigned integer of 16 bits."""


class Long(int):
    """A number that readers want as an unsigned integer of 64 bits."""


Network = IPv4Network | IPv6Network
Node = list[Any]


def database(records: Iterable[tuple[Network, Mapping[str, Any]]], kind: str, epoch: int) -> bytes:
    """The bytes of a database of that type ("GeoLite2-City"), built at `epoch` seconds."""
    root: Node = [None, None]
    data, places = bytearray(), dict[bytes, int]()
    for network, record in sorted(records, key=lambda each: each[0].prefixlen):
        body = _encoded(dict(record))
        place = places.get(body)
        if place is None:
            place = places[body] = len(data)
            data += body
        _insert(root, network, place)
    nodes = _numbered(root)
    order = {id(node): number for number, node in enumerate(nodes)}
    tree = b"".join(
        struct.pack(">II", *(_pointer(child, order) for child in node)) for node in nodes
    )
    metadata = {
        "node_count": len(nodes),
        "record_size": Short(32),
        "ip_version": Short(6),
        "database_type": kind,
        "languages": ["en"],
        "binary_format_major_version": Short(2),
        "binary_format_minor_version": Short(0),
        "build_epoch": Long(epoch),
        "description": {"en": "simulated"},
    }
    return tree + bytes(16) + bytes(data) + MARKER + _encoded(metadata)


def _insert(root: Node, network: Network, place: int) -> None:
    """Let all addresses of the network lead to the data at `place`."""
    length = network.prefixlen + (96 if network.version == 4 else 0)
    number, node = int(network.network_address), root
    for depth in range(length - 1):
        bit = number >> (_BITS - 1 - depth) & 1
        child = node[bit]
        if not isinstance(child, list):
            child = node[bit] = [child, child]
        node = child
    node[number >> (_BITS - length) & 1] = place


def _numbered(root: Node) -> list[Node]:
    """Every node in the order of the file."""
    nodes, waiting = list[Node](), [root]
    while waiting:
        node = waiting.pop()
        nodes.append(node)
        waiting += [child for child in node if isinstance(child, list)]
    return nodes


def _pointer(child: Node | int | None, order: Mapping[int, int]) -> int:
    """What a record says: nothing is known, a place in the data, or the next node."""
    if child is None:
        return len(order)
    return len(order) + 16 + child if isinstance(child, int) else order[id(child)]


def _encoded(value: object) -> bytes:
    match value:
        case str():
            body = value.encode()
            return _control(_TEXT, len(body)) + body
        case float():
            return _control(_DOUBLE, 8) + struct.pack(">d", value)
        case int():
            body = value.to_bytes(8, "big").lstrip(b"\0")
            kinds = {Short: _UINT16, Long: _UINT64}
            return _control(kinds.get(type(value), _UINT32), len(body)) + body
        case list():
            return _control(_ARRAY, len(value)) + b"".join(map(_encoded, value))
        case dict():
            pairs = (_encoded(key) + _encoded(each) for key, each in value.items())
            return _control(_MAP, len(value)) + b"".join(pairs)
    msg = f"{type(value).__name__} cannot stand in a database"
    raise TypeError(msg)


def _control(kind: int, size: int) -> bytes:
    """The control byte of a field, with the extended type and size where they are needed."""
    more = b""
    if size >= 285:
        more, size = struct.pack(">H", size - 285), 30
    elif size >= 29:
        more, size = bytes([size - 29]), 29
    first = kind << 5 if kind < 8 else 0
    return bytes([first | size]) + (bytes([kind - 7]) if kind >= 8 else b"") + more
