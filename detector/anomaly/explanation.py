"""Why an hour is unusual, in words: the fact, this person's usual, the colleagues', how rare.

Reasons are ordered by their own -log p, one for each cause (shared/model.md section 5).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from detector import workhours
from detector.anomaly.causes import cause_of
from detector.anomaly.declaration import Declaration
from detector.anomaly.judging import Odd
from detector.anomaly.model import Model
from detector.anomaly.own_features import Count, OwnFeature
from detector.anomaly.tally import COLUMN
from detector.facts import Facts, usual
from detector.findings import LEVELS, Finding, Level, Subject
from detector.geo import country_name
from detector.observations import CLIENT, COUNTRY, DEED, DEVICE, NETWORK, PLACE, SLOT, VAULT
from detector.wording import client, done, hour, place, plural

MOST_REASONS: Final = 3
LEAST_SURPRISE: Final = 1.6
"""A reason must be rarer than one active hour in five."""

_KIND: Final = {
    "country": COUNTRY,
    "place": PLACE,
    "network": NETWORK,
    "device": DEVICE,
    "client": CLIENT,
    "deed": DEED,
    "deeds": DEED,
    "privileged": DEED,
    "sensitive": DEED,
    "vault": VAULT,
    "vaults": VAULT,
    "hour": SLOT,
}

_CONTEXT: Final = ("country", "network", "device", "client")
"""Features of the context of a sign-in: what the likelihood ratio is made of."""


def finding(
    odd: Odd, model: Model, facts: Facts, declaration: Declaration, subject: Subject
) -> Finding:
    """The finding for a row over the threshold, with its reasons as evidence."""
    last, zone = workhours.instant(odd.evidence.last), facts.zone_of(odd.person)
    reasons = _reasons(odd, model, facts, declaration.own)
    return Finding(
        rule_id=declaration.id,
        level=_level(odd, declaration),
        rarity=min(0.99, 1.0 - math.exp(-max(0.0, odd.score - odd.threshold) / 3.0)),
        subject=subject,
        time=last,
        first_time=workhours.instant(odd.evidence.first),
        seq=odd.seq,
        event_ids=tuple(odd.evidence.event_ids),
        event_seqs=tuple(odd.evidence.event_seqs),
        evidence={
            "reasons": list(reasons.values()),
            "causes": list(reasons),
            "events": _count(odd, "events"),
            "anomaly_score": round(odd.score, 2),
            "threshold": round(odd.threshold, 2),
            "as_odd": odd.rank.as_odd,
            "days_compared": odd.rank.days,
            "p_value": float(f"{odd.rank.p_value:.2g}"),
            "model": model.id,
            "told_before": odd.told_before,
            "trained_rows": model.trained_rows,
            "timezone": zone,
            "local_time": f"{workhours.local(zone, odd.evidence.last):%a %H:%M}",
            "week": workhours.week(facts.ledger.days_of(odd.person, SLOT)),
        },
    )


def _level(odd: Odd, declaration: Declaration) -> Level:
    """As declared, but low for what came after the day had had its alerts."""
    return (
        declaration.level
        if not odd.told_before
        else min(declaration.level, Level.LOW, key=LEVELS.index)
    )


def _reasons(
    odd: Odd, model: Model, facts: Facts, own: Sequence[OwnFeature]
) -> dict[str, list[str]]:
    """The three rarest causes, each as a few words and as a sentence."""
    declared = {feature.label: place for place, feature in enumerate(own)}
    ranked = sorted(
        zip(model.features, odd.surprise.tolist(), strict=True), key=lambda each: -each[1]
    )
    told: dict[str, list[str]] = {}
    for name, surprise in ranked:
        feature = _meant(name, odd)
        cause = cause_of(feature)
        if surprise >= LEAST_SURPRISE and cause not in told:
            place = declared.get(feature)
            told[cause] = (
                _reason(feature, odd, facts)
                if place is None
                else _own_reason(own[place], place, odd, facts)
            )
        if len(told) == MOST_REASONS:
            break
    return told


def _meant(feature: str, odd: Odd) -> str:
    """The feature that a reason is about: a likelihood ratio is told by its rarest value."""
    shown = [name for name in _CONTEXT if _KIND[name] in odd.evidence.oddest]
    if feature != "ratio" or not shown:
        return feature
    return max(shown, key=lambda name: odd.evidence.oddest[_KIND[name]][1])


def _reason(feature: str, odd: Odd, facts: Facts) -> list[str]:
    if feature in _KIND and _KIND[feature] in odd.evidence.oddest:
        return _rare(_KIND[feature], odd, facts)
    words = _NUMBERS[feature](odd) if feature in _NUMBERS else f"unusual {feature}"
    return [words, words]


def _own_reason(feature: OwnFeature, place: int, odd: Odd, facts: Facts) -> list[str]:
    """What an alert says of a feature that an analyst declared."""
    if isinstance(feature, Count):
        what = feature.words or f"different values of {feature.count}"
        words = f"{int(odd.found[place])} {what} in the hour, more than usual"
        return [words, words]
    found = odd.evidence.own[place]
    what = f"{feature.words or ' and '.join(feature.rarity)} {found.value}"
    days, people = plural(found.days, "day"), max(0, len(facts.people) - 1)
    seen = f"on {days} before" if found.days else "never before"
    return [f"{what}, which is rare", f"{what}: {seen}; {found.others} of {people} colleagues did"]


def _rare(kind: int, odd: Odd, facts: Facts) -> list[str]:
    value, _ = odd.evidence.oddest[kind]
    person = facts.people.get(odd.person)
    active = person.days if person else 0
    own, others = facts.days(odd.person, kind, value), facts.others(odd.person, kind, value)
    what = _PHRASE[kind].format(_shown(kind, value))
    few = f"{what} for the first time" if own == 0 else f"{what}, which is rare for this person"
    seen = f"on {own} of {active} active days" if own else f"never before in {active} active days"
    sentence = f"{what}: {seen}"
    if own == 0 and kind in (COUNTRY, PLACE, CLIENT):
        common = [_shown(kind, name) for name, _ in usual(facts, odd.person, kind, most=2)]
        sentence += f" (usual: {', '.join(common)})" if common else ""
    return [few, f"{sentence}; {others} of {max(0, len(facts.people) - 1)} colleagues did"]


def _shown(kind: int, value: str) -> str:
    if kind == PLACE:
        return place(value) or value
    if kind == DEED:
        return done(value)
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


def _count(odd: Odd, name: str) -> int:
    return int(odd.numbers[COLUMN[name]])


_NUMBERS: Final[dict[str, Callable[[Odd], str]]] = {
    "new_items": lambda odd: (
        f"{plural(_count(odd, 'new_items'), 'item')} never used before, of {_count(odd, 'items')}"
    ),
    "new_items_day": lambda _: "many items never used before within 24 hours",
    "new_items_week": lambda _: "many items never used before within 7 days",
    "extracted": lambda odd: (
        f"{plural(_count(odd, 'extracted'), 'secret')} revealed, copied or exported, "
        "more than usual"
    ),
    "volume": lambda odd: f"{plural(_count(odd, 'events'), 'event')} in the hour, more than usual",
    "failed": lambda odd: (
        f"{plural(_count(odd, 'failures'), 'failed sign-in')} in the hour, more than usual"
    ),
    "failures": lambda odd: f"{plural(_count(odd, 'failures'), 'failed sign-in')} in the hour",
    "cracked": lambda odd: f"a sign-in succeeded after {plural(_count(odd, 'cracked'), 'failure')}",
    "networks": lambda odd: f"{_count(odd, 'networks')} networks within one hour",
    "dormancy": lambda odd: f"first activity after {odd.numbers[COLUMN['gap']]:.0f} days",
}


def tell(who: str, evidence: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The sentence and the reasons of a finding of the model."""
    reasons = evidence["reasons"] or [["many small differences at once"] * 2]
    few = "; ".join(words for words, _ in reasons)
    summary = f"{who} had an unusual hour until {evidence['local_time']} local time: {few}"
    why = [f"+ {sentence}" for _, sentence in reasons]
    why.append(
        f"- of the {plural(evidence['days_compared'], 'day')} of people in the last two weeks, "
        f"{evidence['as_odd']} had an hour as odd (p = {evidence['p_value']:g} if all days are alike); "
        "this is not the chance of an attack"
    )
    why.append(
        f"- compared with {evidence['trained_rows']:,} hours of this organisation; "
        "travel, a new laptop or a migration would look like this"
    )
    if evidence.get("told_before"):
        why.append(
            f"- kept for the digest: {plural(evidence['told_before'], 'alert')} of the model came before "
            "it that day, which is the most, and this hour is not odder than they"
        )
    return summary, tuple(why)
