"""What a model's declaration may say, as a page and as a JSON schema: both made of its fields."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from inspect import cleandoc
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from detector.anomaly.causes import CAUSE_OF
from detector.anomaly.declaration import Declaration
from detector.anomaly.own_features import Count, Rarity

MEANINGS: Final = {
    "country": "rarity of the country among the person's days",
    "place": "rarity of the city",
    "network": "rarity of the network, a /24 or a /48",
    "device": "rarity of the device",
    "client": "rarity of application, platform and operating system",
    "deed": "the rarest action",
    "deeds": "sum of the rarities of actions",
    "vault": "the rarest vault",
    "vaults": "sum of the rarities of vaults",
    "hour": "rarity of the hour of the local week",
    "new_items": "items never used before, against the usual number",
    "new_items_day": "the same over 24 hours",
    "new_items_week": "the same over 7 days",
    "extracted": "items revealed, copied or exported, against the usual number",
    "volume": "events, against the usual number",
    "failed": "failed sign-ins, against the usual number",
    "failures": "failed sign-ins",
    "cracked": "failures before a success",
    "privileged": "privileged changes, weighted by their rarity",
    "sensitive": "the rarest change that weakens the account",
    "networks": "networks beyond the first",
    "ratio": "how much likelier country, network, device and client are for others than for the person",
    "dormancy": "days since the last activity, if more than three",
}
"""By feature what it measures in a person's hour."""

HEAD: Final = """# The model's declaration

Made by `vaultwatch model docs` of what stands in the code; a test keeps it fresh. The file is
`models/isolation_forest.yaml`, or the one in the folder `[paths] models`.

"""
_OWN: Final = """## Features of your own

An entry of `features` may also be a mapping: a rarity or a count, by field names alone. Fields are those
that rules know, by column or raw name. A new feature says nothing for its first week, and enters the
model with the first training after that. An alert tells it in `words`.

```yaml
features:
    - country
    - rarity: [client.app_name, client.os_name]
      words: worked with
    - count: item.id
      where: {event.action: [reveal, secure-copy]}
      name: reveals
      words: different items revealed or copied
```
"""


def schema() -> dict[str, Any]:
    """The JSON schema of the file, for editors."""
    made = Declaration.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | made


def page() -> str:
    """The reference page in Markdown."""
    parts = [HEAD + "\n".join(_table(Declaration)), _features(), _OWN]
    parts += ["\n".join(_section(kind)) for kind in (Rarity, Count)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _features() -> str:
    rows = [f"| `{name}` | {CAUSE_OF[name]} | {said} |" for name, said in MEANINGS.items()]
    head = "| feature | told as | what it is in a person's hour |\n|---|---|---|\n"
    return "## Features\n\nDelete a line to switch one off.\n\n" + head + "\n".join(rows)


def _section(kind: type[BaseModel]) -> Iterator[str]:
    yield f"### `{kind.__name__.casefold()}`\n"
    yield cleandoc(kind.__doc__ or "") + "\n"
    yield from _table(kind)


def _table(kind: type[BaseModel]) -> Iterator[str]:
    yield "| key | default | what it is |"
    yield "|---|---|---|"
    for name, field in kind.model_fields.items():
        yield f"| `{name}` | {_default(field)} | {field.description} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.default
    if isinstance(value, timedelta):
        hours = value // timedelta(hours=1)
        return f"`{hours // 24}d`" if hours >= 24 else f"`{value // timedelta(minutes=1)}m`"
    if isinstance(value, tuple):
        return "all" if value else ""
    return f"`{value}`" if value not in ("", {}) else ""
