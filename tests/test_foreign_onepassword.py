"""1Password's own events as other places keep them: the same rules match the same events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from detector.foreign.mapping import read_mapping
from detector.foreign.reading import read_events
from detector.foreign.stages import hits, stages, together
from detector.rulebook.loading import load

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
ITEMS = {
    "auditevents": (
        "action: export", "event.action: export", "actor_details.email: ana@example.com",
        "user.id: ANA", "user.name: Ana", "session.id: S", "source.ip|cidr: 203.0.113.0/24",
        "session.ip: 203.0.113.7", "object.type: vault",
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


@pytest.mark.parametrize("events", [RAW, ELASTIC, PANTHER], ids=["raw", "elastic", "panther"])
@pytest.mark.parametrize("service", ITEMS)
def test_a_rule_matches_the_same_events_wherever_they_come_from(
    tmp_path: Path, service: str, events: list[dict[str, Any]]
) -> None:
    path = tmp_path / "e.ndjson"
    path.write_text("\n".join(map(json.dumps, events)), "utf-8")
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
