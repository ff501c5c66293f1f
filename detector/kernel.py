"""Admit, settle, score, investigate, decide: the meaning of the engine, without any effect.

The meaning is one event at a time in the order of the account's log. A page is only a faster
way to the same result: facts settle at full hours of the event clock and hours are scored at
steps of it, never at the edge of a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import numpy as np
import polars as pl

from detector import matched, triage, workhours
from detector.alerts import Alert, Reason
from detector.anomaly import channel as channels
from detector.anomaly import explanation
from detector.anomaly.channel import Channel, Row
from detector.anomaly.declaration import Declaration
from detector.anomaly.model import Model
from detector.facts import DAY_US, HOUR_US, Facts, News
from detector.findings import Finding, Level, Subject, SubjectType
from detector.networks import Networks
from detector.observations import COUNTRY, PLACE, Observations, observe
from detector.people import People
from detector.rule import Rule
from detector.rule_types.base import SERVICE_MAIL, Scene, Tail
from detector.rulebook.book import BehaviorRule, Rulebook
from detector.window import Window

LATEST_US: Final = 7 * DAY_US
"""Events that come later than this after their time reach stateless rules only."""
SUSPECT_US: Final = DAY_US
"""How long after an alert of medium or above nothing new is learned about its person."""


class Memory(msgspec.Struct):
    """Everything the kernel knows that is not configuration: what a restart must bring back."""

    account: str
    seq: int = 0
    clock: int = 0
    teach_until: int = 0
    facts: Facts = msgspec.field(default_factory=Facts)
    channel: Channel = msgspec.field(default_factory=Channel)
    opened: dict[str, triage.Open] = {}
    contacts: dict[str, tuple[str | None, str | None]] = {}
    newest_contacts: dict[str, tuple[str | None, str | None]] = {}
    warm_up: dict[str, int] = {}
    """Findings of the teaching time, by rule: what the rules would have said."""


@dataclass(frozen=True)
class Plan:
    """What the kernel runs: rules, the model's declaration, and what the organisation stated."""

    rulebook: Rulebook
    declaration: Declaration | None = None
    people: People = field(default_factory=People)
    networks: Networks = field(default_factory=Networks)


