"""One page, or one tick, on its way through the kernel: hour by hour of the event clock."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl

from detector import closing, noting, peers, triage, workhours
from detector.alerts import Alert, Reason
from detector.anomaly import channel as channels
from detector.anomaly import explanation, judging
from detector.anomaly.hours import Step
from detector.anomaly.own_rows import Reader
from detector.anomaly.part import Part
from detector.findings import Finding, Level, Subject, SubjectType
from detector.investigating import Hits, investigate
from detector.known import Known
from detector.observations import COUNTRY, PLACE, Observations
from detector.rule_types.base import SERVICE_MAIL, Moment, Scene
from detector.state import State
from detector.workhours import DAY_US, HOUR_US

SUSPECT_US: Final = DAY_US
"""How long after an alert of medium or above nothing new is learned about its person."""


Guarded = tuple[str, int, tuple[int, ...], bool]
"""About whom nothing is learned, until when, which events are withdrawn, was the alert high."""


def step_us(state: State) -> int:
    """Length of the event clock's steps; an hour where no model wants shorter ones."""
    declaration = state.declaration
    return declaration.step // timedelta(microseconds=1) if declaration else HOUR_US


def guarded(finding: Finding, alert: Alert) -> Guarded | None:
    """What an alert keeps from being learned; null if nothing."""
    if alert.level.rank < Level.MEDIUM.rank or finding.amends:
        return None
    if finding.subject.type not in {SubjectType.PERSON, SubjectType.SERVICE_ACCOUNT}:
        return None
    until = workhours.microseconds(finding.time) + SUSPECT_US
    high = alert.level.rank >= Level.HIGH.rank
    return finding.subject.id, until, finding.fresh_seqs, high


