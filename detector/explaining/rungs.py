"""The rungs that hold findings back, in words, and what their margins are counted in."""

from __future__ import annotations

from typing import Any, Final

from detector.explaining.explanation import Line, Part
from detector.findings import Finding
from detector.rule_types.ladder import FAMILIAR_DAYS
from detector.rule_types.learning import LEARNING

WORDS: Final = {
    "same-ip-or-session": "both sign-ins have one address or one session",
    "same-device": "both sign-ins were on one device, as audit events say",
    "anonymiser": "one end is a VPN, a relay or a satellite, whose place says nothing",
    "both-ends-corporate": "both ends are networks of the organisation",
    "tenant-egress": "colleagues use the same exit to the internet",
    "both-ends-familiar": f"the person is known at both places ({FAMILIAR_DAYS} days or more at each)",
    "regular-hop": "the person made this hop before, and it was harmless",
    "not-new-abroad": "the far place is not new, or not abroad",
    LEARNING: "too little is known yet",
    "usual-hours": "it is within the hours that this person usually works",
    "working-hours": "it is within the working hours that the rule states",
    "on-call": "the person is on call",
    "announced": "an administrator invited, provisioned or activated the account",
    "corporate-network": "the network is one of the organisation, or a VPN",
    "told-before": "the same was told lately, and is no worse now",
    "superseded": "a late event has made it untrue",
}
"""What each rung says."""
UNITS: Final = {
    "tenant-egress": "people",
    "both-ends-familiar": "days",
    LEARNING: "days or events to go",
    "announced": "days since",
    "told-before": "days to go",
}
"""What the margin of a rung is counted in; the others hold or do not."""


def words(rung: str) -> str:
    """What a rung says; its own name if it is a stranger."""
    return WORDS.get(rung, rung)


def margin_of(rung: str, margin: float | None) -> str:
    """By how much a rung holds, in words; empty where it holds or does not.

    >>> margin_of("both-ends-familiar", 2.0), margin_of("same-device", 0.0)
    ('by 2 days', '')
    """
    if margin is None or rung not in UNITS:
        return ""
    return (
        f"by {margin:,g} {UNITS[rung]}" if margin >= 0 else f"short by {-margin:,g} {UNITS[rung]}"
    )


def climbed(finding: Finding) -> Part | None:
    """The innocent explanations that were tried, in their order; null where there are none."""
    tested: dict[str, Any] = finding.evidence.get("rungs") or {}
    if not tested and finding.suppressed_by is not None:
        tested = {finding.suppressed_by: 0.0 if finding.margin is None else finding.margin}
    lines = [
        Line(
            holds=margin >= 0 and rung == finding.suppressed_by,
            text=f"{rung}: {words(rung)}",
            gap=margin if rung in UNITS else None,
            unit=UNITS.get(rung, ""),
        )
        for rung, margin in tested.items()
    ]
    return Part("Innocent explanations, tried in this order", tuple(lines)) if lines else None
