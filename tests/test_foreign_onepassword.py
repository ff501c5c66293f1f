"""1Password's own events as other places keep them: the same rules match the same events."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from detector import events
from detector.foreign.mapping import read_mapping
from detector.foreign.reading import read_events
from detector.foreign.stages import hits, stages, together
from detector.rulebook.loading import load
from detector.sources.records import shape

MAPPING = Path(__file__).parent.parent / "docs" / "mappings" / "onepassword.yml"
ID = "7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a000{}"
WHO = {"uuid": "ANA", "name": "Ana", "email": "ana@example.com"}
CLIENT = {"app_name": "1Password CLI", "os_name": "Linux", "ip_address": "203.0.113.7"}
RAW: list[dict[str, Any]] = [
    {"uuid": "1", "timestamp": "2026-01-01T00:00:00Z", "action": "export", "object_type": "vault",
     "actor_uuid": "ANA", "actor_details": WHO, "session": {"uuid": "S", "ip": "203.0.113.7"}},
    {"uuid": "2", "timestamp": "2026-01-01T00:01:00Z", "category": "success", "type": "mfa_ok",
     "country": "FR", "session_uuid": "S", "target_user": WHO, "client": CLIENT},
    {"uuid": "3", "timestamp": "2026-01-01T00:02:00Z", "action": "reveal", "item_uuid": "I",
     "vault_uuid": "V", "user": WHO, "client": CLIENT},
]  # fmt: skip
# As Elastic's pipelines rename them (elastic/integrations, packages/1password).
USER = {"id": "ANA", "full_name": "Ana", "email": "ana@example.com"}
SHOWN = {"app_name": "1Password CLI"}
ELASTIC: list[dict[str, Any]] = [
    {"@timestamp": "2026-01-01T00:00:00Z", "event": {"action": "export", "type": ["access"]},
     "user": USER, "source": {"ip": "203.0.113.7"},
     "onepassword": {"uuid": "1", "object_type": "vault", "session": {"uuid": "S"}}},
    {"@timestamp": "2026-01-01T00:01:00Z",
     "event": {"action": "success", "category": ["authentication"], "type": ["info"]},
     "data_stream": {"dataset": "1password.signin_attempts"},
     "user": USER, "source": {"ip": "203.0.113.7"}, "os": {"name": "Linux"},
     "onepassword": {"uuid": "2", "type": "mfa_ok", "country": "FR", "client": SHOWN,
                     "session_uuid": "S"}},
    {"@timestamp": "2026-01-01T00:02:00Z", "event": {"action": "reveal", "category": ["file"]},
     "user": USER, "source": {"ip": "203.0.113.7"}, "os": {"name": "Linux"},
     "onepassword": {"uuid": "3", "item_uuid": "I", "vault_uuid": "V", "client": SHOWN}},
]  # fmt: skip
PANTHER = [
    event | {"p_log_type": f"OnePassword.{kind}", "timestamp": event["timestamp"][:19]}
    for event, kind in zip(RAW, ("AuditEvent", "SignInAttempt", "ItemUsage"), strict=True)
]
# Columns of the table as the solution declares them (Azure/Azure-Sentinel, Solutions/1Password,
# 1Password_tables.json); what does not apply to an event is an empty text, `type` is `action_type`.
EMPTY = dict.fromkeys(
    ("session_uuid", "country", "category", "action_type", "actor_uuid", "actor_type", "action",
     "object_type", "object_uuid", "aux_uuid", "aux_info", "vault_uuid", "item_uuid", "user_type",
     "account_uuid", "actor_account_uuid", "user_account_uuid"), "")  # fmt: skip
SENTINEL = [
    EMPTY | {"action_type": event.get("type", ""), "uuid_s": event["uuid"], "log_source": said,
             "TimeGenerated": "2026-01-01T09:00:00Z", "SourceSystem": "RestAPI"}
    | {name: value for name, value in event.items() if name not in {"uuid", "type"}}
    for event, said in zip(RAW, ("itemusages", "signinattempts", "itemusages"), strict=True)
]  # fmt: skip
ITEMS = {
    "auditevents": (
        "action: export", "event.action: export", "actor_details.email: ana@example.com",
        "user.id: ANA", "user.name: Ana", "session.id: S", "source.ip|cidr: 203.0.113.0/24",
        "session.ip: 203.0.113.7", "object.type: vault", "event.id: '1'",
    ),
    "signinattempts": (
        "category: success", "event.category: success", "type: mfa_ok", "event.type: mfa_ok",
        "target_user.uuid: ANA", "user.id: ANA", "target_user.name: Ana", "source.country: FR",
        "client.ip_address: 203.0.113.7", "client.os_name: Linux", "client.app_name|endswith: CLI",
    ),
    "itemusages": (
        "action: reveal", "event.action: reveal", "user.uuid: ANA", "user.email|contains: ana@",
        "user.name: Ana", "item.id: I", "vault_uuid: V", "source.ip: 203.0.113.7",
        "client.os_name: Linux",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    "told", [RAW, ELASTIC, PANTHER, SENTINEL], ids=["raw", "elastic", "panther", "sentinel"]
)
@pytest.mark.parametrize("service", ITEMS)
def test_a_rule_matches_the_same_events_wherever_they_come_from(
    tmp_path: Path, service: str, told: list[dict[str, Any]]
) -> None:
    path = tmp_path / "e.ndjson"
    path.write_text("\n".join(map(json.dumps, told)), "utf-8")
    mapping, mistakes = read_mapping(MAPPING.name, MAPPING.read_text("utf-8"))
    assert mapping is not None, mistakes
    texts = {
        f"{number}.yml": f"title: R{number}\nlogsource: {{product: 1password, service: {service}}}\n"
        f"detection: {{s: {{{item}}}, condition: s}}\n"
        for number, item in enumerate(ITEMS[service])
    }
    loaded = load(texts)
    assert not loaded.mistakes, [str(mistake) for mistake in loaded.mistakes]
    there = stages(read_events(path, mapping.flatten).frame, mapping)
    found = together(hits(loaded.rulebook.matches, there))

    row = list(ITEMS).index(service)
    missed = [ITEMS[service][int(match.rule.title[1:])] for match in loaded.rulebook.matches
              if found.get(match.rule.id, [None])[0] != row]  # fmt: skip
    assert missed == []
    assert all(len(rows) == 1 for rows in found.values())


ELASTIC_NAMES = {
    "auditevents": "@timestamp event.action onepassword.uuid onepassword.object_type "
    "onepassword.object_uuid onepassword.actor_uuid onepassword.session.uuid onepassword.aux_info "
    "source.ip user.email user.full_name user.id",
    "signinattempts": "@timestamp event.action onepassword.client.app_name onepassword.country "
    "onepassword.client.app_version onepassword.client.platform_name onepassword.session_uuid "
    "onepassword.client.platform_version onepassword.type onepassword.uuid os.name os.version "
    "source.as.number source.as.organization.name source.geo.city_name source.geo.region_name "
    "source.geo.country_iso_code source.ip user.email user.full_name user.id",
    "itemusages": "@timestamp event.action onepassword.client.app_name onepassword.item_uuid "
    "onepassword.used_version onepassword.uuid onepassword.vault_uuid os.name os.version source.ip "
    "source.geo.country_iso_code user.email user.full_name user.id",
}
"""Fields that Elastic's integration exports (its README), but what it computes: `related.*` and the like."""
SENTINEL_NAMES = {
    "auditevents": "uuid_s timestamp actor_uuid actor_details.email actor_type actor_account_uuid "
    "account_uuid action object_type object_uuid object_details.email aux_id aux_uuid aux_info "
    "aux_details.name session.ip session.device_uuid location.country log_source",
    "signinattempts": "uuid_s timestamp session_uuid country category action_type details.value "
    "target_user.email client.app_name client.ip_address location.city user_type log_source",
    "itemusages": "uuid_s timestamp used_version vault_uuid item_uuid user.email action "
    "client.os_name location.region user_account_uuid log_source",
}
PANTHER_NAMES = {
    "signinattempts": "uuid timestamp session_uuid category type country client.app_name "
    "client.platform_name client.os_name client.ip_address target_user.uuid target_user.name "
    "target_user.email details.value",
    "itemusages": "uuid timestamp used_version vault_uuid item_uuid action user.uuid user.email",
}
STANDARD_NAMES = {
    "signinattempts": "actor.user.email_addr actor.user.uid actor.user.name src_endpoint.ip "
    "src_endpoint.location.country metadata.uid session.uid usr.email usr.id usr.name "
    "network.client.ip evt.name",
}
"""OCSF's `authentication` class, and Datadog's standard attributes."""


