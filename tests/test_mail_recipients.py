"""Several recipients of a mail: each has it once, also across a restart, and one holds up nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from detector.delivery.bulletins import Cause
from detector.notifiers.email import Email
from detector.rendering import Renderer
from detector.store.sqlite import Commit, Listed, Sqlite
from tests.conftest_delivery import Mailbox, MailTrust, mail_server
from tests.delivery import day, high
from tests.fakes import ORDERS
from tests.waiting import until

ROOT = Path(__file__).parents[1]
SOC, BOSS = "soc@example.com", "boss@example.com"


def test_who_has_a_mail_does_not_get_it_again_after_a_restart(
    tmp_path: Path, mail_trust: MailTrust
) -> None:
    with mail_server(mail_trust) as box:
        config = tmp_path / "vaultwatch.toml"
        config.write_text(f"""
            [[sources]]
            name = "acme"
            token = {{ env = "OP_EVENTS_TOKEN" }}
            base_url = "http://127.0.0.1:1"
            [data]
            directory = {json.dumps(str(tmp_path / "data"))}
            [email]
            host = "127.0.0.1"
            port = {box.port}
            tls = "none"
            to = ["{SOC}", "{BOSS}"]
        """)
        found = datetime.now(UTC) - timedelta(minutes=1)
        store = Sqlite(tmp_path / "data")
        store.commit(Commit("acme", found, alerts=[high(time=found, detected_at=found)]))
        store.close()

        box.refusals[BOSS] = "451 greylisted"
        _rounds_until(config, lambda: _listed(tmp_path / "data")[0].tries > 1)
        assert _received(box) == [[SOC]]

        box.refusals.clear()
        _rounds_until(config, lambda: _listed(tmp_path / "data")[0].state == "sent")
        assert _received(box) == [[SOC], [BOSS]]


def test_a_recipient_who_is_never_there_keeps_no_mail_from_the_others(
    tmp_path: Path, mailbox: Mailbox, renderer: Renderer
) -> None:
    mailbox.refusals[BOSS] = "452 mailbox full"
    email = Email(mailbox.server(), renderer, to=(SOC, BOSS), name="mailbox")
    with day(tmp_path, ORDERS, mailbox=email) as one:  # type: ignore[arg-type]
        for number in range(8):
            one.find(high(f"p{number}"))
            one.tell(timedelta(minutes=20))
        assert sorted(_received(mailbox)) == [[SOC]] * 8
        assert not one.store.outbox.circuit("mailbox").is_open


def test_what_is_worse_is_told_to_those_who_have_the_first_mail(
    tmp_path: Path, mailbox: Mailbox, renderer: Renderer
) -> None:
    mailbox.refusals[BOSS] = "452 mailbox full"
    email = Email(mailbox.server(), renderer, to=(SOC, BOSS), name="mailbox")
    with day(tmp_path, ORDERS, mailbox=email) as one:  # type: ignore[arg-type]
        one.find(high("ann"))
        one.find(high("ann", "another"))
        assert _received(mailbox) == [[SOC], [SOC]]
        causes = [each.cause for each in one.store.outbox.listed()]
        assert causes == [Cause.FIRST_TOLD, Cause.ANOTHER_ALERT]


def _received(box: Mailbox) -> list[list[str]]:
    return [envelope.rcpt_tos for envelope in box.received]


def _listed(data: Path) -> list[Listed]:
    store = Sqlite(data, write=False)
    try:
        return store.outbox.listed()
    finally:
        store.close()


def _rounds_until(config: Path, happened: Callable[[], bool]) -> None:
    """Processes that poll an API that is not there, decide, and send what is due."""
    words = [sys.executable, "-m", "detector", "run", "--once", "--config", str(config)]
    environ = os.environ | {"OP_EVENTS_TOKEN": "anything"}

    def one_round() -> bool:
        done = subprocess.run(words, env=environ, cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == 1, done.stderr
        return happened()

    until(one_round, patience_s=120)
