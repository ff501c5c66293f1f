"""Outages of hours to months: caught up without loss, told as one digest, and named where lost."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from detector import jobs
from detector.coverage import sentence
from detector.delivery.bulletins import DigestKind
from detector.events import FEEDS
from tests.api import NO_RULES, items, world
from tests.fakes import Death, Mailbox, Mortal, close, open_desk, round_
from tests.stories import Item, at, audit, sign_in, usage

NOW = at("0:00")


def days(first: int, last: int) -> list[Item]:
    """What happens on some days: a little of each feed, many times a day."""
    return [
        made("ann", "paris", at(f"{day} {hour}:{minute}"))
        for day in range(first, last)
        for hour, minute in ((8, 5), (9, 10), (14, 20), (22, 40))
        for made in (audit, sign_in, usage)
    ]


@pytest.mark.parametrize("away", [0.2, 3, 30, 119])
def test_inside_the_retention_nothing_is_lost_however_long_it_was(
    tmp_path: Path, away: float
) -> None:
    lived = [*days(-3, 0), *days(0, int(away) + 1)]
    end = NOW + timedelta(days=away)
    with world(tmp_path, lived, NOW, texts=NO_RULES) as one:
        one.poll()
        one.poll(timedelta(days=away))
        expected = [item.id for item in lived if item.received <= end]
        assert Counter(one.stored()) == Counter(expected)
        times = [item.time for item in lived if item.received <= end]
        pages = one.desk.store.log.pages("acme", upto=2**62)
        found = [time for frame, _ in pages for time in frame["event.time"].to_list()]
        assert found == sorted(times), "the feeds are merged by event time"
        gaps = [each.gaps[0] for each in one.desk.store.coverage("acme").values()]
        assert {(gap.start, gap.end, gap.lost) for gap in gaps} == {(NOW, end, False)}


def test_beyond_the_retention_what_is_lost_is_said(tmp_path: Path) -> None:
    lived = [*days(-3, 0), *days(0, 200)]
    with world(tmp_path, lived, NOW, texts=NO_RULES) as one:
        one.poll()
        one.poll(timedelta(days=200))
        served = [item.id for item in lived if not NOW <= item.time < at("80 0:00")]
        assert Counter(one.stored()) == Counter(served)
        told = sentence(list(one.desk.store.coverage("acme").values()), one.clock.time)
        assert "gap 2 Mar 00:00 - 21 May 00:00 is lost" in told
        own = {(each.rule.id, each.subject.id) for each in one.desk.store.own_alerts("acme")}
        assert own == {("vaultwatch_gap", f"acme/{feed}") for feed in FEEDS}


@pytest.mark.parametrize("nth", [2, 5, 9, 14])
def test_a_crash_in_the_middle_of_catching_up_changes_nothing(tmp_path: Path, nth: int) -> None:
    lived = [*items(700), *days(0, 20)]
    with world(tmp_path, lived, NOW, texts=NO_RULES, point=Mortal(nth)) as one:
        for _ in range(nth + 2):
            try:
                one.poll()
                one.poll(timedelta(days=20))
            except Death:
                close(one.desk)
                one.desk = open_desk(tmp_path, one.clock.time, texts=NO_RULES)
        one.poll(timedelta(days=1))
        assert Counter(one.stored()) == Counter(item.id for item in lived)


def test_what_happened_in_a_long_outage_is_one_digest_with_real_times(tmp_path: Path) -> None:
    thefts = [
        audit(who, "lagos", at(f"{day} 3:00"), deed="export vault")
        for day, who in enumerate(("ann", "ben", "cleo", "dan"))
    ]
    news = audit("eve", "lagos", "4 23:50", deed="export vault")
    mailbox = Mailbox()
    with world(tmp_path, [*items(), *thefts, news], NOW) as one:
        one.poll()
        one.poll(timedelta(days=5))
        exported = [
            each for each in one.desk.store.alerts() if each.rule.name == "op_vault_exported"
        ]
        assert [each.time for each in exported] == [item.time for item in (*thefts, news)]
        for _ in range(3):
            one.clock.time += timedelta(minutes=20)
            jobs.tell(round_(one.desk.store, one.clock()), {"mailbox": mailbox})
    digests = [each for each in mailbox.messages if getattr(each, "kind", None) is DigestKind.LATE]
    alone = {alert.subject.id for alert in mailbox.alerts}
    assert len(digests) == 1
    words = "\n".join(line for section in digests[0].sections for line in section.lines)  # type: ignore[union-attr]
    assert words.count("03:00") >= 4
    assert "EVE" in alone
    assert not alone & {"ANN", "BEN", "CLEO", "DAN"}


def test_a_first_backfill_teaches_also_after_a_crash_in_its_middle(tmp_path: Path) -> None:
    old = audit("ann", "lagos", "-2 3:00", deed="export vault")
    fresh = audit("ann", "lagos", "1 3:00", deed="export vault")
    with world(tmp_path, [*items(700), old, fresh], NOW, point=Mortal(3)) as one:
        with pytest.raises(Death):
            one.poll()
        close(one.desk)
        one.desk = open_desk(tmp_path, at("0:30"))
        one.poll(timedelta(minutes=30))
        assert one.desk.store.alerts() == []
        one.poll(timedelta(days=2))
        assert {each.time for each in one.desk.store.alerts()} == {fresh.time}
