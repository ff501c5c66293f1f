"""The model card: what the model is made of, how it is used, what was measured, and where it ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from detector.anomaly import drift, shadow
from detector.anomaly.causes import cause_of
from detector.anomaly.channel import CALIBRATION_DAYS, DRIFT_DAYS, LEAST_MOST, MOST_DAY
from detector.anomaly.declaration import Declaration
from detector.anomaly.model import FEWEST_ROWS, GOLDEN_ROWS, MOST_ROWS
from detector.anomaly.reference import MEANINGS
from detector.evaluation.pages import section, table
from detector.evaluation.standings import BOTH, RULES, WITHIN

SHOWN: Final = ("model", "plain forest, raw counts", RULES, BOTH, WITHIN)
"""Methods whose rows of the page of figures stand in the card."""
LIMITS: Final = (
    "It says nothing about people known for less than the cold start, nor about accounts without people.",
    "Who keeps to the victim's city, network, hours and items is mostly not seen; the table by tier in "
    "docs/evaluation.md says how often.",
    "Who raises a person's numbers slowly enough becomes usual: `tests/test_poisoning.py` says how slowly.",
    "Precision depends on how often attacks happen; where they are rare most of its alerts are harmless.",
    "The p-value counts days as if they were alike. It is no chance of an attack, and no share of false "
    "alerts is promised.",
    "The figures come from simulated companies. They rank methods; they do not foretell yours.",
    "Verdicts lift the guard over a person; they retrain nothing.",
)


def card(declaration: Declaration, figures: str) -> str:
    """The card of a declared model; `figures` is the page of figures (docs/evaluation.md)."""
    parts = (
        f"# Model card: {declaration.title}",
        "Made by `vaultwatch model card`; a test fails when it is stale.",
        f"## What it is\n\n{_what(declaration)}",
        f"## What it learns from\n\n{_data(declaration)}",
        f"## What it looks at\n\n{_features(declaration)}",
        f"## When it alerts\n\n{_thresholds(declaration)}",
        f"## Before a new model is used\n\n{_checks(declaration)}",
        f"## What was measured\n\n{_figures(figures)}",
        "## Limits\n\n" + "\n".join(f"- {each}" for each in LIMITS),
    )
    return "\n\n".join(parts) + "\n"


def _what(declaration: Declaration) -> str:
    return (
        f"{declaration.description.strip()} One row for each person and hour of the event clock, scored "
        f"every {_span(declaration.step)}. Each feature becomes the -log p of its right tail in the "
        f"training, capped; an isolation forest of {declaration.trees} trees on {declaration.sample} hours "
        "each (scikit-learn) on all features and the sum of the rarest feature of each cause are added, "
        "each again as -log p. "
        "`models/isolation_forest.yaml` declares it, `docs/reference/model.md` says how."
    )


def _data(declaration: Declaration) -> str:
    return (
        "No trained model is shipped. Each account trains its own on its own hours: the last "
        f"{_span(declaration.train_on)}, {FEWEST_ROWS} hours at least and {MOST_ROWS:,} at most, anew "
        f"every {_span(declaration.retrain_every)}. Hours of people under an open alert of medium or "
        "above are left out. It sees metadata of events, never the content of an item; nothing leaves "
        "the machine."
    )


def _features(declaration: Declaration) -> str:
    rows = [[f"`{name}`", cause_of(name), MEANINGS.get(name, "")] for name in declaration.names]
    return "Only what was known before the hour began counts.\n\n" + table(
        ["feature", "told as", "what it is"], rows
    ).replace("---:", "---")


def _thresholds(declaration: Declaration) -> str:
    return (
        f"The threshold is the score that would have spent the budget in the last {CALIBRATION_DAYS} "
        f"days: {declaration.budget:g} alerts a day and 1,000 active people, at most "
        f"{declaration.most:g} a day, corrected once a day by what was raised. A person counts once a "
        f"day. When a day has had {MOST_DAY:g} times the budget ({LEAST_MOST} at least), further hours "
        f"are low and wait for the digest unless they are odder than all before. People known for less than {_span(declaration.cold_start)} are scored and not alerted. "
        "An alert tells up to three reasons, one for each cause, rarest first."
    )


def _checks(declaration: Declaration) -> str:
    return (
        f"An artefact is flat arrays under a SHA-256, never a pickle; {GOLDEN_ROWS} golden rows must "
        f"score as when it was made. A new model runs for {_span(declaration.shadow)} in the shadow of "
        f"the one at work and is refused if it would have raised {shadow.MOST_ALERTS:g} times the "
        f"budget, shares less than {shadow.LEAST_AGREEMENT:.0%} of the oddest person-days, or the last "
        f"{DRIFT_DAYS} days are further from its training than from that of the one at work (PSI over "
        f"{drift.OLD:g}). A refusal is an alert to the operator; the rules go on. "
        "`vaultwatch model rollback` takes an earlier one."
    )


def _figures(page: str) -> str:
    lines = section(page, "model").splitlines()
    head = next((place for place, line in enumerate(lines) if line.startswith("| method")), None)
    if head is None:
        return "Nothing yet: `vaultwatch model evaluate --write docs/evaluation.md`."
    rows = [
        line for line in lines[head:] if line.startswith(tuple(f"| {name} |" for name in SHOWN))
    ]
    command = next(line for line in lines if line.startswith("$ "))
    shown = "\n".join([*lines[head : head + 2], *rows])
    return f"With `{command[2:]}`; all of it stands in docs/evaluation.md.\n\n{shown}"


def _span(length: timedelta) -> str:
    """A length in its largest whole unit.

    >>> _span(timedelta(days=28)), _span(timedelta(minutes=5))
    ('28 days', '5 minutes')
    """
    for seconds, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        count, rest = divmod(int(length.total_seconds()), seconds)
        if count and not rest:
            return f"{count} {unit}" + ("s" if count > 1 else "")
    return f"{length.total_seconds():g} seconds"
