"""What the conditions of a rule, and of the rules that it looks at, say of one event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from detector import rungs
from detector.explaining.explanation import Line, Part
from detector.findings import Finding
from detector.rule import Rule
from detector.rulebook.book import BehaviorRule, CorrelationRule, Match, RiskRule, Rulebook
from detector.rulebook.explaining import Answer, answers

Row = Mapping[str, Any]


def own(match: Match, row: Row) -> tuple[bool, Part, str]:
    """Whether a rule on single events matches, its condition line by line, and the decisive word."""
    feed = str(row["event.feed"])
    if feed not in match.feeds:
        word = f"it is one of {feed}, and the rule looks at {' and '.join(match.feeds)}"
        return False, Part("The condition", (Line(False, word),)), word
    found = answers(match.own, row, feed)
    lines = [_line(each) for each in decisive(found)]
    holds, because = found[0].holds, _word(found)
    for title, condition in match.exceptions:
        more = answers(condition, row, feed)
        covers = "covers" if not more[0].holds else "does not cover"
        lines.append(Line(more[0].holds, f"the exception '{title}' {covers} it"))
        if not more[0].holds:
            lines += [_line(each, deeper=1) for each in decisive(more)]
            holds, because = False, f"the exception '{title}' covers it" if holds else because
    return holds, Part("The condition", tuple(lines)), because


def decisive(found: Sequence[Answer]) -> list[Answer]:
    """The parts of a condition that decided, from the outermost inwards; what is between them goes.

    Of what holds because one of several parts does, only those; of what does not hold because one
    is missing, only those as well. A negation is one line with what it denies.
    """
    return [*_decided(found, 0)]


def bases(
    rulebook: Rulebook, entry: BehaviorRule | CorrelationRule, row: Row, found: Sequence[Finding]
) -> tuple[list[str], Part]:
    """The ids of the base rules that the event is for, and what each of them says of it."""
    matches = {match.rule.id: match for match in rulebook.matches}
    held: list[str] = []
    lines: list[Line] = []
    for base in dict.fromkeys(entry.bases):
        rule = rulebook.rules[base]
        if base in matches:
            holds, part, word = own(matches[base], row)
            said = f"{rule.name} matches it" if holds else f"{rule.name} does not match it: {word}"
            lines.append(Line(holds, said))
            # What it is not is said already where it is of another feed.
            below = part.lines if row["event.feed"] in matches[base].feeds else ()
            lines += [Line(each.holds, each.text, each.depth + 1) for each in below]
        else:
            holds = any(each.rule_id == base and each.suppressed_by is None for each in found)
            lines.append(Line(holds, f"{rule.name} found {'some' if holds else 'no'}thing at it"))
        held += [base] if holds else []
    return held, Part("Does the rule look at such an event", tuple(lines))


def found(rules: Mapping[str, Rule], entry: RiskRule, heard: Sequence[Finding]) -> Part:
    """What the rules that a risk hears found at the event, and what of it was held back."""
    lines = []
    for each in heard:
        if each.rule_id == entry.rule.id or each.rule_id not in rules:
            continue
        held = each.suppressed_by
        counts = each.rule_id in entry.bases
        said = f"{rules[each.rule_id].name} found something ({each.level})"
        said += f", held back ({rungs.said(held)})" if held else ""
        said += "" if counts else ", and is not heard"
        lines.append(Line(counts and held is None, said))
    return Part("What other rules found at the event", tuple(lines))


def _line(each: Answer, *, deeper: int = 0) -> Line:
    has = f"; the event has {each.has}" if each.has else ""
    return Line(each.holds, f"{each.asked}{has}", each.depth + deeper)


def _decided(found: Sequence[Answer], place: int, depth: int = 0) -> Iterator[Answer]:
    whole, below = found[place], _parts(found, place)
    if whole.asked == "not:":
        inner = found[below[0]]
        yield replace(inner, holds=whole.holds, depth=depth, asked=f"not so: {inner.asked}")
        for at in _parts(found, below[0]):
            yield from _decided(found, at, depth + 1)
        return
    yield replace(whole, depth=depth)
    for at in below:
        if found[at].holds is whole.holds:
            yield from _decided(found, at, depth + 1)


def _word(found: Sequence[Answer]) -> str:
    """The innermost part that decided, as the end of a sentence."""
    last = next(each for each in decisive(found) if not each.asked.endswith(":") or each.has)
    has = f", and the event has {last.has}" if last.has else ""
    return f"{'it fits' if found[0].holds else 'the rule asks that'} {last.asked}{has}"


def _parts(found: Sequence[Answer], place: int) -> list[int]:
    """The places of the parts right below one."""
    below = []
    for at in range(place + 1, len(found)):
        if found[at].depth <= found[place].depth:
            break
        if found[at].depth == found[place].depth + 1:
            below.append(at)
    return below
