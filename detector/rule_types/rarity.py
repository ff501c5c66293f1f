"""Rarity: how many of how many show a value, and who these are."""

from __future__ import annotations

from dataclasses import dataclass

from detector import peers
from detector.facts import Facts
from detector.peers import LEARNED
from detector.rule_types.paces import LEAST_PEERS
from detector.rule_types.shares import ShareTail, Shower, smoothed
from detector.wording import plural


@dataclass(frozen=True, slots=True)
class Share:
    """How many of how many show a value, and who these are: days, a group, or all."""

    count: int
    of: int
    among: str
    group: str = ""

    @property
    def size(self) -> float:
        """The share, smoothed."""
        return smoothed(self.count, self.of)

    @property
    def words(self) -> str:
        """Who shows it, as a part of a sentence."""
        if self.among == "person":
            return f"on {self.count:,} of {plural(self.of, 'active day')} before"
        who = "other people"
        if self.among != "account":
            who = f"others of the group {self.group}"
        if self.among == LEARNED:
            who = "colleagues who use the same vaults"
        return f"by {self.count:,} of {self.of:,} {who}"


def share_of(
    facts: Facts, tail: ShareTail, shown: tuple[str, str], whose: tuple[str, str]
) -> Share:
    """How many days or others of how many show a value, the subject not among them.

    `whose` says among whom, and of peers which: the fields of a rule.
    """
    (name, value), (among, which) = shown, whose
    shower = tail.shower(name)
    if among == "person":
        return Share(shower.days_of(value), shower.days, among)
    if among == "peers":
        found, people = _peers(facts, tail, name, learned=which == LEARNED)
        # A bound that is meant for few people says nothing about everybody.
        if people or which == LEARNED:
            count = sum(value in each.values for each in people)
            return Share(count, len(people), found, shower.group)
    others = tail.crowd.get(value, 0) - (value in shower.values)
    return Share(others, tail.known - (shower.days > 0), "account")


def _peers(facts: Facts, tail: ShareTail, name: str, *, learned: bool) -> tuple[str, list[Shower]]:
    """The stated peers if they are enough, else the learned ones if these are, else nobody."""
    group = tail.shower(name).group
    if group:
        stated = [
            each
            for other, each in tail.showers.items()
            if each.group == group and other != name and each.days
        ]
        if len(stated) >= LEAST_PEERS:
            return "peers", stated
    if learned:
        alike = [tail.showers.get(each) for each in facts.peers.get(name, ())]
        known = [each for each in alike if each is not None and each.days]
        if len(known) >= peers.LEAST_PEERS:
            return LEARNED, known
    return LEARNED, []
