"""The arguments of `vaultwatch simulate`."""

from __future__ import annotations

from pathlib import Path

from detector.cli.arguments import common


def add(commands: common.Commands) -> None:
    """Add the command."""
    simulate = common.command(commands, "simulate", "make a simulated company", "simulate")
    simulate.add_argument("--seed", type=int, default=7, help="another company for each (7)")
    simulate.add_argument("--people", type=int, default=80, help="how many work there (80)")
    simulate.add_argument("--days", type=int, default=49, help="how long it is watched (49)")
    simulate.add_argument("--attacks", type=int, default=12, help="hidden among its days (12)")
    simulate.add_argument(
        "--start", type=common.time, default=None, metavar="TIME",
        help="its first day; without it the last day is yesterday, or with --serve in two weeks",
    )  # fmt: skip
    simulate.add_argument("--out", type=Path, metavar="DIR", help="write the feeds as files")
    simulate.add_argument(
        "--serve", type=int, metavar="PORT", help="serve the Events API on loopback"
    )
    simulate.add_argument(
        "--fault", action="append", default=[], metavar="FEED:WHEN:FAULT",
        help="make the API fail, like 'signinattempts:3:status=500' or '*:p=0.05:reset' "
        "(docs/operator.md)",
    )  # fmt: skip
