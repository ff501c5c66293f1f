"""Asking Slack itself whether a destination will work: token, scopes, channel, and our layouts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from detector.notifiers.slack_api import SlackApi
from detector.notifiers.slack_errors import ContentRefused, EditRefused
from detector.ports import DeliveryError

NEEDED: Final = frozenset({"chat:write"})
USEFUL: Final = {
    "files:write": "pictures are left out",
    "channels:history|groups:history": "a message whose answer was lost may come twice",
    "users:read.email": "people are known by Slack ids only",
}
"""Scopes, and what is missed without them."""


def check(api: SlackApi, channel: str, layouts: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """What is well, in words. Raises DeliveryError for the first thing that is not."""
    identity = _asked(api, "auth_test")
    yield f"signed in to {identity.get('team')} as {identity.get('user')}"
    yield from _scopes(str(_header(identity, "x-oauth-scopes")))
    if not channel.startswith("#"):
        found = _asked(api, "conversations_info", channel=channel)["channel"]
        if found.get("is_archived"):
            raise DeliveryError(f"channel {channel} is archived", parked=True)
        if not found.get("is_member", True):
            raise DeliveryError(f"the app is not in {channel}; invite it there", parked=True)
        yield f"in the channel #{found.get('name')}"
    refused = []
    for name, blocks in layouts.items():
        try:
            api.call("blocks_validate", blocks=blocks)
        except (ContentRefused, EditRefused) as error:
            refused.append(f"{name}: {error}")
        except DeliveryError as error:
            if "unknown_method" not in str(error) and "HTTP 404" not in str(error):
                refused.append(f"{name}: {error}")
    if refused:
        raise DeliveryError("Slack refuses " + "; ".join(refused), permanent=True)
    yield f"Slack takes all {len(layouts)} sample messages"


def _scopes(told: str) -> Iterator[str]:
    """Slack names the token's scopes in a header of every answer; a test server may not."""
    have = {scope.strip() for scope in told.split(",") if scope.strip()}
    if not have:
        return
    if missing := NEEDED - have:
        raise DeliveryError(f"the token lacks the scope {', '.join(sorted(missing))}", parked=True)
    for scopes, loss in USEFUL.items():
        if not have & set(scopes.split("|")):
            yield f"without {scopes.replace('|', ' or ')}: {loss}"


def _asked(api: SlackApi, method: str, **arguments: Any) -> Any:
    try:
        return api.call(method, **arguments)
    except (ContentRefused, EditRefused) as error:
        raise DeliveryError(str(error), parked=True) from error


def _header(answer: Any, name: str) -> str:
    headers = {key.lower(): value for key, value in answer.headers.items()}
    value = headers.get(name, "")
    return str(value[0] if isinstance(value, list) and value else value)
