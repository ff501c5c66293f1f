"""The JSON schema of a rule document, for editors: what may stand where, what it means, an example.

It is made of what the loader asks for. An editor is quicker and coarser than `vaultwatch check`, which
has the last word: what the loader takes the schema takes, and a key that the loader does not know the
schema does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from detector import events
from detector.correlations.bounds import OPERATORS
from detector.correlations.definition import WALKS
from detector.findings import LEVELS
from detector.rule import ROUTINES
from detector.rulebook import correlations, headers, logsources, story_reading
from detector.rulebook.overlays import CHANGEABLE
from detector.rulebook.vocabulary import KIND_KEYS, SIGMA_KEYS, STATUSES

_TEXT: Final = {"type": ["string", "null"]}
_TEXTS: Final = {"type": ["string", "array", "null"], "items": _TEXT}
_FLAG: Final = {"type": ["boolean", "null"]}
_SPAN: Final = {"type": "string", "pattern": r"^(\d{1,5}[wdhms])+$", "examples": ["10m", "1d12h"]}
_NAMES: Final = {"type": ["string", "array"], "items": {"type": "string"}, "minItems": 1}
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
    "base": ("The version of the shipped rule for which the change was written.", "v7e9b62a4"),
    "enabled": ("false: the shipped rule of this id is switched off.", False),
    "example-lists": ("Examples for the lists that |expand asks for.",
                      {"sensitive_vaults": ["example-vault"]}),
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
    kinds = [
        _kind(("title", kind), SIGMA_KEYS | keys, "A rule.") for kind, keys in KIND_KEYS.items()
    ]
    names = sorted(SIGMA_KEYS.union(CHANGEABLE, *KIND_KEYS.values()))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A Vaultwatch rule",
        "type": "object",
        "properties": {name: _key(name) for name in names} | {"behavior": inner},
        "additionalProperties": False,
        "oneOf": [*kinds, _kind(("id",), CHANGEABLE, "A change of the shipped rule of this id.")],
        "$defs": behavior.get("$defs", {}),
    }


def _kind(needed: Iterable[str], keys: Iterable[str], description: str) -> dict[str, Any]:
    """A document of this kind has its keys, and only keys of its kind."""
    return {
        "required": list(needed),
        "propertyNames": {"enum": sorted(keys)},
        "description": description,
    }


def _key(name: str) -> dict[str, Any]:
    made: dict[str, Any] = dict(_SHAPES.get(name, {}))
    if name in _TOLD:
        description, example = _TOLD[name]
        made["description"] = description
        if example is not None:
            made["examples"] = [example]
    return made


def _object(description: str, needed: Iterable[str] = (), **properties: Any) -> dict[str, Any]:
    """A mapping with these keys, and no others."""
    return {
        "type": "object",
        "description": description,
        "required": list(needed),
        "properties": properties,
        "additionalProperties": False,
    }


def _of(keys: Iterable[str], **shapes: Any) -> dict[str, Any]:
    """A shape for each of the keys that the loader knows; what has none may be anything."""
    return {key: shapes.get(key.replace("-", "_"), {}) for key in keys}


_LEVEL: Final = {"enum": [str(level) for level in LEVELS]}
_EVENT: Final = {
    "type": "object",
    "description": "One event: what a rule asks for (use), or fields of a feed.",
    "required": ["at"],
    "anyOf": [{"required": ["use"]}, {"required": ["feed"]}],
    "properties": _of(
        story_reading.EVENT_KEYS,
        **dict.fromkeys(story_reading.WORDS, _TEXT),
        at=_SPAN,
        every={"anyOf": [_SPAN, {"type": "null"}]},
        feed={"enum": [*events.FEEDS, None]},
        times={"type": ["integer", "null"], "minimum": 1},
    ),
    "examples": [{"at": "1d3h", "use": "op_signin_ok", "user": "ana", "from": "Paris"}],
}
_EXPECT: Final = _object(
    "What the test must raise.",
    ("alerts",),
    **_of(
        story_reading.EXPECT_KEYS,
        alerts={"type": "integer", "minimum": 0},
        level={"enum": [*_LEVEL["enum"], None]},
        subject=_TEXT | {"description": "E-mail, name or id of whom it is about."},
        because=_TEXT | {"description": "The rung that holds it back."},
    ),
)
_STORY: Final = _object(
    "A small day, and what it raises.",
    ("name", "events", "expect"),
    **_of(
        story_reading.STORY_KEYS,
        name={"type": "string", "minLength": 1},
        learned=_FLAG | {"description": "Its people are known for 30 days."},
        look_alike=_FLAG | {"description": "It looks like it, and is innocent."},
        events={"type": "array", "items": _EVENT, "minItems": 1},
        expect=_EXPECT,
        networks={"type": ["object", "null"], "additionalProperties": _TEXTS},
        people={"type": ["object", "null"], "additionalProperties": {"type": "object"}},
    ),
)
_COUNT: Final = _object(
    "What must hold of the count, the sum and so on.",
    **{key: {"type": "number"} for key in OPERATORS},
    field=_TEXTS,
    percentile={"type": ["number", "null"], "minimum": 0, "maximum": 100},
)
_CORRELATION: Final = _object(
    "What several events say together.",
    ("type", "timespan"),
    **_of(
        correlations.KEYS,
        type={"enum": sorted(WALKS)},
        rules=_NAMES | {"type": ["string", "array", "null"], "examples": [["op_signin_failed"]]},
        timespan=_SPAN,
        group_by=_TEXTS | {"examples": [["user.id"]]},
        generate=_FLAG | {"description": "true: its base rules go on alerting by themselves."},
        aliases={
            "type": ["object", "null"],
            "additionalProperties": {"type": "object", "additionalProperties": _TEXT},
        },
        condition={"anyOf": [_COUNT, {"type": ["string", "null"]}], "examples": [{"gte": 10}]},
    ),
)
_LOGSOURCE: Final = _object(
    "product: onepassword, and a feed as service.",
    **_of(
        logsources.KEYS,
        product=_TEXT,
        category=_TEXT,
        service={"anyOf": [{"enum": list(events.FEEDS)}, _TEXT]},
    ),
) | {"examples": [{"product": "onepassword", "service": "auditevents"}]}
_CONDITION: Final = {"type": ["string", "array"], "items": {"type": "string"}}
_SELECTION: Final = {"type": ["object", "array", "string", "number"]}
_DETECTION: Final = {
    "type": "object",
    "required": ["condition"],
    "properties": {"condition": _CONDITION},
    "additionalProperties": _SELECTION,
}
_SHAPES: Final[Mapping[str, Mapping[str, Any]]] = {
    "title": {"type": "string", "minLength": 1, "maxLength": 256},
    "id": {"type": "string", "pattern": "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"},
    "name": {"type": "string", "pattern": f"^{headers.NAME.pattern}$"},
    **dict.fromkeys(("description", "author", "license", "taxonomy", "base"), _TEXT),
    **dict.fromkeys(("falsepositives", "references"), _TEXTS),
    "status": {"enum": list(STATUSES), "description": "test: runs, and reaches only the digest."},
    "level": _LEVEL | {"description": "The consequence."},
    "tags": _TEXTS,
    "enabled": {"type": "boolean"},
    "expires": {"type": "string", "pattern": r"^\d{4}-\d\d?-\d\d?"},
    "timezone": {"type": "string"},
    "example-lists": {"type": ["object", "null"], "additionalProperties": _TEXTS},
    "logsource": _LOGSOURCE,
    "detection": _DETECTION,
    "filter": _DETECTION
    | {
        "required": ["rules", "condition"],
        "properties": {"condition": _CONDITION, "rules": _NAMES},
    },
    "correlation": _CORRELATION,
    "alert": _object(
        "What becomes of an alert.",
        **_of(
            headers.ALERT_KEYS,
            generate=_FLAG | {"description": "Whether it alerts by itself."},
            dedup=_object("How long repeats fold into one alert.", **{"for": _SPAN}),
            runbook=_TEXTS | {"description": "What to do, step by step."},
            routine={"enum": [*ROUTINES, None], "description": "For whom it is daily work."},
            counted_as=_TEXT | {"description": "What correlations call its events."},
        ),
    )
    | {"type": ["object", "null"]},
    "tests": {"type": "array", "items": _STORY, "description": "Small days, and what they raise."},
}
