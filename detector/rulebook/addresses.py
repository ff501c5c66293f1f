"""IP addresses of texts, parsed once and compared with any number of networks."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import numpy as np
import numpy.typing as npt

_HALF = 64
_LOW = (1 << _HALF) - 1
Network = IPv4Network | IPv6Network


class Addresses:
    """The addresses of texts; a text that is none is in no network.

    An IPv4 address that is written as IPv6 (`::ffff:10.0.0.1`) is an IPv4 address.
    """

    def __init__(self, texts: Iterable[str | None]) -> None:
        found = [_address(text) for text in texts]
        self._version = np.array([each.version if each else 0 for each in found], dtype=np.int8)
        numbers = [int(each) if each else 0 for each in found]
        self._high = np.array([number >> _HALF for number in numbers], dtype=np.uint64)
        self._low = np.array([number & _LOW for number in numbers], dtype=np.uint64)

    def inside(self, networks: Iterable[Network]) -> npt.NDArray[np.bool_]:
        """Which of the addresses are in any of the networks."""
        held = np.zeros(len(self._version), dtype=np.bool_)
        for network in networks:
            mask, base = int(network.netmask), int(network.network_address)
            held |= (
                (self._version == network.version)
                & (self._high & np.uint64(mask >> _HALF) == np.uint64(base >> _HALF))
                & (self._low & np.uint64(mask & _LOW) == np.uint64(base & _LOW))
            )
        return held


def _address(text: str | None) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text or "")
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
