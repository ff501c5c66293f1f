"""The JSON schema of a rule document, for editors: what may stand where, what it means, an example.

An editor is quicker and coarser than `vaultwatch check`, which has the last word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from detector import events
from detector.correlations.definition import WALKS
from detector.findings import LEVELS
from detector.rule import ROUTINES
from detector.rulebook.story_reading import EVENT_KEYS, STORY_KEYS
from detector.rulebook.vocabulary import KIND_KEYS, SIGMA_KEYS, STATUSES

_TEXTS: Final = {"type": ["string", "array"], "items": {"type": "string"}}
_SPAN: Final = {"type": "string", "pattern": r"^(\d{1,5}[wdhms])+$", "examples": ["10m", "1d12h"]}
_TOLD: Final[Mapping[str, tuple[str, Any]]] = {
    "title": ("What an alert is called.", "Vault exported"),
    "id": ("A UUID of its own; uuidgen prints one.", "899d172d-7bcb-4523-8de0-e68ab2de8265"),
    "name": ("How other rules and commands call it.", "op_vault_exported"),
    "description": ("What happened and why it matters, for whoever gets the alert.", None),
    "falsepositives": ("What can be harmless about it.", ["A move to another account"]),
    "tags": ("Tactics and techniques of ATT&CK.", ["attack.t1555.005", "attack.exfiltration"]),
    "references": ("Where to read on.", ["https://attack.mitre.org/techniques/T1555/005/"]),
    "author": ("Who wrote it.", None),
    "date": ("When it was written.", "2026-03-02"),
    "modified": ("When it was changed last.", "2026-03-02"),
    "timezone": ("The zone of time modifiers.", "Europe/Paris"),
    "expires": ("From this day on the exception no longer holds.", "2027-05-31"),
    "detection": ("Selections by name, and the condition that joins them.",
                  {"export": {"action": "export"}, "condition": "export"}),
    "filter": ("The rules it is about, selections, and what must hold for them to go on matching.",
               {"rules": ["op_admin_action"], "own": {"user.id": "A"}, "condition": "not own"}),
}  # fmt: skip
"""Descriptions and examples of keys; Sigma's specification tells of the others."""


def schema(behavior: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of one document. `behavior` is that of the mapping under `behavior:`."""
    inner = {key: value for key, value in behavior.items() if key not in {"$schema", "$defs"}}
    kinds = [_kind(kind, keys) for kind, keys in KIND_KEYS.items()]
    names = sorted(SIGMA_KEYS.union(*KIND_KEYS.values()))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A Vaultwatch rule",
        "type": "object",
        "required": ["title"],
        "properties": {name: _key(name) for name in names} | {"behavior": inner},
        "additionalProperties": False,
        "oneOf": kinds,
        "$defs": behavior.get("$defs", {}),
    }


def _kind(kind: str, keys: frozenset[str]) -> dict[str, Any]:
    """A document of this kind has its key, and only keys of its kind."""
    return {"required": [kind], "propertyNames": {"enum": sorted(SIGMA_KEYS | keys)}}


def _key(name: str) -> dict[str, Any]:
    made: dict[str, Any] = dict(_SHAPES.get(name, {}))
    if name in _TOLD:
        description, example = _TOLD[name]
        made["description"] = description
        if example is not None:
            made["examples"] = [example]
    return made


def _object(description: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "additionalProperties": False,
    }


_EVENT: Final = {
    "type": "object",
    "description": "One event: what a rule asks for (use), or fields of a feed.",
    "required": ["at"],
    "properties": {name: {} for name in EVENT_KEYS}
    | {"at": _SPAN, "every": _SPAN, "feed": {"enum": list(events.FEEDS)}},
    "examples": [{"at": "1d3h", "use": "op_signin_ok", "user": "ana", "from": "Paris"}],
}
_EXPECT: Final = _object(
    "What the test must raise.",
    alerts={"type": "integer", "minimum": 0},
    level={"enum": [str(level) for level in LEVELS]},
    subject={"type": "string", "description": "E-mail, name or id of whom it is about."},
    because={"type": "string", "description": "The rung that holds it back."},
)
_STORY: Final = {
    "type": "object",
    "required": ["name", "events", "expect"],
    "additionalProperties": False,
    "properties": {name: {} for name in STORY_KEYS}
    | {
        "name": {"type": "string"},
        "learned": {"type": "boolean", "description": "Its people are known for 30 days."},
        "look-alike": {"type": "boolean", "description": "It looks like it, and is innocent."},
        "events": {"type": "array", "items": _EVENT, "minItems": 1},
        "expect": _EXPECT,
    },
}
_SHAPES: Final[Mapping[str, Mapping[str, Any]]] = {
    "title": {"type": "string", "maxLength": 256},
    "id": {"type": "string"},
    "name": {"type": "string"},
    "description": {"type": "string"},
    "status": {"enum": list(STATUSES), "description": "test: runs, and reaches only the digest."},
    "level": {"enum": [str(level) for level in LEVELS], "description": "The consequence."},
    "tags": _TEXTS,
    "falsepositives": _TEXTS,
    "references": _TEXTS,
    "logsource": {"type": "object", "description": "product: onepassword, and a feed as service.",
                  "examples": [{"product": "onepassword", "service": "auditevents"}]},
    "detection": {"type": "object", "required": ["condition"]},
    "filter": {"type": "object", "required": ["condition"]},
    "correlation": {"type": "object", "required": ["type", "rules"],
                    "description": "What several events say together.",
                    "properties": {"type": {"enum": sorted(WALKS)}}},
    "alert": _object(
        "What becomes of an alert.",
        generate={"type": "boolean", "description": "Whether it alerts by itself."},
        dedup={"type": "object", "description": "for: how long repeats fold into one alert."},
        runbook=_TEXTS | {"description": "What to do, step by step."},
        routine={"enum": list(ROUTINES), "description": "For whom it is daily work."},
        **{"counted-as": {"type": "string", "description": "What correlations call its events."}},
    ),
    "tests": {"type": "array", "items": _STORY, "description": "Small days, and what they raise."},
}  # fmt: skip
