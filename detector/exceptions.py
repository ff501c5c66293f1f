"""What each exception hides: events that rules would have matched, and the alerts of that.

The alerts are those of the engine itself, run twice over the few events that matter: with the
exception and without it. That is exact for rules on single events and for correlations of them,
which do not depend on what was learned; of behaviours it is said how many events they did not see.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import polars as pl

from detector import kernel, window
from detector.raws import chosen
from detector.rulebook.book import Match, Rulebook
from detector.rulebook.conditions import conjunction
from detector.rulebook.matching import matches, plans
from detector.wording import plural

Page = tuple[pl.DataFrame, Sequence[bytes]]


@dataclass(frozen=True)
class Cost:
    """What one exception hid: events by the name of the rule, and alerts.

    `blinded` counts by behaviour the events that it was not shown.
    """

    title: str
    events: Mapping[str, int] = field(default_factory=dict)
    alerts: int = 0
    blinded: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Events that were hidden from one rule or another, counted for each rule."""
        return sum(self.events.values())


class Costs:
    """Counts over pages of a history, one after the other, what the exceptions of rules hide."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook
        excepted = [match for match in rulebook.matches if match.exceptions]
        self._titles = sorted({title for match in excepted for title, _ in match.exceptions})
        self._ids: dict[str, tuple[str, str]] = {}
        asked = []
        for match in excepted:
            for title, _ in match.exceptions:
                name = f"{len(self._ids)}"
                self._ids[name] = (title, match.rule.id)
                asked.append((name, _without(match, title).condition, match.feeds))
        self._plans = plans(asked)
        self._hidden: dict[tuple[str, str], int] = dict.fromkeys(self._ids.values(), 0)
        self._states = {title: kernel.State(kernel.Memory("costs"), kernel.Plan(_bare(rulebook, title)))
                        for title in ["", *self._titles]}  # fmt: skip
        whole = self._states[""].rulebook
        heard = {base for entry in whole.correlations for base in entry.bases}
        self._telling = [
            match.rule.id for match in whole.matches if match.rule.raises or match.rule.id in heard
        ]
        self._alerts: dict[str, set[str]] = {title: set() for title in self._states}

    def take(self, page: Page) -> None:
        """Take a page of the history in."""
        if not self._titles:
            return
        frame, raws = page
        held = self._rulebook.match(frame)
        bare = matches(frame, self._plans)
        matters: set[int] = set()
        for rule in self._telling:
            matters.update(held[rule].tolist())
        for name, shown in bare.items():
            title, rule = self._ids[name]
            gone = np.setdiff1d(shown, held[rule])
            self._hidden[title, rule] += len(gone)
            matters.update(gone.tolist())
        rows = sorted(matters)
        part, contents = frame[rows], window.contents(chosen(raws, np.array(rows, dtype=np.int64)))
        for title, state in self._states.items():
            outcome = kernel.detect(state, part, contents)
            self._alerts[title].update(alert.id for alert in outcome.alerts)

    def found(self) -> list[Cost]:
        """What each exception hid by now, the one that hid most alerts first."""
        costs = [self._cost(title) for title in self._titles]
        return sorted(costs, key=lambda cost: (-cost.alerts, -cost.total, cost.title))

    def _cost(self, title: str) -> Cost:
        rules, events = self._rulebook.rules, dict[str, int]()
        blinded: dict[str, int] = {}
        for (about, rule), count in self._hidden.items():
            if about == title and count:
                events[rules[rule].name] = count
                for entry in self._rulebook.behaviors:
                    if rule in entry.bases:
                        name = entry.rule.name
                        blinded[name] = blinded.get(name, 0) + count
        alerts = len(self._alerts[title]) - len(self._alerts[""])
        return Cost(title, events, max(0, alerts), blinded)


def over(rulebook: Rulebook, pages: Iterable[Page]) -> list[Cost]:
    """What each exception of the rules hides in a history."""
    costs = Costs(rulebook)
    for page in pages:
        costs.take(page)
    return costs.found()


def since(pages: Iterable[Page], time: datetime) -> Iterator[Page]:
    """The events of the pages that are not before a time."""
    for frame, raws in pages:
        kept = (frame["event.time"] >= time).arg_true()
        yield frame[kept], chosen(raws, kept.to_numpy())


def line(cost: Cost) -> str:
    """What an exception hid, in one line."""
    told = (
        f"'{cost.title}': {plural(cost.total, 'event')} hidden from "
        f"{plural(len(cost.events), 'rule')}, {plural(cost.alerts, 'alert')} not raised"
    )
    seen = [f"{name} {count:,}" for name, count in sorted(cost.blinded.items())]
    return told + (f"; behaviours that did not see them: {', '.join(seen)}" if seen else "")


def _without(match: Match, title: str) -> Match:
    """The rule without the exception of that title."""
    left = tuple(each for each in match.exceptions if each[0] != title)
    whole = conjunction((match.own, *(condition for _, condition in left)))
    return replace(match, condition=whole, exceptions=left)


def _bare(rulebook: Rulebook, title: str) -> Rulebook:
    """Only rules on single events and correlations of them, without the exception of that title."""
    singles = tuple(_without(match, title) for match in rulebook.matches)
    known = {match.rule.id for match in singles}
    correlations = []
    for entry in rulebook.correlations:
        if not entry.foreign and known.issuperset(entry.bases):
            correlations.append(entry)
            known.add(entry.rule.id)
    return Rulebook(singles, (), tuple(correlations), f"{rulebook.version}-{title}")
