"""The Events API source against the simulator behind real HTTP, well and with every fault."""

from __future__ import annotations

import json
import threading
import time
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from detector.events import AUDIT, FEEDS, SIGNIN, USAGE
from detector.ports import CursorRefused, Page, Source, SourceError
from detector.simulator import Plan, Server, Simulation, parse_faults, serve, simulate
from detector.sources.onepassword import Budget, OnePassword, Pace, client
from detector.sources.tokens import SetupError


@pytest.fixture(scope="module")
def company() -> Simulation:
    return simulate(Plan(people=8, days=5))


def after(company: Simulation) -> datetime:
    return company.plan.start + timedelta(days=9)


def api(company: Simulation, *faults: str) -> Server:
    return serve(company, lambda: after(company), faults=parse_faults(faults))


def generous() -> Budget:
    return Budget(1_000_000, monotonic=time.monotonic, sleep=time.sleep)


def source(
    server: Server, company: Simulation, *, token: str = "", deadline_s: float = 5.0
) -> OnePassword:
    return OnePassword(
        token or server.token,
        pace=Pace(generous(), lambda: after(company), deadline_s=deadline_s),
        base_url=server.url,
        http=client(server.url, read_timeout_s=1.0),
    )


def drained(api: Source, feed: str, cursor: str | None, since: datetime) -> Iterator[Page]:
    has_more = True
    while has_more:
        page = api.fetch(feed, cursor, since)
        yield page
        cursor, has_more = page.cursor, page.has_more


def uuids(pages: list[Page]) -> list[str]:
    return [json.loads(item)["uuid"] for page in pages for item in page.items]


def all_of(company: Simulation, feed: str) -> list[str]:
    return [arrival.item["uuid"] for arrival in company.arrivals if arrival.feed == feed]


def failure(
    server: Server, company: Simulation, *, cursor: bool = True, deadline_s: float = 30.0
) -> SourceError:
    """The error of the second request to the sign-ins."""
    with server:
        op = source(server, company, deadline_s=deadline_s)
        first = op.fetch(SIGNIN, None, company.plan.start)
        with pytest.raises(SourceError) as caught:
            op.fetch(SIGNIN, first.cursor if cursor else None, company.plan.start)
        op.close()
    assert server.token not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("feed", FEEDS)
def test_every_item_comes_once_and_in_order_of_arrival(company: Simulation, feed: str) -> None:
    with api(company) as server:
        op = source(server, company)
        pages = list(drained(op, feed, None, company.plan.start))
        op.close()
    assert uuids(pages) == all_of(company, feed)
    assert max(len(page.items) for page in pages) <= 1000
    assert [page.has_more for page in pages[-2:]] == [True, False][-len(pages) :]


def test_a_cursor_goes_on_where_it_was_and_gives_later_what_comes_later(
    company: Simulation,
) -> None:
    now = company.plan.start + timedelta(days=2)
    with serve(company, lambda: now) as server:
        op = source(server, company)
        before = list(drained(op, USAGE, None, company.plan.start))
        assert op.fetch(USAGE, before[-1].cursor, now) == Page(USAGE, (), before[-1].cursor, False)
        now += timedelta(days=7)
        rest = list(drained(op, USAGE, before[-1].cursor, now))
        op.close()
    assert uuids(before)
    assert uuids(rest)
    assert uuids(before) + uuids(rest) == all_of(company, USAGE)


def test_since_bounds_the_first_page_only(company: Simulation) -> None:
    middle = company.plan.start + timedelta(days=3)
    with api(company) as server:
        op = source(server, company)
        page = op.fetch(AUDIT, None, middle.astimezone(UTC))
        op.close()
    times = [datetime.fromisoformat(json.loads(item)["timestamp"]) for item in page.items]
    assert times
    assert min(times) >= middle


WORDS = {
    "status=500": "500: the API is in trouble; the API says: Internal Server Error",
    "status=502": "502: the API is in trouble; the API says: Bad Gateway",
    "status=503": "503: the API is in trouble; the API says: Service Unavailable",
    "status=504": "504: the API is in trouble; the API says: Gateway Timeout",
    "status=429": "429: too many requests; the API says: Too Many Requests",
    "timeout=4": "no answer in time",
    "reset": "connection broke: [Errno 104] Connection reset by peer",
    "html": "the answer is a page of HTML: a proxy or gateway spoke",
    "oversized": "the answer is larger than 33,554,432 bytes",
    "gzip-bomb=40": "the answer is larger than 33,554,432 bytes",
    "drip=20": "the answer came too slowly",
}


