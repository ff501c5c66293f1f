"""A page cut into its items where they nest too deeply to be read as a whole."""

from __future__ import annotations

import re
from typing import Final

import msgspec

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},]', re.DOTALL)
_KEY: Final = re.compile(rb'"items"\s*:\s*\[\Z')
_LONGEST_KEY: Final = 100
"""Bytes before a bracket in which its key is looked for."""


def split(body: bytes) -> tuple[bytes, list[bytes]] | None:
    """The page without its items, and each of them as bytes; null if it is no such page.

    An item is JSON, or nests so deeply that nobody can tell.

    >>> split(b'{"items": [{"a": [1]}, 2], "cursor": "x"}')
    (b'{"items": [], "cursor": "x"}', [b'{"a": [1]}', b'2'])
    """
    span, items, depth, begin = (0, 0), list[bytes](), 0, 0
    for token in _TOKEN.finditer(body):
        mark = token[0]
        if mark in b"[{":
            depth += 1
            if depth == 2 and _KEY.search(body, max(0, token.end() - _LONGEST_KEY), token.end()):
                span, items, begin = (token.end(), 0), [], token.end()
        elif depth == 2 and span[0] and not span[1] and mark in b",]":
            items.append(body[begin : token.start()].strip())
            begin = token.end()
            if mark == b"]":
                span = (span[0], token.start())
        depth -= mark in b"]}"
    if depth or not span[1] or not all(_may_be_json(item) for item in items if items != [b""]):
        return None
    return body[: span[0]] + body[span[1] :], [item for item in items if item]


def _may_be_json(item: bytes) -> bool:
    try:
        msgspec.json.decode(item, type=msgspec.Raw)
    except msgspec.DecodeError:
        return False
    except RecursionError:
        return True
    return True
