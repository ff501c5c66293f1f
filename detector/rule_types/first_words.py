"""A value that was never seen before, in words."""

from __future__ import annotations

from typing import Any

from detector.rule_types import aftermath
from detector.rule_types.base import Told
from detector.rule_types.learning import STRONG
from detector.rule_types.novelty import NAMES, whose, words_of
from detector.rule_types.subjects import PEOPLE
from detector.wording import plural


def tell(who: str, evidence: dict[str, Any]) -> Told:
    """What is new, since when the person is known, and what else is new with it."""
    what = words_of(evidence)
    where = f" from {evidence['place']}" if evidence.get("place") else ""
    summary = f"{who} used {what} for the first time{where}"
    if evidence.get("device_known"):
        summary = f"{who} signed in with {what}, on a device used before after all"
    days = plural(evidence["known_days"], "active day")
    why = [f"+ never seen in {days} of this person"]
    if "actor" in evidence:
        did = "did so" if evidence["fields"][0] in PEOPLE else f"used {what}"
        whole = "this account" if evidence["scope"] == "account" else who
        summary = f"{evidence['actor']} {did}{where}, for the first time in {whole}"
        why = [f"+ never seen before in {whole}"]
    why += [f"+ also new for this person: {NAMES.get(each, each)}" for each in evidence["also_new"]]
    why += whose(evidence)
    why += [f"+ {STRONG[each]}" for each in evidence.get("strong", ())]
    if evidence.get("colleagues"):
        why.append(f"- {plural(evidence['colleagues'], 'colleague')} known to use the same")
    if not evidence["also_new"] and not evidence.get("device_known") and "actor" not in evidence:
        why.append("- network and country are usual for this person")
    if evidence.get("device_known"):
        why.append(f"- the device is known: seen on {plural(evidence['device_days'], 'day')}")
    return Told(summary, (*aftermath.why(evidence), *why))
