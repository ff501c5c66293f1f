"""One account at work: its kernel state, brought back from the store as the log left it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from detector import kernel, plans, rule_cache, snapshots, window, workhours
from detector.anomaly import artefact
from detector.anomaly.model import Model
from detector.corrections import Correction
from detector.kernel import Memory, Plan, State
from detector.rulebook.book import Rulebook
from detector.store import export
from detector.store.sqlite import Commit, Control, Entry, Sqlite, Start, StoreError
from detector.triage import Judgement

PLAN: Final = "plan"
TICK: Final = export.TICK
"""Time has passed; the body says up to when which feeds were read to their end, if any were."""
FACT: Final = "fact"
VERDICT: Final = export.VERDICT
"""A person has said what an alert was; the body is a `triage.Judgement`."""
MODEL: Final = "model"
"""A training has ended; the body is the model's id, empty if there was too little to learn from."""
ROLLBACK: Final = "rollback"
"""A person wants the model whose id is the body."""


@dataclass
class Account:
    """An account and its state; `texts` is what the state's plan was made of."""

    name: str
    span: timedelta
    state: State
    texts: plans.Texts
    stored_seq: int = 0
    """The seq of the newest snapshot."""
    refused: str = ""
    """Why the model that should be at work is not; rules go on without it."""


def begin(store: Sqlite, name: str, texts: plans.Texts, now: datetime) -> None:
    """Start an account that is not in the store: what happened before `now` only teaches."""
    first = Control(1, PLAN, now, texts.dump())
    store.commit(Commit(name, now, start=Start(now), controls=[first]))


def restore(store: Sqlite, name: str, *, span: timedelta) -> Account:
    """Bring an account back: the newest snapshot, and the log after it through the kernel.

    Raises StoreError where the log and what the kernel makes of it disagree.
    """
    start = store.started(name)
    if start is None:
        msg = f"account {name!r} is not in the store"
        raise StoreError(msg)
    if not store.log.is_whole(name):
        msg = f"account {name!r}: entries of the log are missing; restore a backup"
        raise StoreError(msg)
    account = _from_snapshot(store, name, span)
    if account is None:
        account = Account(name, span, blank(name, start.teach_until, span=span), plans.Texts())
        _begin_late(store, account)
    for entry in store.log.entries(name, after=account.state.memory.seq):
        replay(store, account, entry)
    # The end of the log may be what was forgotten.
    account.state.memory.seq = store.log.last_seq(name)
    return account


def replay(store: Sqlite, account: Account, entry: Entry) -> None:
    """Let one entry of the log have its effect on the account's state."""
    # What was forgotten on demand, or is too old to be kept, leaves its numbers unused.
    account.state.memory.seq = entry.seq - 1
    if entry.page is not None:
        frame, raws = entry.page
        kernel.detect(account.state, frame, window.contents(raws))
        if account.state.memory.seq != frame["event.seq"][-1]:
            msg = f"account {account.name!r}: an event is twice in the log; restore a backup"
            raise StoreError(msg)
    elif entry.control is not None:
        apply(store, account, entry.control)


def _begin_late(store: Sqlite, account: Account) -> None:
    """Where the log's beginning is no longer kept, begin with the plan and model of that time."""
    before = store.log.first_seq(account.name) - 1
    for control in store.log.controls(account.name):
        if control.seq <= before:
            replay(store, account, Entry(control.seq, None, control))
    account.state.memory.seq = before
    account.state.window.seen.add(*store.log.known(account.name, upto=before))


def blank(name: str, teach_until: datetime, *, span: timedelta) -> State:
    """The state of an account before the first entry of its log."""
    memory = Memory(name, teach_until=workhours.microseconds(teach_until))
    return State(memory, Plan(Rulebook()), window=window.Window(span))


def last_texts(store: Sqlite, names: Iterable[str]) -> plans.Texts | None:
    """What the first of these accounts that has begun ran last; null if that held no rule."""
    begun = next((each for each in names if store.started(each) is not None), None)
    ran = store.log.controls(begun, kind=PLAN) if begun else []
    last = plans.Texts.parse(ran[-1].body) if ran else plans.Texts()
    return last if last.rules else None


