"""The arguments of `vaultwatch silences`."""

from __future__ import annotations

from detector.cli.arguments import common


def add(commands: common.Commands) -> None:
    """Add the command."""
    silences = common.command(commands, "silences", "hold back alerts for a while", "silences")
    verbs = common.verbs(silences)
    add = verbs.add_parser("add", help="hold back alerts that all matchers meet")
    add.add_argument(
        "matcher", nargs="+",
        help="FIELD=VALUE, != for not, =~ and !~ for a whole match of a pattern; fields: rule, "
        "subject, level, tag, account, evidence.NAME. A rule, tag or account that there is not is "
        "warned of and kept: it may come with the next rules",
    )  # fmt: skip
    add.add_argument("--reason", required=True, help="why")
    common.until(add)
    add.add_argument(
        "--preview", action="store_true", help="only show what it would have held back"
    )
    expected = verbs.add_parser(
        "expected", help="hold back what is like an alert: same rule, same person, same causes"
    )
    expected.add_argument("alert", help="the alert's id, or how it begins")
    expected.add_argument("--reason", required=True, help="why it is expected")
    common.until(expected)
    expected.add_argument(
        "--preview", action="store_true", help="only show what it would have held back"
    )
    listing = verbs.add_parser("list", help="list silences, one JSON object a line with --json")
    listing.add_argument("--all", action="store_true", help="also those that ended")
    end = verbs.add_parser("expire", help="end a silence now")
    end.add_argument("id", help="the silence's id, or how it begins")
    end.add_argument("--note", default="", help="why")
    for verb in (add, expected, listing, end):
        common.also(verb)
