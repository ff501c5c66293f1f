"""The items of the three feeds as typed structures, tolerant of what may be absent.

Shapes: 1Password's Events API 1.4.1 (OpenAPI) and the differences seen in real events.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from detector import events

Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class User(msgspec.Struct, gc=False):
    """A user as named inside an event."""

    uuid: str | None = None
    name: str | None = None
    email: str | None = None
    user_type: str | None = None
    type: str | None = None
    user_account_uuid: str | None = None


class Client(msgspec.Struct, gc=False):
    """The app that a sign-in or usage came from. Old documents say `ip` for `ip_address`."""

    app_name: str | None = None
    app_version: str | None = None
    platform_name: str | None = None
    platform_version: str | None = None
    os_name: str | None = None
    os_version: str | None = None
    ip_address: str | None = None
    ip: str | None = None


class Location(msgspec.Struct, gc=False):
    """Where the address is thought to be."""

    country: str | None = None
    region: str | None = None
    city: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class Session(msgspec.Struct, gc=False):
    """The session of an audit event."""

    uuid: str | None = None
    login_time: str | None = None
    device_uuid: str | None = None
    ip: str | None = None


class Details(msgspec.Struct, gc=False):
    """What the firewall matched."""

    value: str | None = None


class AuditEvent(msgspec.Struct, gc=False):
    """An item of `auditevents`."""

    uuid: str
    timestamp: str
    actor_uuid: str | None = None
    actor_details: User | None = None
    actor_type: str | None = None
    actor_account_uuid: str | None = None
    account_uuid: str | None = None
    action: str | None = None
    object_type: str | None = None
    object_uuid: str | None = None
    object_details: User | None = None
    aux_id: Int64 | None = None
    aux_uuid: str | None = None
    aux_details: User | None = None
    aux_info: str | None = None
    session: Session | None = None
    location: Location | None = None


class SignInAttempt(msgspec.Struct, gc=False):
    """An item of `signinattempts`."""

    uuid: str
    timestamp: str
    session_uuid: str | None = None
    category: str | None = None
    type: str | None = None
    country: str | None = None
    details: Details | None = None
    target_user: User | None = None
    client: Client | None = None
    location: Location | None = None
    account_uuid: str | None = None


class ItemUsage(msgspec.Struct, gc=False):
    """An item of `itemusages`."""

    uuid: str
    timestamp: str
    used_version: Int64 | None = None
    vault_uuid: str | None = None
    item_uuid: str | None = None
    action: str | None = None
    user: User | None = None
    client: Client | None = None
    location: Location | None = None
    account_uuid: str | None = None


Item = AuditEvent | SignInAttempt | ItemUsage
TYPES: Final[dict[str, type[AuditEvent] | type[SignInAttempt] | type[ItemUsage]]] = {
    events.AUDIT: AuditEvent,
    events.SIGNIN: SignInAttempt,
    events.USAGE: ItemUsage,
}
