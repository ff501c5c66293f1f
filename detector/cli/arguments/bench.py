"""The arguments of `vaultwatch rules explain`."""

from __future__ import annotations

from pathlib import Path

from detector.cli.arguments import common


def add(verbs: common.Commands) -> None:
    """Add the verbs of `rules` that hold rules against history."""
    explain = verbs.add_parser("explain", help="say why an event did or did not raise an alert")
    explain.add_argument("rule", help="name or id")
    explain.add_argument(
        "--event", required=True, metavar="ID|FILE",
        help="the event's uuid in the history, or a file of raw items",
    )  # fmt: skip
    explain.add_argument("--rules", type=Path, metavar="DIR", help=common.ONLY_RULES)
    _history(explain, "--from")
    explain.set_defaults(module="rules_explain")
    common.also(explain)


def _history(made: common.Parser, name: str) -> None:
    made.add_argument(
        name, type=Path, metavar="DIR", dest="folder", default=None,
        help="history: a folder of feeds (default: the store)",
    )  # fmt: skip
    made.add_argument("--train-until", type=common.time, metavar="TIME", help=common.TEACHES)
    made.add_argument("--account", metavar="NAME", help="of the store, where there are several")
