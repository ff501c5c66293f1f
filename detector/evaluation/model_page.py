"""Everything that was measured of the model, as a page and as a chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from detector.evaluation import charts
from detector.evaluation.contest import BUDGETS, Spent, Watched
from detector.evaluation.figures import Ratio, ratio
from detector.evaluation.pages import number, share, table
from detector.evaluation.reasons import Named
from detector.evaluation.spending import Days, kept, rarer
from detector.evaluation.standings import Contest, Standing, standings
from detector.evaluation.standings import page as standings_page

MAIN: Final = 1.0
"""Alerts a day at which the features are taken away and the reasons are read."""
CHART: Final = "model-recall.svg"
RATES: Final = {"one a day": 1.0, "one a week": 1 / 7, "one a month": 1 / 30}
_DRAWN: Final = (
    "model", "ECOD, same features", "likelihood ratio (Freeman)", "plain forest, raw counts", "chance",
)  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """Companies, and in each: methods, the model without a cause, and the reasons of its alerts."""

    watched: Sequence[Watched]
    contests: Sequence[Contest]
    without: Sequence[Contest]
    reasons: Sequence[Named]
    raised: Sequence[Days]
    quiet: Sequence[Days]
    """What the running channel raised, and in the same companies without attacks."""

    def standings(self) -> list[Standing]:
        """Every method at every budget."""
        return standings(self.watched, self.contests)

    def ablation(self) -> dict[str, dict[float, Ratio]]:
        """Recall at each budget without each cause."""
        return {
            cause: {
                budget: _recall(self.watched, [each[cause][budget] for each in self.without])
                for budget in BUDGETS
            }
            for cause in self.without[0]
        }

    def named(self) -> tuple[Ratio, Ratio]:
        """A true cause first, and among the first three."""
        return (
            ratio([(each.first, each.of) for each in self.reasons]),
            ratio([(each.among, each.of) for each in self.reasons]),
        )

    def spent(self, budget: float) -> list[Spent]:
        """What the model found at a budget, company by company."""
        return [contest["model"][budget] for contest in self.contests]


def _recall(watched: Sequence[Watched], spent: Sequence[Spent]) -> Ratio:
    return ratio(
        [(len(each.found), len(of.attacks)) for each, of in zip(spent, watched, strict=True)]
    )


def fields(found: Measured) -> dict[str, Any]:
    """The figures for machines."""
    first, among = found.named()
    return {
        "standings": [asdict(each) for each in found.standings()],
        "without": {
            cause: {str(budget): asdict(each) for budget, each in by.items()}
            for cause, by in found.ablation().items()
        },
        "reasons": {"first": asdict(first), "among_three": asdict(among)},
        "budget": asdict(kept(found.raised)),
        "budget_without_attacks": asdict(kept(found.quiet)),
        "rarer": [
            {"budget": budget, **asdict(each)}
            for budget in BUDGETS
            for each in rarer(found.watched, found.spent(budget), list(RATES.values()))
        ],
    }


def chart(found: Measured) -> str:
    """Recall by alerts a day, as SVG."""
    by = {(each.method, each.alerts_a_day): each.recall for each in found.standings()}
    lines = {name: [by[name, budget] for budget in BUDGETS] for name in _DRAWN}
    return charts.shares(
        "Attacks found, by alerts a day", [f"{budget:g}" for budget in BUDGETS], lines
    )


def page(found: Measured, command: str) -> str:
    """The figures as Markdown; `command` is what gives them again."""
    return "\n\n".join(
        (
            standings_page(found.standings(), len(found.watched), command),
            f"![Attacks found by each method](images/{CHART})\n\nThe band is the interval of the model.",
            f"### Without a group of features\n\n{_without(found)}",
            f"### Where attacks are rarer\n\n{_rarer(found)}",
            f"### The reasons of its alerts\n\n{_reasons(found)}",
            f"### The budget, as it was kept\n\n{_kept(found)}",
        )
    )


def _without(found: Measured) -> str:
    whole = {budget: _recall(found.watched, found.spent(budget)) for budget in BUDGETS}
    rows = [["none (the model)", *(share(whole[budget]) for budget in BUDGETS)]]
    rows += [
        [cause, *(share(by[budget]) for budget in BUDGETS)]
        for cause, by in found.ablation().items()
    ]
    columns = ["taken away", *(f"recall at {budget:g} a day" for budget in BUDGETS)]
    return (
        "The model trained without the features of one cause (`detector/anomaly/causes.py`).\n\n"
        + table(columns, rows)
    )


def _rarer(found: Measured) -> str:
    rows = []
    for budget in BUDGETS:
        parts = rarer(found.watched, found.spent(budget), list(RATES.values()))
        cells = [
            "-" if each.precision is None else f"{100 * each.precision:.0f} %" for each in parts
        ]
        rows.append([f"{budget:g}", *cells])
    return (
        "The share of alerts that are right if the threshold stays and attacks come less often: the "
        "false alerts stay as many. A real account sees fewer attacks than these companies do.\n\n"
        + table(["threshold of alerts a day", *(f"attacks: {name}" for name in RATES)], rows)
    )


def _reasons(found: Measured) -> str:
    first, among = found.named()
    return (
        f"Of the {first.of:.0f} attacks found at {MAIN:g} alert a day, the first alert named something "
        f"that the attack did as its first reason in {share(first)}, and among its three reasons in "
        f"{share(among)}. What each kind of attack does is stated by hand "
        "(`detector/evaluation/reasons.py`)."
    )


def _kept(found: Measured) -> str:
    budget = found.watched[0].declaration.budget
    rows = [
        [name, number(how.spent), number(how.false), f"{how.high_day:g}", str(how.days)]
        for name, how in (
            ("in companies with attacks", kept(found.raised)),
            ("in the same companies without", kept(found.quiet)),
        )
    ]
    columns = ["", "all alerts", "those that name no attack", "19 of 20 days within", "days"]
    return (
        "The thresholds above are set afterwards; the running channel sets its own from the days "
        f"before, here for {budget:g} alerts a day and 1,000 people. In budgets, so that 1 is exact."
        "\n\n" + table(columns, rows)
    )
