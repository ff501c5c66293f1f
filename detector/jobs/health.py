"""What is wrong with an account now: its feeds, its token, its store. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from detector import workhours
from detector.anomaly.shadow import Trial
from detector.coverage import NAMES, POSSIBLE, Coverage
from detector.findings import Level
from detector.jobs.lanes import Lane, Vitals
from detector.pulse import Pulse, silence
from detector.troubles import Kind, Trouble, duration

PASSES: Final = timedelta(minutes=15)
"""A failure that may pass is told when it has lasted so long."""
SERIOUS: Final = timedelta(hours=2)
FAR_BEHIND: Final = timedelta(hours=1)
EXPIRES_SOON: Final = ((timedelta(0), Level.CRITICAL), (timedelta(days=3), Level.HIGH),
                       (timedelta(days=14), Level.MEDIUM))  # fmt: skip
DISK: Final = ((100 << 20, Level.CRITICAL), (1 << 30, Level.MEDIUM))
"""Bytes that are left, and how bad that is."""


@dataclass(frozen=True)
class Health:
    """What is known of an account: by feed how it fares, its ledger and its pulse."""

    account: str
    vitals: Vitals
    lanes: Mapping[str, Lane] = field(default_factory=dict)
    coverage: Mapping[str, Coverage] = field(default_factory=dict)
    pulses: Mapping[str, Pulse] = field(default_factory=dict)
    free_bytes: int | None = None
    refused: str = ""
    """Why the account's model cannot be used, if it cannot."""
    trial: Trial | None = None
    """The last trial of a new model."""
    others: tuple[Trouble, ...] = ()
    """What is wrong with the service as a whole, and told with this account."""


def troubles(health: Health, now: datetime) -> list[Trouble]:
    """Everything that is wrong."""
    return [
        *_failing(health, now),
        *_silent(health, now),
        *_behind(health, now),
        *_possible_gaps(health),
        *_expiring(health, now),
        *_stuck(health, now),
        *_without_model(health, now),
        *health.others,
    ]


def _failing(health: Health, now: datetime) -> list[Trouble]:
    found = [
        trouble
        for feed in health.vitals.feeds
        if (trouble := _failure(health.account, feed, health.lanes.get(feed), now)) is not None
    ]
    found += [
        Trouble(
            Kind.FEED_FAILING,
            Level.HIGH,
            f"{NAMES[feed].capitalize()} of {health.account} are not read any more: the token no "
            "longer has this feature",
            each.complete or now,
            feed,
        )
        for feed, each in health.coverage.items()
        if feed not in health.vitals.feeds
    ]
    if len(found) < 2 or len(found) < len(health.vitals.feeds):
        return found
    worst = max(found, key=lambda each: each.level.rank)
    words = f"No feed of {health.account} can be read. {worst.summary}"
    return [Trouble(worst.kind, worst.level, words, worst.since, why=worst.why)]


def _failure(account: str, feed: str, lane: Lane | None, now: datetime) -> Trouble | None:
    if lane is None or lane.error is None or lane.since is None:
        return None
    lasts = now - lane.since
    if not lane.error.permanent and lasts < PASSES:
        return None
    serious = lane.error.permanent or lasts >= SERIOUS
    return Trouble(
        Kind.FEED_FAILING,
        Level.HIGH if serious else Level.MEDIUM,
        f"{NAMES[feed].capitalize()} of {account} cannot be read: {lane.error}",
        lane.since,
        feed,
        why=("- the cursor is kept, and what is missed is fetched later",),
    )


def _silent(health: Health, now: datetime) -> list[Trouble]:
    moment = workhours.microseconds(now)
    watched = {feed: health.pulses[feed] for feed in health.vitals.feeds if feed in health.pulses}
    silences = {feed: silence(pulse, moment) for feed, pulse in watched.items()}
    alive = [feed for feed, found in silences.items() if found is None]
    troubles = []
    for feed, found in silences.items():
        lane = health.lanes.get(feed)
        if found is None or (lane is not None and lane.error is not None):
            continue
        others = f"+ {', '.join(NAMES[each] for each in alive)} still come" if alive else ""
        usual = duration(timedelta(seconds=found.usual_s))
        lasts = duration(timedelta(seconds=found.lasts_s))
        hour = "at any time" if found.ever else "around this hour of the week"
        troubles.append(
            Trouble(
                Kind.FEED_SILENT,
                Level.MEDIUM if alive or found.ever else Level.LOW,
                f"No {NAMES[feed]} of {health.account} for {lasts}; {usual} is the longest that is "
                f"usual {hour}",
                workhours.instant(watched[feed].last),
                feed,
                why=(others or "- the other feeds are silent too: nobody may be at work",),
            )
        )
    return troubles