@pytest.mark.parametrize(
    "names", [ELASTIC_NAMES, SENTINEL_NAMES, PANTHER_NAMES, STANDARD_NAMES],
    ids=["elastic", "sentinel", "panther", "ocsf and datadog"],
)  # fmt: skip
def test_the_published_names_of_others_are_known_in_the_service(names: dict[str, str]) -> None:
    unknown = {
        name
        for service, text in names.items()
        for name in text.split()
        if name not in events.fields(service)
    }

    assert unknown - {"evt.name"} == set()


@pytest.mark.parametrize(
    ("service", "item"),
    [
        ("auditevents", "onepassword.object_type: vault"),
        ("auditevents", "log_source: auditevents"),
        ("auditevents", "uuid_s: '1'"),
        ("auditevents", "activity_name: export"),
        ("signinattempts", "onepassword.target_user.email: ana@example.com"),
        ("signinattempts", "source.geo.country_iso_code: FR"),
        ("signinattempts", "action_type: mfa_ok"),
        ("signinattempts", "actor.user.email_addr: ana@example.com"),
        ("signinattempts", "src_endpoint.ip|cidr: 203.0.113.0/24"),
        ("signinattempts", "usr.email|endswith: '@example.com'"),
        ("signinattempts", "network.client.ip: 203.0.113.7"),
        ("itemusages", "onepassword.item_uuid: I"),
        ("itemusages", "user.full_name: Ana"),
        ("itemusages", "evt.name: reveal"),
    ],
)
def test_their_names_mean_the_same_in_the_service(service: str, item: str) -> None:
    text = (
        f"title: R\nlogsource: {{product: onepassword, service: {service}}}\n"
        f"detection: {{s: {{{item}}}, condition: s}}\n"
    )
    loaded = load({"r.yml": text})
    assert not loaded.mistakes, [str(mistake) for mistake in loaded.mistakes]

    now = datetime(2026, 1, 1, tzinfo=UTC)
    found = [
        sum(map(len, loaded.rulebook.match(shape(feed, [raw], now).frame).values()))
        for feed, raw in zip(ITEMS, (json.dumps(event).encode() for event in RAW), strict=True)
    ]
    assert found == [int(feed == service) for feed in ITEMS]


def test_a_name_that_joins_action_and_object_is_told_apart() -> None:
    text = (
        "title: R\nlogsource: {product: onepassword, service: auditevents}\n"
        "detection: {s: {evt.name: export.vault}, condition: s}\n"
    )
    (*_, warning) = load({"r.yml": text}).warnings

    assert "write 'action: export' and 'object_type: vault'" in str(warning)
