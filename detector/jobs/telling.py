"""Telling: what waits in the outbox goes out, worst first; no failure stops the others."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog

from detector.delivery.bulletins import Bulletin, Cause, Kind
from detector.delivery.incidents import incident, incident_id
from detector.jobs.desk import Point, nowhere
from detector.ports import DeliveryError, Notifier, Receipt
from detector.store.sqlite import Letter, Sqlite

FIRST_WAIT_S: Final = 2.0
LONGEST_WAIT_S: Final = 900.0
PARKED_S: Final = 300.0
LONGEST_ERROR: Final = 500

log = structlog.get_logger()


def tell(
    store: Sqlite,
    notifiers: Mapping[str, Notifier],
    now: datetime,
    *,
    chance: random.Random,
    point: Point = nowhere,
) -> int:
    """Send what waits; return how many messages arrived. A failure never stops the others."""
    sent = 0
    for letter in store.outbox.due(now):
        notifier = notifiers.get(letter.destination)
        if notifier is None:
            error = DeliveryError("no such destination is configured", parked=True)
            _hold(store, letter, error, now, chance)
            continue
        store.outbox.begin(letter)
        point("before_send")
        answer = _send(notifier, letter)
        point("after_send")
        if isinstance(answer, Receipt):
            store.outbox.mark(letter, "sent", receipt=answer.message_id)
            point("after_mark")
            sent += 1
        else:
            _hold(store, letter, answer, now, chance)
    return sent


def _send(notifier: Notifier, letter: Letter) -> Receipt | DeliveryError:
    told = incident(incident_id(letter.alert), [letter.alert])
    message = Bulletin(Kind.NEW, Cause.FIRST_TOLD, told)
    try:
        return notifier.send(message, key=letter.key, again=letter.again)
    except DeliveryError as error:
        return error
    except Exception as error:
        # A notifier with a mistake in it must not keep every other message from going out.
        log.exception("notifier broke", destination=letter.destination)
        return DeliveryError(f"{type(error).__name__}: {error}", ambiguous=True)


def _hold(
    store: Sqlite, letter: Letter, error: DeliveryError, now: datetime, chance: random.Random
) -> None:
    """Put a message off after a failure; only its content can make it undeliverable."""
    words = str(error)[:LONGEST_ERROR]
    log.error("not delivered", alert=letter.alert.id, destination=letter.destination, error=words)
    if error.permanent:
        store.outbox.mark(letter, "dead", error=words)
        return
    longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(letter.tries, 20))
    back_off_s = chance.uniform(longest / 2, longest)
    wait_s = error.retry_after_s or (PARKED_S if error.parked else back_off_s)
    # What may have arrived stays 'sending', so that the next try looks before it sends.
    state = "sending" if error.ambiguous or letter.again else "waiting"
    store.outbox.mark(letter, state, next_at=now + timedelta(seconds=wait_s), error=words)
