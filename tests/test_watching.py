"""What blinds the engine is told to its operator, once, and so is its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from detector import jobs, workhours
from detector.alerts import Alert, Reason, Status
from detector.anomaly.shadow import Trial
from detector.coverage import Coverage, Gap, Interval
from detector.events import AUDIT, FEEDS, SIGNIN, USAGE
from detector.findings import Level, SubjectType
from detector.jobs.health import Health, troubles
from detector.jobs.lanes import Lane, Vitals
from detector.ports import Attempt, DeliveryError, Receipt, SourceError
from detector.store.sqlite import Commit, Sqlite, StoreError
from detector.troubles import Kind, decide, is_own
from tests.api import NO_RULES, items, world
from tests.fakes import Clock, Mailbox, ScriptedSource, close, open_desk, round_
from tests.stories import Item, at, audit
from tests.test_pulse import office

NOW = at("0:00")
REFUSED = SourceError("itemusages: 401: the token was refused", permanent=True)
AWAY = SourceError("itemusages: 503: the API is in trouble", permanent=False)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[jobs.Desk]:
    made = open_desk(tmp_path, NOW, texts=NO_RULES)
    yield made
    close(made)


def rounds(desk: jobs.Desk, source: ScriptedSource, clock: Clock, minutes: int) -> list[Alert]:
    """So many minutes of service; what the operator was told."""
    told: list[Alert] = []
    for _ in range(minutes):
        clock.time += timedelta(minutes=1)
        jobs.poll(desk, source, clock)
        jobs.sweep(desk, source, clock)
        told += jobs.watch(desk, clock())
    return told


def test_a_refused_token_is_told_at_once_and_once_and_its_end_too(desk: jobs.Desk) -> None:
    source, clock = ScriptedSource(items()), Clock(NOW)
    assert rounds(desk, source, clock, 2) == []
    source.answers = {USAGE: [REFUSED] * 9}

    told = rounds(desk, source, clock, 90)

    (alert,) = told
    assert (alert.rule.id, alert.level, alert.account) == (Kind.FEED_FAILING, Level.HIGH, "acme")
    assert (alert.subject.type, alert.subject.id) == (SubjectType.SOURCE, "acme/itemusages")
    assert "401" in alert.summary
    source.answers = {}
    (over,) = rounds(desk, source, clock, 60)
    assert (over.id, over.reason, over.status) == (alert.id, Reason.RECOVERED, Status.RESOLVED)
    assert over.summary.startswith("Over after ")
    assert desk.store.own_alerts("acme") == []
    assert [each.id for each in desk.store.own_alerts("acme", closed=True)] == [alert.id]


def test_the_end_of_a_trouble_is_told_where_it_was_told(desk: jobs.Desk) -> None:
    source, clock, mailbox = ScriptedSource(items()), Clock(NOW), Mailbox()

    def tell() -> list[str]:
        jobs.tell(round_(desk.store, clock()), {"mailbox": mailbox})
        return [alert.summary for alert in mailbox.alerts]

    rounds(desk, source, clock, 2)
    source.answers = {USAGE: [REFUSED] * 9}
    rounds(desk, source, clock, 30)
    assert ["cannot be read" in said for said in tell()] == [True]
    source.answers = {}
    rounds(desk, source, clock, 60)
    assert [said.startswith("Over after") for said in tell()] == [False, True]
    (alert,) = desk.store.own_alerts("acme", closed=True)
    assert alert.status == Status.RESOLVED
    assert [each.what for each in desk.store.journal.of(alert.id)] == ["resolved"]
    clock.time += timedelta(days=2)
    assert len(tell()) == 2, "nobody is reminded of what is over"


def test_what_may_pass_is_told_when_it_lasts_and_gets_worse(desk: jobs.Desk) -> None:
    source, clock = ScriptedSource(items()), Clock(NOW)
    rounds(desk, source, clock, 2)
    source.answers = {USAGE: [AWAY] * 99}

    told = rounds(desk, source, clock, 14)
    assert told == []
    told = rounds(desk, source, clock, 130)

    assert [(each.level, each.reason) for each in told] == [
        (Level.MEDIUM, Reason.FIRST_SEEN),
        (Level.HIGH, Reason.LEVEL_RAISED),
    ]
    assert len({each.id for each in told}) == 1


def test_three_broken_feeds_are_one_alert(desk: jobs.Desk) -> None:
    source, clock = ScriptedSource(items()), Clock(NOW)
    source.answers = {feed: [REFUSED] * 9 for feed in FEEDS}

    (alert,) = rounds(desk, source, clock, 5)

    assert alert.subject.id == "acme"
    assert alert.summary.startswith("No feed of acme can be read.")


def test_operator_alerts_are_no_part_of_the_log(desk: jobs.Desk) -> None:
    source, clock = ScriptedSource(items()), Clock(NOW)
    source.answers = {USAGE: [REFUSED] * 9}
    rounds(desk, source, clock, 5)

    assert desk.store.alerts() == []
    assert all(is_own(each.rule.id) for each in desk.store.own_alerts("acme"))


@pytest.mark.parametrize(("action", "level"), [("trevoke", "critical"), ("trename", "medium")])
def test_a_change_of_our_own_token_is_seen_in_the_feed_itself(
    tmp_path: Path, action: str, level: str
) -> None:
    def change(time: str, token: str) -> Item:
        return audit("eve", "paris", time, deed=f"{action} satoken", object=token)

    with world(tmp_path, items(), NOW, texts=NO_RULES) as probe:
        ours = str(probe.source.introspect().uuid)
    lived = [*items(), change("-1 9:00", ours), change("9:00", ours), change("9:01", "another")]
    with world(tmp_path / "again", lived, NOW, texts=NO_RULES) as one:
        one.source.introspect()
        assert ours in one.source.ids
        one.desk.vitals.own = one.source.ids
        one.until(at("10:00"))
        (alert,) = one.desk.store.own_alerts("acme")

    assert (alert.rule.id, alert.level, alert.count) == (Kind.TOKEN_CHANGED, level, 1)
    assert "eve@acme.example" in alert.summary
    assert alert.time >= at("9:00")


def health(**known: object) -> Health:
    """An account of which something is known."""
    return Health("acme", **({"vitals": Vitals()} | known))  # type: ignore[arg-type]


def said(found: Health, time: str = "0:00") -> list[tuple[str, str, Level]]:
    return [(each.kind, each.feed, each.level) for each in troubles(found, at(time))]


@pytest.mark.parametrize(
    ("days", "level"),
    [(20, None), (13, Level.MEDIUM), (2, Level.HIGH), (-1, Level.CRITICAL)],
)
def test_a_token_that_expires_is_told_in_good_time(days: int, level: Level | None) -> None:
    found = said(health(vitals=Vitals(expires=at(f"{days} 0:00"))))

    assert found == ([(Kind.TOKEN_EXPIRING, "", level)] if level else [])


def test_a_silent_feed_is_worse_where_the_others_live() -> None:
    one = health(pulses={USAGE: office()})
    lively = office(range(-35, 1))
    assert said(one, "10:00") == [(Kind.FEED_SILENT, USAGE, Level.LOW)]
    among = health(pulses={USAGE: office(), AUDIT: lively})

    assert said(among, "12:00") == [(Kind.FEED_SILENT, USAGE, Level.MEDIUM)]
    assert said(health(pulses={USAGE: office()}), "-1 12:00") == []
    broken = health(pulses={USAGE: office()}, lanes={USAGE: Lane(error=AWAY)})
    assert said(broken, "10:00") == [], "its failure is told already"


def test_a_silent_feed_is_told_end_to_end_and_its_return(desk: jobs.Desk) -> None:
    clock = Clock(NOW)
    week = [
        audit("ann", "paris", at(f"{day} 8:00") + timedelta(minutes=20 * n))
        for day in range(-35, 0)
        for n in range(30)
    ]
    source = ScriptedSource(week, size=500)
    assert rounds(desk, source, clock, 1) == []
    clock.time = at("12:00")
    (alert,) = rounds(desk, source, clock, 1)
    assert alert.rule.id == Kind.FEED_SILENT
    assert "20 min is the longest that is usual" in alert.summary
    source.add([audit("ann", "paris", "12:01")])

    (over,) = rounds(desk, source, clock, 1)

    assert (over.id, over.reason) == (alert.id, Reason.RECOVERED)


def test_a_feed_that_stays_behind_is_told() -> None:
    day = Interval(at("-9 0:00"), at("-1 0:00"))
    behind = {USAGE: Coverage(USAGE, (day,))}
    hangs = health(coverage=behind)
    lies = health(coverage=behind, lanes={USAGE: Lane(page=NOW, stalled=True)})
    moves = health(coverage=behind, lanes={USAGE: Lane(page=NOW)})
    first = health(
        coverage={USAGE: Coverage(USAGE, (Interval(at("-9 0:00"), at("-9 0:00")),))},
        lanes={USAGE: Lane(page=NOW)},
    )

    assert said(hangs) == said(lies) == [(Kind.FEED_BEHIND, USAGE, Level.MEDIUM)]
    assert said(moves) == [(Kind.FEED_BEHIND, USAGE, Level.LOW)]
    assert said(first) == []


def test_a_possible_gap_is_told_until_it_is_swept() -> None:
    gap = Gap(USAGE, at("-1 0:00"), NOW, "possible gap: 400")
    whole = Interval(at("-9 0:00"), NOW)

    assert said(health(coverage={USAGE: Coverage(USAGE, (whole,), (gap,))})) == [
        (Kind.GAP, USAGE, Level.MEDIUM)
    ]
    swept = replace(gap, swept=NOW)
    assert said(health(coverage={USAGE: Coverage(USAGE, (whole,), (swept,))})) == []


def test_a_gap_that_is_lost_is_told_and_stays(desk: jobs.Desk) -> None:
    source, clock = ScriptedSource(), Clock(NOW)
    rounds(desk, source, clock, 1)
    clock.time = at("150 0:00")
    rounds(desk, source, clock, 3)

    kinds = {(each.rule.id, each.level) for each in desk.store.own_alerts("acme")}
    assert kinds == {(Kind.GAP, Level.HIGH)}
    assert len(desk.store.own_alerts("acme")) == 3


def test_a_feed_that_the_token_lost_and_a_full_disk_are_told() -> None:
    span = Interval(at("-9 0:00"), NOW)
    fewer = health(vitals=Vitals(feeds=(AUDIT, SIGNIN)), coverage={USAGE: Coverage(USAGE, (span,))})
    assert said(fewer) == [(Kind.FEED_FAILING, USAGE, Level.HIGH)]
    assert said(health(free_bytes=500 << 20)) == [(Kind.DISK_LOW, "", Level.MEDIUM)]
    assert said(health(free_bytes=5 << 20)) == [(Kind.DISK_LOW, "", Level.CRITICAL)]
    assert said(health(free_bytes=50 << 30)) == []


@dataclass
class Postbox:
    """A destination that keeps what it is handed."""

    name: str = "postbox"
    edits: bool = False
    broken: bool = False
    titles: list[str] = field(default_factory=list)

    def send(self, message: object, attempt: Attempt) -> Receipt:
        """Take it, unless broken."""
        if self.broken:
            raise DeliveryError("away")
        self.titles.append(message.title)  # type: ignore[attr-defined]
        return Receipt(attempt.key)


def test_a_model_that_is_refused_is_told_and_so_is_its_end(desk: jobs.Desk) -> None:
    source, clock = ScriptedSource(items()), Clock(NOW)
    rounds(desk, source, clock, 2)
    desk.account.refused = "damaged: its content does not match its checksum"
    (told,) = jobs.watch(desk, clock())
    assert (told.rule.id, told.level) == (Kind.MODEL_REFUSED, Level.MEDIUM)
    assert "checksum" in told.summary
    assert "the rules go on" in " ".join(told.why)
    assert jobs.watch(desk, clock()) == ()

    desk.account.refused = ""
    (over,) = jobs.watch(desk, clock())
    assert (over.id, over.reason) == (told.id, Reason.RECOVERED)


def test_a_new_model_that_did_not_pass_its_trial_is_told_until_one_does(desk: jobs.Desk) -> None:
    failed = Trial("b", 0, 86_400_000_000, 90, 0.9, "it would have raised 90 alerts")
    trials = desk.account.state.memory.channel.trials
    trials.append(failed)
    (told,) = jobs.watch(desk, NOW)
    assert (told.rule.id, told.level) == (Kind.MODEL_REFUSED, Level.LOW)
    assert "90 alerts" in told.summary

    trials.append(_passed(failed))
    (over,) = jobs.watch(desk, NOW)
    assert over.reason == Reason.RECOVERED


def _passed(trial: Trial) -> Trial:
    """The same trial a day later, passed."""
    day = 86_400_000_000
    return Trial(trial.model_id, trial.since + day, trial.until + day, 1, 0.9)


def test_a_store_that_fails_is_told_past_the_store(desk: jobs.Desk) -> None:
    clock, commit = Clock(NOW), desk.store.commit

    def full(step: Commit) -> None:
        raise StoreError("database or disk is full")

    desk.store.commit = full  # type: ignore[method-assign]
    desk.vitals.broken = (NOW, "StoreError: database or disk is full")
    post, other = Postbox(), Postbox(name="other", broken=True)
    direct = jobs.Direct({"other": other, "postbox": post})
    for _ in range(30):
        clock.time += timedelta(minutes=1)
        jobs.watch_all([desk], direct, clock(), jobs.Shared())
    assert post.titles == ["Nothing can be stored"]

    desk.store.commit = commit  # type: ignore[method-assign]
    desk.vitals.broken = None
    jobs.watch_all([desk], direct, clock(), jobs.Shared())
    assert post.titles == ["Nothing can be stored", "The store works again"]


def test_what_was_told_before_a_restart_is_not_told_again(tmp_path: Path) -> None:
    told = []
    for _ in range(3):
        desk, clock = open_desk(tmp_path, NOW, texts=NO_RULES), Clock(NOW)
        source = ScriptedSource(items(), answers={USAGE: [REFUSED] * 9})
        told += rounds(desk, source, clock, 3)
        close(desk)

    assert len(told) == 1
    with closing(Sqlite(tmp_path, write=False)) as store:
        assert len(store.own_alerts("acme")) == 1


def test_what_a_person_acknowledged_is_not_opened_again(desk: jobs.Desk) -> None:
    found = troubles(health(free_bytes=5 << 20), NOW)
    (alert,) = decide(found, [], "acme", NOW)
    seen = replace(alert, status=Status.ACKNOWLEDGED)

    assert decide(found, [seen], "acme", NOW) == ()
    (over,) = decide([], [seen], "acme", at("1:00"))
    assert over.reason is Reason.RECOVERED
    assert workhours.microseconds(over.time) > workhours.microseconds(alert.time)
