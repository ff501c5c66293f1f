"""`vaultwatch init`: a configuration and files of your own, which explain themselves."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from detector.cli.starters import FILES
from detector.settings import ConfigError

EXAMPLE = """\
# Vaultwatch. Every key that is not given has the default shown.

[[sources]]
name = "acme"                            # permanent name of this 1Password account
token = { env = "OP_EVENTS_TOKEN" }      # an Events API token; or { file = "/run/secrets/op" }
poll_every = "60s"
backfill = "35d"                         # history that the first start learns from

[data]
directory = "vaultwatch-data"            # one folder holds everything
window = "30d"

# [slack]
# token = { env = "SLACK_TOKEN" }        # a bot token with chat:write and channels:history
# channel = "#security-alerts"

# [email]
# host = "smtp.example.com"
# user = "vaultwatch"
# password = { env = "SMTP_PASSWORD" }
# to = ["soc@example.com"]

[paths]                                  # your own, beside this file, over what is shipped
rules = "rules"
people = "people.yml"
networks = "networks.yml"
lists = "lists"                          # sensitive vaults, privileged groups, administrators ...
# silences = "silences.yml"

# [[routes]]                             # without routes everything from medium goes everywhere
# match = { level = ["high", "critical"] }
# send = ["slack", "email"]
# escalate = ["email"]                   # told too if nobody acknowledges it for an hour

# [quiet_hours]                          # low and medium ones wait, high ones never
# begins = "19:00"
# ends = "07:30"
# days = ["saturday", "sunday"]

# [digest]
# at = "08:30"
"""


def run(args: Namespace) -> int:
    """Write the example and what it names; never over a file that is there."""
    folder = args.out.parent
    if not _written(args.out, EXAMPLE):
        msg = f"{args.out}: is there already; name another file with --out"
        raise ConfigError(msg)
    written = [str(args.out)]
    for name, text in FILES.items():
        path = folder / name
        if _written(path, text):
            written.append(str(path))
        else:
            sys.stdout.write(f"{path} is there already, and stays as it is.\n")
    sys.stdout.write(
        f"Written: {', '.join(written)}.\n"
        "Next: put an Events API token into OP_EVENTS_TOKEN, then 'vaultwatch doctor --online', "
        "then 'vaultwatch run'.\n"
    )
    return 0


def _written(path: Path, text: str) -> bool:
    """Write a file; false if it is there already. Raises ConfigError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return False
    except OSError as error:
        msg = f"{path}: cannot be written: {error.strerror}"
        raise ConfigError(msg) from error
    return True
