"""The arguments of `vaultwatch rules new`."""

from __future__ import annotations

from pathlib import Path

from detector.cli.arguments import bench, common

KINDS = ("detection", "correlation", "behavior")


def add(verbs: common.Commands) -> None:
    """Add the verb."""
    new = verbs.add_parser("new", help="write a rule file from a template or from an event")
    new.add_argument("title", help="what has happened, for whoever gets the message")
    of = new.add_mutually_exclusive_group()
    of.add_argument("--kind", choices=KINDS, default="detection", help="default: detection")
    of.add_argument(
        "--event", metavar="ID|FILE",
        help="a detection of this event: its uuid in the history, or a file of one raw item",
    )  # fmt: skip
    new.add_argument(
        "--out", type=Path, metavar="FILE",
        help="default: named after the title, in the folder of your rules or the current one",
    )  # fmt: skip
    bench.history(new, "--from")
    common.also(new)
    new.set_defaults(module="rules_new")
