"""The arguments of `vaultwatch templates`."""

from __future__ import annotations

from pathlib import Path

from detector.cli.arguments import common


def add(commands: common.Commands) -> None:
    """Add the command."""
    templates = common.command(
        commands, "templates", "list, copy and try message templates", "templates"
    )
    verbs = common.verbs(templates)
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
        common.also(verb)
