"""Networks: what kind of network an address belongs to, as far as anybody said so.

Events carry no autonomous system number; without a list an address is just unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

OFFICE = "office"
VPN = "vpn"
KINDS = (OFFICE, VPN, "mobile", "hosting", "relay", "tor", "satellite")


@lru_cache(maxsize=65_536)
def address(text: str) -> IPv4Address | IPv6Address | None:
    """The address; an IPv4-mapped IPv6 address as IPv4; null if it is none."""
    try:
        found = ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        return found.ipv4_mapped
    return found


@lru_cache(maxsize=65_536)
def network_of(text: str) -> str | None:
    """The /24 (IPv4) or /48 (IPv6) around an address.

    >>> network_of("203.0.113.77"), network_of("2001:db8:1:2::3"), network_of("1.1.1.1.1")
    ('203.0.113.0/24', '2001:db8:1::/48', None)
    """
    found = address(text)
    if found is None:
        return None
    return str(ip_network((found, 24 if found.version == 4 else 48), strict=False))


@dataclass(frozen=True, slots=True)
class NamedNetwork:
    """A network that somebody named: its name, kind and ranges."""

    name: str
    kind: str
    ranges: tuple[IPv4Network | IPv6Network, ...]


class Networks:
    """The named networks of an organisation (networks.yml)."""

    def __init__(self, named: tuple[NamedNetwork, ...] = ()) -> None:
        self.named = named
        self._known: dict[str, NamedNetwork | None] = {}

    def find(self, text: str | None) -> NamedNetwork | None:
        """The named network that holds the address, null if none does."""
        if not text or not self.named:
            return None
        if text not in self._known:
            if len(self._known) > 65_536:
                self._known.clear()
            self._known[text] = self._search(text)
        return self._known[text]

    def kind(self, text: str | None) -> str | None:
        """Kind of the network that holds the address."""
        found = self.find(text)
        return found.kind if found else None

    def _search(self, text: str) -> NamedNetwork | None:
        place = address(text)
        if place is None:
            return None
        for network in self.named:
            if any(place.version == cidr.version and place in cidr for cidr in network.ranges):
                return network
        return None
