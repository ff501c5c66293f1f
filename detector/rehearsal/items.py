"""Raw items of the three feeds, as the API would send them, from what a story says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from detector import events, geo
from detector.rehearsal.cast import Member, Told, Unplayable, stable_id
from detector.rehearsal.cities import City
from detector.rulebook.mistakes import quoted
from detector.rulebook.stories import StoryEvent

ACCOUNT: Final = stable_id("account")
_MADE_OF: Final = {
    "person": "user.id",
    "source.country": "location.country",
    "source.latitude": "location.latitude",
    "source.longitude": "location.longitude",
}
"""Columns that no feed sends as such, and the column that they are made of."""
SPOT: Final = ("source.region", "source.city", "location.latitude", "location.longitude")
SAME: Final = "\x00the acting person"
"""Stands for the id of whoever acts, where a rule asks for the same person twice."""
_VAULTS: Final = ("vault", "uva", "gva", "vaultkey")
_TYPES: Final = {
    "success": "credentials_ok",
    "firewall_reported_success": "country_blocked",
    "credentials_failed": "password_secret_bad",
    "mfa_failed": "totp_bad",
    "sso_failed": "non_sso_user",
    "modern_version_failed": "modern_version_old",
    "firewall_failed": "country_blocked",
}
"""The everyday detail of each outcome of a sign-in."""


def column_of(name: str, feed: str) -> str:
    """The column whose raw leaf a field of a story sets. Raises Unplayable if there is none."""
    column = events.fields(feed).get(name, name)
    column = _MADE_OF.get(column, column)
    if column == "vault.id" and feed == events.AUDIT:
        column = "object.id"
    if _leaf(column, feed) is None:
        msg = f"{quoted(name)} cannot be set: {feed} do not send it"
        raise Unplayable(msg)
    return column


def whole(event: StoryEvent, said: Told, member: Member, place: City) -> dict[str, Any]:
    """Everything about an event but its uuid, time and session: the usual, and what was said."""
    acting: dict[str, Any] = {"user.id": member.id, "user.name": member.name}
    told = {**(acting if event.user else {}), **said}
    told = {name: member.id if value == SAME else value for name, value in told.items()}
    made = everyday(event.feed, member, place, ip=None) | told
    country = told.get("location.country")
    if country and geo.country_code(country) != place.code:
        # Another country than the place: where in it, nobody said.
        made = {key: value for key, value in made.items() if key not in SPOT or key in told}
    if made.get("object.type") in _VAULTS and "object.id" not in told:
        made["object.id"] = _belonging("vault", member)
    if event.feed == events.SIGNIN:
        made.setdefault("event.type", _TYPES.get(made.get("event.category") or ""))
        if country and "country" not in told:
            made["country"] = country
    return made


def everyday(feed: str, member: Member, place: City, *, ip: str | None) -> dict[str, Any]:
    """An everyday event of a person at a place: a sign-in, an edit of an item, a filled login."""
    at = {
        "account.id": ACCOUNT,
        "user.id": member.id,
        "user.name": member.name,
        "user.email": member.email,
        "user.type": "user",
        "user.account": ACCOUNT,
        "source.ip": ip,
        "source.region": place.region,
        "source.city": place.name,
        "location.latitude": place.latitude,
        "location.longitude": place.longitude,
    }
    item = _belonging("item", member)
    if feed == events.AUDIT:
        deed = {"event.action": "update", "object.type": "item", "object.id": item}
        return at | deed | {"device.id": member.device, "location.country": place.country}
    at |= {"location.country": place.code, **member.client}
    if feed == events.SIGNIN:
        return at | {"event.category": "success", "country": place.code}
    return at | {
        "event.action": "fill",
        "vault.id": _belonging("vault", member),
        "item.id": item,
        "item.version": 1,
    }


def _belonging(kind: str, member: Member) -> str:
    return stable_id(kind, member.name).lower()


def encode(feed: str, columns: Mapping[str, Any], *, uuid: str, time: datetime) -> bytes:
    """The raw item, as bytes."""
    item: dict[str, Any] = {}
    for column, value in {"event.time": stamp(time), **columns, "event.id": uuid}.items():
        leaf = _leaf(column, feed)
        if leaf is None or value is None:
            continue
        *parents, name = leaf.split(".")
        inner = item
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[name] = value
    if feed == events.AUDIT and "actor_uuid" in item:
        item.setdefault("actor_details", {})["uuid"] = item["actor_uuid"]
    return json.dumps(item).encode()


def stamp(time: datetime) -> str:
    """A time as the API writes it."""
    return time.isoformat().replace("+00:00", "Z")


def _leaf(column: str, feed: str) -> str | None:
    return _LEAVES[feed].get(column)


_LEAVES: Final = {
    feed: {column.name: column.raw[feed][0] for column in events.COLUMNS if feed in column.raw}
    for feed in events.FEEDS
}
