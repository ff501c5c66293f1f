"""What tokens say, what is wrong with them, and where they may be sent."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.sources.tokens import SetupError, address, read_token

WANTED = (
    "an Events API bearer token is needed "
    "(1Password.com > Integrations > Events Reporting, or 'op events-api create')"
)
DAMAGED = "this token cannot be read, it is damaged or cut short"


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def jwt(aud: object = "events.1password.com", claims: dict[str, object] | None = None) -> str:
    known = {"aud": [aud] if isinstance(aud, str) else aud, **(claims or {})}
    signed = base64.urlsafe_b64encode(b"s" * 64).decode().rstrip("=")
    return f"{part({'alg': 'ES256'})}.{part(known)}.{signed}"


def test_a_token_says_host_features_account_and_end() -> None:
    claims = {
        "exp": 1_800_000_000,
        "1password.com/fts": ["auditevents", "new"],
        "1password.com/auid": "ACCOUNT",
    }
    token = read_token(jwt("events.1password.eu", claims) + "\n")
    assert token.host == "events.1password.eu"
    assert token.features == ("auditevents", "new")
    assert token.account_uuid == "ACCOUNT"
    assert token.expires == datetime(2027, 1, 15, 8, 0, tzinfo=UTC)


def test_what_a_token_does_not_say_is_null() -> None:
    token = read_token(jwt(aud=[]))
    assert (token.host, token.features, token.account_uuid, token.expires) == (None, (), None, None)
    assert read_token(jwt(claims={"exp": 1e300})).expires is None


@pytest.mark.parametrize(
    "host",
    [
        "events.1password.com",
        "events.1password.ca",
        "events.1password.eu",
        "events.ent.1password.com",
    ],
)
def test_a_token_leads_to_its_host(host: str) -> None:
    assert address(read_token(jwt(host)), None) == f"https://{host}"
    assert address(read_token(jwt(f"https://{host}/")), None) == f"https://{host}"
    assert address(read_token(jwt()), f"https://{host}:443/") == f"https://{host}"


WHOLE = jwt()


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("ops_eyJzaWduSW5BZGRyZXNzIjoi", f"this is a service account token (ops_): {WANTED}"),
        ("op://vault/item/token", f"this is a secret reference (op://) that was not resolved: {WANTED}"),
        ("", f"this is not a token, or only a part of one: {WANTED}"),
        ("hunter2", f"this is not a token, or only a part of one: {WANTED}"),
        (WHOLE[:60], f"this is not a token, or only a part of one: {WANTED}"),
        (WHOLE[:-4], f"this token is cut short or has something added: {WANTED}"),
        (WHOLE[:-20], f"this token is cut short or has something added: {WANTED}"),
        (WHOLE[:-1], f"{DAMAGED}: {WANTED}"),
        (WHOLE[9:], f"{DAMAGED}: {WANTED}"),
        (f"{WHOLE[:50]} {WHOLE[50:]}", f"{DAMAGED}: {WANTED}"),
        ("a.b.c", f"{DAMAGED}: {WANTED}"),
        (jwt({"a": 1}), f"{DAMAGED}: {WANTED}"),
    ],
)  # fmt: skip
def test_what_is_no_token_is_named_and_never_shown(token: str, words: str) -> None:
    with pytest.raises(SetupError) as caught:
        read_token(token)
    assert str(caught.value) == words
    assert caught.value.permanent
    assert caught.value.__context__ is None


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_garbage_is_a_setup_error_and_nothing_else(text: str) -> None:
    with pytest.raises(SetupError):
        read_token(text)


@pytest.mark.parametrize(
    ("audience", "words"),
    [
        ("com.1password.streamingservice", "this token is too old to name its host: set base_url"),
        ("com.1password.connect", "this is a token of another 1Password service: an Events API"),
        ("evil.example", "this token is for 'evil.example', which is not events.1password.com"),
        ("events.1password.com.evil.example", "this token is for 'events.1password.com.evil.ex"),
        ("events.1password.com@evil.example", "this token is for 'events.1password.com@evil.ex"),
        ("127.0.0.1:8080", "this token is for '127.0.0.1:8080', which is not events.1password"),
        ("a\u202e\nb", "this token is for 'a b', which is not events.1password.com"),
    ],
)
def test_an_audience_that_is_no_events_host_needs_an_address(audience: str, words: str) -> None:
    token = read_token(jwt(audience))
    with pytest.raises(SetupError) as caught:
        address(token, None)
    assert str(caught.value).startswith(words)
    assert address(token, "https://events.1password.ca") == "https://events.1password.ca"


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("http://[::1]:99", "http://[::1]:99"),
        ("https://127.0.0.1", "https://127.0.0.1"),
        (" HTTPS://Events.1Password.COM ", "https://events.1password.com"),
    ],
)
def test_this_machine_may_be_asked_without_tls(url: str, kept: str) -> None:
    assert address(read_token(jwt()), url) == kept


@pytest.mark.parametrize(
    "url",
    [
        "http://events.1password.com",
        "https://events.1password.com:8443",
        "https://events.1pasword.com",
        "https://events.1password.com.evil.example",
        "https://events.1password.com@evil.example",
        "https://evil.example\\@events.1password.com",
        "https://me:secret@events.1password.com",
        "https://events.1password.com/v2?x",
        "https://events.1password.com#x",
        "https://evilevents.1password.com.",
        "https://\u0435vents.1password.com",
        "http://127.0.0.1.evil.example",
        "http://192.168.1.4",
        "http://0.0.0.0:1",
        "ftp://127.0.0.1",
        "events.1password.com",
        "https://[::1",
        "https://events.1password.com:99999",
        "https://events.1password.com/\nx",
        "x",
    ],
)
def test_any_other_address_is_refused_since_it_would_be_sent_the_token(url: str) -> None:
    with pytest.raises(SetupError, match=r"^base_url: ") as caught:
        address(read_token(jwt()), url)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_typo_is_told_why() -> None:
    with pytest.raises(SetupError) as caught:
        address(read_token(jwt()), "https://events.1pasword.com")
    assert str(caught.value) == (
        "base_url: https://events.1pasword.com is not 1Password's (events.1password.com, .ca or "
        ".eu, or events.ent.1password.com), nor this machine: whoever is there would be sent the "
        "token"
    )


def test_an_api_on_this_machine_may_take_a_token_that_says_nothing() -> None:
    token = read_token("test-token", "http://127.0.0.1:8080")

    assert token.features == ()
    assert token.host is None


@pytest.mark.parametrize("base_url", [None, "https://events.1password.com"])
def test_a_token_that_says_nothing_is_refused_anywhere_else(base_url: str | None) -> None:
    with pytest.raises(SetupError, match="not a token"):
        read_token("test-token", base_url)
