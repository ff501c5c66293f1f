"""A Slack message: blocks, and one sentence for whoever cannot see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from detector.rendering.environments import TemplateError, mrkdwn_environment, plain_environment
from detector.rendering.layout import Environments, Item, Reader
from detector.rendering.limits import within_limits
from detector.rendering.text import shorten

INCIDENT: Final = "slack.yaml"
REPLY: Final = "slack.reply.yaml"
LIST: Final = "slack.list.yaml"
MOST_FALLBACK: Final = 3_000


@dataclass(frozen=True, slots=True)
class SlackMessage:
    """What `chat.postMessage` takes. `text` is escaped and can be sent alone."""

    text: str
    blocks: list[dict[str, Any]]


def read_slack(name: str, templates: Mapping[str, str]) -> tuple[Item | None, list[TemplateError]]:
    """The layout of that name, or every mistake in it."""
    if name not in templates:
        return None, [TemplateError(name, 1, "there is no such template")]
    environments = Environments(mrkdwn_environment(templates), plain_environment(templates))
    reader = Reader(name, environments)
    layout = reader.read(templates[name])
    if reader.errors:
        return None, reader.errors
    if not isinstance(layout, Item) or not {"text", "blocks"} <= set(layout.fields):
        return None, [TemplateError(name, 1, "a layout has the keys 'text' and 'blocks'")]
    return layout, []


def fill_slack(layout: Item, context: Mapping[str, Any]) -> SlackMessage:
    """The layout filled in, within Slack's limits."""
    made = next(layout.expand(context))
    text = shorten(" ".join(str(made["text"]).split()), MOST_FALLBACK)
    return SlackMessage(text, within_limits(made["blocks"] or []))
