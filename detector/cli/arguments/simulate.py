"""The arguments of `vaultwatch simulate`."""

from __future__ import annotations

from pathlib import Path

from detector.cli.arguments import common


def add(commands: common.Commands) -> None:
    """Add the command."""
    simulate = common.command(commands, "simulate", "make a simulated company", "simulate")
    simulate.add_argument("--seed", type=int, default=7)
    simulate.add_argument("--people", type=int, default=80)
    simulate.add_argument("--days", type=int, default=49)
    simulate.add_argument("--attacks", type=int, default=12)
    simulate.add_argument("--start", type=common.time, default=None, metavar="TIME")
    simulate.add_argument("--out", type=Path, metavar="DIR", help="write the feeds as files")
    simulate.add_argument(
        "--serve", type=int, metavar="PORT", help="serve the Events API on loopback"
    )
    simulate.add_argument(
        "--fault", action="append", default=[], metavar="FEED:WHEN:FAULT",
        help="make the API fail, like 'signinattempts:3:status=500' or '*:p=0.05:reset'",
    )  # fmt: skip
