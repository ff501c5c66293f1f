"""The event schema: one row per event, the same columns for all three feeds.

Each column has a dtype, a sentence, and the raw 1Password names that mean it in each
feed, so that rules may use either. Times are microseconds in UTC; strings are as received.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Final

import polars as pl

AUDIT: Final = "auditevents"
SIGNIN: Final = "signinattempts"
USAGE: Final = "itemusages"
FEEDS: Final = (AUDIT, SIGNIN, USAGE)
"""The feeds by their API names, in the order that settles ties of event time."""

TIME: Final = pl.Datetime("us", "UTC")
TEXT: Final = pl.String()


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, dtype, meaning, and its raw name in each feed that has it."""

    name: str
    dtype: pl.DataType
    means: str
    raw: dict[str, tuple[str, ...]] = field(default_factory=dict)


def _raw(audit: str = "", signin: str = "", usage: str = "") -> dict[str, tuple[str, ...]]:
    names = {AUDIT: audit, SIGNIN: signin, USAGE: usage}
    return {feed: tuple(text.split()) for feed, text in names.items() if text}


def _both(name: str) -> dict[str, tuple[str, ...]]:
    return _raw(signin=name, usage=name)


def _all(name: str) -> dict[str, tuple[str, ...]]:
    return _raw(name, name, name)


COLUMNS: Final = (
    Column("event.seq", pl.Int64(), "Place in the account's log, counted from 1."),
    Column("event.feed", TEXT, "Feed: auditevents, signinattempts or itemusages."),
    Column("event.id", TEXT, "The event's uuid.", _all("uuid")),
    Column("event.time", TIME, "When it happened, by 1Password.", _all("timestamp")),
    Column("event.received", TIME, "When the engine received it."),
    Column("event.action", TEXT, "What was done.", _raw("action", usage="action")),
    Column("event.category", TEXT, "Outcome of a sign-in attempt.", _raw(signin="category")),
    Column("event.type", TEXT, "Detail of a sign-in's outcome.", _raw(signin="type")),
    Column("event.detail", TEXT, "What the firewall matched.", _raw(signin="details.value")),
    Column("account.id", TEXT, "Account the event belongs to.", _all("account_uuid")),
    Column("person", TEXT, "Key of the acting person: user.id, with the home account if foreign."),
    Column(
        "user.id",
        TEXT,
        "The acting user's uuid.",
        _raw("actor_uuid actor_details.uuid", "target_user.uuid", "user.uuid"),
    ),
    Column(
        "user.name",
        TEXT,
        "The acting user's name.",
        _raw("actor_details.name", "target_user.name", "user.name"),
    ),
    Column(
        "user.email",
        TEXT,
        "The acting user's e-mail.",
        _raw("actor_details.email", "target_user.email", "user.email"),
    ),
    Column(
        "user.type",
        TEXT,
        "user or external_user.",
        _raw(
            "actor_type",
            "target_user.user_type target_user.type",
            "user.user_type user.type",
        ),
    ),
    Column(
        "user.account",
        TEXT,
        "The acting user's home account.",
        _raw("actor_account_uuid", "target_user.user_account_uuid", "user.user_account_uuid"),
    ),
    Column("object.type", TEXT, "Kind of the object of an audit event.", _raw("object_type")),
    Column("object.id", TEXT, "The object's uuid.", _raw("object_uuid")),
    Column("target.id", TEXT, "Person acted upon (object, else aux).", _raw("object_details.uuid")),
    Column("target.name", TEXT, "That person's name.", _raw("object_details.name")),
    Column("target.email", TEXT, "That person's e-mail.", _raw("object_details.email")),
    Column("aux.number", pl.Int64(), "Number of the second object.", _raw("aux_id")),
    Column("aux.id", TEXT, "Uuid of the second object.", _raw("aux_uuid aux_details.uuid")),
    Column("aux.name", TEXT, "Name of the second object, a user.", _raw("aux_details.name")),
    Column("aux.email", TEXT, "E-mail of the second object.", _raw("aux_details.email")),
    Column("aux.info", TEXT, "Free text about the action.", _raw("aux_info")),
    Column("session.id", TEXT, "Sign-in session.", _raw("session.uuid", "session_uuid")),
    Column("session.login_time", TIME, "Start of the session.", _raw("session.login_time")),
    Column("device.id", TEXT, "Device of the session.", _raw("session.device_uuid")),
    Column("client.app_name", TEXT, "1Password app.", _both("client.app_name")),
    Column("client.app_version", TEXT, "Its version.", _both("client.app_version")),
    Column("client.platform_name", TEXT, "Browser or host.", _both("client.platform_name")),
    Column("client.platform_version", TEXT, "Its version.", _both("client.platform_version")),
    Column("client.os_name", TEXT, "Operating system.", _both("client.os_name")),
    Column("client.os_version", TEXT, "Its version.", _both("client.os_version")),
    Column(
        "source.ip",
        TEXT,
        "Address the action came from.",
        _raw("session.ip", "client.ip_address client.ip", "client.ip_address client.ip"),
    ),
    Column("source.country", TEXT, "Country as ISO 3166 code, normalised; null if unknown."),
    Column("source.region", TEXT, "Region.", _all("location.region")),
    Column("source.city", TEXT, "City.", _all("location.city")),
    Column("source.latitude", pl.Float64(), "Degrees north; null when missing or impossible."),
    Column("source.longitude", pl.Float64(), "Degrees east; null when missing or impossible."),
    Column("source.as.number", pl.Int64(), "Autonomous system of the address, by a database."),
    Column("source.as.name", TEXT, "Who runs that system."),
    Column("source.kind", TEXT, "Kind of its network, by a list: hosting, vpn, relay ..."),
    Column("source.radius_km", pl.Float64(), "How far off the place may be, by a database."),
    Column("country", TEXT, "Country of a sign-in as received.", _raw(signin="country")),
    Column("location.country", TEXT, "Country as received.", _all("location.country")),
    Column("location.latitude", pl.Float64(), "As received.", _all("location.latitude")),
    Column("location.longitude", pl.Float64(), "As received.", _all("location.longitude")),
    Column("vault.id", TEXT, "Vault used or changed.", _raw(usage="vault_uuid")),
    Column("item.id", TEXT, "Item used.", _raw(usage="item_uuid")),
    Column("item.version", pl.Int64(), "Version of the item.", _raw(usage="used_version")),
)
"""The schema, in column order."""

