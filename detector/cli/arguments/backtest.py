"""The arguments of `vaultwatch backtest`."""

from __future__ import annotations

from pathlib import Path

from detector.cli.arguments import common


def add(commands: common.Commands) -> None:
    """Add the command."""
    backtest = common.command(commands, "backtest", "replay history through the engine", "backtest")
    backtest.add_argument(
        "--from", type=Path, metavar="DIR", dest="folder",
        help="folder with auditevents, signinattempts and itemusages .ndjson (default: the store)",
    )  # fmt: skip
    backtest.add_argument("--rules", type=Path, metavar="DIR", help=common.ONLY_RULES)
    backtest.add_argument(
        "--since", type=common.time, metavar="TIME", help="leave out earlier events"
    )
    backtest.add_argument(
        "--until", type=common.time, metavar="TIME", help="leave out later events"
    )
    backtest.add_argument("--train-until", type=common.time, metavar="TIME", help=common.TEACHES)
    backtest.add_argument(
        "--out", type=Path, metavar="FILE", help="one alert a line (default: stdout)"
    )
    backtest.add_argument(
        "--suppressed", action="store_true", help="also write findings that a rung held back"
    )
    backtest.add_argument("--account", metavar="NAME", help="of the store, where there are several")
    backtest.add_argument(
        "--events",
        type=Path,
        metavar="PATH",
        help="other products' events: NDJSON, JSON or Parquet, a file or a folder",
    )
    backtest.add_argument(
        "--mapping", type=Path, metavar="FILE", help="their log sources and field names"
    )
    backtest.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        action="append",
        default=[],
        help="what came of it: a page if the name ends in .html, else JSON (with --events: what "
        "loaded, failed, fired and differed); may be repeated",
    )
    backtest.add_argument(
        "--compare", choices=("sqlite",), help="with --events: the same rules in another engine"
    )
    backtest.add_argument(
        "--expected",
        type=Path,
        metavar="PATH",
        help="with --events: what must match, as SigmaHQ's regression data or an earlier --out",
    )
