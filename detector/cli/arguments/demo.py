"""The arguments of `vaultwatch demo`."""

from __future__ import annotations

from detector.cli.arguments import common


def add(commands: common.Commands) -> None:
    """Add the command."""
    demo = common.command(commands, "demo", "watch a simulated company, no account needed", "demo")
    demo.add_argument("--seed", type=int, default=7)
    demo.add_argument("--people", type=int, default=60)
    demo.add_argument(
        "--keep", action="store_true", help="leave the API and the data there at the end"
    )
    demo.add_argument("--slack", action="store_true", help="also send to the configured Slack")
    demo.add_argument("--email", action="store_true", help="also send to the configured e-mail")
