"""`doctor --online`: what Slack says about token, scopes, channel and layouts."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from detector.notifiers.slack_api import slack_client
from detector.notifiers.slack_check import check
from detector.ports import DeliveryError
from detector.rendering import Renderer, sample_messages
from tests.conftest_delivery import Answer, SlackServer, api_of

FINE = {
    "ok": True,
    "team": "Acme",
    "user": "vaultwatch",
    "channel": {"name": "alerts", "is_member": True},
}


def test_all_is_well_with_the_emulator(
    slack_server: SlackServer, slack_channel: str, renderer: Renderer
) -> None:
    layouts = {name: renderer.slack(each).blocks for name, each in sample_messages().items()}
    said = list(check(api_of(slack_server.client()), slack_channel, layouts))
    assert said[0].startswith("signed in to ")
    assert any(line.startswith("in the channel #alerts-") for line in said)
    assert said[-1] == f"Slack takes all {len(layouts)} sample messages"


@pytest.mark.parametrize(
    ("answer", "headers", "said"),
    [
        ({"ok": False, "error": "invalid_auth"}, {}, "invalid_auth"),
        (FINE, {"x-oauth-scopes": "files:write"}, "lacks the scope chat:write"),
        (FINE | {"channel": {"is_archived": True}}, {}, "C1 is archived"),
        (FINE | {"channel": {"is_member": False}}, {}, "invite it there"),
    ],
)
def test_what_is_wrong_is_told_with_a_remedy(
    answering: Callable[[Answer], str],
    answer: dict[str, object],
    headers: dict[str, str],
    said: str,
) -> None:
    url = answering(Answer(200, headers, json.dumps(answer)))
    api = api_of(slack_client("xoxb-secret", base_url=url))
    with pytest.raises(DeliveryError, match=said):
        list(check(api, "C1", {}))


def test_what_is_missed_without_a_scope_is_said(answering: Callable[[Answer], str]) -> None:
    url = answering(Answer(200, {"x-oauth-scopes": "chat:write,groups:history"}, json.dumps(FINE)))
    said = list(check(api_of(slack_client("xoxb-secret", base_url=url)), "C1", {}))
    assert "without files:write: pictures are left out" in said
    assert not any("history" in line for line in said)
