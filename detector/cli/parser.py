"""The whole command line. Nothing heavy is imported here, so that --help is quick."""

from __future__ import annotations

import argparse
from typing import Final

from detector import __version__
from detector.cli.arguments import (
    alerts,
    backtest,
    backup,
    check,
    coverage,
    demo,
    digest,
    doctor,
    evaluate,
    events,
    facts,
    init,
    model,
    outbox,
    reload,
    rules,
    run,
    silences,
    simulate,
    templates,
)

COMMANDS: Final = (
    *(init, run, reload, doctor),
    *(alerts, silences, digest, coverage, events, outbox, backup),
    *(check, rules, templates, backtest, evaluate, model, facts),
    *(demo, simulate),
)
"""In the order of --help: to run it, what it has stored, what an analyst does, to try it."""


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; `args.module` names the command's module."""
    top = argparse.ArgumentParser(
        prog="vaultwatch",
        description="Anomaly-detection alerting for 1Password.",
        epilog="Exit codes: 0 done, 1 the thing asked for is not so, 2 wrong usage or configuration.",
    )
    top.add_argument("--version", action="version", version=f"vaultwatch {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for each in COMMANDS:
        each.add(commands)
    return top
