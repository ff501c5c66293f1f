"""`vaultwatch model evaluate`: the model against other methods on the same hours."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

from detector import app, backtesting, files, settings
from detector.anomaly.causes import CAUSES
from detector.cli import evaluate, output, planning
from detector.evaluation import companies, contest, methods, model_page, reasons
from detector.evaluation.companies import Labelled
from detector.evaluation.contest import Watched
from detector.evaluation.model_page import Measured
from detector.evaluation.reasons import Named
from detector.evaluation.spending import Days, days_of
from detector.evaluation.standings import Contest
from detector.evaluation.trials import play
from detector.settings import ConfigError
from detector.simulator import Plan
from detector.terminal import progress

Company = tuple[Watched, Contest, Contest, Named, Days, Days]
"""What was measured of one company, in the order of `Measured`."""


def run(args: Namespace) -> int:
    """Watch every company once, let all methods order its hours, and print who found what."""
    config = settings.load(args.config, os.environ)
    if not args.seeds:
        msg = "name the companies: --seeds 101-120 for a report, 1-5 while developing"
        raise ConfigError(msg)
    if args.write is not None and not args.write.parent.is_dir():
        msg = f"{args.write}: there is no folder {args.write.parent}; make it first"
        raise ConfigError(msg)
    texts = files.texts(config.paths, timezone=config.timezone)
    make = evaluate.Maker(texts, app.now().date(), planning.rules_cache(config), budget=args.budget)
    found = Measured(*zip(*_all(evaluate.plans_of(args), make, args.jobs), strict=True))
    text = model_page.page(found, _command(args))
    if args.json:
        output.as_json(model_page.fields(found))
    else:
        output.console().print(Markdown(text))
    if args.write is not None:
        evaluate.write(args.write, "model", text)
        _draw(args.write.parent / "images" / model_page.CHART, found)
    return 0


def _command(args: Namespace) -> str:
    """The command that gives the same figures again."""
    words = ["vaultwatch model evaluate --seeds", evaluate.span(args.seeds)]
    words += ["--people", str(args.people), "--days", str(args.days)]
    words += ["--attacks", str(args.attacks)]
    if args.budget is not None:
        words += ["--budget", f"{args.budget:g}"]
    return " ".join(words)


def _all(plans: Sequence[Plan], make: evaluate.Maker, jobs: int) -> list[Company]:
    """Every company in its order; several at once if there are several jobs."""
    if jobs <= 1:
        app.settle_process()
        return [_measured(plan, make) for plan in plans]
    with ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=app.settle_process
    ) as workers:
        return list(workers.map(_measured, plans, repeat(make)))


def _measured(plan: Plan, make: evaluate.Maker) -> Company:
    """One company: watched once, then every method on its hours; and its twin without attacks."""
    terminal = Console(stderr=True, highlight=False)
    with companies.made(plan) as company, _shown(terminal, company) as advance:
        watched = contest.watch(company, make, advance)
    found = contest.compete(watched)
    without = contest.compete(watched, {cause: methods.without(cause) for cause in CAUSES})
    named = reasons.named(watched, found["model"][model_page.MAIN].threshold)
    begin, days = watched.begin, round(watched.days)
    raised = days_of(watched.grade, watched.declaration, watched.people, begin, days)
    with companies.made(plan, attacked=False) as twin, _shown(terminal, twin) as advance:
        _, grade = play(twin, make, advance)
    quiet = days_of(grade, watched.declaration, watched.people, begin, days)
    return contest.without_hours(watched), found, without, named, raised, quiet


def _shown(terminal: Console, company: Labelled) -> AbstractContextManager[backtesting.Advance]:
    events = len(company.recorded)
    return progress(terminal, f"{company.name}: {events:,} events", events)


def _draw(path: Path, found: Measured) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(model_page.chart(found), encoding="utf-8")
    except OSError as error:
        msg = f"{path}: cannot be written: {error.strerror}"
        raise ConfigError(msg) from error
