"""`vaultwatch model evaluate`: the model against other methods on the same hours."""

from __future__ import annotations

import os
from argparse import Namespace
from dataclasses import asdict

from rich.console import Console
from rich.markdown import Markdown

from detector import app, files, settings
from detector.cli import evaluate, output
from detector.evaluation import companies, contest, standings
from detector.settings import ConfigError
from detector.terminal import progress


def run(args: Namespace) -> int:
    """Watch every company once, let all methods order its hours, and print who found what."""
    app.settle_process()
    config = settings.load(args.config, os.environ)
    if not args.seeds:
        msg = "name the companies: --seeds 101-120 for a report, 1-5 while developing"
        raise ConfigError(msg)
    make = evaluate.Maker(files.texts(config.paths, timezone=config.timezone), app.now().date())
    terminal = Console(stderr=True, highlight=False)
    watched, contests = [], []
    for plan in evaluate.plans_of(args):
        with companies.made(plan) as company:
            events = company.recorded.frame.height
            with progress(terminal, f"{company.name}: {events:,} events", events) as advance:
                watched.append(contest.watch(company, make, advance))
        contests.append(contest.compete(watched[-1]))
    found = standings.standings(watched, contests)
    command = " ".join(
        ("vaultwatch model evaluate --seeds", evaluate.span(args.seeds),
         "--people", str(args.people), "--days", str(args.days), "--attacks", str(args.attacks))
    )  # fmt: skip
    text = standings.page(found, len(watched), command)
    if args.json:
        output.as_json([asdict(each) for each in found])
    else:
        output.console().print(Markdown(text))
    if args.write is not None:
        evaluate.write(args.write, "model", text)
    return 0
