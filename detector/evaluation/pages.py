"""Figures as a page: Markdown between two marks, so that what people wrote around them stays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from detector.evaluation.figures import FalseAlerts, Figures, Minutes, Ratio

TITLE = "# How well it detects\n"


def replaced(page: str, name: str, text: str) -> str:
    """The page with the text between the marks of section `name`; at its end if there are none."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    section = f"{begin}\n\n{text.strip()}\n\n{end}"
    head, found, rest = page.partition(begin)
    if not found:
        return f"{(page or TITLE).rstrip()}\n\n{section}\n"
    return f"{head}{section}{rest.partition(end)[2]}"


def section(page: str, name: str) -> str:
    """What stands between the marks of a section; empty if there are none."""
    inside = page.partition(f"<!-- {name}: begin -->")[2]
    return inside.partition(f"<!-- {name}: end -->")[0].strip()


def page(found: Figures, command: str) -> str:
    """The figures as Markdown; `command` is what gives them again."""
    return "\n\n".join(
        part
        for part in (
            f"## Rules and model together\n\n{_introduction(found, command)}",
            f"### What is found\n\n{_recall(found)}",
            f"### What it costs\n\n{_costs(found)}",
            f"### How soon\n\n{_times(found)}",
        )
    )


def _introduction(found: Figures, command: str) -> str:
    attacks = round(found.recall.of)
    return (
        f"```console\n$ {command}\n```\n\n"
        f"{found.companies} simulated companies of {found.people / found.companies:.0f} people, "
        f"{attacks} attacks, watched for {found.days / found.companies:.0f} days each after the "
        f"time that only teaches; {found.events:,} events in all. An attack is found by an alert "
        "of medium or above that names one of its events. In brackets the 95 % interval over "
        "companies (bootstrap)."
    )


def _recall(found: Figures) -> str:
    tiers = list(found.by_tier)
    rows = [
        [
            kind.replace("_", " "),
            *(_part(found.by_kind_and_tier[kind][tier]) for tier in tiers),
            share(ratio),
            _part(ratio),
        ]
        for kind, ratio in found.by_kind.items()
    ]
    rows.append(
        [
            "**all**",
            *(share(found.by_tier[tier]) for tier in tiers),
            f"**{share(found.recall)}**",
            _part(found.recall),
        ]
    )
    first = ", ".join(f"`{rule}` {count}" for rule, count in found.found_by.items())
    return (
        table(["attack", *tiers, "all", "found of"], rows)
        + f"\n\nCounting low alerts, which wait in the digest: {share(found.noted)}. "
        f"The rule that spoke first: {first or 'none'}."
    )


def _costs(found: Figures) -> str:
    columns = [
        "", "a day and 100 people", "a day and 1,000 people", "interruptions", "worst day of a company"
    ]  # fmt: skip
    rows = [_cost("in companies with attacks", found.false_alerts)]
    if found.without_attacks is not None:
        rows.append(_cost("in the same companies without", found.without_attacks))
    rules = [
        [f"`{rule}`", str(count), _quiet(found, rule)]
        for rule, count in found.false_alerts.by_rule.items()
    ]
    return (
        f"False alerts of medium or above; of all alerts {share(found.precision)} were right. "
        "*Interruptions* are the loud messages about no attack, a day and 1,000 people; with those about "
        f"an attack a recipient heard {number(found.interruptions_per_day_and_1000_people)}.\n\n"
        + table(columns, rows)
        + "\n\n"
        + table(["false alerts by rule", "with attacks", "without"], rules)
    )


def _cost(name: str, alerts: FalseAlerts) -> list[str]:
    return [
        name,
        number(alerts.per_day_and_100_people),
        number(alerts.per_day_and_1000_people),
        number(alerts.heard_per_day_and_1000_people),
        str(alerts.worst_day),
    ]


def _quiet(found: Figures, rule: str) -> str:
    quiet = found.without_attacks
    return "" if quiet is None else str(quiet.by_rule.get(rule, 0))


def _times(found: Figures) -> str:
    rows = [
        [kind.replace("_", " "), *_minutes(minutes)] for kind, minutes in found.time_by_kind.items()
    ]
    rows.append(["**all**", *_minutes(found.time_to_detect)])
    return "From the first event of an attack to the alert, of those that were found.\n\n" + table(
        ["attack", "found", "half of them within", "nine of ten within"], rows
    )


def _minutes(minutes: Minutes) -> list[str]:
    return [str(minutes.found), lasting(minutes.median), lasting(minutes.worst_tenth)]


def lasting(minutes: float | None) -> str:
    """A span of minutes in the unit in which a person thinks of it.

    >>> lasting(7.4), lasting(200.0), lasting(9000.0), lasting(None)
    ('7 min', '3.3 h', '6.2 days', '')
    """
    if minutes is None:
        return ""
    if minutes < 120:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.1f} h" if minutes < 48 * 60 else f"{minutes / 1440:.1f} days"


def share(ratio: Ratio) -> str:
    """A share in per cent, with its interval.

    >>> share(Ratio(3, 4, 0.75, 0.5, 1.0))
    '75 % (50-100)'
    """
    if ratio.value is None:
        return "-"
    within = "" if ratio.low is None else f" ({100 * ratio.low:.0f}-{100 * (ratio.high or 0):.0f})"
    return f"{100 * ratio.value:.0f} %{within}"


def number(ratio: Ratio) -> str:
    """A rate, with its interval.

    >>> number(Ratio(3, 4, 0.75, 0.5, 1.0))
    '0.75 (0.50-1.00)'
    """
    if ratio.value is None:
        return "-"
    within = "" if ratio.low is None else f" ({ratio.low:.2f}-{ratio.high:.2f})"
    return f"{ratio.value:.2f}{within}"


def _part(ratio: Ratio) -> str:
    return f"{ratio.count:.0f} of {ratio.of:.0f}" if ratio.of else "-"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first to the right."""
    lines = ["| " + " | ".join(columns) + " |", "|---|" + "---:|" * (len(columns) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
