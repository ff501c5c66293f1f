"""The life of alerts and incidents: who said what is recorded, and what follows from it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.alerts import Reason, Status
from detector.delivery import journal, reports
from detector.delivery.bulletins import Bulletin, Cause, Kind
from detector.delivery.commands import Refused, Verb
from detector.delivery.journal import Change, How
from detector.delivery.orders import Match, Orders, Route
from detector.findings import Level
from detector.rendering.messages import incident_view
from detector.store.database import FILE
from tests.delivery import NOON, Day, alert, day, high
from tests.fakes import ORDERS, Mailbox

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
SLACK = replace(ORDERS, destinations=("slack",), editing=frozenset({"slack"}))


@pytest.fixture
def slack(tmp_path: Path) -> Iterator[Day]:
    """A day with a destination whose messages can be edited."""
    with day(tmp_path, SLACK, slack=Mailbox("slack", edits=True)) as made:
        yield made


def kinds(one: Day) -> list[tuple[Kind, Cause]]:
    """What the bulletins of the first mailbox were."""
    return [(each.kind, each.cause) for each in bulletins(one)]


def bulletins(one: Day) -> list[Bulletin]:
    return [each for each in one.box.messages if isinstance(each, Bulletin)]


def test_alerts_about_one_person_are_one_incident_that_is_told_once_and_grows(slack: Day) -> None:
    slack.find(alert("ann", "new_device"), alert("ben", "new_device"))
    slack.find(alert("ann", "export", time=NOON + HOUR))

    told = bulletins(slack)
    assert kinds(slack) == [
        (Kind.NEW, Cause.FIRST_TOLD),
        (Kind.NEW, Cause.FIRST_TOLD),
        (Kind.UPDATE, Cause.ANOTHER_ALERT),
        (Kind.NOTE, Cause.ANOTHER_ALERT),
    ]
    assert told[2].head == slack.box.receipts[0]
    assert {each.rule.name for each in told[2].incident.alerts} == {"new_device", "export"}
    assert told[2].changes == ("Another alert (medium): Ann did export",)


def test_an_alert_long_after_is_another_incident(slack: Day) -> None:
    slack.find(alert("ann", "new_device"))
    later = NOON + 2 * HOUR + MINUTE
    slack.find(alert("ann", "export", first_time=later, time=later))

    assert kinds(slack) == [(Kind.NEW, Cause.FIRST_TOLD)] * 2


def test_what_happens_in_a_session_or_from_an_address_belongs_to_its_incident(slack: Day) -> None:
    address = replace(alert().subject, type="ip", id="203.0.113.9", email=None, name=None)
    spray = alert("x", "spray", subject=address)
    stolen = alert("ann", "new_device", evidence={"session.id": "S1"})
    slack.find(spray, stolen)
    slack.find(alert("ben", "hijack", evidence={"session.id": "S1"}))
    slack.find(alert("cleo", "sign_in", evidence={"source.ip": "203.0.113.9"}))
    slack.find(alert("dan", "one", evidence={"source.ip": "198.51.100.1"}))
    slack.find(alert("eve", "two", evidence={"source.ip": "198.51.100.1"}))

    groups: dict[str, set[str]] = {}
    for each in slack.store.alerts():
        groups.setdefault(each.incident_id or "", set()).add(each.rule.name)
    assert sorted(map(sorted, groups.values())) == [
        ["hijack", "new_device"], ["one"], ["sign_in", "spray"], ["two"],
    ]  # fmt: skip


def test_repeats_edit_the_message_after_a_while_with_the_count(slack: Day) -> None:
    slack.find(alert())
    for count in (2, 3, 4):
        slack.find(alert(count=count), reason=Reason.STILL_HAPPENING)
    assert len(slack.box.messages) == 1

    slack.tell(MINUTE)

    assert kinds(slack)[1:] == [(Kind.UPDATE, Cause.REPEATED)]
    assert bulletins(slack)[1].incident.worst.count == 4


def test_a_higher_level_is_told_anew_and_opens_what_was_acknowledged(slack: Day) -> None:
    found = alert()
    slack.find(found)
    slack.say(Verb.ACK, found.id)
    slack.tell()
    slack.box.messages.clear()

    slack.find(replace(found, level=Level.HIGH, score=70), reason=Reason.LEVEL_RAISED)

    assert kinds(slack) == [(Kind.ALARM, Cause.LEVEL_RAISED)]
    assert slack.status(found) is Status.OPEN


def test_where_nothing_can_be_edited_only_what_people_should_notice_is_sent(tmp_path: Path) -> None:
    with day(tmp_path) as mail:
        mail.find(alert())
        mail.find(alert(count=9), reason=Reason.STILL_HAPPENING)
        mail.say(Verb.ACK, alert().id)
        mail.find(alert("ann", "export"))
        mail.tell(HOUR)

        assert kinds(mail) == [(Kind.NEW, Cause.FIRST_TOLD), (Kind.ALARM, Cause.ANOTHER_ALERT)]


def test_where_nothing_can_be_edited_word_of_further_alerts_is_one_message_about_the_worst_of_them(
    tmp_path: Path,
) -> None:
    with day(tmp_path) as mail:
        mail.find(high("ann"))
        mail.find(
            alert("ann"), alert("ann", "odd_hour", score=55), alert("ann", "export", score=50)
        )

        first, second = bulletins(mail)
        assert second.cause is Cause.ANOTHER_ALERT
        assert first.speaker.rule.name == "takeover"
        assert second.speaker.rule.name in {"new_device", "odd_hour", "export"}
        view = incident_view(second)
        assert view["level"] == "Medium", "it speaks of the new one, and at the new one's level"
        assert view["others"][0].summary == high("ann").summary
        assert len(view["changes"]) == 2


def test_what_waits_to_be_gathered_is_told_with_what_is_worse(tmp_path: Path) -> None:
    with day(tmp_path, replace(ORDERS, medium_wait=MINUTE)) as mail:
        mail.find(alert("ann", "new_device"))
        assert mail.box.messages == []
        mail.find(high("ann", "takeover"))
        mail.tell(MINUTE)

        (told,) = bulletins(mail)
        assert {each.rule.name for each in told.incident.alerts} == {"new_device", "takeover"}
        assert mail.why(alert("ann", "new_device")) == ["grouping", "first_told"]


def test_what_is_silenced_or_on_trial_stands_in_no_message(tmp_path: Path) -> None:
    with day(tmp_path) as mail:
        mail.say(Verb.SILENCE, "", matchers=("rule=hushed",), until=NOON + HOUR)
        trial = alert("ann", "on_trial")
        mail.find(trial, trial=frozenset({trial.rule.id}))
        mail.find(alert("ann", "hushed"), alert("ann", "export"))

        (told,) = bulletins(mail)
        assert [each.rule.name for each in told.incident.alerts] == ["export"]


def test_what_a_person_says_is_recorded_shown_and_not_said_twice(slack: Day) -> None:
    found = alert()
    slack.find(found)

    assert slack.say(Verb.ACK, found.id[:7], note="asking\nAnn").status == "acknowledged"
    assert slack.say(Verb.ACK, found.id).text.endswith("already")
    slack.tell()

    (said,) = slack.store.journal.of(found.id)
    assert said == Change(NOON, found.id, "acknowledged", "sam", How.CLI, "asking Ann")
    assert kinds(slack)[1:] == [
        (Kind.UPDATE, Cause.STATE_CHANGED),
        (Kind.NOTE, Cause.STATE_CHANGED),
    ]
    assert bulletins(slack)[1].history == (said,)
    assert bulletins(slack)[2].changes == ("sam acknowledged it: asking Ann",)


def test_a_verb_about_an_incident_is_about_all_its_open_alerts(slack: Day) -> None:
    first, second = alert("ann", "new_device"), alert("ann", "export")
    slack.find(first, second)
    slack.say(Verb.RESOLVE, first.id)

    slack.say(Verb.ACK, slack.store.alert(first.id)[0].incident_id or "")

    assert slack.status(first) is Status.RESOLVED
    assert slack.status(second) is Status.ACKNOWLEDGED


def test_what_is_closed_takes_no_reminder_and_a_new_alert_is_a_new_incident(slack: Day) -> None:
    slack.orders = replace(SLACK, remind_after=(30 * MINUTE,))
    found = high()
    slack.find(found)
    slack.say(Verb.RESOLVE, found.id)
    slack.tell(HOUR)
    slack.find(high("ann", "export", time=slack.now))

    loud = [each for each in bulletins(slack) if each.kind in {Kind.NEW, Kind.ALARM}]
    assert [each.kind for each in loud] == [Kind.NEW, Kind.NEW]


def test_a_snooze_ends_and_is_broken_by_what_is_worse(slack: Day) -> None:
    found, other = alert("ann"), alert("ben")
    slack.find(found, other)
    for each in (found, other):
        slack.say(Verb.SNOOZE, each.id, until=NOON + 4 * HOUR)
    slack.tell()
    slack.box.messages.clear()

    slack.find(replace(other, level=Level.HIGH, score=70), reason=Reason.LEVEL_RAISED)
    assert kinds(slack) == [(Kind.ALARM, Cause.LEVEL_RAISED)]
    slack.tell(4 * HOUR - MINUTE)
    assert slack.status(found) is Status.SNOOZED
    slack.tell(MINUTE)

    assert kinds(slack)[1:] == [(Kind.ALARM, Cause.SNOOZE_ENDED)]
    assert slack.status(found) is Status.OPEN


@pytest.mark.parametrize(
    ("verb", "more", "text"),
    [
        (Verb.SNOOZE, {"until": None}, "say until when"),
        (Verb.SNOOZE, {"until": NOON}, "later than now"),
        (Verb.BENIGN, {"note": " "}, "say why"),
        (Verb.FALSE_POSITIVE, {"note": ""}, "say why"),
    ],
)
def test_what_makes_no_sense_is_refused(
    slack: Day, verb: Verb, more: dict[str, object], text: str
) -> None:
    slack.find(alert())
    with pytest.raises(Refused, match=text):
        slack.say(verb, alert().id, **more)
    assert slack.status(alert()) is Status.OPEN


def test_a_closed_alert_cannot_be_acknowledged(slack: Day) -> None:
    slack.find(alert())
    slack.say(Verb.RESOLVE, alert().id)
    with pytest.raises(Refused, match="is resolved already"):
        slack.say(Verb.ACK, alert().id)
    with pytest.raises(Refused, match="no incident of that id"):
        slack.say(Verb.ACK, "inc-nothing")


def test_a_high_alert_that_nobody_looks_at_is_told_again_and_then_to_others(tmp_path: Path) -> None:
    route = Route(Match(), ("slack",), escalate=("leads",), escalate_after=HOUR)
    orders = Orders(("slack", "leads"), routes=(route,), remind_after=(30 * MINUTE, 4 * HOUR))
    boxes = {"slack": Mailbox("slack"), "leads": Mailbox("leads")}
    with day(tmp_path, orders, **boxes) as one:
        one.find(high(), alert("ben"))
        for _ in range(60):
            one.tell(10 * MINUTE)

        assert [each.cause for each in bulletins(one) if each.incident.level is Level.HIGH] == [
            Cause.FIRST_TOLD, Cause.UNACKNOWLEDGED, Cause.UNACKNOWLEDGED,
        ]  # fmt: skip
        (escalated,) = boxes["leads"].messages
        assert isinstance(escalated, Bulletin)
        assert (escalated.kind, escalated.cause) == (Kind.NEW, Cause.ESCALATED)


def test_an_acknowledged_alert_is_never_told_again(tmp_path: Path) -> None:
    orders = replace(ORDERS, remind_after=(30 * MINUTE, HOUR))
    with day(tmp_path, orders) as one:
        one.find(high())
        one.say(Verb.ACK, high().id)
        for _ in range(20):
            one.tell(10 * MINUTE)

        assert len(one.box.messages) == 1


def test_what_is_long_quiet_expires_and_comes_back_with_new_evidence(slack: Day) -> None:
    found = alert()
    slack.find(found)
    slack.tell(timedelta(days=14))
    assert slack.status(found) is Status.OPEN
    slack.tell(MINUTE)
    assert slack.status(found) is Status.EXPIRED
    (change,) = slack.store.journal.of(found.id)
    assert (change.who, change.how, change.note) == ("vaultwatch", How.SERVICE, "quiet for 14 days")

    slack.find(replace(found, count=2), reason=Reason.STILL_HAPPENING)

    assert slack.status(found) is Status.OPEN


def test_the_journal_shows_what_was_tampered_with(slack: Day, tmp_path: Path) -> None:
    slack.find(alert("ann"), alert("ben"), alert("cleo"))
    for who in ("ann", "ben", "cleo"):
        slack.say(Verb.ACK, alert(who).id)
    assert slack.store.journal.broken() is None

    with sqlite3.connect(tmp_path / FILE) as sql:
        sql.execute("UPDATE journal SET who = 'eve' WHERE number = 2")
    sql.close()

    assert slack.store.journal.broken() == 2


@pytest.mark.parametrize("left", [0, 1, 2])
def test_a_journal_whose_end_was_cut_off_shows_it(slack: Day, tmp_path: Path, left: int) -> None:
    slack.find(alert("ann"), alert("ben"), alert("cleo"))
    for who in ("ann", "ben", "cleo"):
        slack.say(Verb.ACK, alert(who).id)
    number, seal = slack.store.journal.head()
    assert number == 3
    with closing(sqlite3.connect(tmp_path / FILE)) as sql, sql:
        sql.execute("DELETE FROM journal WHERE number > ?", (left,))

    assert slack.store.journal.broken() == left + 1
    said = reports.daily(slack.store.reports.day(NOON, NOON, (), ()), NOON, NOON)
    lines = [line for section in said.sections for line in section.lines]
    assert f"Journal of who did what: 3 records, sealed {seal[:12]}" in lines


changes = st.builds(
    Change, st.datetimes().map(lambda time: time.replace(tzinfo=NOON.tzinfo)), st.text(),
    st.text(), st.text(), st.sampled_from(How), st.text(),
)  # fmt: skip


@given(st.lists(changes, min_size=1, max_size=6), st.data())
def test_any_change_to_the_journal_is_seen(said: list[Change], data: st.DataObject) -> None:
    records, before = [], journal.FIRST
    for number, change in enumerate(said, 1):
        before = journal.seal(before, change)
        records.append((number, change, before))
    head = (len(records), before)
    assert journal.broken(records, head) is None
    cut = data.draw(st.integers(0, len(records) - 1))
    assert journal.broken(records[:cut], head) == cut + 1

    place = data.draw(st.integers(0, len(records) - 1))
    number, change, sealed = records[place]
    forged = replace(change, note=change.note + "x")
    assert (
        journal.broken([*records[:place], (number, forged, sealed), *records[place + 1 :]], head)
        == number
    )
    if place < len(records) - 1:
        assert journal.broken([*records[:place], *records[place + 1 :]], head) == number
