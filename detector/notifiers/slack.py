"""Slack: one message an incident, sent at least once and, as far as Slack allows, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from detector.delivery.bulletins import Bulletin, Kind
from detector.notifiers.slack_api import SlackApi
from detector.notifiers.slack_errors import ContentRefused, Denied, EditRefused
from detector.notifiers.slack_places import Place
from detector.ports import Attempt, DeliveryError, Message, Receipt
from detector.rendering import Renderer, SlackMessage, TemplateError, escaped_text

EVENT_TYPE: Final = "vaultwatch_alert"
LOOK_BACK_PAGES: Final = 5
PAGE: Final = 200


class Slack:
    """A channel of a Slack workspace.

    `buttons`: whether somebody hears them. `notice` is told what went wrong although the
    message was sent, as a layout that Slack refused.
    """

    edits = True

    def __init__(  # noqa: PLR0913 - a destination's parts, by name
        self,
        api: SlackApi,
        renderer: Renderer,
        channel: str,
        *,
        name: str = "slack",
        buttons: bool = False,
        notice: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self.name = name
        self._api = api
        self._renderer = renderer
        self._channel = channel
        self._channel_id = "" if channel.startswith("#") else channel
        self._buttons = buttons
        self._notice = notice

    def send(self, message: Message, attempt: Attempt) -> Receipt:
        """Post, edit or reply. If `again`, look first for the message that may have arrived."""
        head = _head(message)
        edits = head is not None and not _is_reply(message)
        if attempt.again and not edits and (found := self._find(attempt.key, head)):
            return found.receipt
        return self._put(message, head, attempt.key, edits=edits).receipt

    def _put(self, message: Message, head: Place | None, key: str, *, edits: bool) -> Place:
        """Send it with its layout; without one where that is broken, or Slack refuses it."""
        send = self._edit if edits else self._post
        try:
            shown = self._renderer.slack(message, buttons=self._buttons)
            return send(message, shown, head, key)
        except (TemplateError, ContentRefused) as problem:
            self._notice(f"{self.name}: sent as plain text: {problem}")
        try:
            return send(message, SlackMessage(escaped_text(message), []), head, key)
        except ContentRefused as refusal:
            raise DeliveryError(str(refusal), permanent=True) from refusal

    def _edit(self, message: Message, shown: SlackMessage, head: Place | None, key: str) -> Place:
        """Edit in place; where Slack will not have it, say it anew. Needs no key: it may be repeated."""
        assert head is not None
        try:
            self._api.call(
                "chat_update",
                channel=head.channel or self._id(),
                ts=head.ts,
                text=shown.text,
                blocks=shown.blocks,
                parse="none",
                link_names=False,
            )
        except EditRefused as problem:
            self._notice(f"{self.name}: said anew, since the message cannot be edited: {problem}")
            return self._post(message, shown, None, key)
        return head

    def _post(self, message: Message, shown: SlackMessage, head: Place | None, key: str) -> Place:
        is_loud = isinstance(message, Bulletin) and message.kind is Kind.ALARM
        answer = self._api.call(
            "chat_postMessage",
            channel=head.channel or self._channel if head else self._channel,
            text=shown.text,
            blocks=shown.blocks or None,
            metadata={"event_type": EVENT_TYPE, "event_payload": {"idem": key}},
            thread_ts=head.ts if head else None,
            reply_broadcast=is_loud if head else None,
            unfurl_links=False,
            unfurl_media=False,
            parse="none",
            link_names=False,
        )
        if not answer.get("ts"):
            # Without it the message can be neither edited nor answered; the next try looks for it.
            raise DeliveryError("Slack: a post without its time", ambiguous=True)
        channel = str(answer.get("channel") or self._channel_id)
        self._channel_id = self._channel_id or channel
        return Place(channel, str(answer["ts"]))

    def _find(self, key: str, head: Place | None) -> Place | None:
        """The message that carries `key`, if the channel shows it to us."""
        channel = (head and head.channel) or ""
        try:
            channel = channel or self._id()
            for message in self._latest(channel, head):
                payload = (message.get("metadata") or {}).get("event_payload") or {}
                if payload.get("idem") == key:
                    return Place(channel, str(message["ts"]))
        except Denied as error:
            # Without the history scope a rare double is better than an alert never sent.
            self._notice(f"{self.name}: cannot look for an earlier message: {error}")
        return None

    def _latest(self, channel: str, head: Place | None) -> Iterator[dict[str, Any]]:
        """The newest messages of a channel, or those of a thread; a thousand: a retry is soon."""
        method = "conversations_replies" if head else "conversations_history"
        where = {"channel": channel, "ts": head.ts} if head else {"channel": channel}
        cursor = None
        for _page in range(LOOK_BACK_PAGES):
            answer = self._api.call(
                method, **where, include_all_metadata=True, limit=PAGE, cursor=cursor
            )
            yield from answer.get("messages") or []
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return

    def _id(self) -> str:
        """The channel's id, where it is given as `#name`: history and edits go by id only."""
        cursor = None
        while not self._channel_id:
            answer = self._api.call(
                "conversations_list", limit=PAGE, exclude_archived=True, cursor=cursor
            )
            for channel in answer.get("channels") or []:
                if f"#{channel.get('name')}" == self._channel:
                    self._channel_id = str(channel["id"])
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                break
        return self._channel_id or self._channel


def _head(message: Message) -> Place | None:
    head = getattr(message, "head", None)
    return Place.of(head) if isinstance(head, Receipt) else None


def _is_reply(message: Message) -> bool:
    return isinstance(message, Bulletin) and message.kind in {Kind.NOTE, Kind.ALARM}