@dataclass
class State:
    """The kernel's state: memory, the tails of the behaviours, the window, and its plan."""

    memory: Memory
    plan: Plan
    model: Model | None = None
    window: Window = field(default_factory=lambda: Window(timedelta(days=30)))
    tails: dict[str, Tail] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rulebook = self.plan.rulebook
        for entry in rulebook.behaviors:
            self.tails.setdefault(entry.rule.id, entry.behavior.tail())
        self.memory.facts.default_zone = self.plan.people.timezone
        self.rules: dict[str, Rule] = dict(rulebook.rules)
        if self.declaration is not None:
            self.rules[self.declaration.id] = self.declaration.rule
        self._tellers = {entry.rule.id: entry.behavior.tell for entry in rulebook.behaviors}
        read = set(matched.COLUMNS) | {"source.latitude", "source.longitude"}
        self.columns = tuple(sorted(read.union(*(e.behavior.columns for e in rulebook.behaviors))))

    @property
    def rulebook(self) -> Rulebook:
        """The rules at work."""
        return self.plan.rulebook

    @property
    def declaration(self) -> Declaration | None:
        """The model's declaration."""
        return self.plan.declaration

    def introduce(self, person: str, contact: tuple[str | None, str | None]) -> None:
        """Note a person's e-mail and name, and the zone that the organisation states."""
        self.memory.contacts[person] = contact
        colleague = self.plan.people.find(contact[0])
        if colleague is not None and colleague.timezone:
            self.memory.facts.stated_zones[person] = colleague.timezone

    def tell(self, rule: Rule, who: str, evidence: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
        """The words for evidence of any rule."""
        if self.declaration is not None and rule.id == self.declaration.id:
            return explanation.tell(who, evidence)
        if rule.id in self._tellers:
            told = self._tellers[rule.id](who, evidence)
        else:
            told = matched.tell(rule, who, evidence)
        return told.summary, told.why


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a page did: the rows that were new, the alerts that changed, what was held back.

    `rows` are positions in the page given; `frame` the same rows with their seq.
    """

    frame: pl.DataFrame
    rows: np.ndarray
    alerts: tuple[Alert, ...]
    suppressed: tuple[Finding, ...]
    duplicates: int = 0
    changed: int = 0
    late: int = 0


def detect(state: State, frame: pl.DataFrame, contents: np.ndarray) -> Outcome:
    """Take a page in: `frame` in arrival order, columns of `events.SCHEMA`; `contents` its hashes.

    An event id is admitted once, however often it is served. The state is changed; if the
    outcome cannot be committed, throw the state away and restore it from the store.
    """
    rows, changed = state.window.fresh(frame, contents)
    fresh = frame if len(rows) == frame.height else frame[rows]
    first = state.memory.seq + 1
    seqs = pl.int_range(first, first + fresh.height, dtype=pl.Int64, eager=True).alias("event.seq")
    fresh = fresh.with_columns(seqs)
    state.memory.seq += fresh.height
    state.window.admit(fresh)
    run = _Run(state, observe(fresh, state.columns), _hits(state.rulebook, fresh))
    run.all()
    state.window.evict(workhours.instant(state.memory.clock))
    duplicates = frame.height - len(rows)
    return Outcome(
        fresh, rows, tuple(run.alerts.values()), tuple(run.suppressed), duplicates, changed, run.late
    )


def tick(state: State, now: datetime) -> Outcome:
    """Let time pass without an event: one entry of the log."""
    state.memory.seq += 1
    empty = pl.DataFrame(schema={name: pl.Null() for name in ("event.seq",)})
    run = _Run(state, None, {})
    time = workhours.microseconds(now)
    run.advance(time, seq=state.memory.seq, received=time)
    nothing = np.empty(0, dtype=np.int64)
    return Outcome(empty, nothing, tuple(run.alerts.values()), tuple(run.suppressed))


def adopt(state: State, model: Model | None) -> None:
    """Use a trained model from here on: one entry of the log.

    Without a model (there was too little to train on) the next training is put off.
    """
    state.memory.seq += 1
    declaration = state.declaration
    if declaration is None:
        return
    span = declaration.retrain_every // timedelta(microseconds=1)
    state.memory.channel.due = state.memory.clock + span
    if model is not None:
        state.model = model
        channels.adopt(state.memory.channel, model, declaration)


def reconfigure(state: State, plan: Plan) -> State:
    """The state under other rules, people or networks: one entry of the log.

    Tails stay where a rule keeps its id and its behaviour.
    """
    state.memory.seq += 1
    kept = {
        entry.rule.id: state.tails[entry.rule.id]
        for entry in plan.rulebook.behaviors
        if isinstance(state.tails.get(entry.rule.id), entry.behavior.tail)
    }
    changed = State(state.memory, plan, model=state.model, window=state.window, tails=kept)
    for person, contact in state.memory.contacts.items():
        changed.introduce(person, contact)
    return changed


def training_due(state: State) -> bool:
    """Whether a training should start: the teaching time is over, and the last one is old."""
    due = state.memory.channel.due
    return state.declaration is not None and 0 < due <= state.memory.clock


def _hits(rulebook: Rulebook, frame: pl.DataFrame) -> Mapping[str, np.ndarray]:
    return rulebook.match(frame) if frame.height else {}


class _Run:
    """One page on its way through the kernel."""

    def __init__(
        self, state: State, page: Observations | None, hits: Mapping[str, np.ndarray]
    ) -> None:
        self.state = state
        self.memory = state.memory
        self.page = page
        self.hits = hits
        self.pending: list[Row] = []
        self.alerts: dict[str, Alert] = {}
        self.suppressed: list[Finding] = []
        self.late = 0

    def all(self) -> None:
        """Walk the page, hour by hour of the event clock."""
        page = self.page
        if page is None or not len(page):
            return
        clocks = self._clocks(page)
        self._learn_places(page)
        hours = clocks // HOUR_US
        edges = [0, *(np.flatnonzero(np.diff(hours)) + 1).tolist(), len(page)]
        times = clocks.tolist()
        for start, end in zip(edges, edges[1:], strict=False):
            self.advance(times[start], seq=page.seqs[start], received=page.received[start])
            self._hour(page, start, end, times)
        self.memory.clock = times[-1]

    def advance(self, clock: int, *, seq: int, received: int) -> None:
        """Move the clock: score the steps, settle the hours and days that it passes."""
        before = self.memory.clock
        self.memory.clock = max(clock, before)
        if before == 0:
            self._begin(clock)
            return
        self._step(before, clock, seq, received)
        hour = (before // HOUR_US + 1) * HOUR_US
        if hour > clock:
            return
        self._judge_steps()
        channels.settle(self.memory.channel, self.memory.facts, hour)
        self._join_people()
        self.memory.facts.settle(hour)
        for day in range((before // DAY_US + 1) * DAY_US, clock + 1, DAY_US):
            self._new_day(day)

    def _begin(self, clock: int) -> None:
        declaration = self.state.declaration
        if declaration is not None and not self.memory.channel.due:
            wait = declaration.first_training_after // timedelta(microseconds=1)
            self.memory.channel.due = max(self.memory.teach_until, 0) or clock + wait

    def _step(self, before: int, clock: int, seq: int, received: int) -> None:
        declaration = self.state.declaration
        if declaration is None:
            return
        span = declaration.step // timedelta(microseconds=1)
        boundary = (before // span + 1) * span
        if boundary > clock:
            return
        if self.state.model is None:
            self.memory.channel.touched = {}
        else:
            self.pending += channels.step(
                self.memory.channel, boundary, seq=seq, received=received
            )

    def _new_day(self, day: int) -> None:
        self.memory.facts.forget(day)
        if self.state.declaration is not None:
            channels.new_day(self.memory.channel, self.state.declaration, day)
        triage.close(self.memory.opened, self.state.rules, day)

    def _clocks(self, page: Observations) -> np.ndarray:
        """The event clock at each row: the latest event time so far, not beyond its receipt."""
        times = np.asarray(page.times, dtype=np.int64)
        honest = np.where(times <= np.asarray(page.received, dtype=np.int64), times, 0)
        return np.asarray(np.maximum(np.maximum.accumulate(honest), self.memory.clock))

    def _hour(self, page: Observations, start: int, end: int, times: Sequence[int]) -> None:
        """Rows within one hour of the event clock: nothing settles between them."""
        self._meet(page, start, end)
        teaches = page.teaches
        stale = [row for row in range(start, end) if page.times[row] < times[row] - LATEST_US]
        self.late += len(stale)
        for row in stale:
            teaches[row] = False  # type: ignore[index]
        scene = Scene(page, self.memory.facts, self.state.plan.networks, start, end)
        findings = [*self._matches(scene), *self._behaviors(scene, set(stale))]
        news = self.memory.facts.observe(page, start, end)
        self._steps(page, news, (start, end), times)
        self._decide([*findings, *self._odd()])

    def _steps(
        self, page: Observations, news: list[News], span: tuple[int, int], times: Sequence[int]
    ) -> None:
        """Feed the model channel, stopping at each step of the clock."""
        declaration = self.state.declaration
        if declaration is None:
            return
        length = declaration.step // timedelta(microseconds=1)
        start, end = span
        at, taken = start, 0
        for row in range(start + 1, end + 1):
            crossed = row < end and times[row] // length > times[row - 1] // length
            if not (crossed or row == end):
                continue
            until = taken
            while until < len(news) and news[until].row < row:
                until += 1
            channels.take(
                self.memory.channel, page, self.memory.facts, news[taken:until], (at, row), times
            )
            at, taken = row, until
            if crossed:
                self._step(times[row - 1], times[row], page.seqs[row], page.received[row])

    def _meet(self, page: Observations, start: int, end: int) -> None:
        """Note e-mail and name of people; of a person met before they count from the next hour."""
        people = page.people[start:end]
        emails, names = page.columns["user.email"], page.columns["user.name"]
        contacts = zip(emails[start:end], names[start:end], strict=True)
        for person, contact in zip(people, contacts, strict=True):
            if person is None:
                continue
            known = self.memory.contacts.get(person)
            if known is None:
                self.state.introduce(person, contact)
            elif known != contact and contact[0]:
                self.memory.newest_contacts[person] = contact

    def _join_people(self) -> None:
        for person, contact in self.memory.newest_contacts.items():
            self.state.introduce(person, contact)
        self.memory.newest_contacts = {}

    def _learn_places(self, page: Observations) -> None:
        places = self.memory.facts.places
        countries = page.values[COUNTRY]
        north, east = page.columns["source.latitude"], page.columns["source.longitude"]
        for row, place in enumerate(page.values[PLACE]):
            if place is not None and place not in places:
                places[place] = (countries[row], north[row], east[row])

    def _matches(self, scene: Scene) -> Iterator[Finding]:
        for entry in self.state.rulebook.matches:
            if entry.rule.raises:
                for row in self._rows((entry.rule.id,), scene):
                    yield matched.finding(entry.rule, scene, row, self.memory.account)

    def _behaviors(self, scene: Scene, stale: set[int]) -> Iterator[Finding]:
        for entry in self.state.rulebook.behaviors:
            rows = [row for row in self._rows(entry.bases, scene) if row not in stale]
            yield from _watch(entry, scene, rows, self.state.tails[entry.rule.id])

    def _rows(self, rules: Sequence[str], scene: Scene) -> list[int]:
        found: set[int] = set()
        for rule in rules:
            hits = self.hits[rule]
            low, high = np.searchsorted(hits, (scene.start, scene.end))
            found.update(hits[low:high].tolist())
        return sorted(found)

    def _judge_steps(self) -> None:
        self._decide(self._odd())

    def _odd(self) -> list[Finding]:
        declaration, model = self.state.declaration, self.state.model
        rows, self.pending = self.pending, []
        if declaration is None or model is None:
            return []
        cold_us = declaration.cold_start // timedelta(microseconds=1)
        odd = channels.judge(self.memory.channel, model, self.memory.facts, rows, cold_us)
        return [
            explanation.finding(
                each, model, self.memory.facts, declaration, self._subject(each.row)
            )
            for each in odd
        ]

    def _subject(self, row: Row) -> Subject:
        email, name = self.memory.contacts.get(row.person, (None, None))
        service = bool(email) and (email or "").casefold().endswith(SERVICE_MAIL)
        kind = SubjectType.SERVICE_ACCOUNT if service else SubjectType.PERSON
        return Subject(kind, row.person, email, name)

    def _decide(self, findings: list[Finding]) -> None:
        for finding in sorted(findings, key=lambda each: (each.seq, each.rule_id)):
            if workhours.microseconds(finding.time) < self.memory.teach_until:
                warm = self.memory.warm_up
                warm[finding.rule_id] = warm.get(finding.rule_id, 0) + 1
                continue
            telling = triage.Telling(
                self.memory.account, self.state.tell, self._received(finding.seq)
            )
            verdict = triage.decide(finding, self.state.rules, self.memory.opened, telling)
            if verdict.alert is None:
                self.suppressed.append(finding)
                continue
            self._keep(verdict.alert)
            self._guard(finding, verdict.alert)

    def _keep(self, alert: Alert) -> None:
        """One entry an alert and page; that it is new or raised is not hidden by what follows."""
        before = self.alerts.get(alert.id)
        if before is not None and before.reason in {Reason.FIRST_SEEN, Reason.LEVEL_RAISED}:
            alert = replace(alert, reason=before.reason)
        self.alerts[alert.id] = alert

    def _received(self, seq: int) -> int:
        page = self.page
        if page is None or not len(page) or not page.seqs[0] <= seq <= page.seqs[-1]:
            return self.memory.clock
        return page.received[seq - page.seqs[0]]

    def _guard(self, finding: Finding, alert: Alert) -> None:
        if alert.level.rank < Level.MEDIUM.rank or finding.amends:
            return
        if finding.subject.type in {SubjectType.PERSON, SubjectType.SERVICE_ACCOUNT}:
            self.memory.facts.suspect(
                finding.subject.id,
                until=workhours.microseconds(finding.time) + SUSPECT_US,
                seqs=finding.event_seqs,
                high=alert.level.rank >= Level.HIGH.rank,
            )


def _watch(
    entry: BehaviorRule, scene: Scene, rows: list[int], tail: Tail
) -> Iterator[Finding]:
    yield from entry.behavior.watch(entry.rule, scene, rows, tail)
