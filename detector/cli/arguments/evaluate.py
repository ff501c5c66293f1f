"""The arguments of `vaultwatch evaluate`."""

from __future__ import annotations

from pathlib import Path

from detector.cli.arguments import common


def add(commands: common.Commands) -> None:
    """Add the command."""
    evaluate = common.command(
        commands, "evaluate", "measure what is found in labelled history", "evaluate"
    )
    evaluate.add_argument(
        "--from", type=Path, action="append", default=[], metavar="DIR", dest="folder",
        help="a folder that 'simulate --out' wrote, with its labels; may be repeated",
    )  # fmt: skip
    evaluate.add_argument("--train-until", type=common.time, metavar="TIME", help=common.TEACHES)
    evaluate.add_argument("--rules", type=Path, metavar="DIR", help=common.ONLY_RULES)
    common.companies(evaluate)
    evaluate.add_argument(
        "--alerts", type=Path, metavar="FILE", help="one alert a line, with the attacks it names"
    )
    evaluate.add_argument("--write", type=Path, metavar="FILE", help=common.WRITES)
