"""Slack's limits, kept whatever a layout or an event holds."""

from __future__ import annotations

import json
from typing import Any, Final

from detector.rendering.text import shorten

MOST_BLOCKS: Final = 50
MOST_JSON: Final = 8_000
"""Slack refuses about 12,000 characters of blocks, and says so nowhere."""
MOST_TEXT: Final = 3_000
MOST_CELLS: Final = 20

_LONGEST: Final = {"header": 150, "button": 75, "image": 2000}
_COUNTS: Final = {
    ("context", "elements"): 10,
    ("actions", "elements"): 25,
    ("overflow", "options"): 5,
    ("section", "fields"): 10,
    ("table", "rows"): 100,
}
_KEY_LIMITS: Final = {"fields": 2000, "options": 75, "url": 3000, "value": 2000, "alt_text": 2000}
_CUTTABLE: Final = {"text", "alt_text", "title", "fallback"}
_LISTS: Final = ("elements", "fields", "options", "rows")
_NARROWER: Final = (MOST_TEXT, 1000, 400, 200, 100)

Block = dict[str, Any]


def within_limits(blocks: list[Block]) -> list[Block]:
    """The same message as Slack will take it: texts cut, empty parts gone, small enough.

    Where all of it is too long, every text is cut shorter first; if that is not enough, the
    least important block goes, the last of its like first.
    """
    for longest in _NARROWER:
        fitted = [made for block in blocks if (made := _fitted(block, longest)) is not None]
        if _fits(fitted):
            return [_bare(block) for block in fitted]
    while fitted and not _fits(fitted):
        least = min(range(len(fitted)), key=lambda at: (fitted[at].get("importance", 5), -at))
        del fitted[least]
    return [_bare(block) for block in fitted]


def _fits(blocks: list[Block]) -> bool:
    return (
        len(blocks) <= MOST_BLOCKS
        and len(json.dumps([_bare(block) for block in blocks])) <= MOST_JSON
    )


def _bare(block: Block) -> Block:
    return {key: value for key, value in block.items() if key != "importance"}


def _fitted(node: Any, longest: int) -> Any:
    """A node with every text cut and every list counted; nothing if there is nothing to show."""
    if isinstance(node, list):
        return [_fitted(part, longest) for part in node[:MOST_CELLS]]
    if not isinstance(node, dict):
        return node
    kind = str(node.get("type", ""))
    longest = min(longest, _LONGEST.get(kind, longest))
    made = {key: _part(kind, key, value, longest) for key, value in node.items()}
    made = {key: value for key, value in made.items() if value is not None}
    if kind == "plain_text":
        made["emoji"] = False
    if kind == "mrkdwn":
        made["verbatim"] = True
    return made if _shows(kind, made) else None


def _part(kind: str, key: str, value: Any, longest: int) -> Any:
    longest = min(longest, _KEY_LIMITS.get(key, longest))
    if isinstance(value, str):
        if key == "url":
            return (
                value if value.startswith("https://") and len(value) <= _KEY_LIMITS["url"] else None
            )
        return shorten(value.rstrip("\n"), longest) if key in _CUTTABLE else value
    if isinstance(value, list):
        parts = [made for part in value if (made := _fitted(part, longest)) is not None]
        return parts[: _COUNTS.get((kind, key), len(parts))]
    return _fitted(value, longest)


def _shows(kind: str, node: Block) -> bool:
    """Whether anything is left to show; Slack refuses what is empty."""
    if kind in ("plain_text", "mrkdwn", "text"):
        return bool(str(node.get("text", "")).strip() or (kind == "text" and node.get("text")))
    if kind == "link":
        return "url" in node
    if kind in ("header", "button"):
        return "text" in node
    if kind == "section":
        return "text" in node or bool(node.get("fields"))
    return all(node[key] for key in _LISTS if key in node)
