"""Every command with its arguments. Nothing heavy is imported here, so that --help is quick."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from detector import __version__

FEEDS = ("auditevents", "signinattempts", "itemusages")  # as in detector.events, which is heavy


def time(text: str) -> datetime:
    """A time or date from the command line; UTC unless it says otherwise."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        msg = f"{text!r} is no time; write it like 2026-03-01 or 2026-03-01T14:00:00Z"
        raise argparse.ArgumentTypeError(msg) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def seeds(text: str) -> tuple[int, ...]:
    """Seeds like '101-110' or '1,2,7'."""
    try:
        found: list[int] = []
        for part in text.split(","):
            first, dash, last = part.partition("-")
            found += range(int(first), int(last) + 1) if dash else [int(first)]
    except ValueError as error:
        msg = f"{text!r} names no seeds; write them like 101-110 or 1,2,7"
        raise argparse.ArgumentTypeError(msg) from error
    return tuple(found)


def span(text: str) -> timedelta:
    """A span of time from the command line."""
    unit = {"m": "minutes", "h": "hours", "d": "days"}.get(text[-1:])
    if unit is None or not text[:-1].isdecimal() or len(text) > 6 or not int(text[:-1]):
        msg = f"{text!r} is no span; write it like 30m, 4h or 2d"
        raise argparse.ArgumentTypeError(msg)
    return timedelta(**{unit: int(text[:-1])})


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; `args.module` names the command's module."""
    top = argparse.ArgumentParser(
        prog="vaultwatch",
        description="Anomaly-detection alerting for 1Password.",
        epilog="Exit codes: 0 done, 1 the thing asked for is not so, 2 wrong usage or configuration.",
    )
    top.add_argument("--version", action="version", version=f"vaultwatch {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _service(commands)
    _stored(commands)
    _backups(commands)
    _analyst(commands)
    _templates(commands)
    _backtest(commands)
    _evaluate(commands)
    _model(commands)
    _facts(commands)
    _simulator(commands)
    return top


Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001


def _command(commands: Commands, name: str, text: str, module: str) -> argparse.ArgumentParser:
    made = commands.add_parser(name, help=text, description=text[:1].upper() + text[1:] + ".")
    made.set_defaults(module=module)
    made.add_argument(
        "--config", type=Path, metavar="FILE", help="configuration (default ./vaultwatch.toml)"
    )
    made.add_argument("--json", action="store_true", help="print for machines")
    return made


def _service(commands: Commands) -> None:
    init = _command(commands, "init", "write an example configuration", "init")
    init.add_argument("--out", type=Path, default=Path("vaultwatch.toml"), metavar="FILE")
    run = _command(commands, "run", "run the service", "run")
    run.add_argument(
        "--once", action="store_true", help="one round of polling and telling, then stop"
    )
    doctor = _command(commands, "doctor", "check that everything the service needs works", "doctor")
    doctor.add_argument("--online", action="store_true", help="also ask 1Password")


def _stored(commands: Commands) -> None:
    alerts = _command(commands, "alerts", "list alerts and change their status", "alerts")
    verbs = alerts.add_subparsers(title="verbs", metavar="VERB", required=True, dest="verb")
    listing = verbs.add_parser("list", help="list alerts, one JSON object a line with --json")
    listing.add_argument("--since", type=time, metavar="TIME")
    listing.add_argument("--status", metavar="STATUS")
    listing.add_argument(
        "--operator", action="store_true", help="the engine's alerts about itself instead"
    )
    listing.add_argument(
        "--suppressed", action="store_true", help="what an innocent explanation held back, and why"
    )
    _also(listing)
    listing.add_argument("--digest", metavar="ID", help="those that a digest stands for")
    listing.add_argument("--incident", metavar="ID", help="those of one incident")
    for verb, text in _VERBS.items():
        one = verbs.add_parser(verb, help=text)
        one.add_argument("id", help="id of an alert, or how it begins; or of an incident")
        if verb != "show":
            one.add_argument("--note", default="", help="why")
        if verb == "snooze":
            _until(one)
        _also(one)
    _silences(commands)
    digest = _command(commands, "digest", "print what the next digest says", "digest")
    digest.add_argument("--weekly", action="store_true", help="the rules of the last 7 days")
    digest.add_argument("--since", type=time, metavar="TIME", help="default: a day ago")
    coverage = _command(
        commands, "coverage", "show what is known to be complete, and every gap", "coverage"
    )
    coverage.add_argument("--days", type=float, default=7.0, help="how far back (default 7)")
    coverage.add_argument("--account", metavar="NAME", help="only this one")
    _events(commands)
    outbox = _command(
        commands, "outbox", "list messages, and send again what was not sent", "outbox"
    )
    verbs = outbox.add_subparsers(title="verbs", metavar="VERB", required=True, dest="verb")
    listing = verbs.add_parser("list", help="list messages, one JSON object a line with --json")
    listing.add_argument("--state", choices=("waiting", "sending", "sent", "dead", "folded"))
    retry = verbs.add_parser("retry", help="send again, also what was given up")
    retry.add_argument("id", nargs="?", default="", help="how the id begins (default: all)")
    _also(listing)
    _also(retry)


def _events(commands: Commands) -> None:
    events = _command(commands, "events", "query, export and forget stored events", "events")
    verbs = events.add_subparsers(title="verbs", metavar="VERB", required=True, dest="verb")
    query = verbs.add_parser("query", help="show the events that fit, the newest last")
    query.add_argument(
        "term", nargs="*", metavar="FIELD=VALUE",
        help="as in a Sigma selection: event.action=delete 'user.email|endswith=@example.com'",
    )  # fmt: skip
    query.add_argument("--person", metavar="P", help="uuid or e-mail of who acted")
    query.add_argument("--action", metavar="A", help="what was done; * for any characters")
    query.add_argument("--ip", metavar="IP", help="address or network that it came from")
    query.add_argument("--limit", type=int, default=50, metavar="N", help="of the table (50)")
    export = verbs.add_parser("export", help="write the raw items, one file for each feed")
    export.add_argument("--out", type=Path, metavar="DIR", required=True)
    export.add_argument("--format", choices=("ndjson", "parquet"), default="ndjson")
    for verb in (query, export):
        verb.add_argument("--feed", choices=FEEDS, metavar="F", help=f"one of {', '.join(FEEDS)}")
        verb.add_argument("--since", type=time, metavar="T", help="leave out earlier events")
        verb.add_argument("--until", type=time, metavar="T", help="leave out later events")
    forget = verbs.add_parser("forget", help="forget a person: events, alerts, what was learned")
    forget.add_argument("--actor", required=True, metavar="WHO", help="uuid or e-mail")
    forget.add_argument("--yes", action="store_true", help="do not ask")
    for verb in (query, export, forget):
        verb.add_argument("--account", metavar="NAME", help="where there are several")
        _also(verb)


def _backups(commands: Commands) -> None:
    backup = _command(
        commands, "backup", "copy everything to a folder, also while it runs", "backup"
    )
    restore = _command(commands, "restore", "put a backup in the place of the data", "backup")
    restore.add_argument("--verify", action="store_true", help="only prove the backup whole")
    restore.add_argument("--replace", action="store_true", help="even where data is there already")
    for made in (backup, restore):
        made.add_argument("folder", type=Path, metavar="DIR")
        made.set_defaults(command=made.prog.rpartition(" ")[2])


_VERBS = {
    "show": "show one alert with its evidence and history",
    "ack": "say that somebody looks at it",
    "snooze": "be told again later",
    "resolve": "say that it is dealt with",
    "false-positive": "say that the rule was wrong",
    "benign": "say that it happened, and was harmless",
}


def _silences(commands: Commands) -> None:
    silences = _command(commands, "silences", "hold back alerts for a while", "silences")
    verbs = silences.add_subparsers(title="verbs", metavar="VERB", required=True, dest="verb")
    add = verbs.add_parser("add", help="hold back alerts that all matchers meet")
    add.add_argument(
        "matcher", nargs="+",
        help="FIELD=VALUE, != for not, =~ and !~ for a whole match of a pattern; fields: rule, "
        "subject, level, tag, account, evidence.NAME",
    )  # fmt: skip
    add.add_argument("--reason", required=True, help="why")
    _until(add)
    add.add_argument(
        "--preview", action="store_true", help="only show what it would have held back"
    )
    listing = verbs.add_parser("list", help="list silences, one JSON object a line with --json")
    listing.add_argument("--all", action="store_true", help="also those that ended")
    end = verbs.add_parser("expire", help="end a silence now")
    end.add_argument("id", help="the silence's id, or how it begins")
    end.add_argument("--note", default="", help="why")
    for verb in (add, listing, end):
        _also(verb)


def _until(made: argparse.ArgumentParser) -> None:
    when = made.add_mutually_exclusive_group(required=True)
    when.add_argument("--for", dest="span", type=span, metavar="SPAN", help="as 30m, 4h or 2d")
    when.add_argument("--until", type=time, metavar="TIME")


def _also(made: argparse.ArgumentParser) -> None:
    """The options that every command has, after a verb as well as before it."""
    made.add_argument("--config", type=Path, metavar="FILE", default=argparse.SUPPRESS)
    made.add_argument("--json", action="store_true", default=argparse.SUPPRESS)


def _analyst(commands: Commands) -> None:
    check = _command(commands, "check", "check configuration, rules, models and templates", "check")
    check.add_argument("--rules", type=Path, metavar="DIR", help="check this folder of rules")
    rules = _command(commands, "rules", "list, show and test rules", "rules")
    verbs = rules.add_subparsers(title="verbs", metavar="VERB", required=True, dest="verb")
    listing = verbs.add_parser("list", help="list all rules")
    show = verbs.add_parser("show", help="show one rule in words")
    show.add_argument("rule", help="name or id")
    test = verbs.add_parser("test", help="play the tests that stand in the rule files")
    test.add_argument("rule", nargs="*", help="names or ids (default: all)")
    verbs.add_parser("schema", help="print the JSON schema of behaviours, for editors")
    verbs.add_parser("docs", help="print the reference of behaviours")
    for verb in (listing, show, test):
        verb.add_argument("--rules", type=Path, metavar="DIR", help="a folder of rules")
        _also(verb)


def _templates(commands: Commands) -> None:
    templates = _command(commands, "templates", "list, copy and try message templates", "templates")
    verbs = templates.add_subparsers(title="verbs", metavar="VERB", required=True, dest="verb")
    listing = verbs.add_parser("list", help="list all templates, and which are yours")
    copy = verbs.add_parser("copy", help="copy a shipped template, to change it")
    copy.add_argument("name", help="as 'slack.yaml'")
    copy.add_argument("--out", type=Path, metavar="DIR", help="(default: paths.templates)")
    render = verbs.add_parser("render", help="show a message as a channel shows it")
    render.add_argument(
        "--alert", default="takeover", metavar="ID", help="a stored alert, or a sample"
    )
    render.add_argument("--channel", choices=("slack", "email", "html", "console"), default="slack")
    render.add_argument("--png", type=Path, metavar="FILE", help="as a picture, by Chromium")
    render.add_argument(
        "--width", type=int, default=390, metavar="PIXELS", help="(default: a phone)"
    )
    render.add_argument("--dark", action="store_true", help="as shown at night")
    for verb in (listing, copy, render):
        _also(verb)


def _backtest(commands: Commands) -> None:
    backtest = _command(commands, "backtest", "replay history through the engine", "backtest")
    backtest.add_argument(
        "--from", type=Path, metavar="DIR", dest="folder",
        help="folder with auditevents, signinattempts and itemusages .ndjson (default: the store)",
    )  # fmt: skip
    backtest.add_argument("--rules", type=Path, metavar="DIR", help=_ONLY_RULES)
    backtest.add_argument("--since", type=time, metavar="TIME", help="leave out earlier events")
    backtest.add_argument("--until", type=time, metavar="TIME", help="leave out later events")
    backtest.add_argument("--train-until", type=time, metavar="TIME", help=_TEACHES)
    backtest.add_argument(
        "--out", type=Path, metavar="FILE", help="one alert a line (default: stdout)"
    )
    backtest.add_argument(
        "--suppressed", action="store_true", help="also write findings that a rung held back"
    )
    backtest.add_argument("--account", metavar="NAME", help="of the store, where there are several")
    backtest.add_argument(
        "--events",
        type=Path,
        metavar="PATH",
        help="other products' events: NDJSON, JSON or Parquet, a file or a folder",
    )
    backtest.add_argument(
        "--mapping", type=Path, metavar="FILE", help="their log sources and field names"
    )  # fmt: skip
    backtest.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="with --events: what loaded, what failed and why, and what fired, as JSON",
    )


