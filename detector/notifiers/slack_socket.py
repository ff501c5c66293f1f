"""Socket Mode: Slack's buttons reach us over a connection that we open, so no port is open here."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from slack_sdk.errors import SlackClientError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web import WebClient

from detector.notifiers.slack_buttons import Buttons

PING_EVERY_S: Final = 10.0
_FAILURES: Final = (SlackClientError, OSError, ValueError)

_quiet = logging.getLogger("vaultwatch.slack_socket")
_quiet.setLevel(logging.CRITICAL)  # the SDK's own lines may hold payloads; ours say what matters


class SlackSocket:
    """One connection with one app token. `watch` has to be called about once a minute.

    The SDK reconnects by itself, but has a history of silent deaths: `watch` looks after it.
    """

    def __init__(
        self,
        app_token: str,
        client: WebClient,
        buttons: Buttons,
        *,
        ping_every_s: float = PING_EVERY_S,
        notice: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._buttons = buttons
        self._notice = notice
        self._socket = SocketModeClient(
            app_token,
            logger=_quiet,
            web_client=client,
            ping_interval=ping_every_s,
            concurrency=2,
            proxy=client.proxy,
        )
        self._socket.socket_mode_request_listeners.append(self._hear)

    @property
    def is_connected(self) -> bool:
        """Whether buttons are heard now."""
        return bool(self._socket.is_connected())

    def watch(self) -> None:
        """Connect if there is no live connection; a failure is told, and tried again next time."""
        if self.is_connected:
            return
        problem = ""
        try:
            self._socket.connect_to_new_endpoint(force=True)
        except _FAILURES as error:
            # The error's text may hold the request with its token.
            problem = type(error).__name__
        if problem:
            self._notice(f"buttons are not heard: no connection to Slack: {problem}")

    def close(self) -> None:
        """Say goodbye; what was pressed meanwhile is finished first."""
        self._socket.close()

    def _hear(self, socket: BaseSocketModeClient, request: SocketModeRequest) -> None:
        """Acknowledge within Slack's three seconds, then work."""
        socket.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
        if request.type != "interactive":
            return
        try:
            self._buttons.hear(request.payload)
        except Exception as error:
            # In a thread of the SDK, whose own words about it are kept out of the log.
            self._notice(f"a button failed: {type(error).__name__}: {error}")