@pytest.mark.parametrize(("fault", "words"), WORDS.items())
def test_what_may_pass_is_said_in_a_line_and_tried_again(
    company: Simulation, fault: str, words: str
) -> None:
    begun = time.monotonic()
    # Only what drips is cut off by the deadline; a busy machine must not be.
    deadline_s = 0.5 if "drip" in fault else 30.0
    error = failure(api(company, f"{SIGNIN}:2:{fault}"), company, deadline_s=deadline_s)
    assert time.monotonic() - begun < 60
    assert (str(error), error.permanent, error.retry_after_s) == (f"{SIGNIN}: {words}", False, None)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("truncated", "connection broke: peer closed connection without sending complete message"),
        ("invalid-json", "the answer is not JSON: "),
        ("wrong-length", "the answer is not JSON: Input data was truncated"),
    ],
)
def test_a_body_that_is_not_whole_is_never_a_page(
    company: Simulation, fault: str, words: str
) -> None:
    error = failure(api(company, f"{SIGNIN}:2:{fault}"), company, cursor=False)
    assert str(error).startswith(f"{SIGNIN}: {words}")
    assert not error.permanent


@pytest.mark.parametrize(
    "fault", ["wrong-length", "drip=300", "gzip-bomb=40", "truncated", "reset"]
)
def test_the_request_after_a_broken_one_is_whole_again(company: Simulation, fault: str) -> None:
    with api(company, f"{USAGE}:1:{fault}") as server:
        op = source(server, company, deadline_s=0.5 if "drip" in fault else 30.0)
        with pytest.raises(SourceError):
            op.fetch(USAGE, None, company.plan.start)
        pages = list(drained(op, USAGE, None, company.plan.start))
        op.close()
    assert uuids(pages) == all_of(company, USAGE)


@pytest.mark.parametrize(("code", "words"), [(401, "Unauthorized"), (403, "Forbidden")])
def test_a_refused_token_is_permanent_and_says_what_to_check(
    company: Simulation, code: int, words: str
) -> None:
    error = failure(api(company, f"{SIGNIN}:2:status={code}"), company)
    assert error.permanent
    assert str(error) == (
        f"signinattempts: {code}: the token was refused; check at 1Password.com > Integrations "
        "that it is neither expired nor revoked, and that it is for signinattempts; "
        f"the API says: {words}"
    )


def test_an_expired_token_is_called_so(company: Simulation) -> None:
    with api(company) as server:
        token = server.issue(FEEDS, days=1)
        op = source(server, company, token=token)
        with pytest.raises(SourceError, match=r"it expired at 2026-03-03 00:00 UTC") as caught:
            op.fetch(AUDIT, None, company.plan.start)
        op.close()
    assert caught.value.permanent


def test_a_wrong_host_is_permanent(company: Simulation) -> None:
    error = failure(api(company, f"{SIGNIN}:2:status=404"), company)
    assert error.permanent
    assert str(error).startswith(
        "signinattempts: 404: wrong host; it must be the one of the account's region (base_url); "
        "asked at http://127.0.0.1:"
    )


def test_a_400_refuses_the_cursor_and_only_a_cursor(company: Simulation) -> None:
    server = api(company, f"{SIGNIN}:2:status=400")
    error = failure(server, company)
    assert isinstance(error, CursorRefused)
    assert str(error) == (
        "signinattempts: 400: the request was not understood; the API says: Bad Request"
    )
    plain = failure(api(company, f"{SIGNIN}:2:status=400"), company, cursor=False)
    assert type(plain) is SourceError
    assert not plain.permanent


def test_a_cursor_of_another_feed_is_refused_by_the_api_itself(company: Simulation) -> None:
    with api(company) as server:
        op = source(server, company)
        other = op.fetch(AUDIT, None, company.plan.start).cursor
        with pytest.raises(CursorRefused, match="the API says: Bad Request"):
            op.fetch(SIGNIN, other, company.plan.start)
        op.close()


@pytest.mark.parametrize(
    ("fault", "wait_s"), [("429/7", 7.0), ("429/date", 30.0), ("503/9", 9.0), ("429/99999", 3600.0)]
)
def test_how_long_to_wait_is_passed_on(company: Simulation, fault: str, wait_s: float) -> None:
    assert failure(api(company, f"{SIGNIN}:2:status={fault}"), company).retry_after_s == wait_s


