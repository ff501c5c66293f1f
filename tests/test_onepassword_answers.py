"""The Events API source against answers made by hand, and its budget."""

from __future__ import annotations

import gzip
import json
import resource
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest

from detector.events import AUDIT, USAGE
from detector.ports import Page, SourceError
from detector.sources.onepassword import LARGEST_BODY, Budget, OnePassword, Pace
from detector.sources.records import shape


def generous() -> Budget:
    return Budget(1_000_000, monotonic=time.monotonic, sleep=time.sleep)


def reply(status: int, content: bytes = b"", headers: object = None) -> httpx.Response:
    """An answer that is still to be streamed."""
    return httpx.Response(status, stream=httpx.ByteStream(content), headers=headers)  # type: ignore[arg-type]


def scripted(
    answer: Callable[[httpx.Request], httpx.Response], *, largest: int = 1 << 20
) -> OnePassword:
    """A source whose answers a function makes."""
    return OnePassword(
        "e30.eyJhdWQiOlsiZXZlbnRzLjFwYXNzd29yZC5jb20iXX0.c2lnbmF0dXJl",
        pace=Pace(generous(), lambda: datetime(2026, 3, 1, tzinfo=UTC), largest_body=largest),
        http=httpx.Client(transport=httpx.MockTransport(answer)),
    )


def test_a_request_holds_a_cursor_or_a_start_and_never_an_end() -> None:
    asked: list[object] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content))
        return reply(200, b'{"items":[],"cursor":"c2","has_more":false}')

    op = scripted(answer)
    since = datetime(2026, 3, 1, 12, tzinfo=UTC)
    op.fetch(USAGE, None, since)
    op.fetch(USAGE, "", since)
    op.fetch(USAGE, "c1", since)
    start = {"limit": 1000, "start_time": "2026-03-01T12:00:00.000000Z"}
    assert asked == [start, start, {"cursor": "c1"}]


@pytest.mark.parametrize("header", ["", "soon", "-5", "1e9", "٣", "9" * 5000, "Mon, 99 Foo 2026"])
def test_a_senseless_retry_after_is_none_or_an_hour(header: str) -> None:
    headers = [(b"Retry-After", header.encode())]
    op = scripted(lambda _: reply(429, headers=headers))
    with pytest.raises(SourceError) as caught:
        op.fetch(AUDIT, None, datetime(2026, 3, 1, tzinfo=UTC))
    assert caught.value.retry_after_s == (3600.0 if header.startswith("9") else None)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the answer is empty"),
        (b"{", "the answer is not JSON: Input data was truncated"),
        (b"[]", "the answer has an unknown shape: Expected `object`, got `array`"),
        (b'{"cursor":"c"}', "the answer has no items, not even an empty list"),
        (b'{"status":500,"message":"oops"}', "the answer has no items, not even an empty list"),
        (b'{"items":{}}', "the answer has an unknown shape: Expected `array | null`, got `object`"),
        (b'{"items":[],"cursor":7}', "the answer has an unknown shape: Expected `str | null`"),
    ],
)
def test_an_envelope_of_another_shape_is_an_error(body: bytes, words: str) -> None:
    op = scripted(lambda _: reply(200, body))
    with pytest.raises(SourceError) as caught:
        op.fetch(AUDIT, "c", datetime(2026, 3, 1, tzinfo=UTC))
    assert str(caught.value).startswith(f"auditevents: {words}")
    assert not caught.value.permanent


def test_what_is_missing_from_an_envelope_has_a_meaning() -> None:
    raw = b'{"items":[7, {"a" : 1.50},null,"x"], "new":{}}'
    op = scripted(lambda _: reply(200, raw, {"Content-Type": "text/html"}))
    page = op.fetch(AUDIT, "asked", datetime(2026, 3, 1, tzinfo=UTC))
    assert page == Page(AUDIT, (b"7", b'{"a" : 1.50}', b"null", b'"x"'), "asked", False)


STALLED = Page(AUDIT, (), "asked", has_more=False, stalled=True)


