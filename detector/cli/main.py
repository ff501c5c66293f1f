"""Dispatch: the command's module is imported only when it is asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from detector.cli.parser import parser

USAGE = 2


def run(arguments: Sequence[str]) -> int:
    """Run one command; return the exit code. No traceback reaches the user."""
    args = parser().parse_args(arguments)
    try:
        return int(import_module(f"detector.cli.{args.module}").run(args))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output went away; what it read is all that it wanted.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if type(error).__name__ not in _EXPECTED or os.environ.get("VAULTWATCH_DEBUG"):
            if os.environ.get("VAULTWATCH_DEBUG"):
                raise
            text = " ".join(f"{type(error).__name__}: {error}".split())
            sys.stderr.write(
                f"vaultwatch: unexpected error: {text}\n"
                "set VAULTWATCH_DEBUG=1 to see where, and please report it\n"
            )
            return 1
        sys.stderr.writelines(f"{line}\n" for line in str(error).splitlines())
        return USAGE


# By name, since importing the classes would import all that the commands need.
_EXPECTED = frozenset(
    {
        "ChangeRefused",
        "Refused",
        "ConfigError",
        "DirectoryInUse",
        "FaultError",
        "NotComparable",
        "ReplayError",
        "SetupError",
        "StoreError",
        "TemplateError",
    }
)