@dataclass
class Run:
    """What one page does to the state, and what comes of it."""

    state: State
    alerts: dict[str, Alert] = field(default_factory=dict)
    suppressed: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.memory = self.state.memory
        self._pending: list[Step] = []
        self._part: Part | None = None
        self._upto = 0
        self._received: tuple[int, Sequence[int]] = (0, ())
        self._whole: Scene | None = None
        """The page at hand; null if time passes without one."""
        self._moved: list[str] = []
        """Who may be in another time zone than when the hour before began."""

    def match(self, frame: pl.DataFrame) -> Mapping[str, np.ndarray]:
        """The rows of a page that each rule on single events matches."""
        return self.state.rulebook.match(frame)

    def take(self, page: Observations, hits: Mapping[str, np.ndarray]) -> None:
        """Walk a page: nothing settles within an hour, so an hour is taken in as a whole."""
        self._received, self._whole = (page.seqs[0], page.received), self._whole_of(page)
        found = Hits.of(self.state.rulebook, hits, set(page.late))
        self._learn_places(page)
        self._known = Known(page, self.memory.facts.ledger, self.memory.facts.zone_of)
        frontier = closing.Frontier(page) if self._waits() else None
        hours = np.diff(np.array(page.clocks) // HOUR_US)
        edges = [0, *(np.flatnonzero(hours) + 1).tolist(), len(page)]
        for start, end in pairwise(edges):
            self.advance(page.clocks[start], seq=page.seqs[start])
            self._known.move(self._moved, start)
            self._moved.clear()
            self._hour(page, found, (start, end))
            self.memory.clock = page.clocks[end - 1]
            if frontier is not None:
                frontier.reach(self.memory.complete, end)
        noting.carry(self.memory.facts, page, self._known, edges[-2])
        if self._part is not None:
            self.memory.channel.hours.carry(self._part)

    def advance(self, clock: int, *, seq: int) -> None:
        """Move the clock: score the steps, settle the hours and days that it passes."""
        before = self.memory.clock
        self.memory.clock = max(clock, before)
        if before == 0:
            self._begin()
            return
        span = step_us(self.state)
        if clock // span > before // span:
            self._step((before // span + 1) * span, seq)
        hour = (before // HOUR_US + 1) * HOUR_US
        if hour > clock:
            return
        closed = self._close(self.state, clock // HOUR_US * HOUR_US, seq)
        self._decide([*self._odd(), *closed])
        self._part = None
        self._join_people()
        self._settle(hour)
        for day in range((before // DAY_US + 1) * DAY_US, clock + 1, DAY_US):
            self._new_day(day)

    def _settle(self, hour: int) -> None:
        """Let what was shown become known: of facts, and then of the model's declared features."""
        channel, facts, withdrawn = (
            self.memory.channel,
            self.memory.facts,
            self.memory.facts.withdrawn,
        )
        self._moved += facts.settle(hour)
        channels.withdraw(channel, facts, withdrawn, hour)
        channels.settle(channel, facts, hour)

    def _waits(self) -> bool:
        """Whether any rule finds something because time passes without an event."""
        return bool(self.state.rulebook.waiting)

    def _learns_peers(self) -> bool:
        """Whether any rule compares people with peers whom nobody stated."""
        return self.state.rulebook.learns_peers

    def _close(self, state: State, hour: int, seq: int) -> list[Finding]:
        """What time alone brings about under the rules of a state."""
        about = (self.memory.facts, state.plan.people, self.memory.complete)
        return closing.close(state.rulebook, state.tails, Moment(hour, seq, *about))

    def _begin(self) -> None:
        declaration, clock = self.state.declaration, self.memory.clock
        if declaration is not None and clock and not self.memory.channel.due:
            wait = declaration.first_training_after // timedelta(microseconds=1)
            self.memory.channel.due = max(self.memory.teach_until, 0) or clock + wait

    def _step(self, boundary: int, seq: int) -> None:
        """The clock passes a step: open hours that changed wait to be judged as they stand."""
        looked_at = self.state.model is not None or self.state.witness is not None
        if self.state.declaration is not None and looked_at:
            upto = self._upto if self._part is not None else 0
            step = self.memory.channel.hours.step(boundary, seq=seq, upto=upto)
            self._pending += [step] if step is not None else []

    def _new_day(self, day: int) -> None:
        self.memory.facts.forget(day)
        if self._learns_peers():
            self.memory.facts.peers = peers.learned(self.memory.facts, day)
        channels.forget(self.memory.channel, self.memory.facts, day)
        for entry in self.state.rulebook.stateful:
            entry.logic.forget(self.state.tails[entry.rule.id], day)
        if self.state.declaration is not None:
            channels.new_day(self.memory.channel, self.memory.facts, self.state.declaration, day)
            self.state.end_trial(day)
        triage.close(self.memory.opened, self.state.rules, day)

    def _hour(self, page: Observations, hits: Hits, span: tuple[int, int]) -> None:
        """Rows within one hour of the event clock: nothing settles between them."""
        start, end = span
        self._meet(page, start, end)
        findings = investigate(self._scene(page, span), hits, self.state)
        self._observe(page, start, end)
        self._decide([*findings, *self._odd()])

    def _scene(self, page: Observations, span: tuple[int, int]) -> Scene:
        facts, plan = self.memory.facts, self.state.plan
        start, end = span
        self._known.meet()
        about = (self.memory.account, plan.people, self.state.notes, self._known)
        return Scene(page, facts, plan.networks, start, end, *about)

    def _observe(self, page: Observations, start: int, end: int) -> None:
        """Note what people show, and stop at each step of the clock to look at open hours."""
        news = noting.note(self.memory.facts, page, self._known, (start, end))
        if self.state.declaration is None:
            return
        facts, channel, span = self.memory.facts, self.memory.channel, step_us(self.state)
        reader = Reader(self.state.declaration.own, channel.own, facts)
        hours = channel.hours
        part = self._part = hours.part(page, reader, news, (start, end), channel.habits)
        low, high = bisect_left(page.crossings, start + 1), bisect_left(page.crossings, end)
        stops = page.crossings[low:high] if self.state.model is not None else ()
        for at in hours.take(part, facts, stops):
            self._upto = at
            self._step((page.clocks[at - 1] // span + 1) * span, page.seqs[at])
        self._upto = end

    def _meet(self, page: Observations, start: int, end: int) -> None:
        """Note the newest e-mail and name of people; they count from the next hour on."""
        cell = page.columns.cell
        known, newest = self.memory.contacts, self.memory.newest_contacts
        low, high = bisect_left(page.tellings, start), bisect_left(page.tellings, end)
        for row in page.tellings[low:high]:
            person, contact = (
                page.people[row] or "",
                (cell("user.email", row), cell("user.name", row)),
            )
            if known.get(person) != contact:
                newest[person] = contact
            else:
                newest.pop(person, None)

    def _join_people(self) -> None:
        for person, contact in self.memory.newest_contacts.items():
            self.state.introduce(person, contact)
        self._moved += self.memory.newest_contacts
        self.memory.newest_contacts = {}

    def _learn_places(self, page: Observations) -> None:
        cell = page.columns.cell
        for row in page.places:
            place = page.values[PLACE][row] or ""
            seen = (
                page.values[COUNTRY][row],
                cell("source.latitude", row),
                cell("source.longitude", row),
            )
            self.memory.facts.places.setdefault(place, seen)

    def _odd(self) -> list[Finding]:
        """What the model finds in the open hours at the steps that were passed."""
        declaration, model = self.state.declaration, self.state.model
        steps, self._pending = self._pending, []
        if self.state.witness is not None:
            seen = judging.Seen(steps, self._part)
            self.state.witness(self.memory.facts, self.memory.channel.hours, seen)
        if declaration is None or model is None:
            return []
        channel, facts = self.memory.channel, self.memory.facts
        seen = judging.Seen(steps, self._part)
        judging.compare(channel, self.state.challenger, facts, seen, declaration)
        odd = judging.judge(channel, model, facts, seen, declaration)
        return [
            explanation.finding(
                each, model, self.memory.facts, declaration, self._subject(each.person)
            )
            for each in odd
        ]

    def _subject(self, person: str) -> Subject:
        email, name = self.memory.contacts.get(person, (None, None))
        service = bool(email) and (email or "").casefold().endswith(SERVICE_MAIL)
        kind = SubjectType.SERVICE_ACCOUNT if service else SubjectType.PERSON
        return Subject(kind, person, email, name)

    def _decide(self, findings: list[Finding]) -> None:
        if self.state.notes is not None:
            self.state.notes.found += findings
        for each in sorted(findings, key=lambda each: (each.seq, each.rule_id)):
            self._tell(self._unless_told(each))

    def _tell(self, finding: Finding) -> None:
        """Decide about one finding, and let the risk scores hear of it."""
        if workhours.microseconds(finding.time) < self.memory.teach_until:
            warm = self.memory.warm_up
            warm[finding.rule_id] = warm.get(finding.rule_id, 0) + 1
            return
        telling = triage.Telling(
            self.memory.account, self.state.tell, self._received_at(finding.seq)
        )
        verdict = triage.decide(finding, self.state.rules, self.memory.opened, telling)
        if finding.suppressed_by is not None or verdict.alert is None:
            self.suppressed.append(finding)
        if verdict.alert is not None:
            self._keep(verdict.alert)
        if verdict.alert is not None and finding.suppressed_by is None:
            self._guard(finding, verdict.alert)
        self._weigh(finding, verdict.alert)

    def _weigh(self, finding: Finding, alert: Alert | None) -> None:
        """What the risk scores find when they hear of a finding is decided about at once."""
        if not self.state.rulebook.risks:
            return
        for risk in [*self.state.audience.heard((finding, alert), self._whole)]:
            if self.state.notes is not None:
                self.state.notes.found.append(risk)
            self._tell(risk)

    def _whole_of(self, page: Observations) -> Scene:
        """A page as a scene without what is known of it."""
        about = (self.memory.account, self.state.plan.people, self.state.notes)
        return Scene(page, self.memory.facts, self.state.plan.networks, 0, len(page), *about)

    def _unless_told(self, finding: Finding) -> Finding:
        declaration = self.state.declaration
        of_model = declaration is not None and finding.rule_id == declaration.id
        return triage.unless_told(finding, self.memory.opened) if of_model else finding

    def _keep(self, alert: Alert) -> None:
        """One entry an alert and page; that it is new or raised is not hidden by what follows."""
        before = self.alerts.get(alert.id)
        if before is not None and before.reason in {Reason.FIRST_SEEN, Reason.LEVEL_RAISED}:
            alert = replace(alert, reason=before.reason)
        self.alerts[alert.id] = alert

    def _received_at(self, seq: int) -> int:
        """When the entry of the log was received; a tick is received when it says."""
        first, received = self._received
        return received[seq - first] if 0 <= seq - first < len(received) else self.memory.clock

    def _guard(self, finding: Finding, alert: Alert) -> None:
        found = guarded(finding, alert)
        if found is not None:
            person, until, seqs, high = found
            self.memory.facts.suspect(person, until=until, seqs=seqs, high=high)
