"""Rare value: not only the first time, but as long as hardly anybody shows it.

How rare is a share: of the person's own days, of the people with the same work, or of everybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, Final, Literal

from pydantic import Field

from detector import events
from detector.findings import Finding
from detector.peers import LEARNED
from detector.persons import verdict
from detector.rule import Rule
from detector.rule_types import subjects
from detector.rule_types.base import HourlyBehavior, Scene, Tail, Told, one_event
from detector.rule_types.learning import LEARNING, sleeps, strong_facts
from detector.rule_types.notes import Note
from detector.rule_types.novelty import (
    DEED,
    NAMES,
    also_new,
    combining,
    evidence,
    named,
    said,
    whose,
)
from detector.rule_types.paces import LEAST_PEERS
from detector.rule_types.rarity import Share, share_of
from detector.rule_types.seen import TOLD_US
from detector.rule_types.shares import MOST_VALUES, ShareTail, Shower, needed
from detector.rule_types.standing import Standing
from detector.wording import plural
from detector.workhours import DAY_US

HABIT_DAYS: Final = 3
"""What somebody has shown on so many days is no rarity with them, whoever else shows it."""
TOLD_BEFORE: Final = "told-before"
_SPAN: Final = r"^\d+d$"


class RareValue(HourlyBehavior):
    """A value, or a combination of values, that is rare: its share lies below `rare-below`.

    The share is that of days (`among: person`), of the people of the group that people.yml states
    (`among: peers`; where that has fewer than 8, of everybody, or with `peers: learned` of learned
    peers and else not judged), or of everybody (`account`),
    by Laplace's rule (n + 1) / (N + 2), which is never small where little is known. Nothing that a
    day shows counts before midnight. What the person showed on three days, or a person called harmless, is a habit.
    """

    columns: ClassVar[tuple[str, ...]] = (
        "user.email", "user.name", "source.ip", "source.as.name", "session.id", "event.category",
    )  # fmt: skip
    tail: ClassVar[type[Tail]] = ShareTail
    kept_by: ClassVar[tuple[str, ...]] = ("group_by", "fields")

    type: Literal["rare_value"]
    fields: tuple[str, ...] = Field(
        min_length=1, description="Fields whose value, or combination of values, is rare."
    )
    among: Literal["person", "peers", "account"] = Field(
        default="account",
        description="Whose share: the person's own days, people of the same group, or everybody.",
    )
    peers: Literal["stated", "learned"] = Field(
        default="stated",
        description="Who the people of the same group are: those whom people.yml states, or else "
        "(learned) those who use the same vaults.",
    )
    rare_below: float = Field(
        default=0.02,
        alias="rare-below",
        gt=0,
        le=0.5,
        description="A smaller share of the days or people is rare.",
    )
    least: int = Field(
        default=20, ge=1, description="Of fewer days or people nothing is said to be rare."
    )
    remember: str = Field(
        default="90d", pattern=_SPAN, description="A value not seen for this long is forgotten."
    )

    @property
    def learns_peers(self) -> bool:
        """Whether it compares people with peers whom nobody stated."""
        return self.among == "peers" and self.peers == LEARNED

    @cached_property
    def enough(self) -> int:
        """So many days or people make a rare value possible."""
        return max(self.least, needed(self.rare_below))

    @cached_property
    def of_people(self) -> bool:
        """Whether the subject is the acting person."""
        return self.group_by[0] in subjects.ACTORS

    def reads(self) -> frozenset[str]:
        """Event columns that this very rule reads, beside `columns`."""
        named_here = frozenset({*self.group_by, *self.fields})
        return subjects.COLUMNS | named_here & frozenset(events.SCHEMA)

    def watch(self, rule: Rule, scene: Scene, rows: Sequence[int], tail: Any) -> Iterator[Finding]:
        """Judge each value once a day; what was shown counts from the next midnight on."""
        value_in, name_in = combining(scene, self.fields), subjects.naming(scene, self.group_by[0])
        times, asks = scene.page.times, scene.notes is not None or scene.known.has_groups
        for row in rows:
            name, value = name_in(row), value_in(row)
            if name is None or value is None:
                continue
            is_news = tail.show(name, value, times[row] // DAY_US)
            if asks or (is_news and not tail.is_habit(name, value, HABIT_DAYS)):
                yield from self._judge(rule, scene, (row, name, value), (tail, is_news))

    def _judge(
        self, rule: Rule, scene: Scene, at: tuple[int, str, str], seen: tuple[ShareTail, bool]
    ) -> Iterator[Finding]:
        (row, name, value), (tail, is_news), time = at, seen, scene.page.times[at[0]]
        if not is_news and scene.notes is None:
            return
        shower = tail.shower(name)
        if scene.known.has_groups:
            shower.group = scene.known.group(scene.text("user.email", row))
        own = self._own(scene, at, tail, shower)
        if own >= HABIT_DAYS and scene.notes is None:
            return
        share = share_of(scene.facts, tail, (name, value), (self.among, self.peers))
        is_rare = self._is_rare(share, own)
        if scene.notes is not None:
            scene.notes.add(self._note(rule, row, value, (share, own, is_news)))
        if not is_news:
            return
        if not is_rare:
            self._guard(scene, at, shower)
            return
        rung, margin = self._rung(scene, row, share)
        if rung is not None and share.of < LEAST_PEERS:
            return
        old = shower.guarded.get(value)
        if rung is None and old is not None and time - old.told < TOLD_US:
            rung, margin = TOLD_BEFORE, round((TOLD_US - abs(time - old.told)) / DAY_US, 1)
        elif rung is None and len(shower.guarded) < MOST_VALUES:
            shower.guarded[value] = Standing(time, time, told=time)
        yield self._found(rule, scene, at, (share, own, (rung, margin)))

    def _own(self, scene: Scene, at: tuple[int, str, str], tail: ShareTail, shower: Shower) -> int:
        """On how many days before the value was shown; a guarded one that is harmless counts."""
        _, name, value = at
        old = shower.guarded.get(value)
        if old is not None and self.of_people:
            judged = scene.facts.judged.get(name, ())
            if verdict(judged, old.told):
                old.days = max(HABIT_DAYS, old.days)
                tail.accept(shower, value)
        return shower.days_of(value)

    def _guard(self, scene: Scene, at: tuple[int, str, str], shower: Shower) -> None:
        """Learn nothing new about somebody who is near to an alert."""
        (_, name, value), time = at, scene.page.times[at[0]]
        unknown = value not in shower.values and value not in shower.guarded
        if unknown and scene.facts.was_suspect(name, time) and len(shower.guarded) < MOST_VALUES:
            shower.guarded[value] = Standing(time, time, told=time)

    def _is_rare(self, share: Share, own: int) -> bool:
        """Whether a value is rare; of too few people, one that nobody of them shows."""
        if own >= HABIT_DAYS:
            return False
        return share.size < self.rare_below if share.of >= self.enough else not share.count

    def _rung(self, scene: Scene, row: int, share: Share) -> tuple[str | None, float | None]:
        """Too few days or people are known, by so many; two strong facts need no more."""
        if share.of >= self.enough or not sleeps(strong_facts(scene, row)):
            return None, None
        return LEARNING, float(self.enough - share.of)

    def _note(self, rule: Rule, row: int, value: str, seen: tuple[Share, int, bool]) -> Note:
        """Say how rare the value is, and how rare it must be."""
        share, own, is_news = seen
        holds = self._is_rare(share, own) and is_news
        wants = (
            f"a value of {named(self.fields)} with a share below {self.rare_below:.1%}, "
            f"which is no habit of {HABIT_DAYS} days"
        )
        sees = f"{said(self.fields, value)}: seen {share.words}, a share of {share.size:.1%}"
        sees += f"; by this one on {plural(own, 'day')}" if share.among != "person" else ""
        sees += "" if is_news else "; it was judged today already"
        gap = round(100 * (self.rare_below - share.size), 1)
        return Note(rule.id, row, holds, wants, sees, gap, "percentage points")

    def _found(
        self,
        rule: Rule,
        scene: Scene,
        at: tuple[int, str, str],
        judged: tuple[Share, int, tuple[str | None, float | None]],
    ) -> Finding:
        (row, name, value), (share, own, (rung, margin)) = at, judged
        also = also_new(scene, row, name, self.fields) if self.of_people else []
        actor = scene.text("user.email", row) or scene.text("user.id", row)
        return replace(
            one_event(scene, row, rule, subjects.subject_of(scene, row, self.group_by[0], name)),
            level=rule.level.raised(int(len(also) >= 2)),
            rarity=round(min(0.9, max(0.1, 1 - share.size / self.rare_below)), 3),
            evidence=evidence(scene, row, name, self.fields)
            | {
                "value": value,
                "share": round(share.size, 4),
                "shown": share.words,
                "own_days": own,
                "among": share.among,
                "also_new": also,
                "actor": None if self.of_people else actor,
            },
            suppressed_by=rung,
            margin=margin,
        )

    def forget(self, tail: Any, clock: int) -> None:
        """Midnight: let what was shown count, and drop what was not seen for `remember`."""
        tail.settle(clock, int(self.remember[:-1]) * DAY_US)

    @staticmethod
    def tell(who: str, evidence: dict[str, Any]) -> Told:
        """What is rare, and who shows it."""
        fields = tuple(evidence["fields"])
        what = said(fields, evidence["value"])
        where = f", from {evidence['place']}" if evidence.get("place") else ""
        by = f" (by {evidence['actor']})" if evidence.get("actor") else ""
        named_so = "" if fields == DEED else f"{named(fields)} "
        summary = f"{who}{by}: {named_so}{what}{where}; it was seen {evidence['shown']}"
        why = [f"+ {what} is rare: a share of {evidence['share']:.1%} (smoothed)"]
        if evidence["own_days"] and evidence["among"] != "person":
            why.append(f"- before, it was seen here on {plural(evidence['own_days'], 'day')}")
        why += [
            f"+ also new for this person: {NAMES.get(each, each)}" for each in evidence["also_new"]
        ]
        why += whose(evidence)
        return Told(summary, tuple(why))