def plan_of(store: Sqlite, texts: plans.Texts, at: datetime) -> Plan:
    """The plan that the texts make on the day of a time in UTC."""
    return plans.build(texts, at.date(), rule_cache.below(store.directory)).plan


def is_over(store: Sqlite, account: Account, now: datetime) -> bool:
    """Whether an exception in the account's rules has expired since they were adopted."""
    if not any("expires:" in text for text in account.texts.rules.values()):
        return False
    plan = plan_of(store, account.texts, now)
    return plan.rulebook.version != account.state.rulebook.version


def as_kept(store: Sqlite, name: str) -> State | None:
    """The account's state as the newest snapshot has it, for looking back: no window, no model."""
    found = _kept(store, name, timedelta(0))
    return found[1] if found else None


def _kept(store: Sqlite, name: str, span: timedelta) -> tuple[int, State, plans.Texts, str] | None:
    """The newest snapshot: its seq, the state with an empty window, the texts, the model's id."""
    found = store.snapshot(name)
    loaded = snapshots.load(found[1]) if found else None
    if found is None or loaded is None:
        return None
    seq = found[0]
    memory, tails, model_id = loaded
    adopted = [each for each in store.log.controls(name, kind=PLAN) if each.seq <= seq]
    if not adopted:
        return None
    texts = plans.Texts.parse(adopted[-1].body)
    plan = plan_of(store, texts, adopted[-1].at)
    state = State(memory, plan, window=window.Window(span))
    return (seq, state, texts, model_id) if snapshots.attach(state, tails) else None


def _from_snapshot(store: Sqlite, name: str, span: timedelta) -> Account | None:
    kept = _kept(store, name, span)
    if kept is None:
        return None
    seq, state, texts, model_id = kept
    state.model, refused = usable(store, model_id)
    if state.memory.channel.shadow is not None:
        state.challenger, _ = usable(store, state.memory.channel.shadow.model_id)
    state.window.seen.add(*store.log.known(name, upto=seq))
    since = workhours.instant(state.memory.clock) - span
    for frame in store.log.columns(name, window.KEPT, since=since, upto=seq):
        state.window.admit(frame)
    return Account(name, span, state, texts, seq, refused)


def usable(store: Sqlite, identity: str) -> tuple[Model | None, str]:
    """The stored model of that id, or why it cannot be used; neither without an id."""
    if not identity:
        return None, ""
    body = store.model(identity)
    if body is None:
        return None, f"model {identity} is not in the store"
    try:
        model = artefact.load(body)
    except artefact.ModelError as error:
        return None, f"model {identity}: {error}"
    if model.id != identity:
        return None, f"model {identity}: in its place is model {model.id}"
    return model, ""


def completeness(body: bytes) -> dict[str, int]:
    """What the body of a tick says of the feeds: until when each is complete (microseconds)."""
    return msgspec.json.decode(body, type=dict[str, int]) if body else {}


def apply(store: Sqlite, account: Account, control: Control) -> kernel.Outcome | None:
    """Let a control of the log have its effect on the account's state."""
    if control.seq != account.state.memory.seq + 1:
        msg = (
            f"account {account.name!r}: the log goes on at {control.seq}, "
            f"the state is at {account.state.memory.seq}; restore a backup"
        )
        raise StoreError(msg)
    if control.kind == TICK:
        return kernel.tick(account.state, control.at, completeness(control.body))
    if control.kind == PLAN:
        account.texts = plans.Texts.parse(control.body)
        plan = plan_of(store, account.texts, control.at)
        account.state = kernel.reconfigure(account.state, plan)
    elif control.kind == VERDICT:
        kernel.judge(account.state, Judgement.parse(control.body))
    elif control.kind == FACT:
        kernel.correct(account.state, Correction.parse(control.body))
    elif control.kind in {MODEL, ROLLBACK}:
        model, account.refused = usable(store, control.body.decode())
        kernel.adopt(account.state, model, at_once=control.kind == ROLLBACK)
    return None
