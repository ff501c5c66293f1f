"""What arguments are made of: times, spans and seeds, and the options that every command has."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001

Parser: TypeAlias = argparse.ArgumentParser

TEACHES = "events before this time only teach"
ONLY_RULES = "only these rules, on the base rules"
WRITES = "put the figures into this page, like docs/evaluation.md"


def command(commands: Commands, name: str, text: str, module: str) -> argparse.ArgumentParser:
    """A command that `detector.cli.<module>` carries out, with the options that all have."""
    made = commands.add_parser(name, help=text, description=text[:1].upper() + text[1:] + ".")
    made.set_defaults(module=module)
    made.add_argument(
        "--config", type=Path, metavar="FILE", help="configuration (default ./vaultwatch.toml)"
    )
    made.add_argument("--json", action="store_true", help="print for machines")
    return made


def verbs(made: argparse.ArgumentParser) -> Commands:
    """The verbs of a command; `args.verb` names the one that was given."""
    return made.add_subparsers(title="verbs", metavar="VERB", required=True, dest="verb")


def also(made: argparse.ArgumentParser) -> None:
    """The options that every command has, after a verb as well as before it."""
    made.add_argument("--config", type=Path, metavar="FILE", default=argparse.SUPPRESS)
    made.add_argument("--json", action="store_true", default=argparse.SUPPRESS)


def until(made: argparse.ArgumentParser) -> None:
    """How long something holds: a span, or a time."""
    when = made.add_mutually_exclusive_group(required=True)
    when.add_argument("--for", dest="span", type=span, metavar="SPAN", help="as 30m, 4h or 2d")
    when.add_argument("--until", type=time, metavar="TIME")


def pipeline(made: argparse.ArgumentParser) -> None:
    """Files that a pipeline reads."""
    made.add_argument("--sarif", type=Path, metavar="FILE", help="also write SARIF 2.1.0")
    made.add_argument("--junit", type=Path, metavar="FILE", help="also write JUnit's XML")


def companies(made: argparse.ArgumentParser) -> None:
    """Which companies are made to measure on."""
    made.add_argument(
        "--seeds", type=seeds, default=(), metavar="N-M",
        help="make these companies; 1-5 are for development, 101 and above for reports",
    )  # fmt: skip
    made.add_argument("--people", type=int, default=200)
    made.add_argument("--days", type=int, default=49, help="of which 35 only teach")
    made.add_argument("--attacks", type=int, default=13, help="in each company")
    made.add_argument(
        "--no-twins", dest="twins", action="store_false",
        help="leave out the same companies without attacks",
    )  # fmt: skip


def time(text: str) -> datetime:
    """A time or date from the command line; UTC unless it says otherwise."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        msg = f"{text!r} is no time; write it like 2026-03-01 or 2026-03-01T14:00:00Z"
        raise argparse.ArgumentTypeError(msg) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def since(text: str) -> timedelta | datetime:
    """A time from the command line, or a span before the newest event."""
    return span(text) if text[-1:] in {"m", "h", "d"} and text[:-1].isdecimal() else time(text)


def seeds(text: str) -> tuple[int, ...]:
    """Seeds like '101-110' or '1,2,7'."""
    try:
        found: list[int] = []
        for part in text.split(","):
            first, dash, last = part.partition("-")
            found += range(int(first), int(last) + 1) if dash else [int(first)]
    except ValueError as error:
        msg = f"{text!r} names no seeds; write them like 101-110 or 1,2,7"
        raise argparse.ArgumentTypeError(msg) from error
    return tuple(found)


def span(text: str) -> timedelta:
    """A span of time from the command line."""
    unit = {"m": "minutes", "h": "hours", "d": "days"}.get(text[-1:])
    if unit is None or not text[:-1].isdecimal() or len(text) > 6 or not int(text[:-1]):
        msg = f"{text!r} is no span; write it like 30m, 4h or 2d"
        raise argparse.ArgumentTypeError(msg)
    return timedelta(**{unit: int(text[:-1])})
