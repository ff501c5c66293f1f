"""Slack's clients, less what Python's own does unasked: follow a redirect, with the token, to anywhere.

The SDK has no argument for it, so that the one method of each client that opens a URL is ours.
"""

from __future__ import annotations

import ssl
from http.client import HTTPResponse
from typing import Any, Final
from urllib.request import (
    HTTPRedirectHandler,
    HTTPSHandler,
    ProxyHandler,
    Request,
    build_opener,
)

from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient, WebhookResponse

LARGEST: Final = 16 << 20
"""Bytes of an answer that are read; a page of a channel's history is far below."""


class ApiClient(WebClient):
    """The Web API, which is asked at its own address and nowhere else."""

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:  # noqa: ARG002
        with _opened(req, self.proxy, self.ssl, self.timeout) as answer:
            return {"status": answer.status, "headers": answer.headers, "body": _text(answer)}


class HookClient(WebhookClient):
    """An incoming webhook, the same."""

    def _perform_http_request_internal(self, url: str, req: Request) -> WebhookResponse:
        with _opened(req, self.proxy, self.ssl, self.timeout) as answer:
            headers = dict(answer.headers.items())
            return WebhookResponse(
                url=url, status_code=answer.status, body=_text(answer), headers=headers
            )


class _Stays(HTTPRedirectHandler):
    def redirect_request(self, *_: object, **__: object) -> None:
        """No request is made anew: the redirect is an error with its own status."""


def _opened(
    request: Request, proxy: str | None, context: ssl.SSLContext | None, timeout_s: int
) -> HTTPResponse:
    """The answer, by way of that proxy alone. Raises HTTPError for one that is no success."""
    proxies = ProxyHandler({"http": proxy, "https": proxy} if proxy else {})
    opener = build_opener(_Stays, proxies, HTTPSHandler(context=context))
    answer = opener.open(request, timeout=timeout_s)
    assert isinstance(answer, HTTPResponse)
    return answer


def _text(answer: HTTPResponse) -> str:
    return answer.read(LARGEST).decode(answer.headers.get_content_charset() or "utf-8")
