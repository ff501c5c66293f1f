"""Plays stories through the engine: items in, shaped, through the kernel with every rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from typing import Final

import polars as pl

from detector import events, kernel, networks, workhours
from detector.alerts import Alert
from detector.anomaly.declaration import Declaration
from detector.findings import Finding
from detector.networks import NamedNetwork, Networks
from detector.rehearsal import history
from detector.rehearsal.cast import Member, Unplayable, people
from detector.rehearsal.samples import Samples
from detector.rehearsal.script import START, Script, shape, write
from detector.rehearsal.verdict import Played, Verdict, clock, judge
from detector.rulebook.book import Rulebook
from detector.rulebook.stories import Story

PAGE: Final = 1_000
CURTAIN: Final = timedelta(hours=1)
"""How long after the last event the clock ticks for the last time."""

Rows = tuple[pl.DataFrame, pl.Series]
"""Rows of the event schema in order of arrival, and their raw items."""


def rehearse(
    rulebook: Rulebook, story: Story, *, declaration: Declaration | None = None, page: int = PAGE
) -> Verdict:
    """Play one story and hold it against what it expects. `page` events arrive at once."""
    return next(rehearse_all(rulebook, [story], declaration=declaration, page=page))


def rehearse_all(
    rulebook: Rulebook,
    stories: Iterable[Story],
    *,
    declaration: Declaration | None = None,
    page: int = PAGE,
) -> Iterator[Verdict]:
    """The verdict of each story, in order, as soon as it was played."""
    stage = _Stage(rulebook, declaration, page)
    for story in stories:
        try:
            yield judge(story, stage.play(story))
        except Unplayable as error:
            yield Verdict(story, passed=False, diffs=(str(error),))


@dataclass(frozen=True, slots=True)
class _Seen:
    """What came out of the kernel while a story was played."""

    alerts: dict[str, Alert]
    suppressed: list[Finding]

    def take(self, outcome: kernel.Outcome) -> None:
        """Keep the newest state of every alert."""
        for alert in outcome.alerts:
            self.alerts.pop(alert.id, None)
            self.alerts[alert.id] = alert
        self.suppressed.extend(outcome.suppressed)


class _Stage:
    """Plays one story after the other; what people did before is shaped once."""

    def __init__(self, rulebook: Rulebook, declaration: Declaration | None, page: int) -> None:
        self._rulebook = rulebook
        self._declaration = declaration
        self._page = page
        self._samples = Samples(rulebook)
        self._pasts: dict[str, Rows] = {}

    def play(self, story: Story) -> Played:
        """Play a story from its people's past to the last tick. Raises Unplayable."""
        script = write(self._samples, story)
        frame, raws = shape(script.lines)
        rows = with_kinds(frame, named(story)), raws
        state = self._state(story, script)
        if story.learned:
            self._feed(state, self._past(tuple(script.members.values())))
        seen = _Seen({}, [])
        for outcome in self._feed(state, rows):
            seen.take(outcome)
        seen.take(_end(state, script, self._curtain(story)))
        of_rule = story.rule_id
        return Played(
            self._rulebook.rules[of_rule],
            tuple(alert for alert in seen.alerts.values() if alert.rule.id == of_rule),
            tuple(finding for finding in seen.suppressed if finding.rule_id == of_rule),
            self._scenes(story, rows[0]),
        )

    def _curtain(self, story: Story) -> timedelta:
        """How long time goes on: until a correlation that waits has judged its last window."""
        entries = self._rulebook.correlations
        logic = next((entry.logic for entry in entries if entry.rule.id == story.rule_id), None)
        return CURTAIN + logic.patience if logic and logic.waits else CURTAIN

    def _state(self, story: Story, script: Script) -> kernel.State:
        teach_until = workhours.microseconds(START) if story.learned else 0
        plan = kernel.Plan(
            self._rulebook, self._declaration, people(story, script.members), named(story)
        )
        return kernel.State(kernel.Memory("story", teach_until=teach_until), plan)

    def _past(self, members: tuple[Member, ...]) -> Rows:
        key = repr(members)
        if key not in self._pasts:
            self._pasts[key] = shape(history.before(START, members))
        return self._pasts[key]

    def _feed(self, state: kernel.State, rows: Rows) -> list[kernel.Outcome]:
        frame, raws = rows
        contents = raws.hash().to_numpy()
        return [
            kernel.detect(state, frame[at : at + self._page], contents[at : at + self._page])
            for at in range(0, frame.height, self._page)
        ]

    def _scenes(self, story: Story, frame: pl.DataFrame) -> tuple[str, ...]:
        hits = self._rulebook.match(frame)
        names = {rule.name: rule.id for rule in self._rulebook.rules.values()}
        scenes = []
        for number, event in enumerate(story.events):
            row = frame.row(number, named=True)
            rule = names.get(event.use or "", event.use)
            missed = ", which it does not match," if rule and number not in hits[rule] else ""
            where = row["source.city"] or row["source.country"] or "nowhere"
            what = event.use or f"{row['event.action'] or row['event.category']} {event.feed}"
            who = row["user.name"] or row["user.id"] or "nobody"
            when = clock(row["event.time"])
            scenes.append(f"{when} {what}{missed} by {who} from {where} ({row['source.ip']})")
        return tuple(scenes)


def _end(state: kernel.State, script: Script, later: timedelta) -> kernel.Outcome:
    """Let time pass after the last event; every feed was read to its end."""
    end = script.lines[-1].received + later
    complete = dict.fromkeys(events.FEEDS, workhours.microseconds(end))
    return kernel.tick(state, end, complete)


def named(story: Story) -> Networks:
    """The networks that a story names."""
    return Networks(
        tuple(
            NamedNetwork(name, _kind(name), tuple(map(ip_network, ranges)))
            for name, ranges in story.networks.items()
        )
    )


def with_kinds(frame: pl.DataFrame, known: Networks) -> pl.DataFrame:
    """The rows with the kind of network that a list tells; offices and VPNs stand in no list."""
    own = {networks.OFFICE, networks.VPN}
    kinds = [known.kind(ip) for ip in frame["source.ip"]]
    told = [None if kind in own else kind for kind in kinds]
    return frame.with_columns(pl.Series("source.kind", told, events.SCHEMA["source.kind"]))


def _kind(name: str) -> str:
    """The kind of network that a name speaks of: 'paris-vpn' is a vpn, 'hq' an office."""
    kinds = (kind for kind in networks.KINDS if kind != networks.OFFICE)
    return next((kind for kind in kinds if kind in name.casefold()), networks.OFFICE)
