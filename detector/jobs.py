"""What the service does again and again: poll, train, tell. Flat lists of steps over the ports."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog

from detector import accounts, kernel, plans, snapshots, window
from detector.accounts import Account
from detector.alerts import Alert, Reason
from detector.anomaly import channel, model
from detector.ports import CursorRefused, DeliveryError, Notifier, Page, Source, SourceError
from detector.sources.intake import Batch, Intake
from detector.store.sqlite import Commit, Control, Letter, Sqlite

RETENTION: Final = timedelta(days=120)
"""The API serves the last 120 days."""
OVERLAP: Final = timedelta(hours=2)
"""How far a reset cursor reaches back behind the newest event that is stored."""
SNAPSHOT_EVERY: Final = 50_000
"""Log entries after which the state is stored again; a restart replays at most so many."""
FIRST_WAIT_S: Final = 2.0
LONGEST_WAIT_S: Final = 900.0
PARKED_S: Final = 300.0

log = structlog.get_logger()
Point = Callable[[str], None]
"""A named place at which a test may let the process die."""
Route = Callable[[Alert], Sequence[str]]
"""The destinations of an alert."""
Progress = Callable[[int, datetime | None], None]
"""Told after each page: how many events so far, and up to which event time."""


def nowhere(_: str) -> None:
    """The crash point of a process that is meant to live."""


@dataclass
class Desk:
    """An account with what its jobs need: where things are kept and where alerts go."""

    account: Account
    store: Sqlite
    route: Route
    point: Point = nowhere
    backfill: timedelta = timedelta(days=35)
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(max_workers=3))

    def reload(self) -> None:
        """Throw the state away and bring it back from the store."""
        self.account = accounts.restore(self.store, self.account.name, span=self.account.span)


@dataclass(frozen=True)
class Polled:
    """What a round of polling brought."""

    events: int
    alerts: tuple[Alert, ...]
    failures: Mapping[str, str]


def open_account(
    store: Sqlite, name: str, texts: plans.Texts, now: datetime, *, span: timedelta
) -> Account:
    """Start an account or bring it back, and let it run `texts` from here on."""
    if store.started(name) is None:
        accounts.begin(store, name, texts, now)
    account = accounts.restore(store, name, span=span)
    if account.texts.version != texts.version:
        control = Control(account.state.memory.seq + 1, accounts.PLAN, now, texts.dump())
        store.commit(Commit(name, now, controls=[control]))
        accounts.apply(store, account, control)
    return account


def poll(
    desk: Desk, source: Source, clock: Callable[[], datetime], progress: Progress | None = None
) -> Polled:
    """Fetch every feed to its end, take everything in, let time pass; train if it is due."""
    name = desk.account.name
    intake, cursors = Intake(source.feeds), desk.store.cursors(name)
    events, alerts, failures = 0, dict[str, Alert](), dict[str, str]()
    while wanted := intake.wanted():
        asked = {feed: intake.cursor(feed) or _stored(cursors, feed) for feed in wanted}
        for feed, page in _fetch(desk, source, asked, cursors, clock()).items():
            if isinstance(page, Page):
                intake.take(page, clock())
            else:
                failures[feed] = str(page)
                intake.give_up(feed)
        batch = intake.release(clock())
        if batch is not None:
            outcome = take_in(desk, batch, clock())
            events += outcome.frame.height
            alerts.update({alert.id: alert for alert in outcome.alerts})
            if progress is not None:
                progress(events, _newest(batch))
    alerts.update({alert.id: alert for alert in tick(desk, clock()).alerts})
    train(desk, clock())
    return Polled(events, tuple(alerts.values()), failures)


def _newest(batch: Batch) -> datetime | None:
    newest = batch.frame["event.time"].max()
    return newest if isinstance(newest, datetime) else None


def take_in(desk: Desk, batch: Batch, now: datetime) -> kernel.Outcome:
    """Let the kernel look at a batch, and store everything that came of it at once."""
    account = desk.account
    try:
        outcome = kernel.detect(account.state, batch.frame, window.contents(batch.raws))
        desk.point("before_commit")
        desk.store.commit(
            Commit(
                account.name,
                now,
                frame=outcome.frame,
                raws=[batch.raws[row] for row in outcome.rows],
                flaws=batch.flaws,
                cursors=batch.cursors,
                alerts=outcome.alerts,
                suppressed=outcome.suppressed,
                outbox=_messages(desk, outcome.alerts),
                snapshot=_snapshot(account),
            )
        )
        desk.point("after_commit")
    except BaseException:
        desk.reload()
        raise
    for flaw in batch.flaws:
        log.warning("item flawed", account=account.name, feed=flaw.feed, reason=flaw.reason, set_aside=flaw.set_aside)
    return outcome


def tick(desk: Desk, now: datetime) -> kernel.Outcome:
    """Let time pass: an entry of the log, and what the clock alone brings about."""
    account = desk.account
    try:
        control = Control(account.state.memory.seq + 1, accounts.TICK, now)
        outcome = kernel.tick(account.state, now)
        desk.point("before_tick")
        desk.store.commit(
            Commit(
                account.name,
                now,
                controls=[control],
                alerts=outcome.alerts,
                suppressed=outcome.suppressed,
                outbox=_messages(desk, outcome.alerts),
                snapshot=_snapshot(account),
            )
        )
        desk.point("after_tick")
    except BaseException:
        desk.reload()
        raise
    return outcome


def train(desk: Desk, now: datetime) -> None:
    """Train a model if one is due, store it, and use it from here on."""
    account, declaration = desk.account, desk.account.state.declaration
    if declaration is None or not kernel.training_due(account.state):
        return
    trained = model.train(channel.training_rows(account.state.memory.channel), declaration)
    identity = trained.id if trained else ""
    control = Control(account.state.memory.seq + 1, accounts.MODEL, now, identity.encode())
    artefact = (identity, model.dump(trained)) if trained else None
    desk.store.commit(Commit(account.name, now, controls=[control], model=artefact))
    try:
        accounts.apply(desk.store, account, control)
    except BaseException:
        desk.reload()
        raise
    log.info("model trained", account=account.name, model=identity or None)


def keep_state(desk: Desk, now: datetime) -> None:
    """Store the kernel's state, so that the next start need not replay the log."""
    account = desk.account
    body = (account.state.memory.seq, snapshots.dump(account.state))
    desk.store.commit(Commit(account.name, now, snapshot=body))
    account.stored_seq = account.state.memory.seq