def _evaluate(commands: Commands) -> None:
    evaluate = _command(
        commands, "evaluate", "measure what is found in labelled history", "evaluate"
    )
    evaluate.add_argument(
        "--from", type=Path, action="append", default=[], metavar="DIR", dest="folder",
        help="a folder that 'simulate --out' wrote, with its labels; may be repeated",
    )  # fmt: skip
    evaluate.add_argument("--train-until", type=time, metavar="TIME", help=_TEACHES)
    evaluate.add_argument("--rules", type=Path, metavar="DIR", help=_ONLY_RULES)
    _companies(evaluate)
    evaluate.add_argument(
        "--alerts", type=Path, metavar="FILE", help="one alert a line, with the attacks it names"
    )
    evaluate.add_argument("--write", type=Path, metavar="FILE", help=_WRITES)


def _model(commands: Commands) -> None:
    model = _command(commands, "model", "show, train and roll back the model", "model")
    verbs = model.add_subparsers(title="verbs", metavar="VERB", required=True, dest="verb")
    status = verbs.add_parser("status", help="which model is at work, its alerts and its drift")
    status.add_argument(
        "--preview", action="store_true", help="what each budget would have meant last month"
    )
    train = verbs.add_parser("train", help="train a model now")
    rollback = verbs.add_parser("rollback", help="use an earlier model again")
    rollback.add_argument("id", nargs="?", default="", help="how its id begins (default: the last)")
    against = verbs.add_parser("evaluate", help="the model against other methods, in numbers")
    _companies(against)
    against.add_argument("--write", type=Path, metavar="FILE", help=_WRITES)
    _also(against)
    for verb in (status, train, rollback):
        verb.add_argument("--account", metavar="NAME", help="where there are several")
        _also(verb)


