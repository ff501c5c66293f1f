"""Forgetting a person: no byte of them is left but the tombstone, whatever interrupts it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from detector import accounts, changes, jobs, settings, snapshots
from detector.changes.alerts import Act
from detector.changes.base import Request
from detector.changes.facts import Correct
from detector.changes.forgetting import Forget
from detector.corrections import How
from detector.delivery.commands import Verb
from detector.store import backup, clearing
from detector.store.database import FILE
from detector.store.sqlite import Sqlite, StoreError
from tests.fakes import SPAN, Clock, Death, Mailbox, ScriptedSource, close, open_desk, round_
from tests.stories import Item, at, audit, usage

NOW = at("4 21:00")


def items() -> list[Item]:
    """Ann and Ben at work; Ann steals, Ben is watched in the same days."""
    work = [
        usage(who, "paris", f"{day} {hour}:00")
        for day in range(4)
        for hour in (9, 10)
        for who in ("ann", "ben")
    ]
    deeds = [audit(who, "lagos", "4 9:00", deed="export vault") for who in ("ann", "ben")]
    return [*work, *deeds]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Their data, most of it in files, the rest in pages."""
    directory = tmp_path_factory.mktemp("made")
    desk = open_desk(directory, at("-3 0:00"))
    source = ScriptedSource(size=4)
    for day in range(5):
        source.add(item for item in items() if item.time.date() == at(f"{day} 0:00").date())
        jobs.poll(desk, source, Clock(at(f"{day} 20:00")))
    desk.store.compact("acme", jobs.nowhere)
    jobs.keep_state(desk, NOW)
    assert len(desk.store.alerts()) >= 2
    close(desk)
    return directory


@pytest.fixture
def place(tmp_path: Path, made: Path) -> Path:
    """Those data, to be changed."""
    return Path(shutil.copytree(made, tmp_path / "data"))


@pytest.fixture
def desk(place: Path) -> Iterator[jobs.Desk]:
    """The account at work."""
    opened = open_desk(place, NOW)
    yield opened
    close(opened)


def named(store: Sqlite, email: str) -> str:
    (uuid,) = store.people("acme", email)
    return uuid


