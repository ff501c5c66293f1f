"""What follows something suspicious: a sensitive action within the hour raises the alert.

Nothing waits for the future: what follows is a new finding of the same rule and subject.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

import msgspec

from detector import workhours
from detector.findings import Finding, Level, Subject, SubjectType
from detector.observations import NETWORK
from detector.rule_types.base import Scene
from detector.rule_types.learning import LEARNING
from detector.wording import deed, plural

WITHIN_US: Final = 3_600_000_000
"""A sensitive action within one hour counts (behaviours.md 2.3)."""


class Suspicion(msgspec.Struct):
    """Something suspicious about a person that just happened."""

    rule_id: str
    subject_type: str
    email: str | None
    name: str | None
    time: int
    event_ids: list[str]
    event_seqs: list[int]
    session: str | None
    network: str | None
    evidence: dict[str, Any]


def remember(suspicions: dict[str, Suspicion], finding: Finding, network: str | None) -> None:
    """Keep a finding in mind for the hour after it, unless it was explained.

    Learning explains nothing: what follows within the hour still alerts.
    """
    if finding.suppressed_by not in (None, LEARNING):
        return
    suspicions[finding.subject.id] = Suspicion(
        rule_id=finding.rule_id,
        subject_type=finding.subject.type,
        email=finding.subject.email,
        name=finding.subject.name,
        time=workhours.microseconds(finding.time),
        event_ids=list(finding.event_ids),
        event_seqs=list(finding.event_seqs),
        session=finding.session,
        network=network,
        evidence=finding.evidence,
    )


def may_follow(suspicions: dict[str, Suspicion], scene: Scene, telling: Iterable[int]) -> list[int]:
    """The sensitive rows of suspects, and of those who may become suspects by the rows `telling`."""
    people = scene.page.people
    if not scene.sensitive:
        return []
    suspects = {people[row] for row in telling}.union(suspicions)
    return [row for row in scene.sensitive if people[row] in suspects]


def followed(
    suspicions: dict[str, Suspicion], scene: Scene, row: int, level: Level
) -> Iterator[Finding]:
    """The finding for a suspect's sensitive action in `row`, from the same session or network."""
    suspicion = suspicions.get(scene.page.people[row] or "")
    if suspicion is None or not 0 <= scene.page.times[row] - suspicion.time <= WITHIN_US:
        return
    same_session = suspicion.session and scene.text("session.id", row) == suspicion.session
    same_network = suspicion.network and scene.page.values[NETWORK][row] == suspicion.network
    if same_session or same_network:
        yield _raised(suspicion, scene, row, level)


def why(evidence: dict[str, Any]) -> list[str]:
    """What followed, in words; nothing if nothing did."""
    if "followed_by" not in evidence:
        return []
    minutes = plural(evidence["followed_after_min"], "minute")
    return [f"+ followed after {minutes} by a sensitive action: {evidence['followed_by']}"]


def forget(suspicions: dict[str, Suspicion], before: int) -> None:
    """Drop what happened too long ago to matter."""
    for name in [name for name, old in suspicions.items() if old.time < before]:
        del suspicions[name]


def _raised(suspicion: Suspicion, scene: Scene, row: int, level: Level) -> Finding:
    time = workhours.instant(scene.page.times[row])
    done = deed(scene.text("event.action", row), scene.text("object.type", row))
    subject = Subject(
        SubjectType(suspicion.subject_type),
        scene.page.people[row] or "",
        suspicion.email,
        suspicion.name,
    )
    found = Finding(
        rule_id=suspicion.rule_id,
        level=level,
        rarity=0.9,
        subject=subject,
        time=time,
        first_time=workhours.instant(suspicion.time),
        seq=scene.page.seqs[row],
        event_ids=(*suspicion.event_ids, scene.page.ids[row]),
        event_seqs=(*suspicion.event_seqs, scene.page.seqs[row]),
        session=suspicion.session,
    )
    minutes = (scene.page.times[row] - suspicion.time) // 60_000_000
    return replace(
        found, evidence=suspicion.evidence | {"followed_by": done, "followed_after_min": minutes}
    )
