"""Why an hour is unusual, in words: the fact, this person's usual, the colleagues', how rare.

Reasons are ordered by their own -log p, one for each cause (shared/model.md section 5).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from detector import workhours
from detector.anomaly.channel import Odd, Row
from detector.anomaly.declaration import Declaration
from detector.anomaly.model import Model
from detector.facts import Facts, usual
from detector.findings import Finding, Subject
from detector.geo import country_name
from detector.observations import CLIENT, COUNTRY, DEED, DEVICE, NETWORK, PLACE, SLOT, VAULT
from detector.wording import client, deed, hour, place, plural

MOST_REASONS: Final = 3
LEAST_SURPRISE: Final = 1.6
"""A reason must be rarer than one active hour in five."""

_CAUSE: Final = {
    "country": "place", "place": "place", "network": "place", "networks": "place",
    "device": "device", "client": "device",
    "deed": "action", "deeds": "action", "privileged": "action",
    "vault": "vault", "vaults": "vault",
    "hour": "time",
    "new_items": "items", "new_items_day": "items", "new_items_week": "items",
    "extracted": "items", "volume": "volume",
    "failures": "failures", "cracked": "failures",
    "dormancy": "dormancy",
}  # fmt: skip
_KIND: Final = {
    "country": COUNTRY,
    "place": PLACE,
    "network": NETWORK,
    "device": DEVICE,
    "client": CLIENT,
    "deed": DEED,
    "deeds": DEED,
    "privileged": DEED,
    "vault": VAULT,
    "vaults": VAULT,
    "hour": SLOT,
}


def finding(
    odd: Odd, model: Model, facts: Facts, declaration: Declaration, subject: Subject
) -> Finding:
    """The finding for a row over the threshold, with its reasons as evidence."""
    row = odd.row
    last = workhours.instant(row.last)
    return Finding(
        rule_id=declaration.id,
        level=declaration.level,
        rarity=min(0.99, 1.0 - math.exp(-max(0.0, odd.score - odd.threshold) / 3.0)),
        subject=subject,
        time=last,
        first_time=workhours.instant(row.first),
        seq=row.seq,
        event_ids=tuple(row.evidence.event_ids[: row.kept]),
        event_seqs=tuple(row.evidence.event_seqs[: row.kept]),
        evidence={
            "reasons": _reasons(odd, model, facts),
            "events": row.tally.events,
            "anomaly_score": round(odd.score, 2),
            "threshold": round(odd.threshold, 2),
            "model": model.id,
            "trained_rows": model.trained_rows,
            "timezone": facts.zone_of(row.person),
            "local_time": f"{workhours.local(facts.zone_of(row.person), row.last):%a %H:%M}",
            "week": workhours.week(lambda near: facts.days(row.person, SLOT, near)),
        },
    )


def _reasons(odd: Odd, model: Model, facts: Facts) -> list[list[str]]:
    """The three rarest causes, each as a few words and as a sentence."""
    ranked = sorted(
        zip(model.features, odd.surprise.tolist(), strict=True), key=lambda each: -each[1]
    )
    told: dict[str, list[str]] = {}
    for feature, surprise in ranked:
        cause = _CAUSE[feature]
        if surprise >= LEAST_SURPRISE and cause not in told:
            told[cause] = _reason(feature, odd.row, facts)
        if len(told) == MOST_REASONS:
            break
    return list(told.values())


def _reason(feature: str, row: Row, facts: Facts) -> list[str]:
    if feature in _KIND and _KIND[feature] in row.tally.oddest:
        return _rare(_KIND[feature], row, facts)
    words = _NUMBERS[feature](row) if feature in _NUMBERS else f"unusual {feature}"
    return [words, words]


def _rare(kind: int, row: Row, facts: Facts) -> list[str]:
    value = row.tally.oddest[kind]
    person = facts.people.get(row.person)
    active = person.days if person else 0
    own, others = facts.days(row.person, kind, value), facts.others(row.person, kind, value)
    what = _PHRASE[kind].format(_shown(kind, value))
    few = f"{what} for the first time" if own == 0 else f"{what}, which is rare for this person"
    seen = f"on {own} of {active} active days" if own else f"never before in {active} active days"
    sentence = f"{what}: {seen}"
    common = [_shown(kind, name) for name, _ in usual(facts, row.person, kind, most=2)]
    if common and own == 0 and kind in (COUNTRY, PLACE, CLIENT):
        sentence += f" (usual: {', '.join(common)})"
    return [few, f"{sentence}; {others} of {max(0, len(facts.people) - 1)} colleagues did"]


def _shown(kind: int, value: str) -> str:
    if kind == PLACE:
        return place(value) or value
    if kind == DEED:
        _, action, object_type = value.split(":", 2)
        return deed(action, object_type)
    if kind == CLIENT:
        return client(value)
    if kind == COUNTRY:
        return country_name(value)
    return hour(value) if kind == SLOT else value


_PHRASE: Final = {
    COUNTRY: "came from {}",
    PLACE: "came from {}",
    NETWORK: "came from the network {}",
    DEVICE: "used the device {}",
    CLIENT: "used {}",
    DEED: "{}",
    VAULT: "used the vault {}",
    SLOT: "active on {}",
}


def _dormancy(row: Row) -> str:
    return f"first activity after {row.tally.gap:.0f} days"


_NUMBERS: Final[dict[str, Callable[[Row], str]]] = {
    "new_items": lambda row: (
        f"{plural(row.tally.new_items, 'item')} never used before, of {row.tally.items}"
    ),
    "new_items_day": lambda _: "many items never used before within 24 hours",
    "new_items_week": lambda _: "many items never used before within 7 days",
    "extracted": lambda row: (
        f"{plural(row.tally.extracted, 'secret')} revealed, copied or exported, more than usual"
    ),
    "volume": lambda row: f"{plural(row.tally.events, 'event')} in the hour, more than usual",
    "failures": lambda row: f"{plural(row.tally.failures, 'failed sign-in')} in the hour",
    "cracked": lambda row: f"a sign-in succeeded after {plural(row.tally.cracked, 'failure')}",
    "networks": lambda row: f"{row.tally.networks} networks within one hour",
    "dormancy": _dormancy,
}


def tell(who: str, evidence: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The sentence and the reasons of a finding of the model."""
    reasons = evidence["reasons"] or [["many small differences at once"] * 2]
    few = "; ".join(words for words, _ in reasons)
    summary = f"{who} had an unusual hour until {evidence['local_time']} local time: {few}"
    why = [f"+ {sentence}" for _, sentence in reasons]
    why.append(
        f"- compared with {evidence['trained_rows']:,} hours of this organisation; "
        "travel, a new laptop or a migration would look like this"
    )
    return summary, tuple(why)
