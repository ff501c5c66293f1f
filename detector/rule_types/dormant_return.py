"""Dormant return: an account, person or program, acts again after a long silence.

An account that was never seen is dormant, too, if we have watched for long enough and nobody
was seen to invite, provision or activate it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, Final, Literal

import numpy as np
from pydantic import Field

from detector.findings import Finding, Level
from detector.observations import CLIENT, COUNTRY, NETWORK, PLACE
from detector.rule import Rule
from detector.rule_types import aftermath
from detector.rule_types.base import HourlyBehavior, Scene, Tail, Told, one_event, walk
from detector.rule_types.notes import Note
from detector.wording import client, place, plural
from detector.workhours import DAY_US

PROVISIONING: Final = {
    "user": frozenset(
        [
            "create",
            "provsn",
            "activate",
            "join",
            "verify",
            "sendts",
            "resendts",
            "convert",
            "upguest",
        ]
    ),
    "invite": frozenset({"create", "update"}),
}
"""Audited actions that say that an account begins, or begins again, on purpose."""
EXPECT_US: Final = 180 * DAY_US
"""So long after an invitation a first appearance is no surprise."""


class DormantTail(Tail, dict=True):
    """When watching began, who is expected, and who has returned in the last hour."""

    began: int = 0
    expected: dict[str, int] = {}
    """By user id or e-mail, when somebody was last invited, provisioned or activated."""
    suspicions: dict[str, aftermath.Suspicion] = {}

    def __post_init__(self) -> None:
        """Make what is not stored: the people of a page, and which of them may return in it."""
        self.returning = np.empty(0, dtype=np.int64), np.empty(0, dtype=bool)


class DormantReturn(HourlyBehavior):
    """The first act of an account after `quiet` days of silence, or ever, if nobody announced it.

    Alone it is low; new surroundings, or what it goes on to do, raise it.
    """

    columns: ClassVar[tuple[str, ...]] = (
        "user.email", "user.name", "event.action", "object.type", "object.id", "target.id",
        "target.email", "aux.info", "source.ip", "session.id",
    )  # fmt: skip
    tail: ClassVar[type[Tail]] = DormantTail

    type: Literal["dormant_return"]
    quiet: str = Field(
        default="30d", pattern=r"^\d+d$", description="So many days without any act are dormant."
    )

    @cached_property
    def quiet_us(self) -> int:
        """The silence in microseconds."""
        return int(self.quiet[:-1]) * DAY_US

    def watch(self, rule: Rule, scene: Scene, rows: Sequence[int], tail: Any) -> Iterator[Finding]:
        """Judge the silence before each event; note who is announced."""
        kinds = scene.page.columns["object.type"]
        announcing = [row for row in (*rows, *scene.sensitive) if kinds[row] in PROVISIONING]
        early = _early(scene, rows, tail)
        silent = rows if early or scene.notes is not None else self._silent(scene, rows, tail)
        sensitive = aftermath.may_follow(tail.suspicions, scene, silent)
        for row, (matched, announces, follows, _) in walk(silent, announcing, sensitive, early):
            time = scene.page.times[row]
            tail.began = min(tail.began or time, time)
            if follows:
                yield from aftermath.followed(tail.suspicions, scene, row, Level.HIGH)
            announced = _announced(scene, row) if announces else ()
            for who in announced:
                tail.expected[who] = max(time, tail.expected.get(who, 0))
            name = scene.page.people[row]
            if matched and name is not None and not announced:
                yield from self._judge(rule, scene, (row, name), tail)

    def _silent(self, scene: Scene, rows: Sequence[int], tail: DormantTail) -> Sequence[int]:
        """The rows of those who may return after a long silence."""
        who, returning = tail.returning
        if who is not scene.page.who:
            returning = self._returning(scene)
            tail.returning = scene.page.who, returning
        if not rows or not returning.any():
            return ()
        found: list[int] = np.array(rows)[returning[scene.page.who[rows]]].tolist()
        return found

    def _returning(self, scene: Scene) -> np.ndarray:
        """Of each of the people of a page, whether any of their rows may come after a long silence.

        It stays so for the page: who acts in it is silent for less from then on. The last place
        is that of nobody.
        """
        page, known = scene.page, scene.facts.people
        newest = np.full(len(page.names) + 1, -1)
        np.maximum.at(newest, page.who, page.time_us)
        people = [known.get(name) for name in page.names]
        acted = np.array([0 if person is None else person.last for person in people])
        newest[:-1] -= acted
        newest[-1] = -1
        return newest >= self.quiet_us

    def _judge(
        self, rule: Rule, scene: Scene, at: tuple[int, str], tail: DormantTail
    ) -> Iterator[Finding]:
        row, name = at
        time, person = scene.page.times[row], scene.facts.people.get(name)
        silent_us = time - (person.last if person else tail.began)
        silent = silent_us >= self.quiet_us
        if scene.notes is not None:
            since = "the last act" if person else "watching began, and the first act"
            sees = f"{silent_us / DAY_US:,.1f} days since {since}"
            wants = f"silence of at least {plural(self.quiet_us / DAY_US, 'day')}"
            gap = round((silent_us - self.quiet_us) / DAY_US, 1)
            scene.notes.add(Note(rule.id, row, silent, wants, sees, gap, "days"))
        if not silent:
            return
        found = self._found(rule, scene, at, silent_us)
        announced = max(tail.expected.get(key, 0) for key in _keys(scene, row, name))
        if announced:
            found = replace(
                found, suppressed_by="announced", margin=round((time - announced) / DAY_US, 1)
            )
        aftermath.remember(tail.suspicions, found, scene.page.values[NETWORK][row])
        yield found

    def _found(self, rule: Rule, scene: Scene, at: tuple[int, str], silent_us: int) -> Finding:
        (row, name), page, facts = at, scene.page, scene.facts
        person = facts.people.get(name)
        also = [
            word
            for word, kind in (("the network", NETWORK), ("the country", COUNTRY), ("the client", CLIENT))
            if (value := page.values[kind][row])
            and person is not None
            and not facts.days(name, kind, value)
        ]  # fmt: skip
        strange = person is None or len(also) >= 2
        fingerprint = page.values[CLIENT][row]
        return replace(
            one_event(scene, row, rule, scene.actor(row, name)),
            level=rule.level if strange else rule.level.raised(-1),
            rarity=min(0.9, 0.3 + 0.2 * len(also)),
            evidence={
                "quiet_days": silent_us // DAY_US,
                "never_seen": person is None,
                "active_days": person.days if person else 0,
                "also_new": also,
                "client": client(fingerprint) if fingerprint else None,
                "place": place(page.values[PLACE][row], page.values[COUNTRY][row]),
                "source.ip": scene.text("source.ip", row),
                "timezone": facts.zone_of(name),
            },
        )

    def forget(self, tail: Any, clock: int) -> None:
        """Drop announcements and returns that are too old to matter."""
        aftermath.forget(tail.suspicions, clock - 8 * DAY_US)
        tail.expected = {
            who: time for who, time in tail.expected.items() if time >= clock - EXPECT_US
        }

    @staticmethod
    def tell(who: str, evidence: dict[str, Any]) -> Told:
        """How long the account was silent, and what is new about its return."""
        silence = plural(evidence["quiet_days"], "day")
        where = f" from {evidence['place']}" if evidence["place"] else ""
        if evidence["never_seen"]:
            summary = f"{who} acts for the first time in {silence} of watching{where}"
            why = ["+ nobody was seen to invite, provision or activate the account"]
        else:
            summary = f"{who} is back after {silence} without any act{where}"
            why = [f"+ active on {plural(evidence['active_days'], 'day')} before the silence"]
        why += [f"+ new for this person: {each}" for each in evidence["also_new"]]
        if not evidence["also_new"] and not evidence["never_seen"]:
            why.append("- network, country and client are the usual ones of this person")
        return Told(summary, (*aftermath.why(evidence), *why))


def _early(scene: Scene, rows: Sequence[int], tail: DormantTail) -> list[int]:
    """The rows with which watching begins, or turns out to have begun earlier."""
    began = tail.began or np.inf
    if scene.page.time_us[scene.start : scene.end].min() >= began:
        return []
    watched = np.array([*rows, *scene.devices, *scene.sensitive], dtype=np.int64)
    early: list[int] = watched[scene.page.time_us[watched] < began].tolist()
    return early


def _announced(scene: Scene, row: int) -> tuple[str, ...]:
    """Whom an event on a user or an invitation announces, by id and e-mail; nobody for some."""
    action, kind = scene.text("event.action", row), scene.text("object.type", row)
    if action not in PROVISIONING.get(kind or "", ()):
        return ()
    named = [
        scene.text(column, row) for column in ("target.id", "object.id", "target.email", "aux.info")
    ]
    return tuple(text.casefold() for text in named if text)


def _keys(scene: Scene, row: int, name: str) -> tuple[str, ...]:
    email = scene.text("user.email", row) or ""
    return (name.casefold(), name.rpartition(":")[2].casefold(), email.casefold())
