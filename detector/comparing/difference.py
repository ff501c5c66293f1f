"""Two replays of one history under two sets of rules: which alerts came, went and changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from detector import backtesting
from detector.alerts import Alert, to_json
from detector.backtesting import Replayed

COMPARED: Final = ("level", "score", "summary", "suppressed_by", "first_time", "count")
"""What of an alert is compared, beside that it is there; `first_time` and `count` say its extent."""


@dataclass(frozen=True, slots=True)
class Change:
    """One alert before and after; null where it is not there, or held back and so no alert.

    `fields` are those that differ. What was raised and is held back now, or the other way round,
    has both, and differs in `suppressed_by`.
    """

    before: Alert | None
    after: Alert | None
    fields: tuple[str, ...] = ()

    @property
    def alert(self) -> Alert:
        """It as it is now, else as it was."""
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def kind(self) -> str:
        """added, removed or changed: by whether it is an alert before and after."""
        was, now = _raised(self.before), _raised(self.after)
        if was == now:
            return "changed"
        return "added" if now else "removed"


@dataclass(frozen=True)
class Difference:
    """What is not the same, the worst first, and how many alerts each side has in all."""

    changes: Sequence[Change]
    before: int
    after: int

    def of(self, kind: str) -> list[Change]:
        """The changes of one kind."""
        return [change for change in self.changes if change.kind == kind]


def difference(old: Replayed, new: Replayed, since: datetime | None = None) -> Difference:
    """Hold two replays against each other; alerts whose newest event is before `since` do not count."""
    before, after = _raised_in(old, since), _raised_in(new, since)
    changes = [
        change
        for key in before.keys() & after.keys()
        if (change := _changed(before[key], after[key])).fields
    ]
    gone = [before[key] for key in before.keys() - after.keys()]
    come = [after[key] for key in after.keys() - before.keys()]
    changes += _pairs(gone, come, (_Held(old), _Held(new)))
    ranked = sorted(changes, key=lambda each: (-each.alert.score, each.alert.time, each.alert.id))
    return Difference(ranked, len(before), len(after))


def as_json(found: Difference) -> dict[str, Any]:
    """The difference as one JSON object."""
    return {
        "alerts_before": found.before,
        "alerts_after": found.after,
        "added": [to_json(each.alert) for each in found.of("added")],
        "removed": [_removed(each) for each in found.of("removed")],
        "changed": [_as_changed(each) for each in found.of("changed")],
        "by_rule": by_rule(found),
    }


def by_rule(found: Difference) -> dict[str, dict[str, int]]:
    """By the rule's name how many alerts were added, removed and changed."""
    counts: dict[str, dict[str, int]] = {}
    for change in found.changes:
        name = change.alert.rule.name or change.alert.rule.id
        mine = counts.setdefault(name, {"added": 0, "removed": 0, "changed": 0})
        mine[change.kind] += 1
    return dict(sorted(counts.items()))


def shown(alert: Alert, field: str) -> str:
    """A field of an alert in words."""
    value = getattr(alert, field)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    return "no" if value is None else str(value)


def _as_changed(change: Change) -> dict[str, Any]:
    assert change.before is not None
    assert change.after is not None
    was, now = to_json(change.before), to_json(change.after)
    fields = {field: {"before": was[field], "after": now[field]} for field in change.fields}
    return now | {"changed": fields, "was": {"id": was["id"]}}


def _removed(change: Change) -> dict[str, Any]:
    """What was raised and is no more; with what holds it back now, if something does."""
    assert change.before is not None
    now = change.after.suppressed_by if change.after else None
    return to_json(change.before) | {"now_suppressed_by": now}


def _raised(alert: Alert | None) -> bool:
    return alert is not None and alert.suppressed_by is None


def _raised_in(done: Replayed, since: datetime | None) -> dict[str, Alert]:
    return {key: each for key, each in done.alerts.items() if since is None or each.time >= since}


def _changed(before: Alert, after: Alert) -> Change:
    fields = tuple(name for name in COMPARED if getattr(before, name) != getattr(after, name))
    if "level" not in fields and fields == ("score",):
        # Rarity alone; the level, and so what is done about it, is the same.
        fields = ()
    return Change(before, after, fields)


class _Held:
    """What a replay held back, by rule and subject."""

    def __init__(self, done: Replayed) -> None:
        self._done = done
        self._found = defaultdict(list)
        for finding in done.suppressed:
            self._found[finding.rule_id, finding.subject.type, finding.subject.id].append(finding)

    def about(self, alert: Alert) -> Alert | None:
        """What was held back about the same events of the same subject by the same rule."""
        seen = set(alert.event_ids)
        for finding in self._found[alert.rule.id, alert.subject.type, alert.subject.id]:
            if seen.intersection(finding.event_ids):
                return backtesting.held_back(self._done, finding)
        return None


def _pairs(gone: Iterable[Alert], come: Iterable[Alert], held: tuple[_Held, _Held]) -> list[Change]:
    """Alerts of one side only: those that open with another event are one alert, changed."""
    was_held, is_held = held
    left = list(come)
    found: list[Change] = []
    for alert in sorted(gone, key=lambda each: (each.time, each.id)):
        same = next((each for each in left if _is_same(alert, each)), None)
        if same is not None:
            left.remove(same)
            change = _changed(alert, same)
            found.append(replace(change, fields=change.fields or ("first_time",)))
        else:
            found.append(_one_sided(alert, is_held.about(alert), went=True))
    found += [_one_sided(alert, was_held.about(alert), went=False) for alert in left]
    return found


def _one_sided(alert: Alert, other: Alert | None, *, went: bool) -> Change:
    fields = ("suppressed_by",) if other is not None else ()
    return Change(alert, other, fields) if went else Change(other, alert, fields)


def _is_same(alert: Alert, other: Alert) -> bool:
    """Whether two alerts of two sides are one trouble: rule, subject, and an event or the time."""
    if (alert.rule.id, alert.subject.type, alert.subject.id) != (
        other.rule.id, other.subject.type, other.subject.id,
    ):  # fmt: skip
        return False
    overlap = alert.first_time <= other.time and other.first_time <= alert.time
    return overlap or not set(alert.event_ids).isdisjoint(other.event_ids)


def names(changes: Iterable[Change]) -> Mapping[str, list[Change]]:
    """The changes by the rule's title, in their order."""
    found: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        found[change.alert.rule.title].append(change)
    return found
