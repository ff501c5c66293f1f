"""Telling: what waits goes out, worst first; a destination that is away is tried now and then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Final

import structlog

from detector.delivery import circuit as circuits
from detector.delivery.circuit import Circuit
from detector.delivery.orders import Orders
from detector.jobs import deciding
from detector.jobs.desk import Point, never, nowhere
from detector.jobs.exposing import expose
from detector.jobs.returning import come_back, fall_back
from detector.ports import Attempt, DeliveryError, Message, Notifier, Receipt
from detector.store.sqlite import Letter, Sqlite, StoreError

LONGEST_ERROR: Final = 500

log = structlog.get_logger()


@dataclass(frozen=True)
class Round:
    """What one round of telling has at hand: the time, the orders, and chance for the jitter."""

    store: Sqlite
    orders: Orders
    now: datetime
    chance: Random
    point: Point = nowhere
    stopping: Callable[[], bool] = never


def tell(round_: Round, notifiers: Mapping[str, Notifier]) -> int:
    """Decide, then send to every destination; how many messages arrived."""
    decide(round_, notifiers)
    return sum(send(round_, each) for each in notifiers.values())


def decide(round_: Round, notifiers: Mapping[str, Notifier]) -> int:
    """Decide about all that is due, and see what to rotate; how many decisions were made."""
    _name_unknown(round_, notifiers)
    store, orders, now = round_.store, round_.orders, round_.now
    upto = {name: store.log.last_seq(name) for name in store.accounts()}
    made = deciding.decide(store, orders, now)
    try:
        expose(store, orders, upto, now)
    except StoreError as error:
        # A damaged file of events takes the list away, never the alert.
        log.error("what to rotate is not known", error=str(error))
    return made


def send(round_: Round, notifier: Notifier) -> int:
    """Send what waits for one destination; a failure of one message does not stop the others.

    Where five in a row failed, one message at a time is tried, at longer and longer intervals.
    """
    outbox, now, name = round_.store.outbox, round_.now, notifier.name
    circuit, sent = outbox.circuit(name), 0
    if circuit.is_open:
        fall_back(round_.store, round_.orders, name, circuit, now)
    if circuit.holds(now):
        return 0
    letters = outbox.probe(name, now, circuit.probe) if circuit.is_open else outbox.due(name, now)
    for letter in letters:
        if round_.stopping():
            break
        outbox.begin(letter, now)
        round_.point("before_send")
        answer = _sent(round_, notifier, letter)
        round_.point("after_send")
        if isinstance(answer, Receipt):
            pictures = round_.orders.pictures.get(name, "")
            outbox.sent(letter, now, answer.message_id, pictures=pictures)
            round_.point("after_mark")
            sent += 1
            after = Circuit()
        else:
            after = _failed(round_, letter, answer, circuit)
        if after != circuit:
            outbox.set_circuit(name, after)
        if circuit.is_open and not after.is_open:
            come_back(round_.store, round_.orders, name, circuit.since or now, now)
        circuit = after
        if circuit.is_open or circuit.holds(now):
            break
    return sent


def _sent(round_: Round, notifier: Notifier, letter: Letter) -> Receipt | DeliveryError:
    try:
        message: Message = round_.store.compose(letter, round_.now)
        return notifier.send(message, Attempt(letter.key, letter.again, letter.served))
    except DeliveryError as error:
        return error
    except Exception as error:
        # A notifier with a mistake in it must not keep every other message from going out.
        log.exception("notifier broke", destination=letter.destination)
        return DeliveryError(f"{type(error).__name__}: {error}", ambiguous=True)


def _failed(round_: Round, letter: Letter, error: DeliveryError, circuit: Circuit) -> Circuit:
    """Put a message off after a failure; only its content can make it undeliverable."""
    outbox, now, words = round_.store.outbox, round_.now, str(error)[:LONGEST_ERROR]
    log.error("not delivered", about=letter.about, destination=letter.destination, error=words)
    if error.permanent:
        outbox.give_up(letter, words)
        return circuit
    chance = round_.chance.uniform
    if error.served:
        # Whoever takes the message for some is there, whatever becomes of the others.
        after = Circuit()
    elif error.retry_after_s is not None:
        after = circuits.slowed(circuit, now + timedelta(seconds=error.retry_after_s))
    elif error.parked:
        after = circuits.parked(circuit, now, words)
    else:
        after = circuits.failed(circuit, now, words, chance)
    own = now + circuits.wait(letter.failed_since or now, now, chance)
    # What may have arrived, or has with some, stays so: the next try looks before it sends.
    again = letter.again or error.ambiguous or bool(error.served)
    letter = replace(letter, again=again, served=letter.served | error.served)
    outbox.put_off(letter, now, after.not_before or own, error=words)
    return after


def _name_unknown(round_: Round, notifiers: Mapping[str, Notifier]) -> None:
    """Messages wait for a destination that is not configured: say so, now and then."""
    outbox = round_.store.outbox
    for name in outbox.unrouted(notifiers):
        circuit = outbox.circuit(name)
        if not circuit.holds(round_.now):
            error = "no such destination is configured"
            log.error("not delivered", destination=name, error=error)
            outbox.set_circuit(name, circuits.parked(circuit, round_.now, error))
