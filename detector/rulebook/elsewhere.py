"""Our rule files for other Sigma tools: behaviours as stubs, and a pipeline for the field names.

A behaviour is nothing that another tool can compute, and a file that no tool reads is no use. So
its stub, of the same id and name, matches the alerts that Vaultwatch sends (as its webhook and
`alerts list --json` write them): correlations that name the behaviour go on working where those
alerts are stored beside other events.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from detector import events
from detector.rulebook.documents import Document, chunks, read
from detector.rulebook.vocabulary import PRODUCT

ALERTS: Final = {"product": "vaultwatch", "service": "alerts"}
"""The log source of the stubs: our own alerts."""
PIPELINE: Final = "pipeline.yml"
_HEAD: Final = (
    "title", "id", "name", "status", "description", "references", "author", "date", "modified",
)  # fmt: skip
_TAIL: Final = ("falsepositives", "level", "tags")
_STANDS_FOR: Final = {"source.country": ("location.country",)}
"""Raw names of columns that the engine makes."""


def exported(texts: Mapping[str, str]) -> dict[str, str]:
    """The texts (by path) as other Sigma tools read them; what is no behaviour stays as it is."""
    return {path: "".join(_parts(path, text)) for path, text in texts.items()}


def pipeline() -> str:
    """A pySigma processing pipeline: our stable field names as 1Password's own, feed by feed."""
    return yaml.safe_dump(
        {
            "name": "Vaultwatch field names as 1Password sends them",
            "priority": 50,
            "transformations": [
                {
                    "id": f"fields_of_{feed}",
                    "type": "field_name_mapping",
                    "mapping": _raw_names(feed),
                    "rule_conditions": [{"type": "logsource", "product": PRODUCT, "service": feed}],
                }
                for feed in events.FEEDS
            ],
        },
        sort_keys=False,
    )


def _raw_names(feed: str) -> dict[str, str | list[str]]:
    found: dict[str, str | list[str]] = {}
    for column in events.COLUMNS:
        raw = column.raw.get(feed) or _STANDS_FOR.get(column.name, ())
        if raw and raw != (column.name,):
            found[column.name] = raw[0] if len(raw) == 1 else list(raw)
    return found


def _parts(path: str, text: str) -> Iterator[str]:
    for _, chunk in chunks(text):
        documents = read(path, chunk).documents
        if len(documents) == 1 and "behavior" in documents[0].value:
            start = "---\n" if chunk.startswith("---") else ""
            yield f"{start}{_stub(documents[0])}"
        else:
            yield chunk


def _stub(document: Document) -> str:
    """A rule of the same id and name that matches the behaviour's alerts."""
    told = document.value
    stub: dict[str, Any] = {key: told[key] for key in _HEAD if key in told}
    stub["logsource"] = dict(ALERTS)
    stub["detection"] = {"alert": {"rule.id": told["id"]}, "condition": "alert"}
    stub |= {key: told[key] for key in _TAIL if key in told}
    return yaml.safe_dump(stub, sort_keys=False, allow_unicode=True)
