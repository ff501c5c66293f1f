"""Absence: what regularly happens has stopped.

It is judged by the event clock, and only up to where every feed that the thing was seen in is
known to be complete: a feed that is late, broken or quiet never looks like absence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar, Final, Literal

from pydantic import Field

from detector import events, workhours
from detector.findings import Finding, Level, Subject, SubjectType
from detector.observations import PROMPT_US
from detector.rule import Rule
from detector.rule_types import subjects
from detector.rule_types.base import HourlyBehavior, Moment, Scene, Tail, Told, one_event
from detector.rule_types.cadence import (
    AbsenceTail,
    Cadence,
    Presence,
    hour_of,
)
from detector.rule_types.notes import Note
from detector.wording import plural
from detector.workhours import HOUR_US

ALLOWANCE_US: Final = PROMPT_US
"""How long late events are waited for."""
LEAST_HOURS: Final = 2
"""Fewer usual hours without it are never a silence."""
_SPAN: Final = r"^(\d+d(\d+h)?|\d+h)$"


class Absence(HourlyBehavior):
    """Something that happens regularly was not seen for much longer than it ever pauses.

    Its usual hours of the week and its longest usual pause are learned (14 days, on 10 of them at
    least). Silence is counted in usual hours, so that nights, weekends and holidays of what rests
    then are none; it is too long at `times` the pause, or after `for`. Said once; when it is back,
    or an event that came late shows that it was never away, the alert is set right.
    """

    columns: ClassVar[tuple[str, ...]] = (
        "user.email", "user.name", "source.ip", "session.id", "event.feed",
    )  # fmt: skip
    tail: ClassVar[type[Tail]] = AbsenceTail
    waits: ClassVar[bool] = True

    type: Literal["absence"]
    times: float = Field(
        default=3.0,
        ge=1.5,
        le=100,
        description="So many times the longest usual pause is too long.",
    )
    after: str | None = Field(
        default=None,
        alias="for",
        pattern=_SPAN,
        description="Instead: so long without it, on its usual days, is too long, like 6h or 2d12h.",
    )

    @cached_property
    def after_hours(self) -> int | None:
        """The declared silence in hours, null if none is."""
        if self.after is None:
            return None
        units = {unit: int(count) for count, unit in re.findall(r"(\d+)([dh])", self.after)}
        return max(1, 24 * units.get("d", 0) + units.get("h", 0))

    @cached_property
    def of_people(self) -> bool:
        """Whether what is missed is what a person or program does."""
        return self.group_by[0] in subjects.ACTORS

    def reads(self) -> frozenset[str]:
        """Event columns that this very rule reads, beside `columns`."""
        return subjects.COLUMNS | frozenset(self.group_by) & frozenset(events.SCHEMA)

    def watch(self, rule: Rule, scene: Scene, rows: Sequence[int], tail: Any) -> Iterator[Finding]:
        """Note what happened; set right what was told of what is back."""
        name_in = subjects.naming(scene, self.group_by[0])
        for row in rows:
            name = name_in(row)
            if name is None:
                continue
            time, present = scene.page.times[row], tail.present.get(name)
            if present is None:
                present = tail.begin(name, self._began(scene, row, name))
            if scene.notes is not None:
                scene.notes.add(self._note(rule, row, present))
            present.mark(hour_of(time))
            present.feeds[scene.page.columns["event.feed"][row]] = None
            if time > present.last:
                if present.told:
                    yield self._back(rule, scene, row, present)
                page = scene.page
                present.see(time, page.ids[row], page.seqs[row])

    def _began(self, scene: Scene, row: int, name: str) -> Presence:
        page, subject = scene.page, subjects.subject_of(scene, row, self.group_by[0], name)
        about = (str(subject.type), subject.id, subject.email, subject.name)
        time = page.times[row]
        return Presence(
            time, page.ids[row], page.seqs[row], about,
            first_day=time // workhours.DAY_US, upto=hour_of(time) + 1,
        )  # fmt: skip

    def _back(self, rule: Rule, scene: Scene, row: int, present: Presence) -> Finding:
        """It is back; or it was never away, and the event that shows it came late."""
        time = scene.page.times[row]
        silent = (time - present.last) // HOUR_US
        return replace(
            one_event(scene, row, rule, _subject_of(present)),
            level=Level.INFORMATIONAL,
            event_ids=(present.last_id, scene.page.ids[row]),
            event_seqs=(present.last_seq, scene.page.seqs[row]),
            session=_thread(present),
            amends=True,
            evidence=self._evidence(present)
            | {
                "back_at": f"{workhours.instant(time):%Y-%m-%dT%H:%M:%SZ}",
                "silent_hours": silent,
                "came_late": time <= present.told,
            },
        )

    def close(self, rule: Rule, moment: Moment, tail: Any) -> Iterator[Finding]:
        """Full hour: count the hours that are over without it, and tell what is missed."""
        for present in tail.present.values():
            cadence = present.cadence
            if cadence is None or present.told:
                continue
            until = _complete(present, moment.complete)
            while present.upto < until and not present.told:
                self._count(moment, present, cadence)
            if present.told:
                yield self._found(rule, moment, present)

    def _count(self, moment: Moment, present: Presence, cadence: Cadence) -> None:
        """One more hour without it."""
        hour = present.upto
        present.upto += 1
        if cadence.rests and _is_holiday(moment, hour, present):
            return
        present.waited += cadence.works_on(hour)
        present.counted += cadence.is_usual(hour)
        if self._is_too_long(present, cadence):
            present.told = present.upto * HOUR_US

    def _is_too_long(self, present: Presence, cadence: Cadence) -> bool:
        hours, limit = self.silence(present, cadence)
        return hours >= limit and (self.after is None or present.counted > cadence.pause)

    def silence(self, present: Presence, cadence: Cadence) -> tuple[int, int]:
        """How many hours count as silence by now, and how many are too many."""
        if self.after_hours is not None:
            return present.waited, self.after_hours
        return present.counted, self.limit(cadence)

    def limit(self, cadence: Cadence) -> int:
        """So many usual hours without it are too many, where no time is declared."""
        return max(LEAST_HOURS, round(self.times * max(1, cadence.pause)))

    def _found(self, rule: Rule, moment: Moment, present: Presence) -> Finding:
        time, cadence = workhours.instant(present.told), present.cadence
        over = present.counted / max(1, cadence.pause if cadence else 1)
        return Finding(
            rule_id=rule.id,
            level=rule.level,
            rarity=round(min(0.9, 0.2 + over / 20), 3),
            subject=_subject_of(present),
            time=time,
            first_time=workhours.instant(present.last),
            seq=moment.seq,
            event_ids=(present.last_id,),
            event_seqs=(present.last_seq,),
            session=_thread(present),
            # It names the last event before the silence, which is no part of it.
            news=0,
            evidence=self._evidence(present)
            | {"silent_hours": (present.told - present.last) // HOUR_US},
        )

    def _evidence(self, present: Presence) -> dict[str, Any]:
        cadence = present.cadence
        return {
            "last_seen": f"{workhours.instant(present.last):%Y-%m-%dT%H:%M:%SZ}",
            "usual_hours_missed": present.counted,
            "pause_hours": cadence.pause if cadence else 0,
            "usual_days": len(present.days),
            "rests": bool(cadence and cadence.rests),
            "feeds": sorted(present.feeds),
            "allowed": self.after,
        }

    def _note(self, rule: Rule, row: int, present: Presence) -> Note:
        """What silence after this event would be too long."""
        cadence = present.cadence
        if cadence is None:
            sees = f"nothing is usual yet: seen on {plural(len(present.days), 'day')}"
            return Note(rule.id, row, False, "a silence after what happens regularly", sees)
        wants = f"{self.limit(cadence)} usual hours or more without it, before this event"
        if self.after is not None:
            wants = f"{self.after} without it on its usual days, before this event"
        sees = f"{present.counted}; its longest usual pause is {plural(cadence.pause, 'hour')}"
        gap = float(present.counted - self.limit(cadence)) if self.after is None else None
        return Note(rule.id, row, bool(present.told), wants, sees, gap, "usual hours")

    def forget(self, tail: Any, clock: int) -> None:
        """Midnight: learn what is usual anew, and drop what did not happen for weeks."""
        tail.forget(clock)

    @staticmethod
    def tell(who: str, evidence: dict[str, Any]) -> Told:
        """What has stopped, since when, and how long it usually pauses."""
        last, silent = _time(evidence["last_seen"]), plural(evidence["silent_hours"], "hour")
        why = [
            f"+ seen on {plural(evidence['usual_days'], 'day')} of the last weeks, and never longer "
            f"away than {plural(evidence['pause_hours'], 'usual hour')}, but for once",
            f"+ {plural(evidence['usual_hours_missed'], 'usual hour')} have passed without it",
        ]
        if evidence["rests"]:
            why.append("- it rests at weekends; these, and holidays, are not counted")
        if "back_at" not in evidence:
            return Told(f"{who} was not seen since {last}: {silent} of silence", tuple(why))
        back = _time(evidence["back_at"])
        if evidence["came_late"]:
            summary = f"No longer so: {who} was seen at {back}; the event came late"
            return Told(summary, (f"- an event of {back} came late", *why))
        summary = f"{who} is back since {back}, after {silent} of silence"
        return Told(summary, (f"- it is back since {back}", *why))


def _time(text: str) -> str:
    time = datetime.fromisoformat(text)
    return f"{time:%a} {time.day} {time:%b %H:%M} UTC"


def _subject_of(present: Presence) -> Subject:
    kind, name, email, full_name = present.subject
    return Subject(SubjectType(kind), name, email, full_name)


def _thread(present: Presence) -> str:
    """What ties the word that it is back to the alert that it was away."""
    return f"absence of {present.subject[1]}"


def _complete(present: Presence, complete: Mapping[str, int]) -> int:
    """The hour up to which all is known of the feeds that something was seen in."""
    ends = [complete.get(feed, 0) for feed in present.feeds]
    return (min(ends, default=0) - ALLOWANCE_US) // HOUR_US


def _is_holiday(moment: Moment, hour: int, present: Presence) -> bool:
    zone = moment.facts.zone_of(present.subject[1])
    day = workhours.local(zone, hour * HOUR_US).date()
    return moment.known.holiday(day, zone) is not None
