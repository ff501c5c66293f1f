"""Slack: one message an incident, sent at least once and, as far as Slack allows, once."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import urlsplit

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse

from detector.delivery.bulletins import Bulletin, Kind
from detector.notifiers.loopback import is_loopback
from detector.notifiers.slack_errors import ContentRefused, lost_answer, refused, unreachable
from detector.ports import DeliveryError, Message, Receipt
from detector.rendering import Renderer, TemplateError, escaped_text

EVENT_TYPE: Final = "vaultwatch_alert"
LOOK_BACK_PAGES: Final = 5
PAGE: Final = 200


def slack_client(token: str, *, base_url: str | None = None, timeout_s: int = 10) -> WebClient:
    """A client that tries once: the outbox owns every retry. Raises ValueError for plain HTTP.

    Another `base_url` than Slack's own is for tests; on this machine no proxy stands between.
    """
    asked = urlsplit(base_url or WebClient.BASE_URL)
    is_here = is_loopback(asked.hostname or "")
    if asked.scheme != "https" and not is_here:
        raise ValueError(f"slack: {base_url} without TLS: only a loopback host may be used so")
    client = WebClient(
        token=token,
        base_url=asked.geturl().rstrip("/") + "/",
        timeout=timeout_s,
        retry_handlers=[],
        ssl=ssl.create_default_context(),
    )
    if is_here:
        client.proxy = None
    return client


class Slack:
    """A channel of a Slack workspace.

    `notice` is told what went wrong although the message was sent, as a layout that Slack refused.
    """

    edits = True

    def __init__(
        self,
        client: WebClient,
        renderer: Renderer,
        channel: str,
        *,
        name: str = "slack",
        notice: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self.name = name
        self._client = client
        self._renderer = renderer
        self._channel = channel
        self._channel_id = "" if channel.startswith("#") else channel
        self._notice = notice

    def send(self, message: Message, *, key: str, again: bool) -> Receipt:
        """Post, edit or reply. With `again`, look first for the message that may have arrived."""
        if again and (found := self._find(key)):
            return Receipt(found)
        metadata = {"event_type": EVENT_TYPE, "event_payload": {"idem": key}}
        if isinstance(message, Bulletin):
            try:
                shown = self._renderer.slack(message.incident.worst)
                return self._put(message, shown.text, shown.blocks, metadata)
            except (TemplateError, ContentRefused) as problem:
                self._notice(f"{self.name}: sent as plain text: {problem}")
        try:
            return self._put(message, escaped_text(message), None, metadata)
        except ContentRefused as refusal:
            raise DeliveryError(str(refusal), permanent=True) from refusal

    def _put(
        self,
        message: Message,
        text: str,
        blocks: list[dict[str, Any]] | None,
        metadata: dict[str, Any],
    ) -> Receipt:
        """Edit or reply where there is a message already, else post."""
        head = getattr(message, "head", None)
        kind = message.kind if isinstance(message, Bulletin) else None
        if head is not None and kind not in {Kind.NOTE, Kind.ALARM}:
            self._call(
                self._client.chat_update,
                channel=self._channel_id or self._look_up_channel(),
                ts=head.message_id,
                text=text,
                blocks=blocks,
                metadata=metadata,
            )
            return Receipt(head.message_id)
        answer = self._call(
            self._client.chat_postMessage,
            channel=self._channel,
            text=text,
            blocks=blocks,
            metadata=metadata,
            thread_ts=head.message_id if head else None,
            reply_broadcast=kind is Kind.ALARM if head else None,
            unfurl_links=False,
            unfurl_media=False,
            parse="none",
            link_names=False,
        )
        self._channel_id = str(answer.get("channel") or self._channel_id)
        return Receipt(str(answer["ts"]))

    def _find(self, key: str) -> str | None:
        """The ts of the message that carries `key`, if the channel shows it to us."""
        try:
            for message in self._latest():
                payload = (message.get("metadata") or {}).get("event_payload") or {}
                if payload.get("idem") == key:
                    return str(message["ts"])
        except DeliveryError as error:
            if not error.parked:
                raise
            # Without the history scope a rare double is better than an alert never sent.
            self._notice(f"{self.name}: cannot look for an earlier message: {error}")
        return None

    def _latest(self) -> Iterator[dict[str, Any]]:
        """The channel's newest messages; a thousand of them, since a retry is soon."""
        cursor = ""
        for _page in range(LOOK_BACK_PAGES):
            answer = self._call(
                self._client.conversations_history,
                channel=self._channel_id or self._look_up_channel(),
                include_all_metadata=True,
                limit=PAGE,
                cursor=cursor or None,
            )
            yield from answer.get("messages") or []
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    def _look_up_channel(self) -> str:
        """The id of a channel given as `#name`; the history is not told by name."""
        cursor = ""
        while not self._channel_id:
            answer = self._call(
                self._client.conversations_list,
                limit=PAGE,
                exclude_archived=True,
                cursor=cursor or None,
            )
            for channel in answer.get("channels") or []:
                if f"#{channel.get('name')}" == self._channel:
                    self._channel_id = str(channel["id"])
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                break
        return self._channel_id or self._channel

    def _call(self, method: Callable[..., SlackResponse], **arguments: Any) -> SlackResponse:
        """Call Slack, or say what kind of failure it was.

        Raised outside of the handler: the SDK's error holds the request with its token.
        """
        problem: DeliveryError | ContentRefused
        try:
            return method(**arguments)
        except SlackApiError as error:
            problem = refused(error.response)
        except SlackClientError as error:
            problem = lost_answer(error)
        except (OSError, HTTPException) as error:
            problem = unreachable(error)
        except AttributeError as error:  # the SDK stumbles over JSON that is no object
            problem = lost_answer(error)
        raise problem