ELSEWHERE: Final = {
    # ECS, as Elastic's 1Password integration and 1Password's own shipper for Elastic write it.
    "user.full_name": "user.name",
    "os.name": "client.os_name",
    "os.version": "client.os_version",
    "source.geo.country_iso_code": "source.country",
    "source.geo.region_name": "source.region",
    "source.geo.city_name": "source.city",
    "source.geo.location.lat": "source.latitude",
    "source.geo.location.lon": "source.longitude",
    "source.as.organization.name": "source.as.name",
    "@timestamp": "event.time",
    # OCSF.
    "metadata.uid": "event.id",
    "activity_name": "event.action",
    "actor.user.uid": "user.id",
    "actor.user.name": "user.name",
    "actor.user.email_addr": "user.email",
    "actor.session.uid": "session.id",
    "session.uid": "session.id",
    "device.uid": "device.id",
    "src_endpoint.ip": "source.ip",
    "src_endpoint.location.country": "source.country",
    "src_endpoint.location.city": "source.city",
    # Datadog's standard attributes.
    "evt.name": "event.action",
    "usr.id": "user.id",
    "usr.name": "user.name",
    "usr.email": "user.email",
    "network.client.ip": "source.ip",
    # Microsoft Sentinel's table OnePasswordEventLogs_CL.
    "uuid_s": "event.id",
    "user_type": "user.type",
    "user_account_uuid": "user.account",
    "log_source": "event.feed",
    "action_type": "event.type",
    "session.ip_address": "source.ip",
}
"""Names under which other products know the same fields, so that their rules run unchanged."""
VENDOR: Final = "onepassword."
"""What Elastic writes before a raw name."""

SCHEMA: Final = {column.name: column.dtype for column in COLUMNS}


@cache
def fields(feed: str | None = None) -> Mapping[str, str]:
    """Map every name that a rule may use for `feed` (or for any feed) to its column.

    Column names map to themselves; raw names and those of other products map to their column.

    >>> fields("auditevents")["actor_uuid"], fields("itemusages")["onepassword.item_uuid"]
    ('user.id', 'item.id')
    """
    names: dict[str, str] = {}
    for column in COLUMNS:
        for raw_feed, raw_names in column.raw.items():
            if feed is None or feed == raw_feed:
                names.update(dict.fromkeys(raw_names, column.name))
    prefixed = {VENDOR + name: column for name, column in names.items()}
    columns = {column.name: column.name for column in COLUMNS}
    return MappingProxyType(ELSEWHERE | prefixed | names | columns)


def ours(names: Iterable[str]) -> list[str]:
    """Those of the names that are 1Password's or our own, which we would rather have written.

    >>> ours(["usr.id", "user.id", "onepassword.type"])
    ['user.id']
    """
    return [name for name in names if name not in ELSEWHERE and not name.startswith(VENDOR)]
