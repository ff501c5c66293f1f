"""`vaultwatch rules reference`: the sections of the reference that mistakes name, without a network."""

from __future__ import annotations

import os
import sys
from argparse import Namespace

from detector import files, settings
from detector.cli import output
from detector.manual import Manual, short
from detector.rulebook.mistakes import did_you_mean
from detector.settings import ConfigError


def run(args: Namespace) -> int:
    """Print the sections of these names, or else what there is."""
    # Words need no configuration, which may be what is broken; links do.
    base = settings.load(args.config, os.environ).reference if args.json else ""
    manual = files.manual(base)
    wanted = [_found(manual, name) for name in args.name]
    if args.json:
        for each in wanted or manual.sections:
            output.as_json(
                {"name": short(each), "link": manual.link(each)} | _text(manual, wanted, each)
            )
        return 0
    for page in () if wanted else manual.pages:
        names = [short(each) for each in manual.sections if each.startswith(f"{page}#")]
        sys.stdout.write(f"{page}: {', '.join(names)}\n")
    sys.stdout.write("\n\n".join(manual.sections[each] for each in wanted) + "\n" * bool(wanted))
    return 0


def _text(manual: Manual, wanted: list[str], about: str) -> dict[str, str]:
    return {"text": manual.sections[about]} if wanted else {}


def _found(manual: Manual, name: str) -> str:
    about = manual.named(name)
    if about is None:
        fix = did_you_mean(name, map(short, manual.sections))
        msg = f"{name}: no section of the reference has this name; {fix or 'without a name all are listed'}"
        raise ConfigError(msg)
    return about
