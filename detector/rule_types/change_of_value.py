"""Change of value: what is usually stable about somebody or something is another one now.

Going back to what is known is no change, so a value that alternates between a few is quiet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Final, Literal

from pydantic import Field

from detector import events
from detector.findings import Finding
from detector.persons import verdict
from detector.rule import Rule
from detector.rule_types import subjects
from detector.rule_types.base import HourlyBehavior, Scene, Tail, Told, one_event
from detector.rule_types.learning import LEARNING, sleeps, strong_facts
from detector.rule_types.notes import Note
from detector.rule_types.novelty import NAMES, also_new, combining, evidence, named, said
from detector.rule_types.seen import TOLD_US
from detector.rule_types.standing import (
    MOST_VALUES,
    Before,
    Standing,
    StandingTail,
    before,
    begin,
)
from detector.wording import plural
from detector.workhours import DAY_US

RESTLESS: Final = "restless"
"""The rung of what has changed too often lately to have a stable value."""
MOST_CHANGES: Final = 2
"""So many other values that began within `stable-for` are restless."""
_SPAN: Final = r"^\d+d$"


@dataclass(frozen=True, slots=True)
class _Change:
    """The value that stood, what stands against telling it, and by how much."""

    old: Before
    rung: str | None
    margin: float | None


class ChangeOfValue(HourlyBehavior):
    """A field, or a combination of fields, that was stable for long has another value.

    What is stable: the value that stood before was shown `least` times and since `stable-for`.
    The first value only teaches, a missing one means nothing, and going back to a value that is
    known is no change. A change that was told is known after 14 days and two further days of it,
    or by a verdict; what changes twice within `stable-for` is restless and held back.
    """

    columns: ClassVar[tuple[str, ...]] = (
        "user.email", "user.name", "source.ip", "source.as.name", "session.id", "event.category",
    )  # fmt: skip
    tail: ClassVar[type[Tail]] = StandingTail
    kept_by: ClassVar[tuple[str, ...]] = ("group_by", "fields")

    type: Literal["change_of_value"]
    fields: tuple[str, ...] = Field(
        min_length=1, description="Fields whose value, or combination of values, is stable."
    )
    stable_for: str = Field(
        default="14d",
        alias="stable-for",
        pattern=_SPAN,
        description="So long the value before must have been known.",
    )
    least: int = Field(
        default=10, ge=1, description="So often the value before must have been seen."
    )
    remember: str = Field(
        default="90d", pattern=_SPAN, description="A value not seen for this long is forgotten."
    )

    @cached_property
    def stable_us(self) -> int:
        """How long a value must have stood, in microseconds."""
        return int(self.stable_for[:-1]) * DAY_US

    @cached_property
    def of_people(self) -> bool:
        """Whether the entity is the acting person."""
        return self.group_by[0] in subjects.ACTORS

    def reads(self) -> frozenset[str]:
        """Event columns that this very rule reads, beside `columns`."""
        return subjects.COLUMNS | frozenset({*self.group_by, *self.fields}) & frozenset(
            events.SCHEMA
        )

    def watch(self, rule: Rule, scene: Scene, rows: Sequence[int], tail: Any) -> Iterator[Finding]:
        """Compare each event's value with what its entity showed before."""
        value_in, name_in = combining(scene, self.fields), subjects.naming(scene, self.group_by[0])
        for row in rows:
            entity, value = name_in(row), value_in(row)
            if entity is None or value is None:
                continue
            known = tail.of(entity)
            own = known.get(value)
            if own is not None and not own.told and scene.notes is None:
                # Nobody was ever told of it, so it is known.
                own.see(scene.page.times[row])
            else:
                yield from self._see(rule, scene, (row, entity, value), known)

    def _see(
        self, rule: Rule, scene: Scene, at: tuple[int, str, str], known: dict[str, Standing]
    ) -> Iterator[Finding]:
        (row, entity, value), own = at, known.get(at[2])
        time, change = scene.page.times[row], None
        if own is None or self._is_news(scene, entity, own, time):
            change = self._change(scene, at, known)
        if scene.notes is not None:
            scene.notes.add(self._note(rule, row, (value, own, known), change))
        told = time if change is not None and change.rung is None else 0
        if own is None:
            begin(known, value, Standing(time, time, told=told))
        else:
            own.see(time)
            if told > own.told:
                own.told, own.days = told, 1
        if change is not None:
            yield self._found(rule, scene, at, (change, len(known)))

    def _is_news(self, scene: Scene, entity: str, own: Standing, time: int) -> bool:
        """Whether a value that was seen before is no more known than a new one.

        What was told is told again if nobody has accepted it for long; and an event that came
        late, from before the one that was told, is the change itself.
        """
        if self._accepts(scene, entity, own, time):
            return False
        return time < own.first or time - own.told >= TOLD_US

    def _accepts(self, scene: Scene, entity: str, standing: Standing, time: int) -> bool:
        """Whether a value is known at a time, or still guarded because somebody was told of it."""
        judged = scene.facts.judged.get(entity, ()) if self.of_people else ()
        return standing.is_accepted(time, said=verdict(judged, standing.told))

    def _change(
        self, scene: Scene, at: tuple[int, str, str], known: dict[str, Standing]
    ) -> _Change | None:
        """The change that an unknown value is; null if nothing stood before it."""
        (row, entity, value), time = at, scene.page.times[at[0]]
        if len(known) >= MOST_VALUES:
            return None
        others = before(known, value, time)
        accepted = [each for each in others if self._accepts(scene, entity, each.standing, time)]
        if not accepted:
            return None
        stood = accepted[-1]
        standing = stood.standing
        rung, margin = self._rung(standing, time)
        if rung is not None and not sleeps(strong_facts(scene, row)):
            rung, margin = None, None
        lately = sum(time - each.standing.first < self.stable_us for each in others)
        if rung is None and lately >= MOST_CHANGES:
            rung, margin = RESTLESS, float(lately - MOST_CHANGES + 1)
        return _Change(stood, rung, margin)

    def _rung(self, standing: Standing, time: int) -> tuple[str | None, float | None]:
        """Too little is known of the value that stood; by so many days or sightings."""
        days = (self.stable_us - (time - standing.first)) / DAY_US
        left = max(days, float(self.least - standing.count))
        return (LEARNING, round(left, 1)) if left > 0 else (None, None)

    def _note(
        self,
        rule: Rule,
        row: int,
        seen: tuple[str, Standing | None, dict[str, Standing]],
        change: _Change | None,
    ) -> Note:
        """Say which value was shown, and what stood before it."""
        value, own, known = seen
        wants = f"another value of {named(self.fields)} than stood for {self.stable_for} before"
        if change is not None:
            old = change.old
            days = (old.last - old.standing.first) / DAY_US
            sees = (
                f"{said(self.fields, value)}; before it {said(self.fields, old.value)}, "
                f"{plural(old.standing.count, 'time')} in {plural(days, 'day')}"
            )
            return Note(rule.id, row, change.rung is None, wants, sees)
        if own is not None:
            since = plural(own.days, "day")
            sees = f"{said(self.fields, value)}, which is known: seen on {since} before"
        elif known:
            sees = f"{said(self.fields, value)}, and nothing stands that is known"
        else:
            sees = f"{said(self.fields, value)}, the first value that was ever seen"
        return Note(rule.id, row, False, wants, sees)

    def _found(
        self, rule: Rule, scene: Scene, at: tuple[int, str, str], what: tuple[_Change, int]
    ) -> Finding:
        (row, entity, value), (change, values), time = at, what, scene.page.times[at[0]]
        old, first = change.old, change.old.standing.first
        also = also_new(scene, row, entity, self.fields) if self.of_people else []
        stood_days = (time - first) / DAY_US
        actor = scene.text("user.email", row) or scene.text("user.id", row)
        return replace(
            one_event(scene, row, rule, subjects.subject_of(scene, row, self.group_by[0], entity)),
            level=rule.level.raised(int(len(also) >= 2)),
            rarity=round(min(0.9, 0.3 + stood_days / 150 + 0.1 * len(also)), 3),
            evidence=evidence(scene, row, entity, self.fields)
            | {
                "value": value,
                "before": old.value,
                "stood_days": round(stood_days, 1),
                "seen_times": old.standing.count,
                "quiet_days": round((time - old.last) / DAY_US, 1),
                "known_values": values,
                "also_new": also,
                "of": None if self.of_people else entity,
                "actor": None if self.of_people else actor,
            },
            suppressed_by=change.rung,
            margin=change.margin,
        )

    def forget(self, tail: Any, clock: int) -> None:
        """Drop values that were not seen for `remember`."""
        tail.forget(clock, int(self.remember[:-1]) * DAY_US)

    @staticmethod
    def tell(who: str, evidence: dict[str, Any]) -> Told:
        """What changed into what, how long the value before stood and how often it was seen."""
        fields = tuple(evidence["fields"])
        old, new = said(fields, evidence["before"]), said(fields, evidence["value"])
        where = f", {evidence['place']}" if evidence.get("place") else ""
        summary = f"{who}: {named(fields)} changed from {old} to {new}"
        summary += f" (by {evidence['actor']}{where})" if evidence.get("actor") else ""
        stood, times = plural(evidence["stood_days"], "day"), evidence["seen_times"]
        why = [f"+ {old} stood for {stood} and was seen {plural(times, 'time')}"]
        why += [f"+ also new: {NAMES.get(each, each)}" for each in evidence["also_new"]]
        if evidence["known_values"] > 2:
            known = plural(evidence["known_values"] - 1, "other value")
            why.append(f"- {known} of it are known, so it is not the first change")
        if evidence["quiet_days"] >= 1:
            why.append(f"- {old} was not seen for the last {plural(evidence['quiet_days'], 'day')}")
        return Told(summary, tuple(why))
