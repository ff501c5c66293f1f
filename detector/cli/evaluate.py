"""`vaultwatch evaluate`: what the engine finds in labelled history, and what that costs."""

from __future__ import annotations

import json
import os
import shlex
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

from detector import app, files, kernel, plans, settings
from detector.alerts import to_json
from detector.cli import complaints, output, planning
from detector.evaluation import companies, pages
from detector.evaluation.companies import Labelled
from detector.evaluation.figures import Figures, figures
from detector.evaluation.grading import Grade
from detector.evaluation.trials import Trial, play
from detector.plans import Texts
from detector.settings import ConfigError
from detector.simulator import Plan
from detector.terminal import progress

Company = AbstractContextManager[Labelled]
Keep = Callable[[str, Grade], None]


class Maker:
    """Makes the plan for a company: the rules and the model that are configured, its own people.

    `budget` takes the place of the model's declared one.
    """

    def __init__(
        self, texts: Texts, today: date, load_rules: plans.LoadRules, *, budget: float | None = None
    ) -> None:
        self._texts, self._today, self._load_rules = texts, today, load_rules
        self._budget = budget
        self.mistakes = plans.build(texts, today, load_rules).mistakes

    def __call__(self, stated: Texts) -> kernel.Plan:
        """The plan for a company that states this about itself."""
        texts = replace(
            self._texts,
            people=stated.people or self._texts.people,
            networks=stated.networks or self._texts.networks,
        )
        plan = plans.build(texts, self._today, self._load_rules).plan
        if self._budget is None or plan.declaration is None:
            return plan
        declaration = plan.declaration.model_copy(update={"budget": self._budget})
        return replace(plan, declaration=declaration)


def run(args: Namespace) -> int:
    """Play every company, print the figures, and write the page that was asked for."""
    app.settle_process()
    config = settings.load(args.config, os.environ)
    if not args.folder and not args.seeds:
        msg = "name labelled folders with --from DIR, or --seeds 101-110 for companies made here"
        raise ConfigError(msg)
    texts = files.texts(config.paths, timezone=config.timezone, own_rules=args.rules)
    make = Maker(texts, app.now().date(), planning.rules_cache(config))
    complaints.tell(config, make.mistakes)
    terminal = Console(stderr=True, highlight=False)
    with _lines(args.alerts) as keep:
        trials = [_play(terminal, each, make, keep) for each in _attacked(args)]
        quiet = [_play(terminal, each, make, keep) for each in _twins(args)]
    found = figures(trials, quiet)
    if args.json:
        output.as_json(_fields(found, trials, quiet))
    else:
        output.console().print(Markdown(pages.page(found, _command(args))))
    if args.write is not None:
        write(args.write, "evaluate", pages.page(found, _command(args)))
    return 1 if make.mistakes else 0


def write(path: Path, section: str, text: str) -> None:
    """Put a section into a page, which need not be there yet. Raises ConfigError."""
    try:
        before = path.read_text(encoding="utf-8") if path.is_file() else ""
        path.write_text(pages.replaced(before, section, text), encoding="utf-8")
    except OSError as error:
        msg = f"{path}: cannot be written: {error.strerror}"
        raise ConfigError(msg) from error


@contextmanager
def _lines(path: Path | None) -> Iterator[Keep]:
    """Writes each alert with its company and the attacks that it names, where that is asked for."""
    if path is None:
        yield lambda _company, _grade: None
        return
    try:
        with path.open("w", encoding="utf-8") as file:
            yield lambda company, grade: file.writelines(_verdicts(company, grade))
    except OSError as error:
        msg = f"{path}: cannot be written: {error.strerror}"
        raise ConfigError(msg) from error


def _verdicts(company: str, grade: Grade) -> Iterator[str]:
    for alert in (*grade.true_alerts, *grade.false_alerts, *grade.digest):
        attacks = [catch.attack.id for catch in grade.catches if alert in catch.alerts]
        fields = {"company": company, "attacks": attacks, **to_json(alert)}
        yield json.dumps(fields, ensure_ascii=False) + "\n"


def _play(terminal: Console, company: Company, make: Maker, keep: Keep) -> Trial:
    with company as labelled:
        events = len(labelled.recorded)
        with progress(terminal, f"{labelled.name}: {events:,} events", events) as advance:
            trial, grade = play(labelled, make, advance)
        keep(labelled.name, grade)
        return trial


def _attacked(args: Namespace) -> Iterator[Company]:
    for folder in args.folder:
        if not folder.is_dir():
            msg = f"{folder}: no such folder; name one that 'vaultwatch simulate --out' wrote"
            raise ConfigError(msg)
        yield nullcontext(companies.read(folder, args.train_until))
    for plan in plans_of(args):
        yield companies.made(plan)


def _twins(args: Namespace) -> Iterator[Company]:
    """The companies made here once more, without their attacks."""
    for plan in plans_of(args) if args.twins else ():
        yield companies.made(plan, attacked=False)


def plans_of(args: Namespace) -> list[Plan]:
    """The companies that the seeds ask for. Raises ConfigError."""
    try:
        return [
            Plan(
                seed=seed,
                people=args.people,
                days=args.days,
                start=companies.START,
                attacks=args.attacks,
            )
            for seed in args.seeds
        ]
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _fields(found: Figures, trials: list[Trial], quiet: list[Trial]) -> dict[str, object]:
    return {
        "figures": asdict(found),
        "trials": [asdict(each) for each in trials],
        "without_attacks": [asdict(each) for each in quiet],
    }


def _command(args: Namespace) -> str:
    """The command that gives the same figures again."""
    words = ["vaultwatch", "evaluate"]
    for folder in args.folder:
        words += ["--from", str(folder)]
    if args.seeds:
        words += ["--seeds", span(args.seeds), "--people", str(args.people)]
        words += ["--days", str(args.days), "--attacks", str(args.attacks)]
    if args.rules:
        words += ["--rules", str(args.rules)]
    return shlex.join(words)


def span(seeds: tuple[int, ...]) -> str:
    """Seeds as a person writes them."""
    first, last = seeds[0], seeds[-1]
    whole = seeds == tuple(range(first, last + 1)) and len(seeds) > 1
    return f"{first}-{last}" if whole else ",".join(str(seed) for seed in seeds)
