"""An impossible journey in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from detector.rule_types import aftermath
from detector.rule_types.base import Told
from detector.rule_types.novelty import NAMELESS
from detector.wording import plural, span

WEIGHED: Final = {
    "new-client": "{client} is new for this person",
    "tunnel": "{client}, which is known, was so far away within minutes: rather a tunnel or a carrier",
    "known-ends": "both places were seen with this person on two days or more",
    "carrier": "a mobile network is an end, whose gateway may be anywhere in the country",
    "hosting": "the network belongs to a hosting company",
    "mfa-on-known-device": "a second factor was given on a device that is known",
}
"""What moves the level of a journey, in words."""


def tell(who: str, evidence: dict[str, Any]) -> Told:
    """Where from, where to, how fast; and what speaks for and against."""
    summary = (
        f"{who} signed in from {evidence['to_place']} {span(evidence['minutes'])} after "
        f"{evidence['from_place']}, {evidence['distance_km']:,.0f} km away: "
        f"that takes {evidence['speed_kmh']:,.0f} km/h"
    )
    why = [
        f"+ {evidence['to_place']}: seen on {plural(evidence['to_days'], 'day')} of this "
        f"person before; {evidence['from_place']}: on {plural(evidence['from_days'], 'day')}",
        *_weighed(evidence),
        f"- places are estimates: {evidence['radius_km']:,.0f} km were taken off the distance",
    ]
    if evidence["to_kind"] is None:
        why.append(NAMELESS)
    return Told(summary, (*aftermath.why(evidence), *why))


def _weighed(evidence: dict[str, Any]) -> Iterator[str]:
    """What moved the level, and how far."""
    for word, step in evidence["weights"].items():
        sign, way = ("+", "up") if step > 0 else ("-", "down")
        text = WEIGHED[word].format(client=evidence["client"])
        yield f"{sign} {text} (level {way} by {abs(step)})"
    if not {"new-client", "tunnel"} & set(evidence["weights"]):
        yield f"- the client {evidence['client']} is one this person uses, and others as well"