def traces(directory: Path, *names: str) -> list[str]:
    """Files in which one of the names stands."""
    found = []
    with_store = Sqlite(directory, write=False)
    pages = [raw for _, raws in with_store.log.pages("acme") for raw in raws]
    with_store.close()
    everything = {str(path): path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    everything["pages"] = b"\n".join(pages)
    for where, body in everything.items():
        found += [where for name in names if name.encode() in body]
    return found


ANN, BEN = "ann@acme.example", "ben@acme.example"


def change(place: Path, *requests: Request) -> dict[str, object]:
    config = settings.Settings.model_validate({"data": {"directory": place}})
    for request in requests:
        done = changes.ask(config, request, NOW, lambda _: None)
    return done


def ask(place: Path, who: str = ANN) -> dict[str, object]:
    return change(place, Forget("acme", who))


def test_nothing_that_names_the_person_is_left(place: Path) -> None:
    assert any("pages" in each for each in traces(place, ANN))

    done = ask(place, ANN.upper())

    assert done["events"] == len([item for item in items() if ANN.encode() in item.raw])
    assert traces(place, ANN) == []
    store = Sqlite(place, write=False)
    left = [uuid for frame, _ in store.log.pages("acme") for uuid in frame["event.id"]]
    assert left == [item.id for item in items() if BEN.encode() in item.raw]
    assert [alert.subject.email for alert in store.alerts()] == [BEN]
    assert store.log.is_whole("acme")
    assert store.damaged(thoroughly=True) == []
    (snapshot,) = [store.snapshot("acme")]
    assert snapshot is not None
    store.close()


def test_what_was_learned_of_the_person_is_forgotten_and_the_log_goes_on(place: Path) -> None:
    uuid = ask(place)["people"]
    assert isinstance(uuid, list)
    desk = open_desk(place, NOW)
    assert not any(uuid[0] in key for key in desk.account.state.memory.contacts)
    before = desk.store.counts()["event"]

    source = ScriptedSource([*items(), usage("ben", "paris", "4 21:30")])
    jobs.poll(desk, source, Clock(at("4 22:00")))

    assert desk.store.counts()["event"] == before + 1, "what is served again stays forgotten"
    close(desk)
    again = open_desk(place, at("4 22:00"))
    assert again.account.state.memory.seq == again.store.log.last_seq("acme")
    close(again)


def test_what_people_said_and_were_told_goes_too_and_the_rest_stays(place: Path) -> None:
    store = Sqlite(place)
    jobs.decide(round_(store, NOW), {"mailbox": Mailbox()})
    ids = {alert.subject.email: alert.id for alert in store.alerts()}
    store.close()
    until = NOW + timedelta(days=1)
    change(
        place,
        Act(Verb.ACK, ids[BEN], who="sam", note=f"asked {ANN}"),
        Act(Verb.BENIGN, ids[ANN], who="sam", note="she said so"),
        Act(Verb.RESOLVE, ids[BEN], who="sam", note="it was him"),
        Act(Verb.SILENCE, "", "sam", note="trip", until=until, matchers=("subject=ANN",)),
        Correct("acme", How.PIN, "ANN", "country", "NG"),
        Correct("acme", How.PIN, "BEN", "country", "NG"),
    )

    ask(place)

    assert traces(place, ANN, "she said so", "subject=ANN") == []
    store = Sqlite(place, write=False)
    assert store.journal.broken() is None
    notes = [each.note for _, each, _ in store.journal.all()]
    assert "it was him" in notes
    assert notes[-1] == "somebody was forgotten; the journal is sealed anew"
    assert store.silences.kept() == []
    said = [each.kind for each in store.log.controls("acme") if each.kind in ("fact", "forgotten")]
    assert said == [clearing.FORGOTTEN, accounts.FACT]
    store.close()
    desk = open_desk(place, NOW)
    assert list(desk.account.state.memory.facts.pinned) == ["BEN"]
    close(desk)


def test_who_waits_in_the_same_digest_is_told_all_the_same(place: Path) -> None:
    store, box = Sqlite(place), Mailbox()
    jobs.decide(round_(store, NOW), {"mailbox": box})
    assert [each.about for each in store.outbox.listed()] == ["dig-late-20260306-210000"]
    store.forget("acme", named(store, ANN), NOW, jobs.nowhere)
    assert store.outbox.listed() == []

    jobs.decide(round_(store, NOW + timedelta(hours=1)), {"mailbox": box})

    (digest,) = store.outbox.listed()
    rows = store._database.rows("SELECT alert_id FROM digested WHERE digest_id = ?", digest.about)
    assert rows == [(alert.id,) for alert in store.alerts()]
    store.close()


def test_the_state_kept_is_the_one_that_the_log_gives(place: Path) -> None:
    change(place, Correct("acme", How.PIN, "ANN", "country", "NG"), Forget("acme", ANN))
    store = Sqlite(place)
    kept = accounts.restore(store, "acme", span=SPAN)
    assert kept.stored_seq
    with store._database.transaction() as sql:
        sql.execute("DELETE FROM snapshot")

    replayed = accounts.restore(store, "acme", span=SPAN)

    assert not replayed.stored_seq
    facts = replayed.state.memory.facts
    assert snapshots.dump(replayed.state) == snapshots.dump(kept.state)
    assert "BEN" in facts.ledger.names
    assert "ANN" not in {*facts.ledger.names, *facts.people, *facts.pinned, *facts.suspects}
    store.close()


def test_who_is_unknown_is_said(place: Path) -> None:
    with pytest.raises(changes.ChangeRefused, match="names anybody so"):
        ask(place, "nobody@example.com")


@pytest.mark.parametrize("nth", range(1, 8))
def test_what_a_crash_interrupts_is_finished_at_the_next_start(place: Path, nth: int) -> None:
    store = Sqlite(place)
    uuid, seen = named(store, ANN), list[str]()

    def die(name: str) -> None:
        seen.append(name)
        if len(seen) == nth:
            raise Death(name)

    with pytest.raises(Death):
        store.forget("acme", uuid, NOW, die)
    store.close()
    Sqlite(place).close()

    assert traces(place, ANN) == []
    account_store = Sqlite(place)
    state = accounts.restore(account_store, "acme", span=SPAN).state
    assert state.memory.seq == account_store.log.last_seq("acme")
    account_store.close()


def test_a_backup_is_whole_and_a_start(place: Path, tmp_path: Path, desk: jobs.Desk) -> None:
    folder, back = tmp_path / "backup", tmp_path / "back"
    made = backup.backup(place, folder, NOW)

    assert backup.verify(folder) == made
    assert made.events == len(items())
    backup.restore(folder, back, replace=False)
    restored = open_desk(back, NOW)
    assert restored.store.alerts() == desk.store.alerts()
    assert restored.account.state.memory.seq == desk.account.state.memory.seq
    assert restored.store.damaged(thoroughly=True) == []
    close(restored)
    assert (back / FILE).stat().st_mode & 0o777 == 0o600


def test_a_backup_needs_an_empty_folder(place: Path, tmp_path: Path) -> None:
    backup.backup(place, tmp_path / "backup", NOW)
    with pytest.raises(StoreError, match="is not empty"):
        backup.backup(place, tmp_path / "backup", NOW)


def test_every_damage_of_a_backup_is_found(place: Path, tmp_path: Path) -> None:
    whole = tmp_path / "backup"
    backup.backup(place, whole, NOW)
    for path in sorted(each for each in whole.rglob("*") if each.is_file()):
        for harm in ("gone", "changed", "cut"):
            name = path.relative_to(whole)
            harmed = Path(shutil.copytree(whole, tmp_path / f"{name.name}-{harm}"))
            victim, body = harmed / name, path.read_bytes()
            if harm == "gone":
                victim.unlink()
            else:
                middle = len(body) // 2
                victim.write_bytes(
                    body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
                    if harm == "changed"
                    else body[:middle]
                )
            with pytest.raises(StoreError):
                backup.restore(harmed, tmp_path / "back", replace=False)
            assert not (tmp_path / "back" / FILE).exists()


def test_a_list_leads_nowhere_else(place: Path, tmp_path: Path) -> None:
    backup.backup(place, tmp_path / "backup", NOW)
    file = tmp_path / "backup" / backup.LIST
    listing = json.loads(file.read_text())
    listing["files"]["../../etc/passwd"] = "0"
    file.write_text(json.dumps(listing))

    with pytest.raises(StoreError, match="outside of the backup"):
        backup.verify(tmp_path / "backup")


def test_data_that_are_there_go_only_when_asked(place: Path, tmp_path: Path) -> None:
    backup.backup(place, tmp_path / "backup", NOW)

    with pytest.raises(StoreError, match="--replace puts the backup in its place"):
        backup.restore(tmp_path / "backup", place, replace=False)
    held = Sqlite(place)
    with pytest.raises(StoreError, match="in use by another vaultwatch process"):
        backup.restore(tmp_path / "backup", place, replace=True)
    held.close()
    backup.restore(tmp_path / "backup", place, replace=True)

    Sqlite(place).close()


def test_who_was_forgotten_since_stays_forgotten(place: Path, tmp_path: Path) -> None:
    backup.backup(place, tmp_path / "backup", NOW)
    ask(place)

    backup.restore(tmp_path / "backup", place, replace=True)

    assert traces(place, ANN) == []
    assert traces(tmp_path / "backup", ANN)
    desk = open_desk(place, NOW + timedelta(hours=1))
    assert [alert.subject.email for alert in desk.store.alerts()] == [BEN]
    close(desk)


def test_half_a_restore_is_no_fresh_start(place: Path) -> None:
    (place / "restoring").mkdir()
    (place / FILE).unlink()

    with pytest.raises(StoreError, match="a restore was interrupted"):
        Sqlite(place)
