"""Changed rules as guests of a run under the old ones: one history, read and learned from once.

A rule reaches another one only by what is not learned under its alerts of medium or above, and
by the model's yielding to them. As long as both sides do the same in that, the facts of the old
side are those of the new one, and the guests find on them what the new side would find. From the
first moment at which they do not, the new side must be run by itself: `parted` says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import msgspec
import numpy as np
import polars as pl

from detector import kernel, triage, weighing, workhours
from detector.alerts import Alert
from detector.backtesting import Replayed
from detector.comparing.changes import changed, part
from detector.findings import Finding
from detector.investigating import Hits, investigate
from detector.observations import Observations
from detector.rule_types.base import Scene, Tail
from detector.run import Guarded, Run, guarded
from detector.workhours import HOUR_US


class Guests:
    """The rules of the new side that are not those of the old, and what they found.

    `gone` are the ids of the old side's rules in whose place they are.
    """

    def __init__(self, old: kernel.Plan, new: kernel.Plan, memory: kernel.Memory) -> None:
        self.old, self.new = old, new
        self.gone = changed(old.rulebook, new.rulebook)
        self.come = changed(new.rulebook, old.rulebook)
        self.state = kernel.State(
            kernel.Memory(memory.account, teach_until=memory.teach_until),
            kernel.Plan(part(new.rulebook, self.come), None, new.people, new.networks),
        )
        whole = kernel.State(kernel.Memory(memory.account), new)
        self._audience = replace(self.state.audience, rules=whole.rules, model=whole.audience.model)
        self.alerts: dict[str, Alert] = {}
        self.suppressed: list[Finding] = []
        self.parted = False
        self.host: kernel.State | None = None
        self._common = Replayed()
        self._last: Host | None = None

    def run_of(self, state: kernel.State) -> Run:
        """What takes a page in under the old rules; the guests look on until both sides part."""
        self._gather()
        self.host = state
        if self.parted or state.plan is not self.old:
            return Run(state)
        self._last = Host(state, guests=self)
        return self._last

    def replayed(self) -> Replayed:
        """What the new side found by now, as long as both are at one; nothing in no events."""
        self._gather()
        if self.host is None:
            return Replayed()
        knew = {
            name: self.state if name in self.come else self.host
            for name in (*self.new.rulebook.rules, *self.host.rules)
        }
        return Replayed(
            alerts=self._common.alerts | self.alerts,
            suppressed=[*self._common.suppressed, *self.suppressed],
            knew=knew,
        )

    def _gather(self) -> None:
        """Keep what the last page brought from the rules that both sides have."""
        last, self._last = self._last, None
        if last is not None:
            for key, alert in last.alerts.items():
                if alert.rule.id not in self.gone:
                    self._common.alerts[key] = alert
            found = (each for each in last.suppressed if each.rule_id not in self.gone)
            self._common.suppressed.extend(found)

    def opened(self, memory: kernel.Memory) -> dict[str, list[triage.Open]]:
        """The open alerts as the new side has them."""
        kept = {
            key: olds for key, olds in memory.opened.items()
            if key.partition("\x1f")[0] not in self.gone
        }  # fmt: skip
        return kept | self.state.memory.opened

    def other_side(self) -> kernel.State:
        """The state of the new side, as long as both are at one; it shares what they have in common."""
        host = self.host
        assert host is not None
        memory = msgspec.structs.replace(host.memory, opened=self.opened(host.memory))
        tails: dict[str, Tail] = {
            entry.rule.id: (self.state if entry.rule.id in self.come else host).tails[entry.rule.id]
            for entry in self.new.rulebook.stateful
        }
        return kernel.State(
            memory, self.new, host.model, host.challenger, window=host.window, tails=tails
        )

    def decide(self, finding: Finding, heard_in: HeardIn) -> Iterator[Guarded | None]:
        """Decide about a guest's finding; what its alerts keep from being learned."""
        memory = self.state.memory
        if finding.rule_id not in self.come:
            return
        if workhours.microseconds(finding.time) < memory.teach_until:
            return
        telling = triage.Telling(memory.account, self.state.tell, heard_in.received_at)
        verdict = triage.decide(finding, self.state.rules, memory.opened, telling)
        if verdict.alert is None:
            self.suppressed.append(finding)
        else:
            self.alerts[verdict.alert.id] = verdict.alert
            yield guarded(finding, verdict.alert)
        yield from self.weigh((finding, verdict.alert), heard_in)

    def weigh(self, told: weighing.Telling, heard_in: HeardIn) -> Iterator[Guarded | None]:
        """Let the guests' risk scores hear of a finding, a guest's or one that both sides have."""
        for risk in [*self._audience.heard(told, heard_in.scene)]:
            yield from self.decide(risk, heard_in)


