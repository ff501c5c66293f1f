"""Telling: from the outbox to the destinations, at least once and practically once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from structlog.testing import capture_logs

from detector import app, jobs
from detector.alerts import Alert
from detector.findings import Level
from detector.ports import DeliveryError
from detector.settings import Settings
from detector.store.sqlite import Commit, Sqlite
from tests.fakes import (
    Clock,
    Death,
    Mailbox,
    Mortal,
    ScriptedSource,
    close,
    open_desk,
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
    return replace(alert, id=name * 26, level=level, score=score, **changed)  # type: ignore[arg-type]


def put(store: Sqlite, *alerts: Alert, to: str = "mailbox", when: datetime = NOW) -> None:
    """Let alerts wait to be sent."""
    store.commit(Commit("acme", when, alerts=alerts, outbox=[(alert.id, to) for alert in alerts]))


def tell(
    store: Sqlite, mailbox: Mailbox, now: datetime = NOW, point: jobs.Point = jobs.nowhere
) -> int:
    """One round of telling."""
    return jobs.tell(store, {mailbox.name: mailbox}, now, chance=Random(1), point=point)


def states(store: Sqlite) -> list[str]:
    return [each.state for each in store.outbox.listed()]


def test_what_is_sent_is_sent_once_and_its_receipt_kept(store: Sqlite, example: Alert) -> None:
    mailbox = Mailbox()
    put(store, example)

    assert [tell(store, mailbox), tell(store, mailbox)] == [1, 0]
    assert mailbox.messages == [example]
    (sent,) = store.outbox.listed()
    assert (sent.state, sent.tries, sent.receipt) == ("sent", 1, f"<{example.id}.1>")


def test_the_worst_goes_first_and_of_the_same_the_oldest(store: Sqlite, example: Alert) -> None:
    mailbox = Mailbox()
    put(store, named(example, "a", Level.MEDIUM), named(example, "b", Level.HIGH))
    put(store, named(example, "c", Level.HIGH), when=NOW - timedelta(hours=1))
    put(store, named(example, "d", Level.CRITICAL))

    tell(store, mailbox)

    assert [alert.id[0] for alert in mailbox.messages] == ["d", "c", "b", "a"]


def test_a_refused_message_is_sent_on_a_later_run_after_longer_and_longer_waits(
    store: Sqlite, example: Alert
) -> None:
    mailbox, now, waits = Mailbox(refuse=6), NOW, list[float]()
    put(store, example)

    while not mailbox.messages:
        tell(store, mailbox, now)
        (letter,) = store.outbox.listed()
        assert tell(store, mailbox, now) == 0
        waits.append((letter.next_at - now).total_seconds())
        now = max(letter.next_at, now)

    assert letter.tries == 7
    assert mailbox.looked == []
    for number, wait_s in enumerate(waits[:6]):
        assert 2.0**number <= wait_s <= 2.0 ** (number + 1)


def test_a_failure_of_one_message_does_not_keep_the_others(store: Sqlite, example: Alert) -> None:
    mailbox = Mailbox(refuse=1)
    put(store, named(example, "a", Level.CRITICAL), named(example, "b"))

    assert tell(store, mailbox) == 1
    assert [alert.id[0] for alert in mailbox.messages] == ["b"]


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
    put(store, example)

    tell(store, mailbox)

    assert tell(store, mailbox, NOW + timedelta(minutes=4)) == 0
    assert tell(store, mailbox, NOW + timedelta(minutes=5)) == 1


def test_the_wait_that_a_destination_asks_for_is_kept(store: Sqlite, example: Alert) -> None:
    mailbox = Mailbox(refuse=1, error=DeliveryError("ratelimited", retry_after_s=42))
    put(store, example)

    tell(store, mailbox)

    assert store.outbox.listed()[0].next_at == NOW + timedelta(seconds=42)


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

    assert mailbox.looked == [f"{example.id}.1"] * 2
    assert (len(mailbox.messages), store.outbox.listed()[0].tries) == (1, 3)


def test_a_message_waits_for_a_destination_that_is_not_configured(
    store: Sqlite, example: Alert
) -> None:
    put(store, example, to="mailbox")

    with capture_logs() as logs:
        assert jobs.tell(store, {}, NOW, chance=Random(1)) == 0

    assert [entry["error"] for entry in logs] == ["no such destination is configured"]
    assert states(store) == ["waiting"]
    assert tell(store, Mailbox(), NOW + timedelta(minutes=6)) == 1


def test_what_may_have_arrived_stays_so_while_its_destination_is_gone(
    store: Sqlite, example: Alert
) -> None:
    mailbox = Mailbox()
    put(store, example)
    with pytest.raises(Death):
        tell(store, mailbox, point=Mortal(2))
    assert len(mailbox.messages) == 1

    jobs.tell(store, {}, NOW, chance=Random(1))
    tell(store, mailbox, NOW + timedelta(minutes=6))

    assert mailbox.looked == [f"{example.id}.1"]


def test_an_alert_below_medium_is_not_sent_unless_a_route_says_so(example: Alert) -> None:
    low, high = named(example, "a", Level.LOW), named(example, "b", Level.HIGH)
    names = ["slack", "email"]

    plain = app.route(Settings(), names)
    assert [list(plain(each)) for each in (low, high)] == [[], names]

    routes = [
        {"match": {"level": ["low"]}, "send": ["leads"]},
        {"match": {"tag": ["x"]}, "send": ["leads"]},
    ]
    slack = {"slack": {"channel": "#a"}, "leads": {"channel": "#b"}}
    routed = app.route(
        Settings.model_validate({"routes": routes, "slack": slack}), ["slack", "leads"]
    )
    tagged = replace(high, tags=("x", "y"))
    assert [list(routed(each)) for each in (low, tagged, high)] == [
        ["leads"],
        ["leads"],
        ["slack", "leads"],
    ]


def test_a_route_to_the_console_is_followed_beside_other_destinations() -> None:
    slack = {"slack": {"channel": "#a"}}
    plain = Settings.model_validate({"slack": slack})
    routed = Settings.model_validate({"slack": slack, "routes": [{"send": ["console"]}]})

    assert app.destinations(Settings()) == ["console"]
    assert app.destinations(plain) == ["slack"]
    assert app.destinations(routed) == ["slack", "console"]


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
    assert desk.store.outbox.listed() == []
    close(desk)
