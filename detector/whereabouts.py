"""Whereabouts: what databases and lists say about an address, added to rows as they come in.

Rows are filled once, before they get their place in the log, and are stored so: a newer database
changes nothing that was already judged. 1Password's own location wins over a database's.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from detector import events, geo, networks
from detector.settings import ConfigError, PathsConfig

if TYPE_CHECKING:
    import maxminddb

STALE_DAYS: Final = 90
"""Ranges change hands; a source that is older is doubted aloud."""
MOST_KNOWN: Final = 200_000
_FILLED: Final = (
    "source.as.number", "source.as.name", "source.kind", "source.radius_km", "source.country",
    "source.region", "source.city", "source.latitude", "source.longitude",
)  # fmt: skip
_KEYS: Final = ("kind", "date", "origin")

Range = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Origin:
    """A source of knowledge about addresses: what it is, how old, and how much it holds."""

    name: str
    what: str
    day: date
    entries: int

    def words(self, today: date) -> str:
        """As a person would say it; a stale source says so."""
        age = (today - self.day).days
        stale = f", {age} days old: get a newer one" if age > STALE_DAYS else ""
        return f"{self.name} ({self.what}, of {self.day}{stale})"


@dataclass(frozen=True)
class Lists:
    """Ranges of addresses with a kind each, by IP version, found by bisection."""

    starts: Mapping[int, list[int]]
    ranges: Mapping[int, list[Range]]

    @staticmethod
    def of(found: Iterable[tuple[IPv4Network | IPv6Network, str]]) -> Lists:
        """The ranges in order; of two that hold an address the narrower one counts."""
        by_version: dict[int, list[Range]] = {4: [], 6: []}
        for cidr, kind in found:
            first = int(cidr.network_address)
            by_version[cidr.version].append((first, first + cidr.num_addresses - 1, kind))
        ordered = {
            version: sorted(ranges, key=lambda each: (each[0], -each[1]))
            for version, ranges in by_version.items()
        }
        starts = {version: [each[0] for each in ranges] for version, ranges in ordered.items()}
        return Lists(starts, ordered)

    def kind(self, text: str) -> str | None:
        """Kind of the narrowest range that holds an address, null if none does."""
        place = networks.address(text)
        if place is None:
            return None
        number, ranges = int(place), self.ranges.get(place.version, [])
        at = bisect_right(self.starts.get(place.version, []), number) - 1
        # Ranges that begin earlier may still hold it; networks nest, so few lie between.
        for first, last, kind in reversed(ranges[max(0, at - 64) : at + 1]):
            if first <= number <= last:
                return kind
        return None


@dataclass
class Whereabouts:
    """What is known about addresses: a city database, an ASN database, and lists."""

    city: maxminddb.Reader | None = None
    asn: maxminddb.Reader | None = None
    lists: Lists | None = None
    origins: tuple[Origin, ...] = ()
    _known: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)

    def fill(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with what is known of its addresses; places only where the row has none."""
        if not self.origins or not frame.height:
            return frame
        addresses = frame["source.ip"].unique().drop_nulls().to_list()
        rows = [{"source.ip": text} | self._about(text) for text in addresses]
        schema = {"source.ip": events.TEXT} | {
            f"{name}.db": events.SCHEMA[name] for name in _FILLED
        }
        about = pl.DataFrame(
            [{key if key == "source.ip" else f"{key}.db": value for key, value in row.items()} for row in rows],
            schema=schema,
        )  # fmt: skip
        joined = frame.join(about, on="source.ip", how="left", maintain_order="left")
        placeless = pl.col("source.city").is_null() & pl.col("source.latitude").is_null()
        place = [
            pl.when(placeless).then(pl.coalesce(name, f"{name}.db")).otherwise(name).alias(name)
            for name in _FILLED[5:]
        ]
        rest = [pl.coalesce(name, f"{name}.db").alias(name) for name in _FILLED[:5]]
        return joined.with_columns(*place, *rest).select(frame.columns)

    def _about(self, text: str) -> dict[str, Any]:
        known = self._known.get(text)
        if known is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            known = self._known[text] = self._look_up(text)
        return known

    def _look_up(self, text: str) -> dict[str, Any]:
        address = networks.address(text)
        if address is None:
            return {}
        found: dict[str, Any] = {"source.kind": self.lists.kind(text) if self.lists else None}
        owner = _record(self.asn, str(address))
        found["source.as.number"] = _number(owner.get("autonomous_system_number"))
        found["source.as.name"] = _text(owner.get("autonomous_system_organization"))
        place = _record(self.city, str(address))
        return found | _place(place)

    def close(self) -> None:
        """Let go of the databases."""
        for reader in (self.city, self.asn):
            if reader is not None:
                reader.close()


