"""The arguments of `vaultwatch rules`."""

from __future__ import annotations

from pathlib import Path

from detector.cli.arguments import bench, common, drafting


def add(commands: common.Commands) -> None:
    """Add the command."""
    rules = common.command(commands, "rules", "list, show and test rules", "rules")
    verbs = common.verbs(rules)
    listing = verbs.add_parser("list", help="list all rules")
    listing.add_argument(
        "--attack", action="store_true", help="by technique of ATT&CK: which rules look for it"
    )
    show = verbs.add_parser("show", help="show one rule in words")
    show.add_argument("rule", help="name or id")
    show.add_argument("--yaml", action="store_true", help="as it is written, and what changes it")
    test = verbs.add_parser("test", help="play the tests that stand in the rule files")
    test.add_argument("rule", nargs="*", help="names or ids (default: all)")
    test.add_argument(
        "--coverage", action="store_true",
        help="count positive, negative and look-alike tests; 1 if a rule that alerts has none of one",
    )  # fmt: skip
    test.add_argument("--watch", action="store_true", help="play again what a save concerns")
    common.pipeline(test)
    test.set_defaults(module="rules_test")
    verbs.add_parser("schema", help="print the JSON schema of rule files, for editors")
    reference = verbs.add_parser(
        "reference", help="print the sections of the reference that mistakes name"
    )
    reference.add_argument(
        "name", nargs="*", help="as in brackets behind a mistake (default: list)"
    )
    reference.set_defaults(module="rules_reference")
    docs = verbs.add_parser(
        "docs",
        help="print the reference of behaviours or fields, or a catalogue of the rules, as Markdown",
    )
    docs.add_argument(
        "page", nargs="?", choices=("behaviors", "fields", "rules"), default="behaviors"
    )
    docs.add_argument("--out", type=Path, metavar="FILE", help="write it (default: print it)")
    docs.set_defaults(module="rules_docs")
    export = verbs.add_parser(
        "export", help="write the rules for other Sigma tools, behaviours as stubs"
    )
    export.add_argument("--out", type=Path, metavar="DIR", required=True, help="an empty folder")
    drafting.add(verbs)
    bench.add(verbs)
    common.also(reference)
    for verb in (listing, show, test, docs, export):
        verb.add_argument("--rules", type=Path, metavar="DIR", help="a folder of rules")
        common.also(verb)