def _facts(commands: Commands) -> None:
    facts = _command(commands, "facts", "what is known about people; correct it", "facts")
    verbs = facts.add_subparsers(title="verbs", metavar="VERB", required=True, dest="verb")
    listing = verbs.add_parser("list", help="everybody who is known, and who is still learned")
    show = verbs.add_parser("show", help="what is known about one person, as sentences")
    reset = verbs.add_parser("reset", help="forget all about one person and learn anew")
    pin = verbs.add_parser("pin", help="say that a fact is so: never forgotten or withdrawn")
    reject = verbs.add_parser("reject", help="say that it is not so: forgotten, never learned")
    for verb in (show, reset, pin, reject):
        verb.add_argument("person", help="user id or e-mail")
    for verb in (pin, reject):
        verb.add_argument("kind", help="country, place, network, device, client, vault, item, slot")
        verb.add_argument("value", help="the value, as 'facts show --json' writes it")
    for verb in (listing, show, reset, pin, reject):
        verb.add_argument("--account", metavar="NAME", help="where there are several")
        _also(verb)


def _companies(made: argparse.ArgumentParser) -> None:
    """Which companies are made to measure on."""
    made.add_argument(
        "--seeds", type=seeds, default=(), metavar="N-M",
        help="make these companies; 1-5 are for development, 101 and above for reports",
    )  # fmt: skip
    made.add_argument("--people", type=int, default=200)
    made.add_argument("--days", type=int, default=49, help="of which 35 only teach")
    made.add_argument("--attacks", type=int, default=13, help="in each company")
    made.add_argument(
        "--no-twins", dest="twins", action="store_false",
        help="leave out the same companies without attacks",
    )  # fmt: skip


