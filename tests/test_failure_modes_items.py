"""The failure modes 14 to 23 (the table is in test_failure_modes.py): items, borders, neighbours."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from detector import jobs
from detector.events import AUDIT, SIGNIN, USAGE
from detector.plans import Texts
from detector.ports import SourceError
from detector.sources.tokens import SetupError, address, read_token
from tests.api import NO_RULES, NOW, hand_made, items, settled, source, whole, world
from tests.fakes import Clock, Mailbox, round_
from tests.stories import Item, at, audit, sign_in, usage

ODD = ("unknown-enums", "extra-fields", "wrong-types", "null-objects", "huge-strings", "future=72")


@pytest.mark.parametrize("fault", ODD)
def test_modes_14_15_16_odd_items_are_rows_or_set_aside_and_never_lost(
    tmp_path: Path, fault: str
) -> None:
    with world(tmp_path, items(), NOW, faults=[f"*:*:{fault}"]) as one:
        one.poll()
        kept, aside = set(one.stored()), one.desk.store.counts()["flaw"]
        assert len(kept) + aside >= 90
        if fault != "wrong-types":
            whole(one, items())


def frame_of(folder: Path, *odd: Item) -> list[dict[str, object]]:
    """The rows that are stored of these items, by time."""
    with world(folder, odd, at("5 0:00"), texts=NO_RULES) as one:
        one.poll()
        pages = one.desk.store.log.pages("acme")
        return [row for frame, _ in pages for row in frame.iter_rows(named=True)]


def test_mode_14_old_and_new_names_mean_the_same(tmp_path: Path) -> None:
    signed = sign_in("ann", "paris", "8:00")
    signed.fields.update({"type": "u2f_timout", "category": "unknown"})
    signed.fields["target_user"]["type"] = "external_user"
    signed.fields["client"]["ip"] = signed.fields["client"].pop("ip_address")
    typo = usage("ann", "paris", "9:00")
    typo.fields["uuid:"] = typo.fields.pop("uuid")

    first, second = frame_of(tmp_path, signed, replace(typo))

    assert (first["event.type"], first["user.type"]) == ("u2f_timeout", "external_user")
    assert first["source.ip"]
    assert second["event.id"] == typo.fields["uuid:"]


def test_mode_15_what_is_null_missing_or_empty_is_null(tmp_path: Path) -> None:
    bare = audit("ann", "paris", "8:00")
    for name in ("location", "actor_details", "session"):
        bare.fields[name] = None
    bare.fields["aux_info"] = ""
    nowhere = usage("ann", "paris", "9:00", client="web")
    del nowhere.fields["action"]
    nowhere.fields["location"] |= {"latitude": 0.0, "longitude": 0.0}

    first, second = frame_of(tmp_path, bare, nowhere)

    assert (first["user.id"], first["session.id"], first["source.country"]) == ("ANN", None, None)
    assert (second["event.action"], second["source.latitude"]) == (None, None)


def test_mode_16_every_form_of_time_is_the_same_moment(tmp_path: Path) -> None:
    forms = ["08:00:00Z", "08:00:00.000Z", "08:00:00.00000000Z", "08:00:00.000000000Z",
             "05:00:00-03:00", "08:00:00+00:00"]  # fmt: skip
    odd = [
        replace(each, fields=each.fields | {"timestamp": f"2026-03-02T{form}", "uuid": f"U{form}"})
        for form in forms
        for each in (usage("ann", "paris", "8:00"),)
    ]

    assert {row["event.time"] for row in frame_of(tmp_path, *odd)} == {at("8:00")}


def test_mode_17_a_country_is_a_code(tmp_path: Path) -> None:
    odd = [
        audit("ann", "paris", "8:00"),
        sign_in("ann", "paris", "8:01"),
        usage("a", "paris", "8:02"),
    ]
    for each, text in zip(odd, ("France", "FR", "france"), strict=True):
        each.fields["location"]["country"] = text

    assert {row["source.country"] for row in frame_of(tmp_path, *odd)} == {"FR"}


@pytest.mark.parametrize("order", [[], ["*:*:keyset"]], ids=["arrival", "keyset"])
@pytest.mark.parametrize("count", [1, 999, 1000, 1001, 2000])
def test_mode_18_page_borders_lose_nothing(tmp_path: Path, count: int, order: list[str]) -> None:
    at_once = [usage("ann", "paris", "-1 9:00", item=f"i{number}") for number in range(count)]
    with world(tmp_path, at_once, NOW, faults=order, texts=NO_RULES) as one:
        settled(one, at_once, rounds=2)


def test_mode_19_a_token_goes_to_its_own_region_and_nowhere_else() -> None:
    canada = "e30.eyJhdWQiOlsiZXZlbnRzLjFwYXNzd29yZC5jYSJdfQ.c2lnbmF0dXJl"
    token = read_token(canada)
    assert address(token, None) == "https://events.1password.ca"
    for elsewhere in ("https://events.1password.evil.example", "http://events.1password.com"):
        with pytest.raises(SetupError, match=r"1[Pp]assword"):
            address(token, elsewhere)
    with hand_made(lambda *_: (404, b"404 page not found\n")) as server:
        api = source(server, Clock(NOW))
        with pytest.raises(SourceError, match="wrong host; it must be the one of the account's"):
            api.fetch(AUDIT, None, NOW)
        api.close()


def test_mode_20_a_stuck_feed_does_not_hold_up_the_others(tmp_path: Path) -> None:
    lived = [*items(), audit("ben", "paris", "0:20")]
    with world(tmp_path, lived, NOW, faults=[f"{USAGE}:2+:timeout=2"], texts=NO_RULES) as one:
        one.poll()
        one.source._pace = replace(one.source._pace, deadline_s=0.2)
        for _ in range(10):
            polled = one.poll(timedelta(minutes=5))
        whole(one, lived)
        ends = {feed: each.complete for feed, each in one.desk.store.coverage("acme").items()}
        assert ends == {AUDIT: one.clock.time, SIGNIN: one.clock.time, USAGE: NOW}
        assert set(polled.failures) == {USAGE}


EXPORTS = """
title: Item exported
name: item_exported
id: 0d6a1f0e-4a57-4a27-9f0b-6a5c62a3f7b1
status: stable
level: high
description: An item left the vault.
logsource: {product: onepassword, service: itemusages}
detection:
    export: {action: export}
    condition: export
