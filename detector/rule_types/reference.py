"""The reference of all behaviours, as a page and as a JSON schema: both made of their fields."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import cleandoc
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from detector.rule_types import catalog
from detector.rule_types.base import Document

HEAD = """# Behaviours

Made by `vaultwatch rules docs` of what stands in the code; a test keeps it fresh.

A `behavior:` document has these keys. Correlations may look at behaviours by name, as at any rule; at
the risk of an entity they may not, for it adds up what they find.
"""


def schema() -> dict[str, Any]:
    """The JSON schema of the mapping under `behavior:`, for editors."""
    made = catalog.adapter.json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "behavior"} | made


def page() -> str:
    """The reference page in Markdown."""
    return "\n".join([HEAD, *(line for kind in catalog.BEHAVIORS for line in _section(kind))])


def _section(kind: type[Document]) -> Iterator[str]:
    yield f"## `{name_of(kind)}`\n"
    yield cleandoc(kind.__doc__ or "") + "\n"
    yield "| key | default | what it is |"
    yield "|---|---|---|"
    yield from _rows(kind, "")
    yield ""


def _rows(model: type[BaseModel], above: str) -> Iterator[str]:
    """One row of a table for each key, those of a mapping under it behind it."""
    for attribute, field in model.model_fields.items():
        if attribute == "type":
            continue
        key = f"{above}{field.alias or attribute}"
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield f"| `{key}` | | {_said(field)} |"
            yield from _rows(inner, f"{key}.")
        else:
            yield f"| `{key}` | {_default(field)} | {_said(field)} |"


def name_of(kind: type[Document]) -> str:
    """The word for a behaviour under `type:`."""
    return str(kind.model_fields["type"].annotation.__args__[0])  # type: ignore[union-attr]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.default
    if value is None or value in ((), {}):
        return ""
    shown = f"[{', '.join(map(str, value))}]" if isinstance(value, tuple) else str(value)
    return f"`{str(shown).lower() if isinstance(value, bool) else shown}`"


def _said(field: FieldInfo) -> str:
    return " ".join((field.description or "").split()).replace("|", "\\|")
