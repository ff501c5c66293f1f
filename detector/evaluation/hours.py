"""Every hour that the model channel looked at in a labelled company, as one table.

One row for each person, hour and step at which the open hour had changed; the last row of an hour
is the hour as it closed. All that methods are compared on comes from these rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from detector.anomaly import tally
from detector.anomaly.evidence import Evidence
from detector.anomaly.hours import Hours as OpenHours
from detector.anomaly.hours import Step
from detector.anomaly.judging import Seen
from detector.facts import Facts
from detector.observations import CLIENT, COUNTRY, DEVICE, NETWORK
from detector.simulator import Attack
from detector.workhours import HOUR_US

_PLAIN: Final = [
    tally.COLUMN[name]
    for name in ("events", "items", "extracted", "failures", "cracked", "networks")
]
"""Counts that know nothing of the person's past: what a first attempt would use."""
_SIGN_IN_KINDS: Final = (COUNTRY, NETWORK, DEVICE, CLIENT)


@dataclass(frozen=True)
class Hours:
    """Rows in order of their step; times are microseconds of the event clock.

    `attacks[row]` are the places of the attacks whose events the row names. `ratios` are log
    likelihood ratios of the sign-in's context, everybody's over the person's own.
    """

    people: np.ndarray
    steps: np.ndarray
    features: np.ndarray
    raw: np.ndarray
    ratios: np.ndarray
    learned: np.ndarray
    """Whether the guard lets the hour teach."""
    ages: np.ndarray
    """How long the person is known."""
    attacks: tuple[tuple[int, ...], ...]

    def where(self, mask: np.ndarray) -> Hours:
        """Some of the rows."""
        places = np.flatnonzero(mask)
        return Hours(
            self.people[places],
            self.steps[places],
            self.features[places],
            self.raw[places],
            self.ratios[places],
            self.learned[places],
            self.ages[places],
            tuple(self.attacks[place] for place in places.tolist()),
        )

    def closed(self) -> np.ndarray:
        """Which rows are the last of their person and hour."""
        hours = ((self.steps - 1) // HOUR_US).tolist()
        keys = zip(self.people.tolist(), hours, strict=True)
        last = {key: place for place, key in enumerate(keys)}
        mask = np.zeros(len(self.people), dtype=bool)
        mask[list(last.values())] = True
        return mask


@dataclass
class Witness:
    """Collects the rows while a company is played."""

    attacks: Sequence[Attack]
    _people: list[str] = field(default_factory=list)
    _steps: list[int] = field(default_factory=list)
    _numbers: list[np.ndarray] = field(default_factory=list)
    _raw: list[list[float]] = field(default_factory=list)
    _ratios: list[float] = field(default_factory=list)
    _learned: list[bool] = field(default_factory=list)
    _ages: list[int] = field(default_factory=list)
    _named: list[tuple[int, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._by_event: dict[str, list[int]] = {}
        for place, attack in enumerate(self.attacks):
            for event in attack.event_uuids:
                self._by_event.setdefault(event, []).append(place)

    def __call__(self, facts: Facts, opened: OpenHours, seen: Seen) -> None:
        """Take in open hours as they are scored."""
        names = list(opened.lines)
        for step in seen.steps:
            for row, line in enumerate(step.lines.tolist()):
                name, evidence = names[line], opened.evidence_of(line, seen.part, step.upto)
                person = facts.people.get(name)
                self._people.append(name)
                self._steps.append(step.clock)
                self._numbers.append(step.numbers[row])
                self._raw.append(_raw(step, row))
                self._ratios.append(_ratio(facts, name, evidence))
                self._learned.append(not facts.is_suspect(name, step.clock - HOUR_US))
                self._ages.append(step.clock - person.first if person else 0)
                found = {at for event in evidence.event_ids for at in self._by_event.get(event, ())}
                self._named.append(tuple(sorted(found)))

    def hours(self) -> Hours:
        """Everything collected."""
        return Hours(
            people=np.array(self._people),
            steps=np.array(self._steps, dtype=np.int64),
            features=tally.features(np.array(self._numbers)),
            raw=np.array(self._raw, dtype=np.float32),
            ratios=np.array(self._ratios),
            learned=np.array(self._learned, dtype=bool),
            ages=np.array(self._ages, dtype=np.int64),
            attacks=tuple(self._named),
        )


def _raw(step: Step, row: int) -> list[float]:
    hour = (step.clock - 1) // HOUR_US
    return [*np.log1p(step.numbers[row][_PLAIN]).tolist(), hour % 24, (hour // 24 + 3) % 7]


def _ratio(facts: Facts, name: str, evidence: Evidence) -> float:
    """Freeman et al. (NDSS 2016): the product of p(value) over p(value | person), as a log.

    Of the values of the hour that are rarest for the person.
    """
    crowd, total = len(facts.people) + 1.0, 0.0
    for kind in _SIGN_IN_KINDS:
        if kind in evidence.oddest:
            value, surprise = evidence.oddest[kind]
            total += math.log((facts.others(name, kind, value) + 0.5) / crowd) + surprise
    return total