"""


def test_mode_21_a_burst_of_thousands_is_one_alert(tmp_path: Path) -> None:
    moment = at("9:00")
    burst = [
        usage("ann", "paris", moment + timedelta(milliseconds=n), action="export", item=f"i{n}")
        for n in range(3000)
    ]
    texts = Texts(rules={"exports.yml": EXPORTS})
    with world(tmp_path, [*items(), *burst], NOW, texts=texts) as one:
        one.poll()
        one.poll(timedelta(hours=10))
        (alert,) = one.desk.store.alerts()
        assert alert.count >= 100
        mailbox = Mailbox()
        for _ in range(2):
            one.clock.time += timedelta(hours=1)
            jobs.tell(round_(one.desk.store, one.clock()), {"mailbox": mailbox})
        assert len(mailbox.messages) == 1


def test_mode_22_addresses_of_both_kinds_are_kept_and_understood(tmp_path: Path) -> None:
    addresses = ["2001:db8::7", "::ffff:81.2.3.4", "81.2.3.4"]
    odd = [usage("ann", "paris", f"{hour}:00") for hour in (8, 9, 10)]
    for each, text in zip(odd, addresses, strict=True):
        each.fields["client"]["ip_address"] = text

    rows = frame_of(tmp_path, *odd)

    assert [row["source.ip"] for row in rows] == addresses


def test_mode_23_alerts_wait_for_a_channel_that_is_down(tmp_path: Path) -> None:
    theft = audit("ann", "lagos", "9:00", deed="export vault")
    mailbox = Mailbox(refuse=3)
    with world(tmp_path, [*items(), theft], NOW) as one:
        one.poll()
        one.poll(timedelta(hours=10))
        assert one.desk.store.coverage("acme")[AUDIT].complete == one.clock.time
        for _ in range(12):
            one.clock.time += timedelta(minutes=10)
            jobs.tell(round_(one.desk.store, one.clock()), {"mailbox": mailbox})
        names = {alert.rule.name for alert in mailbox.alerts}
        assert "op_vault_exported" in names
        assert set(mailbox.keys.values()) == {1}