def tell(
    store: Sqlite,
    notifiers: Mapping[str, Notifier],
    now: datetime,
    *,
    chance: random.Random,
    point: Point = nowhere,
) -> int:
    """Send what waits; return how many messages arrived. A failure never stops the others."""
    sent = 0
    for letter in store.due(now):
        notifier = notifiers.get(letter.destination)
        if notifier is None:
            wait = now + timedelta(seconds=PARKED_S)
            store.mark(letter, "waiting", next_at=wait, error="no such destination is configured")
            continue
        store.mark(letter, "sending")
        point("before_send")
        try:
            receipt = notifier.send(letter.alert, key=letter.key, again=letter.again)
        except DeliveryError as error:
            _hold(store, letter, error, now, chance)
            continue
        point("after_send")
        store.mark(letter, "sent", receipt=receipt.message_id)
        sent += 1
    return sent


def _hold(
    store: Sqlite, letter: Letter, error: DeliveryError, now: datetime, chance: random.Random
) -> None:
    """Put a message off after a failure; only its content can make it undeliverable."""
    log.error("not delivered", alert=letter.alert.id, destination=letter.destination, error=str(error))
    if error.permanent:
        store.mark(letter, "dead", error=str(error))
        return
    longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0**letter.tries)
    wait_s = error.retry_after_s or (PARKED_S if error.parked else chance.uniform(0.5, longest))
    # What may have arrived stays 'sending', so that the next try looks before it sends.
    state = "sending" if error.ambiguous or letter.again else "waiting"
    store.mark(letter, state, next_at=now + timedelta(seconds=wait_s), error=str(error))


def _messages(desk: Desk, alerts: Sequence[Alert]) -> list[tuple[str, str]]:
    """A message for each new or raised alert and destination; repeats fold without one."""
    return [
        (alert.id, destination)
        for alert in alerts
        if alert.reason in {Reason.FIRST_SEEN, Reason.LEVEL_RAISED}
        for destination in desk.route(alert)
    ]


def _snapshot(account: Account) -> tuple[int, bytes] | None:
    """The state for the commit at hand, if the last one stored is old."""
    if account.state.memory.seq - account.stored_seq < SNAPSHOT_EVERY:
        return None
    account.stored_seq = account.state.memory.seq
    return account.stored_seq, snapshots.dump(account.state)


def _stored(cursors: Mapping[str, tuple[str, datetime]], feed: str) -> str | None:
    return cursors[feed][0] if feed in cursors else None


def _fetch(
    desk: Desk,
    source: Source,
    asked: Mapping[str, str | None],
    cursors: Mapping[str, tuple[str, datetime]],
    now: datetime,
) -> dict[str, Page | SourceError]:
    """The next page of each feed, fetched in parallel; a failure of one is its own."""
    start = max(now - desk.backfill, now - RETENTION)

    def fetch(feed: str) -> Page | SourceError:
        try:
            return source.fetch(feed, asked[feed], start)
        except CursorRefused as error:
            newest = cursors[feed][1] if feed in cursors else start
            since = max(newest - OVERLAP, now - RETENTION)
            log.error("cursor refused, possible gap", feed=feed, since=since, error=str(error))
            return _again(source, feed, since)
        except SourceError as error:
            log.error("feed failed", account=desk.account.name, feed=feed, error=str(error))
            return error

    return dict(zip(asked, desk.pool.map(fetch, asked), strict=True))


def _again(source: Source, feed: str, since: datetime) -> Page | SourceError:
    try:
        return source.fetch(feed, None, since)
    except SourceError as error:
        return error
