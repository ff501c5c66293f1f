"""When the risk of an entity alarms, when that is over, and when it is no news.

A finding is judged at its own event time. One that came late is also judged together with each
sign after it, so that what would have been found on time is found when it comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from operator import attrgetter
from typing import Final

from detector import workhours
from detector.findings import Finding, Level
from detector.rule import Rule
from detector.rule_types import risk_words
from detector.rule_types.entity_risk import EntityRisk
from detector.rule_types.signs import Alarm, Entity, Sum, events

MOST_EVENTS: Final = 100
TOLD_BY_RULE: Final = "told-by-rule"
"""The rung of a risk of which somebody was told as loud by one of its parts."""
TOLD_BEFORE: Final = "told-before"
"""The rung of a risk that was told, has not fallen since, and is no worse."""


@dataclass(frozen=True, slots=True)
class Alarms:
    """A risk rule, the rule as others see it, and every rule by its id for the words."""

    rule: Rule
    risk: EntityRisk
    rules: Mapping[str, Rule]

    def calm_down(self, entity: Entity, time: int) -> None:
        """End an alarm if the sum has fallen far enough by a time."""
        low = self.risk.release * self.risk.threshold
        if entity.alarm is None or time < entity.alarm.time:
            return
        if self.risk.fading.sum(entity, time).score < low:
            entity.alarm = None

    def judge(self, entity: Entity, finding: Finding) -> Finding | None:
        """What there is to say of an entity after it got a sign of a finding; null if nothing.

        As long as an alarm lasts, whatever is added belongs to it, and raises it only if it is enough.
        """
        time = workhours.microseconds(finding.time)
        later = {sign.time for _, sign in entity.every() if sign.time > time}
        sums = {at: self.risk.fading.sum(entity, at) for at in (time, *sorted(later))}
        enough = [at for at in sums if self.risk.holds(sums[at])]
        if not enough and (later or entity.alarm is None):
            return None
        at = max(enough or [time], key=lambda at: (sums[at].score, -at))
        found = self._found(entity, at, sums[at], finding.seq)
        found = self._unless_known(self._unless_told(found, entity, at), entity, at)
        if found.suppressed_by is None:
            before = entity.alarm or Alarm(at, found.level.rank)
            entity.alarm = Alarm(max(at, before.time), max(found.level.rank, before.rank))
        return found

    def recant(self, entity: Entity, finding: Finding) -> Finding | None:
        """What sets the alert right if what an entity is left with was never enough; else null."""
        times = sorted({sign.time for _, sign in entity.every()})
        sums = {at: self.risk.fading.sum(entity, at) for at in times}
        if entity.alarm is None or any(map(self.risk.holds, sums.values())):
            return None
        entity.alarm = None
        at = max([workhours.microseconds(finding.time), *times])
        found = self._found(entity, at, self.risk.fading.sum(entity, at), finding.seq)
        evidence = found.evidence | {"taken_back": True}
        return replace(found, level=Level.INFORMATIONAL, rarity=0.0, evidence=evidence, amends=True)

    def _found(self, entity: Entity, at: int, seen: Sum, seq: int) -> Finding:
        counted = [sign for _, sign in entity.every() if self.risk.fading.points(sign, at) > 0]
        ids, seqs = events(counted, MOST_EVENTS)
        over, high = seen.score / self.risk.threshold, self.risk.raise_at
        holds = self.risk.holds(seen)
        worse = holds and over >= high
        rarity = 1 - high / over if worse else (over - 1) / (high - 1) if holds else 0.0
        return Finding(
            rule_id=self.rule.id,
            level=self.rule.level.raised(1) if worse else self.rule.level,
            rarity=min(0.99, rarity),
            subject=entity.subject,
            time=workhours.instant(at),
            first_time=workhours.instant(min([at, *(sign.time for sign in counted)])),
            seq=seq,
            event_ids=ids,
            event_seqs=seqs,
            evidence=risk_words.evidence(seen, self.rules) | self.risk.asked,
            session=f"risk of {entity.subject.id}",
        )

    def _unless_told(self, found: Finding, entity: Entity, at: int) -> Finding:
        """The finding, held back if it is no news: somebody was told as loud of a part of it, and
        what nobody was told of is not enough by itself."""
        fading = self.risk.fading
        told = [
            sign
            for _, sign in entity.every()
            if sign.told >= found.level.rank and fading.points(sign, at) > 0
        ]
        if not told or self.risk.holds(fading.sum(entity, at, lambda sign: sign.told < 0)):
            return found
        newest = max(told, key=attrgetter("time", "seqs"))
        evidence = found.evidence | {"told_by": newest.alert}
        return replace(found, suppressed_by=TOLD_BY_RULE, evidence=evidence)

    def _unless_known(self, found: Finding, entity: Entity, at: int) -> Finding:
        """The finding, held back if its alert takes no more and it is no worse than what that told."""
        alarm, quiet = entity.alarm, self.rule.fold_for // timedelta(microseconds=1)
        if found.suppressed_by is not None or alarm is None or at - alarm.time <= quiet:
            return found
        known = found.level.rank <= alarm.rank
        return replace(found, suppressed_by=TOLD_BEFORE) if known else found
