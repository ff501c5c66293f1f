"""`vaultwatch simulate`: a company as files, or behind a real HTTP Events API."""

from __future__ import annotations

import sys
import threading
from argparse import Namespace
from datetime import timedelta

from detector import app
from detector.settings import ConfigError
from detector.simulator import Plan, parse_faults, serve, simulate, write


def run(args: Namespace) -> int:
    """Write the feeds, serve them, or both."""
    if args.out is None and args.serve is None:
        msg = "say where the company goes: --out DIR writes files, --serve PORT serves the API"
        raise ConfigError(msg)
    faults = parse_faults(args.fault) if args.fault else None
    start = args.start or app.now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(
        days=args.days if args.serve is None else args.days - 14
    )
    try:
        plan = Plan(
            seed=args.seed, people=args.people, days=args.days, start=start, attacks=args.attacks
        )
    except ValueError as error:
        raise ConfigError(str(error)) from error
    company = simulate(plan)
    sys.stdout.write(
        f"{len(company.arrivals):,} events of {args.people} people in {args.days} days, "
        f"{len(company.attacks)} attacks\n"
    )
    if args.out is not None:
        try:
            write(company, args.out)
        except OSError as error:
            msg = f"{args.out}: cannot be written: {error.strerror}"
            raise ConfigError(msg) from error
        sys.stdout.write(f"written to {args.out}\n")
    if args.serve is not None:
        try:
            server = serve(company, app.now, port=args.serve, faults=faults)
        except (OSError, OverflowError) as error:
            msg = f"--serve {args.serve}: cannot be listened at: {error}; take another port, or 0"
            raise ConfigError(msg) from error
        with server:
            sys.stdout.write(
                f"Events API at {server.url}\nexport OP_EVENTS_TOKEN={server.token}\nCtrl-C ends it\n"
            )
            sys.stdout.flush()
            threading.Event().wait()
    return 0
