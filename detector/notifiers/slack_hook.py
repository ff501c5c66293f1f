"""Slack's incoming webhook: where no app may be installed. Messages only, nothing edited or looked up."""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPException
from typing import Final

from slack_sdk.errors import SlackClientError
from slack_sdk.webhook import WebhookClient, WebhookResponse

from detector.notifiers.slack_errors import lost_answer, unreachable, wait_s
from detector.ports import Attempt, DeliveryError, Message, Receipt
from detector.rendering import Renderer, TemplateError, escaped_text

TIMEOUT_S: Final = 10
_CONTENT: Final = frozenset(
    {"invalid_blocks", "invalid_payload", "no_text", "too_many_attachments"}
)


class SlackHook:
    """One incoming webhook, whose URL is the secret. A lost answer may mean a double.

    `notice` is told what went wrong although the message was sent.
    """

    edits = False

    def __init__(
        self,
        client: WebhookClient,
        renderer: Renderer,
        *,
        name: str = "slack",
        notice: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self.name = name
        self._client = client
        self._renderer = renderer
        self._notice = notice

    def send(self, message: Message, attempt: Attempt) -> Receipt:
        """Post it with its layout; as plain words where Slack or a template refuses that."""
        try:
            shown = self._renderer.slack(message)
            refusal = self._post(shown.text, shown.blocks)
        except TemplateError as problem:
            refusal = str(problem)
        if refusal:
            self._notice(f"{self.name}: sent as plain text: {refusal}")
            if refused := self._post(escaped_text(message), None):
                raise DeliveryError(f"Slack: {refused}", permanent=True)
        return Receipt(attempt.key)

    def _post(self, text: str, blocks: list[dict[str, object]] | None) -> str:
        """Nothing if it was taken, else why the content was refused. Raises DeliveryError."""
        problem: DeliveryError
        try:
            answer = self._client.send(
                text=text, blocks=blocks, unfurl_links=False, unfurl_media=False
            )
        except SlackClientError as error:
            problem = lost_answer(error)
        except (OSError, HTTPException) as error:
            problem = unreachable(error)
        else:
            return _refusal(answer)
        raise problem


def _refusal(answer: WebhookResponse) -> str:
    """Webhooks answer in words: `ok`, or one of Slack's codes."""
    code, status = answer.body.strip()[:60], answer.status_code
    if status == 200 and not code.startswith("<"):
        return ""
    if status == 200:
        # A page, as after a redirect: whoever showed it is not Slack.
        raise DeliveryError("Slack: a page in place of an answer", ambiguous=True)
    headers = {name.lower(): value for name, value in answer.headers.items()}
    if status == 429:
        raise DeliveryError("Slack: asks to wait", retry_after_s=wait_s(headers))
    if status >= 500 or status == 408:
        raise DeliveryError(f"Slack: HTTP {status}", ambiguous=True)
    if status == 400 and code in _CONTENT:
        return code
    raise DeliveryError(f"Slack: HTTP {status} {code if code.isidentifier() else ''}", parked=True)
