"""`vaultwatch rules docs`: the reference of behaviours or fields, or a catalogue of the rules that are loaded."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from datetime import UTC, datetime

from detector import settings
from detector.cli import complaints, output, planning


def run(args: Namespace) -> int:
    """Print the page or write it; 1 if a rule file has a mistake."""
    pages = {"behaviors": _behaviors, "fields": _fields}
    page, code = _rules(args) if args.page == "rules" else (pages[args.page](), 0)
    if args.out is None:
        sys.stdout.write(page)
    else:
        output.write_file(args.out, page.encode())
    return code


def _behaviors() -> str:
    from detector.rule_types import reference

    return reference.page()


def _fields() -> str:
    from detector.rulebook import field_reference

    return field_reference.page()


def _rules(args: Namespace) -> tuple[str, int]:
    """The catalogue, and what its making comes to."""
    from detector.rehearsal import catalogue

    config = settings.load(args.config, os.environ)
    built = planning.build(config, datetime.now(UTC).date(), args.rules)
    complaints.tell(config, built.mistakes)
    return catalogue.page(built.loaded), 1 if built.mistakes else 0
