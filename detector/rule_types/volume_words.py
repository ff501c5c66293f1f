"""More than is usual, in words."""

from __future__ import annotations

from typing import Any, Final

from detector.rule_types.base import Told
from detector.wording import plural

ONE_VAULT: Final = 0.75
"""This share of the items in one vault is one piece of work."""
NOUNS: Final = {
    "item.id": "item",
    "vault.id": "vault",
    "target.id": "person",
    "source.ip": "address",
}
SPANS: Final = {
    "hour": "within an hour",
    "day": "within a day",
    "week": "within a week",
    "days": "bit by bit within eight days",
}
_ALSO: Final = {
    "source.network": "the network",
    "source.country": "the country",
    "client.fingerprint": "the client",
}


def tell(who: str, evidence: dict[str, Any]) -> Told:
    """How much, in which time, and what is usual."""
    new = "never used before, " if evidence["only"] == "new" else ""
    counted = plural(evidence["count"], evidence["counted"])
    span = SPANS[evidence["window"]]
    summary = (
        f"{who}: {counted} {new}{span}; {evidence['expected']:,.1f} would be usual in that time"
    )
    chance = evidence["chance"]
    odds = f"one in {1 / chance:,.0f}" if chance > 1e-12 else "less than one in a trillion"
    whose = (
        f"the group {evidence['peers']}'s usual" if evidence.get("peers") else "everybody's usual"
    )
    if evidence.get("alike"):
        whose = f"the usual of {evidence['alike']} colleagues who use the same vaults"
    why = [
        f"+ the chance of so much by what is usual is {odds}",
        f"+ the most on one of {plural(evidence['active_days'], 'day')} before was "
        f"{evidence['most']}; {whose} is {evidence['everybody']:,.1f} a day",
    ]
    if evidence["nobody_else"]:
        why.append(f"+ {evidence['nobody_else']} of them are used by nobody else")
    elif evidence["nobody_else"] == 0:
        why.append("- colleagues use all of them, too")
    if evidence["in_one_vault"] >= ONE_VAULT:
        why.append("- they lie in one vault, as in a project, a rotation or a hand-over")
    elif evidence["vaults"] > 1:
        why.append(f"+ they lie in {evidence['vaults']} vaults")
    why += [f"+ also new for this person: {_ALSO[each]}" for each in evidence["also_new"]]
    if not evidence["also_new"]:
        why.append("- network, country and client are usual for this person")
    return Told(summary, tuple(why))
