"""`vaultwatch run`: the background service."""

from __future__ import annotations

import logging
import os
import sys
from argparse import Namespace

import structlog

from detector import settings
from detector.cli import output
from detector.service import Service


def run(args: Namespace) -> int:
    """Run until a signal says stop; with `--once`, 1 if a feed could not be read."""
    quiet_logs(as_json=args.json or not sys.stderr.isatty())
    config = settings.load(args.config, os.environ)
    return 0 if Service(config, output.console()).run(once=args.once) else 1


def quiet_logs(*, as_json: bool) -> None:
    """Log lines to stderr: JSON for machines, words on a terminal; other libraries only warn."""
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    output.log_to_stderr(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    logging.getLogger("httpx").setLevel(logging.WARNING)