@pytest.mark.parametrize("fault", ["more-empty", "same-cursor", "repeat-page", "empty-cursor"])
def test_more_behind_the_same_cursor_ends_the_round_and_is_counted(
    company: Simulation, fault: str
) -> None:
    with api(company, f"{USAGE}:2:{fault}") as server:
        op = source(server, company)
        first = op.fetch(USAGE, None, company.plan.start)
        stalled = op.fetch(USAGE, first.cursor, company.plan.start)
        rest = list(drained(op, USAGE, stalled.cursor, company.plan.start))
        op.close()
    assert (stalled.has_more, stalled.stalled) == (False, True)
    assert stalled.cursor == first.cursor
    assert op.stalled == {USAGE: 1}
    assert uuids([first, *rest]) == all_of(company, USAGE)
    if fault == "empty-cursor":
        assert uuids([stalled]) == uuids(rest[:1])


@pytest.mark.parametrize("words", ["duplicates", "wrong-types", "missing-uuid", "null-objects"])
def test_flawed_items_are_passed_on_as_they_are(company: Simulation, words: str) -> None:
    with api(company, f"{AUDIT}:1:{words}") as server:
        op = source(server, company)
        page = op.fetch(AUDIT, None, company.plan.start)
        op.close()
    twice = 2 if words == "duplicates" else 1
    assert len(page.items) == twice * len(all_of(company, AUDIT))


def test_introspection_leaves_only_the_permitted_feeds(company: Simulation) -> None:
    with api(company) as server:
        op = source(server, company, token=server.issue((SIGNIN, AUDIT)))
        assert op.feeds == (AUDIT, SIGNIN)
        found = op.introspect()
        with pytest.raises(SourceError, match="that it is for itemusages"):
            op.fetch(USAGE, None, company.plan.start)
        op.close()
    assert found.features == (SIGNIN, AUDIT)
    assert found.account_uuid == op.account_uuid == company.account
    assert op.feeds == (AUDIT, SIGNIN)


@pytest.mark.parametrize("fault", ["status=500", "html", "invalid-json"])
def test_introspection_fails_as_a_feed_does(company: Simulation, fault: str) -> None:
    with api(company, f"introspect:1:{fault}") as server:
        op = source(server, company)
        with pytest.raises(SourceError, match=r"^introspect: ") as caught:
            op.introspect()
        op.close()
    assert not caught.value.permanent


def test_nobody_there_is_no_connection(company: Simulation) -> None:
    server = api(company)
    op = source(server, company)
    server.stop()
    with pytest.raises(SourceError, match="no connection: ") as caught:
        op.fetch(AUDIT, None, company.plan.start)
    assert not caught.value.permanent
    op.close()


def test_no_text_and_no_local_variable_shows_the_token(company: Simulation) -> None:
    with api(company, "*:*:reset") as server:
        op = source(server, company)
        with pytest.raises(SourceError) as caught:
            op.fetch(AUDIT, None, company.plan.start)
        op.close()
        seen = [repr(op), str(op), repr(vars(op)), repr(caught.value)]
        frames = traceback.walk_tb(caught.value.__traceback__)
        ours = [frame for frame, _ in frames if "onepassword.py" in frame.f_code.co_filename]
        seen += [
            repr(vars(caught.value)),
            *(repr(f.f_locals) for f in ours if f.f_code.co_name != "<module>"),
        ]
        signature = server.token.rsplit(".", 1)[1]
        # The test's own frame knows the server; only the source's frames count.
        assert not any(signature in text for text in seen)


def test_three_feeds_share_one_budget(company: Simulation) -> None:
    slept: list[float] = []
    budget = Budget(60, monotonic=lambda: 0.0, sleep=slept.append)
    with api(company) as server:
        pace = Pace(budget, lambda: after(company))
        op = OnePassword(server.token, pace=pace, base_url=server.url)
        threads = [
            threading.Thread(target=op.fetch, args=(feed, None, company.plan.start))
            for feed in FEEDS
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        op.introspect()
        op.close()
        assert server.requests == 4
    assert len(slept) == 1


def test_a_token_for_none_of_the_feeds_is_refused_at_once(company: Simulation) -> None:
    with api(company) as server, pytest.raises(SetupError, match="permits none of the feeds"):
        source(server, company, token=server.issue(("somethingelse",)))
