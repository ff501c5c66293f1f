"""Training beside the polling: begun in one round, adopted in a later one, never waited for."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import structlog

from detector import accounts, kernel
from detector.anomaly import artefact, channel, model
from detector.anomaly.declaration import Declaration
from detector.jobs.desk import Desk
from detector.store.sqlite import Commit, Control

RETRY_AFTER = timedelta(hours=1)
"""After a training that failed, or one that a person's change made necessary."""

log = structlog.get_logger()


def train(desk: Desk, now: datetime) -> None:
    """Begin a training that is due; adopt the model of one that has ended."""
    with desk.mutex:
        _tell_trial(desk)
        if desk.training is None and is_due(desk, now):
            begin(desk, now)
        if desk.training is not None and desk.training.done():
            adopt(desk, now)


def _tell_trial(desk: Desk) -> None:
    """Log the verdict on a challenger once."""
    trials = desk.account.state.memory.channel.trials
    newest = trials[-1] if trials else None
    if newest is not None and newest != desk.trial:
        told = log.info if newest.passed else log.warning
        told(
            "trial of a model has ended",
            account=desk.account.name,
            model=newest.model_id,
            took_over=newest.passed,
            why_not=newest.why_not or None,
        )
    desk.trial = newest


def is_due(desk: Desk, now: datetime) -> bool:
    """Whether to train: the last one is old, or its model cannot be used, or was declared otherwise."""
    state = desk.account.state
    if state.declaration is None or now < desk.train_after:
        return False
    wanted = model.declared(state.declaration)
    return (
        kernel.training_due(state)
        or bool(desk.account.refused)
        or (state.model is not None and state.model.origin.declared != wanted)
    )


def begin(desk: Desk, now: datetime) -> None:
    """Hand the rows that are known by now to the trainer; the state goes on without it."""
    state = desk.account.state
    assert state.declaration is not None
    rows, origin = channel.lesson(state.memory.channel)
    desk.training = desk.trainer.submit(_made, rows, state.declaration, origin)
    desk.train_after = now + RETRY_AFTER


def adopt(desk: Desk, now: datetime) -> str | None:
    """Store the model that was trained and use it from here on: an entry of the log.

    Returns its id; null if there was too little to train on, or the training failed.
    """
    assert desk.training is not None
    ended, desk.training = desk.training, None
    failure = ended.exception()
    if failure is not None:
        log.error("training failed, the rules go on", account=desk.account.name, exc_info=failure)
        return None
    made = ended.result()
    identity = made[0] if made else ""
    use(desk, accounts.MODEL, identity, now=now, made=made)
    if identity:
        log.info("model trained", account=desk.account.name, model=identity)
    else:
        log.info("too little to train a model on, the rules go on", account=desk.account.name)
    return identity or None


def use(
    desk: Desk, kind: str, identity: str, *, now: datetime, made: tuple[str, bytes] | None = None
) -> None:
    """Let a model take effect at the next place in the log; `made` is its artefact if it is new."""
    with desk.changing() as account:
        control = Control(account.state.memory.seq + 1, kind, now, identity.encode())
        desk.commit(Commit(account.name, now, controls=[control], model=made), "train")
        accounts.apply(desk.store, account, control)
        refused = account.refused
    if refused:
        log.error("model refused, the rules go on without it", account=account.name, why=refused)


def _made(
    rows: np.ndarray, declaration: Declaration, origin: model.Origin
) -> tuple[str, bytes] | None:
    """In the trainer: the id and artefact of a model, null if the rows are too few."""
    trained = model.train(rows, declaration, origin)
    return (trained.id, artefact.dump(trained)) if trained else None
