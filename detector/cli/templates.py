"""`vaultwatch templates`: which there are, a copy to change, and what a message looks like."""

from __future__ import annotations

import base64
import io
import json
import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from detector import app, files, settings
from detector.cli import output
from detector.settings import ConfigError

if TYPE_CHECKING:
    from detector.delivery.bulletins import Message
    from detector.rendering import Renderer


def run(args: Namespace) -> int:
    """Dispatch to the verb."""
    config = settings.load(args.config, os.environ)
    verbs = {"list": _list, "copy": _copy, "render": _render}
    return verbs[args.verb](args, config)


def _list(args: Namespace, config: settings.Settings) -> int:
    own = config.paths.templates
    theirs = set(files.templates(own, only=True)) if own else set()
    for name in sorted({*files.templates(None), *theirs}):
        whose = f"yours, in {own}" if name in theirs else "shipped"
        if args.json:
            output.as_json({"template": name, "own": name in theirs})
        else:
            sys.stdout.write(f"{name:24} {whose}\n")
    return 0


def _copy(args: Namespace, config: settings.Settings) -> int:
    folder = args.out or config.paths.templates
    if folder is None:
        msg = "templates copy: name a folder with --out, and that folder as paths.templates"
        raise ConfigError(msg)
    shipped = files.templates(None)
    if args.name not in shipped:
        msg = f"{args.name}: no such template; there are {', '.join(sorted(shipped))}"
        raise ConfigError(msg)
    target = Path(folder) / args.name
    if target.exists():
        msg = f"{target}: is there already; remove it first to start from the shipped one"
        raise ConfigError(msg)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(shipped[args.name], encoding="utf-8")
    sys.stdout.write(f"{target}\n")
    return 0


def _render(args: Namespace, config: settings.Settings) -> int:
    words, message = app.renderer(config), _message(args, config)
    if args.png is None:
        sys.stdout.write(_text(args.channel, words, message))
        return 0
    from detector.preview import NoBrowser, photograph

    if args.channel == "console":
        msg = "--png: the console has no look of its own; leave it out"
        raise ConfigError(msg)
    page = _page(args, words, message)
    try:
        args.png.write_bytes(photograph(page, width=args.width, dark=args.dark))
    except NoBrowser as problem:
        raise ConfigError(str(problem)) from problem
    sys.stdout.write(f"{args.png}\n")
    return 0


def _message(args: Namespace, config: settings.Settings) -> Message:
    """A sample by name, or the stored alert whose id begins so."""
    from detector.rendering import alone, sample_messages

    samples = sample_messages()
    if args.alert in samples:
        return samples[args.alert]
    from detector.store.sqlite import Sqlite, StoreError

    try:
        store = Sqlite(config.data.directory, write=False)
    except StoreError:
        found = []
    else:
        found = store.alert(args.alert)
        store.close()
    if len(found) != 1:
        msg = f"--alert: {args.alert!r} is no stored alert, and no sample: {', '.join(samples)}"
        raise ConfigError(msg)
    return alone(found[0])


def _text(channel: str, words: Renderer, message: Message) -> str:
    """The message as the channel's text."""
    if channel == "slack":
        shown = words.slack(message, buttons=True)
        return json.dumps({"text": shown.text, "blocks": shown.blocks}, indent=2) + "\n"
    if channel == "console":
        from rich.console import Console

        kept = io.StringIO()
        Console(file=kept, width=100).print(words.console(message))
        return kept.getvalue()
    mail = words.email(message)
    return mail.html if channel == "html" else f"Subject: {mail.subject}\n\n{mail.text}"


def _page(args: Namespace, words: Renderer, message: Message) -> str:
    from detector.delivery.bulletins import Bulletin
    from detector.pictures import picture
    from detector.preview import slack_page
    from detector.rendering import PICTURE

    found = picture(message.incident.worst) if isinstance(message, Bulletin) else None
    link = ""
    if found is not None:
        link = "data:image/png;base64," + base64.b64encode(found.png).decode("ascii")
    if args.channel == "slack":
        blocks = words.slack(message, buttons=True).blocks
        return slack_page(blocks, clock="10:02", picture=link, dark=args.dark)
    html = words.email(message, picture=found.alt if found else "").html
    return html.replace(PICTURE, link)
