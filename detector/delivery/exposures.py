"""What to rotate: the secrets that somebody saw, copied or took since an alert's first event.

1Password tells items and vaults by their ids only; names and secrets are never in its events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address
from typing import Any, Final

from detector.alerts import Alert
from detector.findings import Level, SubjectType

DEEDS: Final[Mapping[str, str]] = {
    "reveal": "revealed",
    "secure-copy": "copied",
    "export": "exported",
    "share": "shared",
    "server-fetch": "fetched by a server",
}
"""Item usages after which a secret is in other hands, and their words."""
WHOLE_VAULT: Final = ("export", "vault")
"""Action and object type of an audit event after which everything in a vault is."""
TAKEOVER: Final = frozenset(
    {"initial-access", "credential-access", "lateral-movement", "collection", "exfiltration"}
)
"""ATT&CK's tactics whose alerts mean that secrets may be in other hands."""
LONGEST: Final = timedelta(days=7)
"""How long after the newest alert of an incident usages are still added to its list."""
_IPV6_NETWORK: Final = 8
"""Bytes of an address that name the network: a /64, as RFC 4291 has it, and RFC 8981 the rest."""
LOOK_UP: Final = (
    "Events hold no names: op item get ITEM --vault VAULT, or op vault get VAULT, shows them"
)
"""By 1Password's own command line, for whoever may see the item."""
MOST_SHOWN: Final = 10
"""Of a message; the command line shows all."""


@dataclass(frozen=True, slots=True)
class Suspects:
    """Who is looked after: a person, addresses and sessions, since a time.

    With a person and an address, what the person did elsewhere is only counted.
    """

    since: datetime
    person: str | None = None
    address: str | None = None
    session: str | None = None

    def reach(self, person: str | None, address: str | None, session: str | None) -> bool | None:
        """Whether a deed was surely theirs; False if only the person is the same, null if not.

        >>> ana = Suspects(datetime.max, person="ana", address="198.51.100.24")
        >>> ana.reach("ana", "198.51.100.24", None), ana.reach("ana", "203.0.113.9", None)
        (True, False)
        >>> Suspects(datetime.max, "ana", "2001:db8::1").reach("ana", "2001:db8::f00", None)
        True
        """
        if self.session is not None and session == self.session:
            return True
        is_there = self.address is not None and _is_same(self.address, address)
        if self.person is None:
            return is_there or None
        if person != self.person:
            return None
        return self.address is None or is_there


@dataclass(frozen=True, slots=True)
class Exposed:
    """One item, or with an empty `item` a whole vault: what was done to it, when, how often."""

    vault: str
    item: str
    deeds: tuple[str, ...]
    first: datetime
    last: datetime
    times: int

    @property
    def text(self) -> str:
        """The item as a line of a check-list; ids are words of events."""
        when = f"{self.first:%d %b %H:%M}"
        if self.last.replace(second=0, microsecond=0) > self.first:
            same_day = self.first.date() == self.last.date()
            when += f" to {self.last:%H:%M}" if same_day else f" to {self.last:%d %b %H:%M}"
        if not self.item:
            return f"everything in vault {self.vault}: exported as a whole ({when} UTC)"
        done = ", ".join(DEEDS.get(deed, deed) for deed in self.deeds)
        return f"item {self.item} in vault {self.vault}: {done} ({when} UTC)"


@dataclass(frozen=True, slots=True)
class Rotation:
    """The list of what to rotate: the first of its entries, whole vaults before items.

    `vaults` and `items` say how many there are in all, `elsewhere` how many items the same
    person used from other addresses since then.
    """

    entries: tuple[Exposed, ...] = ()
    vaults: int = 0
    items: int = 0
    elsewhere: int = 0
    since: datetime | None = None

    @property
    def more(self) -> int:
        """How many entries there are beside those."""
        return max(0, self.vaults + self.items - len(self.entries))


NOTHING: Final = Rotation()


def suspects(alert: Alert) -> Suspects | None:
    """Who is to be looked after because of an alert; null unless it may be a takeover."""
    tactics = {tag.removeprefix("attack.").replace("_", "-") for tag in alert.tags}
    if alert.level.rank < Level.MEDIUM.rank or not tactics & TAKEOVER:
        return None
    subject, since = alert.subject, alert.first_time
    address, session = _said(alert.evidence, "source.ip"), _said(alert.evidence, "session.id")
    if subject.type in {SubjectType.PERSON, SubjectType.SERVICE_ACCOUNT}:
        return Suspects(since, subject.id, address, session)
    if subject.type is SubjectType.IP:
        return Suspects(since, address=subject.id)
    if subject.type is SubjectType.SESSION:
        return Suspects(since, address=address, session=subject.id)
    return Suspects(since, address=address, session=session) if address or session else None


def together(found: Iterable[Suspects | None]) -> tuple[Suspects, ...]:
    """Each of them once, with the earliest time since when, in an order that is always the same."""
    earliest: dict[tuple[str, str, str], Suspects] = {}
    for each in found:
        if each is not None:
            key = (each.person or "", each.address or "", each.session or "")
            if key not in earliest or each.since < earliest[key].since:
                earliest[key] = each
    return tuple(earliest[key] for key in sorted(earliest))


def certain(found: Iterable[Suspects], deed: Mapping[str, Any]) -> bool | None:
    """Whether a row (time, person, address, session) was theirs; False if perhaps, null if not."""
    said = [
        each.reach(deed["person"], deed["source.ip"], deed["session.id"])
        for each in found
        if deed["event.time"] >= each.since
    ]
    return True if True in said else False if False in said else None


def _is_same(one: str, other: str | None) -> bool:
    """Whether both are one address, or lie in one IPv6 network: a device there changes its address."""
    if one == other or other is None or ":" not in one or ":" not in other:
        return one == other
    try:
        return IPv6Address(one).packed[:_IPV6_NETWORK] == IPv6Address(other).packed[:_IPV6_NETWORK]
    except ValueError:
        return False


def _said(evidence: Mapping[str, Any], name: str) -> str | None:
    value = evidence.get(name)
    return value if isinstance(value, str) and value else None
