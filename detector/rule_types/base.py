"""What every behaviour has: the rules it looks at, the key it groups by, `watch` and `tell`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final

import msgspec
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from detector import events, workhours
from detector.facts import Facts
from detector.findings import Finding, Level, Subject, SubjectType
from detector.known import Known
from detector.networks import Networks
from detector.observations import (
    CLIENT,
    COUNTRY,
    DEVICE,
    ITEM,
    NETWORK,
    PLACE,
    SLOT,
    VAULT,
    Observations,
)
from detector.people import People
from detector.rule import Rule
from detector.rule_types.notes import Notes
from detector.workhours import DAY_US

SERVICE_MAIL = "@1passwordserviceaccounts.com"
KIND_OF: Final = {
    "source.country": COUNTRY,
    "source.city": PLACE,
    "source.network": NETWORK,
    "device.id": DEVICE,
    "client.fingerprint": CLIENT,
    "vault.id": VAULT,
    "item.id": ITEM,
    "hour": SLOT,
}
"""Fields whose novelty the facts know; other fields are remembered by a rule itself."""
SUBJECTS: Final = {
    "source.ip": SubjectType.IP,
    "session.id": SubjectType.SESSION,
    "device.id": SubjectType.DEVICE,
    "vault.id": SubjectType.VAULT,
    "account.id": SubjectType.ACCOUNT,
}
"""Fields that name something else than a person an alert can be about."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a behaviour may look at: rows `start` to `end` of a page, and what is known.

    Between `start` and `end` no facts settle.
    """

    page: Observations
    facts: Facts
    networks: Networks
    start: int
    end: int
    account: str = ""
    known: People = field(default_factory=People)
    """What the organisation states about its people."""
    notes: Notes | None = None
    """Where behaviours say what they compared; null where nobody asks."""
    past: Known | None = None
    """What is known of the pairs that the rows show, for those who look at many rows at once."""

    def text(self, column: str, row: int) -> str | None:
        """The value of an event column in a row."""
        value = self.page.columns.cell(column, row)
        return None if value is None else str(value)

    @property
    def sensitive(self) -> Sequence[int]:
        """Rows that weaken the account or take secrets out of it, ascending."""
        return self.within(self.page.sensitive)

    def network_kind(self, row: int) -> str | None:
        """Kind of the network that an event came from, as far as anybody said so."""
        return self.networks.kind(self.text("source.ip", row)) or self.text("source.kind", row)

    def person(self, row: int) -> Subject | None:
        """The acting person of a row as a subject, null if nobody is named."""
        name = self.page.people[row]
        return None if name is None else self.actor(row, name)

    def actor(self, row: int, name: str) -> Subject:
        """The person of that name, who acts in a row, as a subject."""
        email = self.text("user.email", row)
        kind = SubjectType.PERSON
        if email and email.casefold().endswith(SERVICE_MAIL):
            kind = SubjectType.SERVICE_ACCOUNT
        return Subject(kind, name, email, self.text("user.name", row))

    @property
    def devices(self) -> Sequence[int]:
        """Rows of audit events that name the device of a session, ascending."""
        return self.within(self.page.devices)

    def unseen(self, kind: int, *, by_all: bool = False) -> np.ndarray:
        """Of each row from `start` on whether its value of a kind is new for the person.

        `by_all`: for everybody. A sign-in names no device; its client stands for it.
        """
        assert self.past is not None
        shown = self.page.pairs.at[:, self.start : self.end]
        pairs = shown[kind]
        if kind == DEVICE:
            pairs = np.where(pairs >= 0, pairs, shown[CLIENT])
        new, some = np.zeros(len(pairs), dtype=bool), pairs >= 0
        known = self.past.crowds if by_all else self.past.days
        new[some] = known(pairs[some]) == 0
        return new

    def rest_of_day(self) -> Scene:
        """The rows up to the next midnight of the clock, at which tails are cleared, or the page's end."""
        midnight = (self.page.clocks[self.start] // DAY_US + 1) * DAY_US
        return replace(self, end=bisect_left(self.page.clocks, midnight, self.start))

    def within(self, rows: Sequence[int]) -> Sequence[int]:
        """Those of some ascending rows of the page that are in the scene."""
        return rows[bisect_left(rows, self.start) : bisect_left(rows, self.end)]


@dataclass(frozen=True, slots=True)
class Moment:
    """A full hour of the event clock: the time, the place in the log, and what is known then.

    `complete` says of each feed up to which event time (microseconds) all of it was seen.
    """

    clock: int
    seq: int
    facts: Facts
    known: People
    complete: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Told:
    """A finding in words: one sentence, and the facts for (+) and against (-)."""

    summary: str
    why: tuple[str, ...]


Watch = Callable[[Scene], Iterable[Finding]]
"""What looks at the rows of an hour; yields findings, suppressed ones too."""


class Tail(msgspec.Struct):
    """The keyed state of a behaviour: short, and changed at once by every event."""


class Document(BaseModel, ABC):
    """A `behavior:` document. The fields are the schema, the reference and the error texts."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=False)

    tail: ClassVar[type[Tail]] = Tail
    """Type of the keyed state."""
    waits: ClassVar[bool] = False
    """Whether time alone lets it find something: then `close` is asked at each full hour."""
    kept_by: ClassVar[tuple[str, ...]] = ("group_by",)
    """What the state is kept by: a rule in which one of them changes begins as a new one does."""

    rules: tuple[str, ...]
    group_by: tuple[str, ...]

    @property
    def key(self) -> tuple[object, ...]:
        """The values of what the state is kept by."""
        return (type(self), *(getattr(self, name) for name in self.kept_by))

    def forget(self, tail: Any, clock: int) -> None:
        """Drop from the tail what can matter no more. Once a day of the event clock."""

    @staticmethod
    @abstractmethod
    def tell(who: str, evidence: dict[str, Any]) -> Told:
        """Put the evidence of a finding about `who` in words."""


class Behavior(Document):
    """A document about what is usual: it looks at the events of base rules."""

    columns: ClassVar[tuple[str, ...]] = ()
    """Event columns that `watch` reads, beside the observations."""

    rules: tuple[str, ...] = Field(
        min_length=1, description="Names or ids of the base rules whose events are looked at."
    )
    group_by: tuple[str, ...] = Field(
        default=("user.id",),
        alias="group-by",
        min_length=1,
        max_length=1,
        description="Field that names the subject: whose places, devices or hours are compared.",
    )

    def reads(self) -> frozenset[str]:
        """Event columns that this very rule reads, beside `columns`."""
        return frozenset(self.group_by) & frozenset(events.SCHEMA)

    @property
    def learns_peers(self) -> bool:
        """Whether it compares people with peers whom nobody stated."""
        return False

    @abstractmethod
    def begin(self, rule: Rule, day: Scene, rows: Sequence[int], tail: Any) -> Watch:
        """Begin with the rows of what is left of a day that a base rule matched.

        What can find nothing, whatever settles until midnight, may be taken in at once; the rest is
        looked at hour by hour by what is returned.
        """

    def close(self, rule: Rule, moment: Moment, tail: Any) -> Iterator[Finding]:  # noqa: ARG002
        """What is found because time has passed, in a behaviour that waits."""
        return iter(())


class HourlyBehavior(Behavior):
    """A behaviour that looks at each hour by itself."""

    def begin(self, rule: Rule, day: Scene, rows: Sequence[int], tail: Any) -> Watch:  # noqa: ARG002
        """Take nothing in before its hour."""
        return lambda scene: self.watch(rule, scene, scene.within(rows), tail)

    @abstractmethod
    def watch(self, rule: Rule, scene: Scene, rows: Sequence[int], tail: Any) -> Iterator[Finding]:
        """Look at the `rows` that a base rule matched; yield findings, suppressed ones too."""


def walk(*kinds: Collection[int]) -> Iterator[tuple[int, list[bool]]]:
    """The rows of several kinds in log order, each with which of the kinds it is of.

    One at a time and in order, so that how pages are cut cannot matter.

    >>> [*walk([4, 2], [2, 3])]
    [(2, [True, True]), (3, [False, True]), (4, [True, False])]
    """
    sets = [set(rows) for rows in kinds]
    for row in sorted(set[int]().union(*sets)):
        yield row, [row in rows for rows in sets]


def one_event(scene: Scene, row: int, rule: Rule, subject: Subject) -> Finding:
    """A finding of the rule's level whose evidence is the event of one row."""
    time = workhours.instant(scene.page.times[row])
    return Finding(
        rule_id=rule.id,
        level=rule.level,
        rarity=0.5,
        subject=subject,
        time=time,
        first_time=time,
        seq=scene.page.seqs[row],
        event_ids=(scene.page.ids[row],),
        event_seqs=(scene.page.seqs[row],),
        session=scene.text("session.id", row),
    )


def higher(level: Level, other: Level) -> Level:
    """The worse of two levels."""
    return level if level.rank >= other.rank else other
