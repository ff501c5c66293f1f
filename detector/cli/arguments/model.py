"""The arguments of `vaultwatch model`."""

from __future__ import annotations

from pathlib import Path

from detector.cli.arguments import common


def add(commands: common.Commands) -> None:
    """Add the command."""
    model = common.command(commands, "model", "show, train and roll back the model", "model")
    verbs = common.verbs(model)
    status = verbs.add_parser("status", help="which model is at work, its alerts and its drift")
    status.add_argument(
        "--preview", action="store_true", help="what each budget would have meant last month"
    )
    train = verbs.add_parser("train", help="train a model now")
    rollback = verbs.add_parser("rollback", help="use an earlier model again")
    rollback.add_argument("id", nargs="?", default="", help="how its id begins (default: the last)")
    against = verbs.add_parser("evaluate", help="the model against other methods, in numbers")
    common.companies(against)
    against.add_argument(
        "--budget", type=float, metavar="N",
        help="alerts a day and 1,000 people of the running channel (default: as declared)",
    )  # fmt: skip
    against.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="companies at once, each in a process"
    )
    against.add_argument("--write", type=Path, metavar="FILE", help=common.WRITES)
    common.also(against)
    verbs.add_parser("schema", help="print the JSON schema of the declaration, for editors")
    verbs.add_parser("docs", help="print the reference of the declaration")
    card = verbs.add_parser("card", help="print the model card")
    card.add_argument(
        "--figures", type=Path, default=Path("docs/evaluation.md"), metavar="FILE",
        help="the page of figures (default: docs/evaluation.md)",
    )  # fmt: skip
    common.also(card)
    for verb in (status, train, rollback):
        verb.add_argument("--account", metavar="NAME", help="where there are several")
        common.also(verb)
