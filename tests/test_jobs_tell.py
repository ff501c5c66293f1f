"""Telling: from the outbox to the destinations, at least once and practically once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from detector import files, jobs, settings
from detector.alerts import Alert
from detector.delivery.bulletins import Bulletin, Digest, Kind
from detector.delivery.circuit import OPENS_AFTER
from detector.delivery.orders import Timetable
from detector.findings import Level
from detector.ports import Attempt, DeliveryError, Message, Receipt
from detector.settings import Settings
from detector.store.outbox import LEASE
from detector.store.sqlite import Commit, Sqlite
from tests.fakes import (
    ORDERS,
    Clock,
    Death,
    Mailbox,
    Mortal,
    ScriptedSource,
    close,
    open_desk,
    round_,
    shipped_texts,
)
from tests.stories import at, audit

NOW = at("12:00")


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Alert:
    """An alert as the engine raises it."""
    desk = open_desk(tmp_path_factory.mktemp("example"), at("0:00"))
    source = ScriptedSource([audit("ann", "lagos", "11:00", deed="export vault")])
    (alert,) = jobs.poll(desk, source, Clock(NOW)).alerts
    close(desk)
    return alert


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Sqlite]:
    """An empty store."""
    opened = Sqlite(tmp_path)
    yield opened
    opened.close()


def named(alert: Alert, name: str, level: Level = Level.HIGH, **changed: object) -> Alert:
    """Another alert like it."""
    score = level.rank * 20 + 5
    subject = replace(alert.subject, id=name)
    return replace(alert, id=name * 26, subject=subject, level=level, score=score, **changed)  # type: ignore[arg-type]


def put(store: Sqlite, *alerts: Alert, when: datetime = NOW) -> None:
    """Let alerts have been found."""
    store.commit(Commit("acme", when, alerts=alerts))
    jobs.decide(round_(store, when), {"mailbox": Mailbox()})


def tell(
    store: Sqlite, mailbox: Mailbox, now: datetime = NOW, point: jobs.Point = jobs.nowhere
) -> int:
    """One round of telling."""
    return jobs.tell(round_(store, now, point=point), {mailbox.name: mailbox})


def states(store: Sqlite) -> list[str]:
    return [each.state for each in store.outbox.listed()]


def key(alert: Alert) -> str:
    """The key of the first message about an alert."""
    return f"inc-{alert.id[:16]}.1"


def test_what_is_sent_is_sent_once_and_its_receipt_kept(store: Sqlite, example: Alert) -> None:
    mailbox = Mailbox()
    put(store, example)

    assert [tell(store, mailbox), tell(store, mailbox)] == [1, 0]
    assert [each.id for each in mailbox.alerts] == [example.id]
    (sent,) = store.outbox.listed()
    assert (sent.state, sent.tries, sent.receipt) == ("sent", 1, f"<{key(example)}>")


@pytest.mark.parametrize("dies_at", ["before_send", "after_send", "after_mark"])
def test_a_picture_follows_its_message_whenever_the_process_dies(
    store: Sqlite, example: Alert, dies_at: str
) -> None:
    boxes = {"mailbox": Mailbox(), "pictures": Mailbox("pictures")}
    orders = replace(ORDERS, pictures={"mailbox": "pictures"})
    put(store, example)

    def dies(here: str) -> None:
        if here == dies_at:
            raise Death(here)

    for turn, point in enumerate((dies, jobs.nowhere, jobs.nowhere)):
        try:
            jobs.tell(round_(store, NOW + turn * LEASE, orders, point=point), boxes)
        except Death:
            assert point is dies

    (shown,) = boxes["pictures"].messages
    assert isinstance(shown, Bulletin)
    assert (shown.kind, shown.incident.worst.id) == (Kind.PICTURE, example.id)
    assert shown.head == boxes["mailbox"].receipts[-1]


def test_the_worst_goes_first_and_of_the_same_the_oldest(store: Sqlite, example: Alert) -> None:
    mailbox = Mailbox()
    put(store, named(example, "c", Level.HIGH), when=NOW - timedelta(hours=1))
    put(store, named(example, "a", Level.MEDIUM), named(example, "b", Level.HIGH))
    put(store, named(example, "d", Level.CRITICAL))

    tell(store, mailbox)

    assert [alert.id[0] for alert in mailbox.alerts] == ["d", "c", "b", "a"]


def test_a_refused_message_is_sent_later_after_waits_that_grow_with_the_outage(
    store: Sqlite, example: Alert
) -> None:
    mailbox, now, waits = Mailbox(refuse=12), NOW, list[float]()
    put(store, example)

    while not mailbox.messages:
        tell(store, mailbox, now)
        (letter,) = store.outbox.listed()
        assert tell(store, mailbox, now) == 0
        waits.append((letter.next_at - now).total_seconds())
        now = max(letter.next_at, now)

    assert letter.tries == 13
    assert mailbox.looked == []
    age = 0.0
    for wait_s in waits[:12]:
        longest = min(900.0, max(2.0, age))
        assert longest / 2 - 0.01 <= wait_s <= longest + 0.01
        age += wait_s


def test_a_failure_of_one_message_does_not_keep_the_others(store: Sqlite, example: Alert) -> None:
    mailbox = Mailbox(refuse=1)
    put(store, named(example, "a", Level.CRITICAL), named(example, "b"))

    assert tell(store, mailbox) == 1
    assert [alert.id[0] for alert in mailbox.alerts] == ["b"]


def test_after_failures_in_a_row_one_message_at_a_time_is_tried(
    store: Sqlite, example: Alert
) -> None:
    mailbox = Mailbox(refuse=99)
    put(store, *(named(example, name) for name in "abcdef"))

    tell(store, mailbox)

    assert mailbox.refuse == 99 - OPENS_AFTER
    circuit = store.outbox.circuit("mailbox")
    assert circuit.not_before is not None
    tell(store, mailbox, circuit.not_before - timedelta(milliseconds=1))
    assert mailbox.refuse == 99 - OPENS_AFTER
    tell(store, mailbox, circuit.not_before)
    assert mailbox.refuse == 99 - OPENS_AFTER - 1
    mailbox.refuse = 0
    later = NOW + timedelta(minutes=1)
    assert [tell(store, mailbox, later), tell(store, mailbox, later)] == [1, 5]


def test_a_message_that_is_never_taken_does_not_keep_the_others(
    store: Sqlite, example: Alert
) -> None:
    class Stumbles(Mailbox):
        def send(self, message: Message, attempt: Attempt) -> Receipt:
            if "inc-" + "c" * 16 in attempt.key:
                raise DeliveryError("HTTP 500", ambiguous=True)
            return super().send(message, attempt)

    mailbox, now = Stumbles(), NOW
    put(store, named(example, "c", Level.CRITICAL))
    while not store.outbox.circuit("mailbox").is_open:
        now += timedelta(minutes=1)
        tell(store, mailbox, now)
    put(store, named(example, "a"), named(example, "b"))
    for _ in range(8):
        now += timedelta(minutes=16)
        tell(store, mailbox, now)

    assert sorted(alert.id[0] for alert in mailbox.alerts) == ["a", "b"]
    assert not store.outbox.circuit("mailbox").is_open


def test_a_destination_with_a_mistake_in_it_does_not_keep_the_others(
    store: Sqlite, example: Alert
) -> None:
    mailbox = Mailbox(refuse=1, error=KeyError("evidence"))
    put(store, named(example, "a", Level.CRITICAL), named(example, "b"))

    with capture_logs() as logs:
        assert tell(store, mailbox) == 1

    assert "notifier broke" in {entry["event"] for entry in logs}
    assert [each.error for each in store.outbox.listed("sending")] == ["KeyError: 'evidence'"]


def test_what_can_never_be_sent_is_given_up_with_its_reason(store: Sqlite, example: Alert) -> None:
    mailbox = Mailbox(refuse=1, error=DeliveryError("msg_too_long", permanent=True))
    put(store, example)

    with capture_logs() as logs:
        tell(store, mailbox)

    assert tell(store, mailbox, NOW + timedelta(days=9)) == 0
    (dead,) = store.outbox.listed("dead")
    assert dead.error == "msg_too_long"
    assert [entry["error"] for entry in logs] == ["msg_too_long"]


def test_a_parked_destination_is_tried_now_and_then(store: Sqlite, example: Alert) -> None:
    mailbox = Mailbox(refuse=1, error=DeliveryError("channel_not_found", parked=True))
    put(store, named(example, "a"), named(example, "b"))

    tell(store, mailbox)

    assert mailbox.refuse == 0
    assert tell(store, mailbox, NOW + timedelta(minutes=4)) == 0
    later = NOW + timedelta(minutes=5)
    assert [tell(store, mailbox, later), tell(store, mailbox, later)] == [1, 1]


def test_the_wait_that_a_destination_asks_for_holds_for_all_its_messages(
    store: Sqlite, example: Alert
) -> None:
    mailbox = Mailbox(refuse=1, error=DeliveryError("ratelimited", retry_after_s=42))
    put(store, named(example, "a"), named(example, "b"))

    assert tell(store, mailbox) == 0

    assert tell(store, mailbox, NOW + timedelta(seconds=41)) == 0
    assert tell(store, mailbox, NOW + timedelta(seconds=42)) == 2
    assert store.outbox.circuit("mailbox").failures == 0


def test_what_may_have_arrived_is_looked_up_before_it_is_sent_again(
    store: Sqlite, example: Alert
) -> None:
    mailbox = Mailbox(refuse=1, error=DeliveryError("no answer in time", ambiguous=True))
    put(store, example)

    tell(store, mailbox)
    assert states(store) == ["sending"]
    mailbox.refuse, mailbox.error = 1, DeliveryError("away")
    tell(store, mailbox, NOW + timedelta(minutes=1))
    tell(store, mailbox, NOW + timedelta(minutes=9))

    assert mailbox.looked == [key(example)] * 2
    assert (len(mailbox.messages), store.outbox.listed()[0].tries) == (1, 3)


def test_a_message_waits_for_a_destination_that_is_not_configured(
    store: Sqlite, example: Alert
) -> None:
    put(store, example)

    with capture_logs() as logs:
        assert jobs.tell(round_(store, NOW), {}) == 0
        assert jobs.tell(round_(store, NOW), {}) == 0

    assert [entry["error"] for entry in logs] == ["no such destination is configured"]
    assert states(store) == ["waiting"]
    assert tell(store, Mailbox(), NOW + timedelta(minutes=6)) == 1


def test_a_message_is_leased_while_it_is_sent(store: Sqlite, example: Alert) -> None:
    put(store, example)
    (letter,) = store.outbox.due("mailbox", NOW)

    store.outbox.begin(letter, NOW)

    assert store.outbox.due("mailbox", NOW + timedelta(minutes=1)) == []
    (again,) = store.outbox.due("mailbox", NOW + timedelta(minutes=2))
    assert again.again


def test_a_lease_ends_with_the_process_that_held_it(tmp_path: Path, example: Alert) -> None:
    mailbox, first = Mailbox(), Sqlite(tmp_path)
    put(first, example)
    with pytest.raises(Death):
        tell(first, mailbox, point=Mortal(2))
    first.close()
    assert len(mailbox.messages) == 1

    second = Sqlite(tmp_path)
    tell(second, mailbox)
    second.close()

    assert mailbox.looked == [key(example)]


def test_an_alert_below_medium_is_not_sent_unless_a_route_says_so(example: Alert) -> None:
    low, high = named(example, "a", Level.LOW), named(example, "b", Level.HIGH)

    plain = settings.orders(Settings())
    assert plain.route(low) is None
    assert [each.send for each in [plain.route(high)] if each] == [("console",)]

    routes = [
        {"match": {"level": ["low"]}, "send": ["leads"]},
        {"match": {"tag": ["x"]}, "send": ["leads"]},
    ]
    slack = {"slack": {"channel": "#a"}, "leads": {"channel": "#b"}}
    routed = settings.orders(Settings.model_validate({"routes": routes, "slack": slack}))
    tagged = replace(high, tags=("x", "y"))
    found = [routed.route(each) for each in (low, tagged, high)]
    assert [each.send for each in found if each] == [("leads",), ("leads",), ("slack", "leads")]


def test_a_route_to_the_console_is_followed_beside_other_destinations() -> None:
    slack = {"slack": {"channel": "#a"}}
    plain = Settings.model_validate({"slack": slack})
    routed = Settings.model_validate({"slack": slack, "routes": [{"send": ["console"]}]})

    assert settings.destinations(Settings()) == ("console",)
    assert settings.destinations(plain) == ("slack",)
    assert settings.destinations(routed) == ("slack", "console")


def test_a_rule_on_trial_alerts_and_is_not_sent(tmp_path: Path) -> None:
    texts = shipped_texts()
    rules = dict(texts.rules)
    rules["rules/exports.yml"] = rules["rules/exports.yml"].replace(
        "status: stable", "status: test"
    )
    desk = open_desk(tmp_path, at("0:00"), texts=replace(texts, rules=rules))
    source = ScriptedSource([audit("ann", "lagos", "11:00", deed="export vault")])

    polled = jobs.poll(desk, source, Clock(NOW))

    assert [alert.rule.name for alert in polled.alerts] == ["op_vault_exported"]
    assert tell(desk.store, Mailbox()) == 0
    assert desk.store.outbox.listed() == []
    assert [each.reason for each in desk.store.decisions(polled.alerts[0].id)] == ["on_trial"]
    close(desk)


def test_whoever_is_to_stop_sends_no_further_message_and_the_rest_waits(
    store: Sqlite, example: Alert
) -> None:
    put(store, *(named(example, letter) for letter in "abc"))
    mailbox = Mailbox()
    stopped = replace(round_(store, NOW), stopping=lambda: bool(mailbox.messages))

    assert jobs.send(stopped, mailbox) == 1
    assert sorted(states(store)) == ["sent", "waiting", "waiting"]
    assert tell(store, mailbox) == 2


def test_a_shipped_rule_on_trial_reaches_the_digest_and_nobody_before(tmp_path: Path) -> None:
    every = replace(ORDERS, digest=Timetable(time(8), None))
    texts = replace(shipped_texts(), rules=files.rules(None))
    desk = open_desk(tmp_path, at("0:00"), texts=texts)
    mailbox = Mailbox()
    polled = jobs.poll(
        desk, ScriptedSource([audit("ann", "paris", "11:00", deed="create invite")]), Clock(NOW)
    )

    told = tell(desk.store, mailbox)
    for hours in range(24):
        now = NOW + timedelta(hours=hours)
        jobs.digest(desk.store, every, now, [])
        jobs.tell(round_(desk.store, now, every), {mailbox.name: mailbox})

    (found,) = [alert for alert in polled.alerts if alert.rule.name == "op_invited_by_hand"]
    (digest,) = [each for each in mailbox.messages if isinstance(each, Digest)]
    assert told == 0
    assert mailbox.messages == [digest]
    assert [each.title for each in digest.sections if "invited" in " ".join(each.lines)] == [
        "Rules on trial"
    ]
    assert found.id in desk.store.digested(digest.id)
    close(desk)
