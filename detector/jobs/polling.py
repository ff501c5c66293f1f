"""Polling one account: fetch, take in, let time pass; each step one commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

import msgspec
import polars as pl
import structlog

from detector import accounts, kernel, snapshots, troubles, window, workhours
from detector.accounts import Account
from detector.alerts import Alert
from detector.jobs import noticing
from detector.jobs.adopting import renew
from detector.jobs.desk import Desk, Polled, Progress
from detector.jobs.fetching import Fetching
from detector.jobs.ledger import NOTHING, Ledger, Proof
from detector.jobs.training import train
from detector.ports import Page, Source
from detector.pulse import Pulse
from detector.sources.intake import Batch, Intake
from detector.sources.tokens import printable
from detector.store.sqlite import Commit, Control
from detector.warmth import warmth

SNAPSHOT_EVERY = 50_000
"""Log entries after which the state is stored again; a restart replays at most so many."""
MOST_REASONS = 20
"""Reasons of flawed items that the log says after a page; the store keeps each item with its own."""

NEVER: Final[Mapping[str, datetime]] = MappingProxyType({})
"""No feed was read to its end."""

log = structlog.get_logger()


def poll(
    desk: Desk, source: Source, clock: Callable[[], datetime], progress: Progress | None = None
) -> Polled:
    """Fetch every feed to its end, take everything in, let time pass; train if it is due.

    When the service is to stop, what is committed stays and the rest is fetched again.
    """
    begun = clock()
    renew(desk, begun)
    hear(desk, begun)
    stored, ledger = desk.store.cursors(desk.account.name), desk.ledger(begun)
    fetching = Fetching(desk, source, stored, ledger)
    intake = Intake(source.feeds, {feed: cursor for feed, (cursor, _) in stored.items()})
    events, alerts, failures = 0, dict[str, Alert](), dict[str, str]()
    while (wanted := intake.wanted()) and not desk.stopping():
        asked = {feed: intake.cursor(feed) for feed in wanted}
        for feed, answer in fetching.pages(asked, clock()).items():
            if isinstance(answer, Page):
                intake.take(answer, clock())
            else:
                failures[feed] = str(answer)
                intake.give_up(feed)
        batch = intake.release(clock())
        if batch is not None:
            outcome = take_in(desk, batch, clock(), ledger)
            _report(desk, batch)
            events += outcome.frame.height
            alerts.update({alert.id: alert for alert in outcome.alerts})
            if progress is not None:
                newest = batch.frame["event.time"].max()
                progress(events, newest if isinstance(newest, datetime) else None)
    if intake.is_drained() and not wanted:
        proof = ledger.proof(intake.drained())
        ended = tick(desk, clock(), proof, dict.fromkeys(intake.drained(), begun))
        alerts.update({alert.id: alert for alert in ended.alerts})
        train(desk, clock())
        _warm_up(desk)
    return Polled(events, tuple(alerts.values()), failures)


def _own(desk: Desk, proof: Proof, frame: pl.DataFrame, now: datetime) -> list[Alert]:
    """The alerts to the operator that come of a step itself."""
    name, memory = desk.account.name, desk.account.state.memory
    teach_until = workhours.instant(memory.teach_until)
    found = noticing.lost(name, proof.gaps)
    found += noticing.tampering(name, frame, desk.vitals.own, teach_until)
    return [troubles.once(each, name, now) for each in found]


def _pulses(desk: Desk, frame: pl.DataFrame) -> dict[str, Pulse]:
    """The pulses that learned something from fresh events."""
    learned = {}
    for (feed,), rows in frame.group_by("event.feed"):
        times = rows.select(pl.min_horizontal("event.time", "event.received")).to_series()
        pulse = desk.pulse(str(feed))
        if pulse.take(times.dt.timestamp("us").to_numpy()):
            learned[str(feed)] = pulse
    return learned


def _report(desk: Desk, batch: Batch) -> None:
    """Say in the log which items could not be read as they should be, a line for each reason."""
    alike = Counter((flaw.feed, flaw.reason, flaw.set_aside) for flaw in batch.flaws)
    for (feed, reason, set_aside), items in alike.most_common(MOST_REASONS):
        log.warning(
            "items flawed",
            account=desk.account.name,
            feed=feed,
            items=items,
            reason=reason,
            set_aside=set_aside,
        )
    if len(alike) > MOST_REASONS:
        more = sum(alike.values()) - sum(count for _, count in alike.most_common(MOST_REASONS))
        log.warning("more items flawed", account=desk.account.name, items=more)


def _warm_up(desk: Desk) -> None:
    """Say in the log, once all that there is was read, who is known well enough to be judged."""
    if not desk.warm:
        # What people are called was written by others: it stays within the line.
        text = printable(warmth(desk.account.state.memory).words)
        log.info("warm-up", account=desk.account.name, text=text)
        desk.warm = True


def hear(desk: Desk, now: datetime) -> None:
    """Let the log take in what people said of alerts since the last round."""
    verdicts = desk.store.verdicts(desk.account.name)
    if not verdicts:
        return
    with desk.changing() as account:
        first = account.state.memory.seq + 1
        controls = [
            Control(first + place, accounts.VERDICT, now, body)
            for place, (_, body) in enumerate(verdicts)
        ]
        heard = [number for number, _ in verdicts]
        desk.commit(Commit(account.name, now, controls=controls, heard=heard), "verdicts")
        for control in controls:
            accounts.apply(desk.store, account, control)


def take_in(desk: Desk, batch: Batch, now: datetime, ledger: Ledger) -> kernel.Outcome:
    """Let the kernel look at a batch, and store everything that came of it at once."""
    proof = ledger.proof(batch.cursors)
    with desk.changing() as account:
        outcome = kernel.detect(account.state, desk.fill(batch.frame), window.contents(batch.raws))
        if not (outcome.frame.height or batch.cursors or batch.flaws):
            return outcome
        alerts = (*outcome.alerts, *_own(desk, proof, outcome.frame, now))
        commit = Commit(
            account.name,
            now,
            frame=outcome.frame,
            raws=[batch.raws[row] for row in outcome.rows],
            flaws=batch.flaws,
            cursors=batch.cursors,
            covered=proof.covered,
            gaps=proof.gaps,
            pulses=_pulses(desk, outcome.frame),
            alerts=alerts,
            suppressed=outcome.suppressed,
            trial=desk.on_trial,
            catch_up={alert.id for alert in outcome.alerts if ledger.is_catch_up(alert.time)},
            snapshot=_snapshot(account),
        )
        desk.commit(commit, "commit")
    return outcome


def tick(
    desk: Desk, now: datetime, proof: Proof = NOTHING, complete: Mapping[str, datetime] = NEVER
) -> kernel.Outcome:
    """Let time pass: an entry of the log, and what the clock alone brings about.

    `complete` are the feeds that were read to their end, and when that was begun.
    """
    upto = {feed: workhours.microseconds(begun) for feed, begun in sorted(complete.items())}
    body = msgspec.json.encode(upto) if upto else b""
    with desk.changing() as account:
        control = Control(account.state.memory.seq + 1, accounts.TICK, now, body)
        outcome = kernel.tick(account.state, now, upto)
        alerts = (*outcome.alerts, *_own(desk, proof, outcome.frame, now))
        commit = Commit(
            account.name,
            now,
            controls=[control],
            covered=proof.covered,
            gaps=proof.gaps,
            alerts=alerts,
            suppressed=outcome.suppressed,
            trial=desk.on_trial,
            snapshot=_snapshot(account),
        )
        desk.commit(commit, "tick")
    return outcome


def keep_state(desk: Desk, now: datetime) -> None:
    """Store the kernel's state, so that the next start need not replay the log."""
    with desk.changing() as account:
        body = (account.state.memory.seq, snapshots.dump(account.state))
        desk.commit(Commit(account.name, now, snapshot=body), "keep")
        account.stored_seq = account.state.memory.seq


def _snapshot(account: Account) -> tuple[int, bytes] | None:
    """The state for the commit at hand, if the last one stored is old."""
    if account.state.memory.seq - account.stored_seq < SNAPSHOT_EVERY:
        return None
    account.stored_seq = account.state.memory.seq
    return account.stored_seq, snapshots.dump(account.state)