_TEACHES = "events before this time only teach"
_ONLY_RULES = "only these rules, on the base rules"
_WRITES = "put the figures into this page, like docs/evaluation.md"


def _simulator(commands: Commands) -> None:
    demo = _command(commands, "demo", "watch a simulated company, no account needed", "demo")
    demo.add_argument("--seed", type=int, default=7)
    demo.add_argument("--people", type=int, default=60)
    demo.add_argument(
        "--keep", action="store_true", help="leave the API and the data there at the end"
    )
    demo.add_argument("--slack", action="store_true", help="also send to the configured Slack")
    demo.add_argument("--email", action="store_true", help="also send to the configured e-mail")
    simulate = _command(commands, "simulate", "make a simulated company", "simulate")
    simulate.add_argument("--seed", type=int, default=7)
    simulate.add_argument("--people", type=int, default=80)
    simulate.add_argument("--days", type=int, default=49)
    simulate.add_argument("--attacks", type=int, default=12)
    simulate.add_argument("--start", type=time, default=None, metavar="TIME")
    simulate.add_argument("--out", type=Path, metavar="DIR", help="write the feeds as files")
    simulate.add_argument(
        "--serve", type=int, metavar="PORT", help="serve the Events API on loopback"
    )
    simulate.add_argument(
        "--fault", action="append", default=[], metavar="FEED:WHEN:FAULT",
        help="make the API fail, like 'signinattempts:3:status=500' or '*:p=0.05:reset'",
    )  # fmt: skip
