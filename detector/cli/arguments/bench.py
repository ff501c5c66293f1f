"""The arguments of `vaultwatch rules explain`, `rules diff` and `rules near-misses`."""

from __future__ import annotations

from datetime import timedelta
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
    explain.add_argument("--train-until", type=common.time, metavar="TIME", help=common.TEACHES)
    history(explain, "--from")
    explain.set_defaults(module="rules_explain")
    diff = verbs.add_parser("diff", help="show which alerts an edit adds, removes and changes")
    diff.add_argument("old", help="a folder of rules, or a git revision as main:rules or HEAD~1")
    diff.add_argument("new", help="the same after the edit")
    diff.add_argument(
        "--since", type=common.since, metavar="30d|TIME",
        help="what was before only teaches (default: 30d; of a folder nothing only teaches)",
    )  # fmt: skip
    diff.add_argument(
        "--overlay", action="store_true",
        help="on top of the shipped rules, as the service runs them (default: on the base rules)",
    )  # fmt: skip
    diff.add_argument("--markdown", action="store_true", help="print a comment for a pull request")
    history(diff, "--events")
    diff.set_defaults(module="rules_diff")
    near = verbs.add_parser(
        "near-misses", help="show what came close to an alert, and what exceptions and silences hid"
    )
    near.add_argument(
        "--since", type=common.since, default=timedelta(days=30), metavar="30d|TIME",
        help="how far back (default: 30d)",
    )  # fmt: skip
    history(near, "--from")
    near.set_defaults(module="near_misses")
    for verb in (explain, diff, near):
        common.also(verb)


def history(made: common.Parser, name: str) -> None:
    """Where the history comes from."""
    made.add_argument(
        name, type=Path, metavar="DIR", dest="folder", default=None,
        help="history: a folder of feeds (default: the store)",
    )  # fmt: skip
    made.add_argument("--account", metavar="NAME", help="of the store, where there are several")
