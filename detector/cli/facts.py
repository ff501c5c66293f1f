"""`vaultwatch facts`: what is known about people, and what people say about it."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from contextlib import closing
from dataclasses import asdict
from typing import Any, Final

from detector import accounts, app, settings, workhours
from detector.changes.base import ChangeRefused
from detector.changes.facts import Correct, find
from detector.cli import facts_risk, output
from detector.corrections import How
from detector.holdings import held
from detector.observations import CLIENT, KINDS, PLACE, SLOT
from detector.persons import Person
from detector.settings import ConfigError
from detector.state import Memory, State
from detector.store.sqlite import Sqlite
from detector.warmth import is_warm, warm_on, warmth, who
from detector.wording import client, hour, place, plural
from detector.workhours import DAY_US

MOST_SHOWN: Final = 5


def run(args: Namespace) -> int:
    """Dispatch to the verb."""
    config = settings.load(args.config, os.environ)
    output.log_to_stderr()
    with closing(Sqlite(config.data.directory, write=False)) as store:
        name = output.account(store.accounts(), args.account, config.data.directory)
        if args.verb in {"list", "show", "memory", "risk"}:
            state = accounts.restore(store, name, span=config.data.window).state
    if args.verb == "list":
        return _list(args, state.memory)
    if args.verb == "show":
        return _show(args, state.memory)
    if args.verb == "memory":
        return _memory(args, state)
    if args.verb == "risk":
        return facts_risk.run(args, state)
    kind, value = getattr(args, "kind", ""), getattr(args, "value", "")
    done = app.ask(config, Correct(name, How(args.verb), args.person, kind, value))
    if args.json:
        output.as_json(done)
    else:
        said = {"pin": "is so", "reject": "is not so", "reset": "is forgotten"}[args.verb]
        what = f"{kind} {value}" if kind else "all that was known"
        sys.stdout.write(f"{args.person}: {what} {said}, from entry {done['seq']} on\n")
    return 0


def _list(args: Namespace, memory: Memory) -> int:
    people = sorted(memory.facts.people.items(), key=lambda each: (each[1].first, each[0]))
    if args.json:
        for name, person in people:
            output.as_json(_summary(memory, name, person))
        return 0
    terminal = output.console()
    terminal.print(output.plain(warmth(memory).words))
    for name, person in people:
        last = workhours.instant(person.last)
        days = plural(person.days, "active day")
        where = place(person.home) or "an unknown place"
        terminal.print(
            output.plain(
                f"  {who(memory, name)}: {days}, at home in {where}, last seen {last:%Y-%m-%d}"
            )
        )
    return 0


def _memory(args: Namespace, state: State) -> int:
    for each in held(state):
        if args.json:
            output.as_json(asdict(each))
        else:
            size = f"{each.bytes / 1e6:,.2f} MB"
            output.console().print(output.plain(f"  {each.rule}: {each.entries:,} entries, {size}"))
    return 0


def _show(args: Namespace, memory: Memory) -> int:
    try:
        name = find(memory, args.person)
    except ChangeRefused as error:
        raise ConfigError(str(error)) from error
    person = memory.facts.people[name]
    if args.json:
        known = [_fact(memory, name, *each) for each in memory.facts.ledger.of(name)]
        peers = memory.facts.peers.get(name, [])
        output.as_json(_summary(memory, name, person) | {"facts": known, "peers": peers})
        return 0
    for line in _sentences(memory, name, person):
        output.console().print(output.plain(line))
    return 0


def _sentences(memory: Memory, name: str, person: Person) -> list[str]:
    facts = memory.facts
    first = workhours.instant(person.first)
    lines = [
        f"{who(memory, name)} is known since {first:%Y-%m-%d}: {plural(person.events, 'event')} on "
        f"{plural(person.days, 'day')}; local time is {facts.zone_of(name)}."
    ]
    for kind, label in enumerate(KINDS):
        known = sorted(
            facts.ledger.of(name, kind), key=lambda each: (-int(each[2]["days"]), each[1])
        )
        if not known:
            continue
        shown = [_words(memory, name, each) for each in known[:MOST_SHOWN]]
        more = f" and {len(known) - MOST_SHOWN} more" if len(known) > MOST_SHOWN else ""
        lines.append(f"  {label}: {'; '.join(shown)}{more}.")
    peers = facts.peers.get(name)
    if peers:
        named = ", ".join(who(memory, peer) for peer in peers)
        lines.append(f"  peers: {len(peers)} who use the same vaults: {named}.")
    if person.guards:
        lines.append(
            f"  {plural(len(person.guards), 'value')} came under an alert and are not learned."
        )
    for label, kept in (("pinned", facts.pinned), ("rejected", facts.rejected)):
        said = [
            f"{KINDS[int(key.partition(':')[0])]} {key.partition(':')[2]}"
            for key in kept.get(name, ())
        ]
        if said:
            lines.append(f"  {label}: {'; '.join(said)}.")
    return lines


def _words(memory: Memory, name: str, known: tuple[int, str, Any]) -> str:
    fact = _fact(memory, name, *known)
    return f"{fact['words']} on {plural(fact['days'], 'day')}, since {fact['known_since'][:10]}, last {fact['last_day']}"


def _fact(memory: Memory, name: str, kind: int, value: str, line: Any) -> dict[str, Any]:
    key = f"{kind}:{value}"
    last = int(line["last_day"])
    return {
        "kind": KINDS[kind],
        "value": value,
        "words": _said(kind, value),
        "days": int(line["days"]),
        "known_since": f"{workhours.instant(int(line['since'])):%Y-%m-%dT%H:%M:%SZ}",
        "last_day": f"{workhours.instant(last * DAY_US):%Y-%m-%d}",
        "expires": f"{workhours.instant((last + memory.facts.remember_days) * DAY_US):%Y-%m-%d}",
        "pinned": key in memory.facts.pinned.get(name, ()),
    }


def _said(kind: int, value: str) -> str:
    """A value as people say it."""
    if kind == PLACE:
        return place(value) or value
    return client(value) if kind == CLIENT else hour(value) if kind == SLOT else value


def _summary(memory: Memory, name: str, person: Person) -> dict[str, Any]:
    email, full_name = memory.contacts.get(name, (None, None))
    return {
        "person": name,
        "email": email,
        "name": full_name,
        "events": person.events,
        "days": person.days,
        "home": person.home,
        "timezone": memory.facts.zone_of(name),
        "is_warm": is_warm(person, memory.clock),
        "warm_on": f"{warm_on(person):%Y-%m-%d}",
    }
