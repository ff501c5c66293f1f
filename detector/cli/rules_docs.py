"""`vaultwatch rules docs`: the reference of behaviours, or a catalogue of the rules that are loaded."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from datetime import UTC, datetime

from detector import settings
from detector.cli import output, planning


def run(args: Namespace) -> int:
    """Print the page or write it; 1 if a rule file has a mistake."""
    page, code = _rules(args) if args.page == "rules" else (_behaviors(), 0)
    if args.out is None:
        sys.stdout.write(page)
    else:
        output.write_file(args.out, page.encode())
    return code


def _behaviors() -> str:
    from detector.rule_types import reference

    return reference.page()


def _rules(args: Namespace) -> tuple[str, int]:
    """The catalogue, and what its making comes to."""
    from detector.rehearsal import catalogue

    config = settings.load(args.config, os.environ)
    built = planning.build(config, datetime.now(UTC).date(), args.rules)
    for mistake in built.mistakes:
        sys.stderr.write(f"{mistake}\n")
    return catalogue.page(built.loaded), 1 if built.mistakes else 0