@pytest.mark.parametrize(
    ("body", "page"),
    [
        ('{"items":null,"cursor":"c","has_more":false}', Page(AUDIT, (), "c", False)),
        ('{"items":[1],"cursor":"c"}', Page(AUDIT, (b"1",), "c", True)),
        ('{"items":[],"cursor":"c"}', Page(AUDIT, (), "c", False)),
        ('{"items":[1],"cursor":"c","has_more":"false"}', Page(AUDIT, (b"1",), "c", False)),
        ('{"items":[1],"cursor":"c","has_more":1}', Page(AUDIT, (b"1",), "c", True)),
        ('{"items":[],"has_more":true}', STALLED),
        ('{"items":[],"has_more":true,"cursor":null}', STALLED),
        ('{"items":[1],"has_more":true,"cursor":""}', replace(STALLED, items=(b"1",))),
        ('\ufeff{"items":[1],"cursor":"c","has_more":true}', Page(AUDIT, (b"1",), "c", True)),
    ],
)
def test_an_envelope_is_read_for_what_it_means(body: str, page: Page) -> None:
    op = scripted(lambda _: reply(200, body.encode()))
    assert op.fetch(AUDIT, "asked", datetime(2026, 3, 1, tzinfo=UTC)) == page


@pytest.mark.parametrize(
    ("item", "passed_on"),
    [
        (b'{"a":"\\ud800"}', b'{"a": "\\ud800"}'),
        (b'{"a":"\x01"}', b'{"a": "\\u0001"}'),
        (b'{"a":NaN}', b'{"a": NaN}'),
        (b'{"a":"\xff"}', b'{"a":"\xff"}'),
    ],
)
def test_an_item_that_is_not_quite_json_does_not_block_its_page(
    item: bytes, passed_on: bytes
) -> None:
    op = scripted(lambda _: reply(200, b'{"items":[1,' + item + b'],"cursor":"c","has_more":true}'))
    page = op.fetch(AUDIT, None, datetime(2026, 3, 1, tzinfo=UTC))
    assert page == Page(AUDIT, (b"1", passed_on), "c", True)


@pytest.mark.parametrize("nest", ["[", '{"]\\"":'])
def test_an_item_that_nests_too_deeply_does_not_block_its_page(nest: str) -> None:
    close = {"[": "]", "{": "}"}[nest[0]]
    deep = f'{{"a":{nest * 10_000}1{close * 10_000}}}'.encode()
    body = (
        b'{"x":{"items":[7]},"items":[1, {"b":[2,3]},' + deep + b'],"cursor":"c","has_more":true}'
    )
    op = scripted(lambda _: reply(200, body))

    page = op.fetch(AUDIT, None, datetime(2026, 3, 1, tzinfo=UTC))

    assert page == Page(AUDIT, (b"1", b'{"b":[2,3]}', deep), "c", True)
    assert [
        flaw.reason for flaw in shape(AUDIT, page.items, datetime(2026, 3, 1, tzinfo=UTC)).flaws
    ][-1] == "nests too deeply"


@pytest.mark.parametrize("cut", [b"]", b',{"a"}]', b",]", b"]]]"])
def test_a_page_that_nests_too_deeply_and_is_not_whole_is_refused(cut: bytes) -> None:
    deep = b"[" * 10_000 + b"]" * 9_999
    op = scripted(lambda _: reply(200, b'{"items":[1,' + deep + cut + b',"cursor":"c"}'))

    with pytest.raises(SourceError, match="the answer is not JSON"):
        op.fetch(AUDIT, None, datetime(2026, 3, 1, tzinfo=UTC))


