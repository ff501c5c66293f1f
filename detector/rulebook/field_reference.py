"""The page of fields and words: what rules may ask of each feed, made of the schema itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from detector import events
from detector.rulebook.schemas import of_feed
from detector.rulebook.vocabulary import DEEDS, PSEUDO_FIELDS, WORDS

HEAD: Final = """# Fields and words

Made by `vaultwatch rules docs fields` of what stands in the code; a test keeps it fresh.

## Fields

Each column may be asked for by its own name, which is the same in every feed, or by the names that
1Password gives it in one feed. A dot is part of the name. A feed whose cell is empty never has it.
"""
_PSEUDO: Final = """
Behaviours and correlations may also name what the engine makes: {names}.

### Names of other products

Rules may use these as they come; each means the column beside it. A name of 1Password may also stand
behind `onepassword.`, as Elastic writes it.
"""
_WORDS: Final = """
## Words

What 1Password is known to send. The lists are open: another word is no mistake, but a warning.
"""
_DEEDS: Final = """
An audit event has only these actions with each `object.type`; another pair is a warning.
"""


def page() -> str:
    """The page in Markdown."""
    names = ", ".join(f"`{name}`" for name in PSEUDO_FIELDS if name not in events.SCHEMA)
    lines = [
        HEAD,
        *_columns(),
        _PSEUDO.format(names=names),
        *_elsewhere(),
        _WORDS,
        *_words(),
        _DEEDS,
        *_deeds(),
    ]
    return "\n".join(lines) + "\n"


def _columns() -> Iterator[str]:
    yield f"| column | what it is | kind | {' | '.join(events.FEEDS)} |"
    yield "|---" * (3 + len(events.FEEDS)) + "|"
    for column in events.COLUMNS:
        cells = [_in_feed(column, feed) for feed in events.FEEDS]
        kind = {events.TEXT: "text", events.TIME: "time"}.get(column.dtype, "number")
        yield f"| `{column.name}` | {column.means} | {kind} | {' | '.join(cells)} |"


def _in_feed(column: events.Column, feed: str) -> str:
    """The raw names of a column in a feed; a tick where the engine makes it."""
    raw = column.raw.get(feed, ())
    if raw:
        return ", ".join(f"`{name}`" for name in raw)
    return "made" if of_feed(feed).column(column.name) else ""


def _elsewhere() -> Iterator[str]:
    yield "| name | column |"
    yield "|---|---|"
    for name, column in events.ELSEWHERE.items():
        yield f"| `{name}` | `{column}` |"


def _words() -> Iterator[str]:
    yield "| feed | column | words |"
    yield "|---|---|---|"
    for (feed, column), words in WORDS.items():
        yield f"| {feed} | `{column}` | {', '.join(f'`{word}`' for word in sorted(words))} |"


def _deeds() -> Iterator[str]:
    yield "| object.type | actions |"
    yield "|---|---|"
    for kind, actions in DEEDS.items():
        yield f"| `{kind}` | {', '.join(f'`{action}`' for action in sorted(actions))} |"
