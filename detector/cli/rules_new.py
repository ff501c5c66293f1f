"""`vaultwatch rules new`: write a rule file from a template, or from an event."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from pathlib import Path
from shlex import quote
from typing import Any, Final
from uuid import uuid4

from detector import settings
from detector.cli import output
from detector.drafting import templates
from detector.rulebook.naming import slug
from detector.settings import ConfigError

LONGEST_TITLE: Final = 256


def run(args: Namespace) -> int:
    """Write the file, never over another one, and say what to do with it."""
    title = args.title.strip().encode("utf-8", "replace").decode()
    if not title or len(title) > LONGEST_TITLE:
        msg = f"a title of 1 to {LONGEST_TITLE} characters is needed"
        raise ConfigError(msg)
    config = settings.load(args.config, os.environ)
    identity = str(uuid4())
    text = (
        templates.of_kind(args.kind, title, identity)
        if args.event is None
        else _of_event(args, config, title, identity)
    )
    path = args.out or (config.paths.rules or Path()) / f"{slug(title)[:80]}.yml"
    _write(path, text)
    if args.json:
        output.as_json({"file": str(path), "id": identity})
        return 0
    alone = "" if path.parent == config.paths.rules else f" --rules {quote(str(path.parent))}"
    sys.stdout.write(f"{path} is written; its tests: vaultwatch rules test{alone} {identity}\n")
    schema = path.parent / "rule.schema.json"
    if not schema.is_file():
        sys.stdout.write(f"for your editor: vaultwatch rules schema > {quote(str(schema))}\n")
    return 0


def _of_event(args: Namespace, config: settings.Settings, title: str, identity: str) -> str:
    # It brings in the whole engine, which a template does without.
    from detector.drafting import from_event

    try:
        return from_event.of_event(_row(args, config), title, identity)
    except from_event.NotTelling as error:
        msg = f"{args.event}: {error}"
        raise ConfigError(msg) from error


def _row(args: Namespace, config: settings.Settings) -> dict[str, Any]:
    """The event by its columns. Raises ConfigError."""
    from detector import whereabouts
    from detector.cli import history
    from detector.cli.sought import Sought
    from detector.sources import loose

    path = Path(args.event)
    if path.is_file():
        frame, _ = loose.read(path)
        if frame.height > 1:
            msg = f"{path}: {frame.height} events; a rule is made of one"
            raise ConfigError(msg)
        return whereabouts.open_all(config.paths).fill(frame).row(0, named=True)
    with history.opened(args, config) as past:
        sought = Sought(args.event)
        for _ in sought.before(past.steps()):
            pass
        return sought.found()[0].row(0, named=True)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        msg = f"{path}: exists already, and is left as it is; name another file with --out"
        raise ConfigError(msg) from error
    except OSError as error:
        msg = f"{path}: cannot be written: {error.strerror}"
        raise ConfigError(msg) from error
