"""Slack's Web API: tried once, paced, and every failure told for what it is."""

from __future__ import annotations

import ssl
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse

from detector.notifiers.loopback import is_loopback
from detector.notifiers.slack_errors import (
    ContentRefused,
    EditRefused,
    lost_answer,
    refused,
    unreachable,
)
from detector.notifiers.slack_http import ApiClient
from detector.notifiers.slack_pace import Pace
from detector.ports import DeliveryError


def slack_client(token: str, *, base_url: str | None = None, timeout_s: int = 10) -> WebClient:
    """A client that tries once: the outbox owns every retry. Raises ValueError for plain HTTP.

    Another `base_url` than Slack's own is for tests; on this machine no proxy stands between.
    """
    asked = urlsplit(base_url or WebClient.BASE_URL)
    is_here = is_loopback(asked.hostname or "")
    if asked.scheme != "https" and not is_here:
        raise ValueError(f"slack: {base_url} without TLS: only a loopback host may be used so")
    client = ApiClient(
        token=token,
        base_url=asked.geturl().rstrip("/") + "/",
        timeout=timeout_s,
        retry_handlers=[],
        ssl=ssl.create_default_context(),
    )
    if is_here:
        client.proxy = None
    return client


class SlackApi:
    """The Web API with one token; shared by all that use the token, as its limits are."""

    def __init__(self, client: WebClient, pace: Pace) -> None:
        self.client = client
        self._pace = pace

    def call(self, method: str, /, **arguments: Any) -> SlackResponse:
        """Call the client's method of that name.

        Raises DeliveryError, ContentRefused or EditRefused; outside of the handler, since the
        SDK's error holds the request with its token.
        """
        channel = str(arguments.get("channel", ""))
        self._pace.wait(method, channel)
        problem: DeliveryError | ContentRefused | EditRefused
        try:
            answer: SlackResponse = getattr(self.client, method)(**arguments)
        except SlackApiError as error:
            problem = refused(error.response)
        except SlackClientError as error:
            problem = lost_answer(error)
        except (OSError, HTTPException) as error:
            problem = unreachable(error)
        except AttributeError as error:  # the SDK stumbles over JSON that is no object
            problem = lost_answer(error)
        else:
            return answer
        if isinstance(problem, DeliveryError) and problem.retry_after_s:
            self._pace.hold(method, channel, problem.retry_after_s)
        raise problem
