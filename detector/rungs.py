"""The rungs that hold findings back, in words, and what their margins are counted in.

Recipients read the words; analysts read them beside the rung's name.
"""

from __future__ import annotations

from typing import Final

WORDS: Final = {
    "same-ip-or-session": "both sign-ins have one address or one session",
    "same-device": "both sign-ins were on one device, as audit events say",
    "anonymiser": "one end is a VPN, a relay or a satellite, whose place says nothing",
    "both-ends-corporate": "both ends are networks of the organisation",
    "tenant-egress": "colleagues use the same exit to the internet",
    "both-ends-familiar": "the person is known at both places",
    "regular-hop": "the person made this hop before, and it was harmless",
    "not-new-abroad": "the far place is not new, or not abroad",
    "learning": "too little is known yet",
    "restless": "it has changed too often lately to have a value that stands",
    "usual-hours": "it is within the hours that this person usually works",
    "working-hours": "it is within the working hours that the rule states",
    "on-call": "the person is on call",
    "announced": "an administrator invited, provisioned or activated the account",
    "corporate-network": "the network is one of the organisation, or a VPN",
    "told-before": "the same was told lately, and is no worse now",
    "told-by-rule": "an alert of a rule tells of the same events",
    "amended": "there is no open alert of its session that it could set right",
    "superseded": "a late event has made it untrue",
}
"""What each rung says."""
UNITS: Final = {
    "tenant-egress": "people",
    "both-ends-familiar": "days",
    "learning": "days or events to go",
    "restless": "changes",
    "announced": "days since",
    "told-before": "days to go",
}
"""What the margin of a rung is counted in; the others hold or do not."""

_ONE: Final = {
    "people": "person",
    "days": "day",
    "changes": "change",
    "days to go": "day to go",
    "days since": "day since",
}


def words(rung: str) -> str:
    """What a rung says; its own name if it is a stranger."""
    return WORDS.get(rung, rung)


def said(rung: str) -> str:
    """A rung for analysts, who name it in tests and look it up: its name, and what it says.

    >>> said("on-call")
    'on-call: the person is on call'
    """
    return f"{rung}: {WORDS[rung]}" if rung in WORDS else rung


def margin_of(rung: str, margin: float | None) -> str:
    """By how much a rung holds, in words; empty where it holds or does not.

    >>> margin_of("both-ends-familiar", 2.0), margin_of("same-device", 0.0)
    ('by 2 days', '')
    """
    if margin is None or rung not in UNITS:
        return ""
    unit, size = UNITS[rung], round(abs(margin), 1)
    unit = _ONE.get(unit, unit) if size == 1 else unit
    return f"{'by' if margin >= 0 else 'short by'} {size:,g} {unit}"