def _behind(health: Health, now: datetime) -> list[Trouble]:
    troubles = []
    for feed, each in health.coverage.items():
        lane = health.lanes.get(feed, Lane())
        complete = each.complete or each.intervals[-1].start
        if feed not in health.vitals.feeds or lane.error or now - complete < FAR_BEHIND:
            continue
        moves = not lane.stalled and lane.page is not None and now - lane.page < PASSES
        if moves and each.complete is None:
            continue  # The first back-fill.
        at = f"it is being caught up, at {each.newest:%Y-%m-%d %H:%M} UTC" if each.newest else ""
        why = "it promises more and does not give it" if lane.stalled else "no page comes"
        troubles.append(
            Trouble(
                Kind.FEED_BEHIND,
                Level.LOW if moves else Level.MEDIUM,
                f"{NAMES[feed].capitalize()} of {health.account} are complete only up to "
                f"{complete:%Y-%m-%d %H:%M} UTC: {at if moves else why}",
                complete,
                feed,
            )
        )
    return troubles


def _without_model(health: Health, now: datetime) -> list[Trouble]:
    """A model that cannot be used, or a new one that did not pass its trial."""
    goes_on = ("- the rules go on",)
    if health.refused:
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        words = f"The model of {health.account} is refused: {health.refused}"
        return [Trouble(Kind.MODEL_REFUSED, Level.MEDIUM, words, today, why=goes_on)]
    trial = health.trial
    if trial is None or trial.passed:
        return []
    words = f"A new model of {health.account} did not take over: {trial.why_not}"
    why = ("- the model from before stays at work", *goes_on)
    since = workhours.instant(trial.until)
    return [Trouble(Kind.MODEL_REFUSED, Level.LOW, words, since, why=why)]


def _possible_gaps(health: Health) -> list[Trouble]:
    """What may be missing, until it was read a second time."""
    return [
        Trouble(
            Kind.GAP,
            Level.MEDIUM,
            f"{NAMES[gap.feed].capitalize()} of {health.account} from {gap.start:%Y-%m-%d %H:%M} to "
            f"{gap.end:%Y-%m-%d %H:%M} UTC may be missing: {gap.why}",
            gap.start,
            gap.feed,
            why=("- they are read a second time soon",),
        )
        for each in health.coverage.values()
        for gap in each.gaps
        if gap.why.startswith(POSSIBLE) and gap.swept is None
    ]


def _expiring(health: Health, now: datetime) -> list[Trouble]:
    if health.vitals.expires is None:
        return []
    left = health.vitals.expires - now
    level = next((level for most, level in EXPIRES_SOON if left <= most), None)
    if level is None:
        return []
    words = f"expires in {duration(left)}" if left > timedelta(0) else "has expired"
    summary = (
        f"The Events token of {health.account} {words} ({health.vitals.expires:%Y-%m-%d %H:%M} UTC)"
    )
    return [Trouble(Kind.TOKEN_EXPIRING, level, summary, health.vitals.expires)]


def _stuck(health: Health, now: datetime) -> list[Trouble]:
    found = []
    if health.vitals.broken is not None:
        since, error = health.vitals.broken
        words = f"What {health.account} reads cannot be stored: {error}"
        found.append(Trouble(Kind.STORE_FAILING, Level.CRITICAL, words, since))
    free = health.free_bytes
    level = next((each for most, each in DISK if free is not None and free < most), None)
    if level is not None and free is not None:
        words = f"{free / (1 << 20):,.0f} MB are left on the disk of the data directory"
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        found.append(Trouble(Kind.DISK_LOW, level, words, today))
    return found