def open_all(paths: PathsConfig) -> Whereabouts:
    """Open what is configured. Raises ConfigError where a file cannot be used."""
    city = _database(paths.geoip, "paths.geoip")
    asn = _database(paths.asn, "paths.asn")
    lists, listed = _lists(paths.network_lists)
    origins = [
        Origin(str(path), what, _day(reader.metadata().build_epoch), reader.metadata().node_count)
        for path, what, reader in (
            (paths.geoip, "places", city),
            (paths.asn, "network owners", asn),
        )
        if reader is not None
    ]
    return Whereabouts(city, asn, lists, (*origins, *listed))


def _database(path: Path | None, key: str) -> maxminddb.Reader | None:
    if path is None:
        return None
    import maxminddb

    try:
        return maxminddb.open_database(path)
    except FileNotFoundError as error:
        msg = f"{key}: {path}: no such file"
        raise ConfigError(msg) from error
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        msg = f"{key}: {path}: not a MaxMind database: {error}"
        raise ConfigError(msg) from error


def _day(epoch: int) -> date:
    return datetime.fromtimestamp(epoch, UTC).date()


def _record(reader: maxminddb.Reader | None, address: str) -> Mapping[str, Any]:
    import maxminddb

    if reader is None:
        return {}
    try:
        found = reader.get(address)
    except (ValueError, maxminddb.InvalidDatabaseError):
        # An IPv6 address in a database of IPv4, or a damaged branch: nothing is known.
        return {}
    return found if isinstance(found, dict) else {}


def _place(found: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a city record (GeoIP2 City's field names)."""
    location, country = _part(found, "location"), _part(found, "country")
    north, east = _decimal(location.get("latitude")), _decimal(location.get("longitude"))
    regions = found.get("subdivisions")
    region = regions[0] if isinstance(regions, list) and regions else {}
    here = geo.believable(north, east)
    return {
        "source.country": geo.country_code(_text(country.get("iso_code"))),
        "source.region": _english(region if isinstance(region, dict) else {}),
        "source.city": _english(_part(found, "city")),
        "source.latitude": north if here else None,
        "source.longitude": east if here else None,
        "source.radius_km": _decimal(location.get("accuracy_radius")),
    }


def _part(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = found.get(name)
    return part if isinstance(part, dict) else {}


def _english(part: Mapping[str, Any]) -> str | None:
    return _text(_part(part, "names").get("en"))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _decimal(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _lists(folder: Path | None) -> tuple[Lists | None, list[Origin]]:
    if folder is None:
        return None, []
    if not folder.is_dir():
        msg = f"paths.network_lists: {folder}: no such folder"
        raise ConfigError(msg)
    paths = sorted(path for path in folder.iterdir() if path.suffix in {".txt", ".csv"})
    read = [_list(path) for path in paths]
    return Lists.of(each for found, _ in read for each in found), [origin for _, origin in read]


def _list(path: Path) -> tuple[list[tuple[IPv4Network | IPv6Network, str]], Origin]:
    """One list: `# kind:`, `# date:` and `# origin:`, then a range a line, or as first column."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: cannot be read: {error}"
        raise ConfigError(msg) from error
    head = _head(path, lines)
    found: list[tuple[IPv4Network | IPv6Network, str]] = []
    for number, line in enumerate(lines, start=1):
        text = line.partition("#")[0].split(",")[0].strip().strip('"')
        if not text:
            continue
        try:
            found.append((ip_network(text, strict=False), head["kind"]))
        except ValueError as error:
            msg = (
                f"{path}:{number}: {text!r} is no range of addresses; write it like 203.0.113.0/24"
            )
            raise ConfigError(msg) from error
    day = date.fromisoformat(head["date"])
    return found, Origin(path.name, f"{head['kind']}, from {head['origin']}", day, len(found))


def _head(path: Path, lines: list[str]) -> dict[str, str]:
    head: dict[str, str] = {}
    for line in lines:
        key, colon, value = line.lstrip("# ").partition(":")
        if line.startswith("#") and colon and key.strip().casefold() in _KEYS:
            head.setdefault(key.strip().casefold(), value.strip())
    missing = [key for key in _KEYS if not head.get(key)]
    if missing:
        msg = f"{path}: the line '# {missing[0]}: ...' is missing; a list says what it is, of which day and whose"
        raise ConfigError(msg)
    if head["kind"] not in networks.KINDS:
        msg = f"{path}: kind {head['kind']!r}; there are {', '.join(networks.KINDS)}"
        raise ConfigError(msg)
    try:
        date.fromisoformat(head["date"])
    except ValueError as error:
        msg = f"{path}: date {head['date']!r} is no day; write it like 2026-03-01"
        raise ConfigError(msg) from error
    return head