def test_a_cursor_that_cannot_be_sent_back_is_not_taken() -> None:
    op = scripted(lambda _: reply(200, b'{"items":[],"cursor":"\\ud800"}'))
    with pytest.raises(SourceError, match="the answer is not JSON"):
        op.fetch(AUDIT, None, datetime(2026, 3, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("status", "content", "words"),
    [
        (500, b'{"Error":{"Message":"Bad\\r\\nthing"}}', "the API says: Bad thing"),
        (500, b'{"status":500,"message":"oops"}', "the API says: oops"),
        (500, b"plain \x1b[31m\xff text\n", "the API says: plain [31m\ufffd text"),
        (500, b"<html>no</html>", "the API says: (an HTML page)"),
        (500, b'{"message":["x"]}', "in trouble"),
        (301, b"", "301: redirected, which is never followed"),
        (204, b"", "204: not the answer expected"),
    ],
)
def test_what_the_api_says_is_one_short_line(status: int, content: bytes, words: str) -> None:
    headers = {"Location": "https://evil.example/"}
    op = scripted(lambda _: reply(status, content, headers))
    with pytest.raises(SourceError) as caught:
        op.fetch(AUDIT, "c", datetime(2026, 3, 1, tzinfo=UTC))
    assert words in str(caught.value)
    assert not caught.value.permanent


def test_a_token_that_the_api_echoes_is_not_shown() -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        said = "x" * 170 + request.headers["Authorization"]
        return reply(401, json.dumps({"message": said}).encode())

    op = scripted(echo)
    with pytest.raises(SourceError) as caught:
        op.fetch(AUDIT, None, datetime(2026, 3, 1, tzinfo=UTC))
    assert "Bearer ***" in str(caught.value)
    assert "eyJ" not in str(caught.value)


def test_a_budget_never_gives_more_than_its_number_in_any_minute() -> None:
    now, asked = 0.0, []

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    budget = Budget(480, monotonic=lambda: now, sleep=sleep)
    for _ in range(1500):
        budget.take()
        asked.append(now)
    busiest = max(sum(start <= at < start + 60 for at in asked) for start in asked)
    assert 470 <= busiest <= 480
    assert asked[23] == 0.0
    assert asked[24] > 0.0


def test_a_budget_that_rested_saves_up_no_more_than_its_burst() -> None:
    now = 0.0
    slept: list[float] = []
    budget = Budget(480, monotonic=lambda: now, sleep=slept.append)
    now = 3600.0
    for _ in range(25):
        budget.take()
    assert len(slept) == 1


def zipped(raw: bytes) -> bytes:
    return gzip.compress(raw, mtime=0)


PAGE = b'{"items":[1],"cursor":"c","has_more":false}'


@pytest.mark.parametrize(
    ("content", "encoding", "words"),
    [
        (zipped(PAGE)[:-9], "gzip", "the answer ended in the middle of its gzip"),
        (zipped(PAGE) + zipped(PAGE), "gzip", "the answer goes on after its gzip has ended"),
        (PAGE, "gzip", "the answer is not the gzip that it says it is"),
        (PAGE, "br", "the answer is packed as 'br', not as gzip"),
        (zipped(zipped(PAGE)), "gzip, gzip", "the answer is packed as 'gzip, gzip', not as gzip"),
        (zipped(b" " * 101), "gzip", "the answer is larger than 100 bytes"),
        (b" " * 101, "identity", "the answer is larger than 100 bytes"),
    ],
)
def test_only_a_whole_gzip_of_bounded_size_is_unpacked(
    content: bytes, encoding: str, words: str
) -> None:
    op = scripted(lambda _: reply(200, content, {"Content-Encoding": encoding}), largest=100)
    with pytest.raises(SourceError) as caught:
        op.fetch(AUDIT, "c", datetime(2026, 3, 1, tzinfo=UTC))
    assert str(caught.value) == f"auditevents: {words}"


def test_a_gzip_is_unpacked() -> None:
    op = scripted(lambda _: reply(200, zipped(PAGE), {"Content-Encoding": "gzip"}), largest=100)
    page = op.fetch(AUDIT, None, datetime(2026, 3, 1, tzinfo=UTC))
    assert page == Page(AUDIT, (b"1",), "c", False)


def test_a_bomb_is_never_held_whole() -> None:
    packer, block = zlib.compressobj(wbits=31), b" " * (1 << 20)
    bomb = b"".join([*(packer.compress(block) for _ in range(150)), packer.flush()])
    headers = {"Content-Encoding": "gzip"}
    op = scripted(lambda _: reply(200, bomb, headers), largest=LARGEST_BODY)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(SourceError, match="larger than 33,554,432 bytes"):
        op.fetch(AUDIT, None, datetime(2026, 3, 1, tzinfo=UTC))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150 << 10


def test_a_kept_connection_that_the_server_has_closed_is_asked_again_once() -> None:
    asked: list[int] = []

    def answer(_: httpx.Request) -> httpx.Response:
        asked.append(len(asked))
        if asked[-1] != 1:
            return reply(200, b'{"items":[],"cursor":"c","has_more":false}')
        raise httpx.RemoteProtocolError("Server disconnected without sending a response.")

    op = scripted(answer)
    for _ in range(2):
        op.fetch(AUDIT, "c", datetime(2026, 3, 1, tzinfo=UTC))
    assert asked == [0, 1, 2]
