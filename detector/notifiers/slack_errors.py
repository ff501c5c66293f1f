"""What a failure of Slack means: later, perhaps arrived, not like this, or not set up."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.error import URLError

from slack_sdk.web import SlackResponse

from detector.ports import DeliveryError

LATER: Final = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
AMBIGUOUS: Final = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)
CONTENT: Final = frozenset(
    {
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_blocks_too_long",
        "msg_too_long",
        "metadata_too_large",
        "too_many_attachments",
        "no_text",
    }
)
CONFIGURATION: Final = frozenset(
    {
        "access_denied",
        "accesslimited",
        "account_inactive",
        "channel_not_found",
        "ekm_access_denied",
        "enterprise_is_restricted",
        "invalid_auth",
        "is_archived",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "not_in_channel",
        "org_login_required",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
        "two_factor_setup_required",
    }
)
DENIED: Final = frozenset(
    {"missing_scope", "no_permission", "not_allowed_token_type", "not_in_channel"}
)
"""Of those what may hold for one method and not for another: to post needs less than to read."""
NO_EDIT: Final = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
DEFAULT_WAIT_S: Final = 30.0
LONGEST_WAIT_S: Final = 3_600.0
"""Whoever asks for more is asked again after that."""
_CODE = re.compile(r"[a-z0-9_]{1,60}")


class ContentRefused(Exception):
    """Slack does not take these blocks or this text; nothing was posted."""


class EditRefused(Exception):
    """Slack does not let this message be edited, and never will; nothing was changed."""


class Denied(DeliveryError):
    """The token may not do this, here; it may do other things."""


def refused(response: SlackResponse) -> DeliveryError | ContentRefused | EditRefused:
    """Classify an answer: by HTTP status first, since an error page is no JSON."""
    status, headers = (
        int(response.status_code),
        {key.lower(): value for key, value in response.headers.items()},
    )
    code = _code(response)
    if status == 429 or code in LATER:
        return DeliveryError("Slack: asks to wait", retry_after_s=wait_s(headers))
    if status >= 500 or status == 408:
        return DeliveryError(
            f"Slack: HTTP {status}", ambiguous=True, retry_after_s=wait_s(headers, default=None)
        )
    if not code:
        return _unreadable(status)
    if code in AMBIGUOUS:
        return DeliveryError(f"Slack: {code}", ambiguous=True)
    if code in CONTENT:
        return ContentRefused(f"Slack: {code}")
    if code in NO_EDIT:
        return EditRefused(f"Slack: {code}")
    if code in DENIED:
        return Denied(f"Slack: {code}", parked=True)
    if code in CONFIGURATION or code.startswith("restricted_action"):
        return DeliveryError(f"Slack: {code}", parked=True)
    return DeliveryError(f"Slack: {code}")


def unreachable(error: Exception) -> DeliveryError:
    """Classify a broken connection: did the request reach Slack or not?"""
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, ConnectionRefusedError | socket.gaierror | ssl.SSLCertVerificationError):
        return DeliveryError(f"Slack: not reached: {type(cause).__name__}")
    return lost_answer(cause if isinstance(cause, Exception) else error)


def lost_answer(error: Exception) -> DeliveryError:
    """The answer cannot be known; only the kind of failure is told, never the request."""
    return DeliveryError(f"Slack: no answer: {type(error).__name__}", ambiguous=True)


def wait_s(headers: Mapping[str, Any], *, default: float | None = DEFAULT_WAIT_S) -> float | None:
    """The seconds to wait from `Retry-After`, a number or a date; an hour at most.

    A date is measured against the answer's own `Date`: both are the server's clock.
    """
    asked = _first(headers, "retry-after")
    if asked.isdecimal():
        return min(float(asked), LONGEST_WAIT_S)
    until, now = _date(asked), _date(_first(headers, "date"))
    if until is None or now is None or until.tzinfo is None or now.tzinfo is None:
        return default
    return min(max(0.0, (until - now).total_seconds()), LONGEST_WAIT_S)


def _unreadable(status: int) -> DeliveryError:
    if status < 300:
        return DeliveryError("Slack: an answer that is not JSON", ambiguous=True)
    return DeliveryError(f"Slack: HTTP {status}", parked=True)


def _code(response: SlackResponse) -> str:
    """Slack's own error code; empty if the answer is anything else, as a proxy's page."""
    found = response.get("error", "") if isinstance(response.data, dict) else ""
    return str(found) if _CODE.fullmatch(str(found)) else ""


def _first(headers: Mapping[str, Any], name: str) -> str:
    value = headers.get(name, "")
    return str(value[0] if isinstance(value, list) and value else value).strip()


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
