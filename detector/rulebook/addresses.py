"""IP addresses of texts, and which networks they are in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

Network = IPv4Network | IPv6Network
_LONGEST: Final = 256
"""Characters up to which a text may be an address."""


def inside(networks: Iterable[Network]) -> Callable[[str], bool]:
    """Whether a text is an address in any of the networks.

    An IPv4 address that is written as IPv6 (`::ffff:10.0.0.1`) is an IPv4 address.

    >>> inside([IPv4Network("10.0.0.0/8")])("::ffff:10.0.0.1")
    True
    """
    bases: dict[tuple[int, int], set[int]] = {}
    for network in networks:
        shift = network.max_prefixlen - network.prefixlen
        first = int(network.network_address) >> shift
        bases.setdefault((network.version, shift), set()).add(first)

    def holds(text: str) -> bool:
        address = _address(text) if len(text) <= _LONGEST else None
        if address is None:
            return False
        number, version = int(address), address.version
        return any(
            number >> shift in firsts
            for (about, shift), firsts in bases.items()
            if about == version
        )

    return holds


@lru_cache(maxsize=4_096)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