@dataclass(frozen=True, slots=True)
class HeardIn:
    """Where something was found: the page, null if time found it, and when that was received."""

    scene: Scene | None
    received_at: int


@dataclass
class Host(Run):
    """A run under the old rules that shows each hour to the guests before it learns from it."""

    guests: Guests = field(kw_only=True)

    def __post_init__(self) -> None:
        """Read what the guests read, too."""
        super().__post_init__()
        wanted = {*self.state.columns, *self.guests.state.columns}
        self.state.columns = tuple(sorted(wanted))
        self._matched: Mapping[str, np.ndarray] = {}
        self._shown = Hits()
        self._queue: list[Finding] = []
        self._effects: list[Guarded | None] = []
        self._theirs: list[Guarded | None] = []

    def match(self, frame: pl.DataFrame) -> Mapping[str, np.ndarray]:
        """The rows that the host's rules match; those of the guests are kept for them."""
        self._matched = self.guests.state.rulebook.match(frame)
        return super().match(frame)

    def _waits(self) -> bool:
        return super()._waits() or bool(self.guests.state.rulebook.waiting)

    def _learns_peers(self) -> bool:
        return super()._learns_peers() or self.guests.state.rulebook.learns_peers

    def take(self, page: Observations, hits: Mapping[str, np.ndarray]) -> None:
        """Walk a page, and the guests beside it."""
        self._shown = Hits.of(self.guests.state.rulebook, self._matched, set(page.late))
        super().take(page, hits)

    def advance(self, clock: int, *, seq: int) -> None:
        """Move the clock; what the guests find closed waits to be decided with the rest."""
        before = self.memory.clock
        if before and (before // HOUR_US + 1) * HOUR_US <= clock:
            self._queue += self._close(self.guests.state, clock // HOUR_US * HOUR_US, seq)
        super().advance(clock, seq=seq)

    def _new_day(self, day: int) -> None:
        super()._new_day(day)
        guests = self.guests.state
        for entry in guests.rulebook.stateful:
            entry.logic.forget(guests.tails[entry.rule.id], day)
        triage.close(guests.memory.opened, guests.rules, day)

    def _hour(self, page: Observations, hits: Hits, span: tuple[int, int]) -> None:
        scene = self._scene(page, span)
        self._queue += investigate(scene, self._shown, self.guests.state)
        super()._hour(page, hits, span)

    def _decide(self, findings: list[Finding]) -> None:
        mine, self._queue, self._effects, self._theirs = self._queue, [], [], []
        every = [(each, False) for each in findings] + [(each, True) for each in mine]
        for finding, is_guest in sorted(every, key=lambda each: (each[0].seq, each[0].rule_id)):
            if is_guest:
                self._theirs += self.guests.decide(finding, self._heard_in(finding))
            else:
                super()._decide([finding])
        if Counter(filter(None, self._effects)) != Counter(filter(None, self._theirs)):
            self.guests.parted = True

    def _weigh(self, finding: Finding, alert: Alert | None) -> None:
        super()._weigh(finding, alert)
        if finding.rule_id not in self.guests.gone:
            self._theirs += self.guests.weigh((finding, alert), self._heard_in(finding))

    def _heard_in(self, finding: Finding) -> HeardIn:
        return HeardIn(self._whole, self._received_at(finding.seq))

    def _guard(self, finding: Finding, alert: Alert) -> None:
        super()._guard(finding, alert)
        if finding.rule_id in self.guests.gone:
            self._effects.append(guarded(finding, alert))

    def _unless_told(self, finding: Finding) -> Finding:
        told = super()._unless_told(finding)
        declaration = self.state.declaration
        if declaration is not None and finding.rule_id == declaration.id:
            other = triage.unless_told(finding, self.guests.opened(self.memory))
            if (told.suppressed_by, told.evidence) != (other.suppressed_by, other.evidence):
                self.guests.parted = True
        return told
