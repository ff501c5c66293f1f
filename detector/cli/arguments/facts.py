"""The arguments of `vaultwatch facts`."""

from __future__ import annotations

from detector.cli.arguments import common


def add(commands: common.Commands) -> None:
    """Add the command."""
    facts = common.command(commands, "facts", "what is known about people; correct it", "facts")
    verbs = common.verbs(facts)
    listing = verbs.add_parser("list", help="everybody who is known, and who is still learned")
    show = verbs.add_parser("show", help="what is known about one person, as sentences")
    reset = verbs.add_parser("reset", help="forget all about one person and learn anew")
    pin = verbs.add_parser("pin", help="say that a fact is so: never forgotten or withdrawn")
    reject = verbs.add_parser("reject", help="say that it is not so: forgotten, never learned")
    risk = verbs.add_parser("risk", help="who is at risk now, or what the risk of one person is of")
    risk.add_argument(
        "who", nargs="?", help="user id or e-mail, or the id of what a rule groups by"
    )
    memory = verbs.add_parser("memory", help="how much each rule keeps, and the facts")
    for verb in (show, reset, pin, reject):
        verb.add_argument("person", help="user id or e-mail")
    for verb in (pin, reject):
        verb.add_argument("kind", help="country, place, network, device, client, vault, item, slot")
        verb.add_argument("value", help="the value, as 'facts show --json' writes it")
    for verb in (listing, risk, memory, show, reset, pin, reject):
        verb.add_argument("--account", metavar="NAME", help="where there are several")
        common.also(verb)
