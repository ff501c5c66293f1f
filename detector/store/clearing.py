"""Clearing what was made of a person's events: alerts, what was told of them, and what was said.

What only counts or points at something is cleared with what it points at. The journal keeps that
and when something was done, not of whom: its records are sealed anew, and a record says so.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from detector.delivery.bulletins import Cause
from detector.delivery.journal import FIRST, Change, How, seal
from detector.store import journal

FORGOTTEN: Final = "forgotten"
"""The kind of an entry of the log that named somebody who was forgotten; it has no effect."""
SAID: Final = ("fact", "verdict")
"""Kinds of entries of the log that name a person."""
_NOTHING_MORE: Final = '{"changes": [], "mentions": []}'
"""The body of a message about an incident that says only what the incident says."""


def clear(sql: sqlite3.Connection, account: str, names: Sequence[str], at: datetime) -> None:
    """Clear what names a person, within the caller's transaction.

    `names` are written as JSON has them; one in quotes stands for itself only, as a whole string.
    """
    alerts = _alerts(sql, account, names)
    silences = _silences(sql, names)
    _notices(sql, alerts, silences)
    _delivery(sql, account, alerts, names)
    _journal(sql, {*alerts, *silences}, names, Change(at, account, FORGOTTEN, "", How.SERVICE))
    for name in names:
        values = (account, name)
        sql.execute("DELETE FROM suppressed WHERE account = ? AND instr(body, ?)", values)
        for query in (
            "DELETE FROM flaw WHERE account = ? AND instr(raw, ?)",
            "DELETE FROM verdict WHERE account = ? AND instr(body, ?)",
        ):
            sql.execute(query, (account, name.encode()))
        sql.execute(
            "UPDATE control SET kind = ?, body = x'' WHERE account = ? AND kind IN (?, ?) "
            "AND instr(body, ?)",
            (FORGOTTEN, account, *SAID, name.encode()),
        )
    # The kernel's state is made anew from what is left of the log.
    sql.execute("DELETE FROM snapshot WHERE account = ?", (account,))


def _alerts(sql: sqlite3.Connection, account: str, names: Sequence[str]) -> list[str]:
    query = "SELECT id FROM alert WHERE account = ? AND instr(body, ?)"
    found = {row[0] for name in names for row in sql.execute(query, (account, name))}
    return sorted(found)


def _delivery(
    sql: sqlite3.Connection, account: str, alerts: Sequence[str], names: Sequence[str]
) -> None:
    """Delete alerts, and the incidents and digests that tell of them; empty what names a person."""
    incidents, digests = set[str](), set[str]()
    for alert in alerts:
        query = "SELECT incident_id FROM alert WHERE id = ? AND incident_id IS NOT NULL"
        incidents |= {row[0] for row in sql.execute(query, (alert,))}
        query = "SELECT digest_id FROM digested WHERE alert_id = ?"
        digests |= {row[0] for row in sql.execute(query, (alert,))}
        sql.execute("DELETE FROM alert WHERE id = ?", (alert,))
        for table in ("news", "decision", "digested"):
            sql.execute(f"DELETE FROM {table} WHERE alert_id = ?", (alert,))  # noqa: S608
    for name in names:
        query = "SELECT id FROM digest WHERE instr(body, ?)"
        digests |= {row[0] for row in sql.execute(query, (name,))}
        sql.execute(
            "UPDATE outbox SET body = ? WHERE instr(body, ?) "
            "AND about IN (SELECT id FROM incident WHERE account = ?)",
            (_NOTHING_MORE, name, account),
        )
        sql.execute(
            "DELETE FROM outbox WHERE instr(body, ?) AND about NOT IN (SELECT id FROM incident)",
            (name,),
        )
    for digest in sorted(digests):
        _digest(sql, digest)
    for incident in sorted(incidents):
        _incident(sql, incident, names)


def _digest(sql: sqlite3.Connection, digest: str) -> None:
    """Delete a digest; where it was not sent yet, what is left of it is decided about anew."""
    sql.execute(
        "INSERT INTO news (alert_id, cause, since, due, late) "
        "SELECT g.alert_id, ?1, d.created, d.created, 1 FROM digested g "
        "JOIN digest d ON d.id = g.digest_id WHERE d.id = ?2 AND EXISTS "
        "(SELECT 1 FROM outbox WHERE about = ?2 AND state IN ('waiting', 'sending'))",
        (Cause.FIRST_TOLD, digest),
    )
    sql.execute("DELETE FROM digest WHERE id = ?", (digest,))
    sql.execute("DELETE FROM digested WHERE digest_id = ?", (digest,))
    sql.execute("DELETE FROM outbox WHERE about = ?", (digest,))


def _incident(sql: sqlite3.Connection, incident: str, names: Sequence[str]) -> None:
    """Delete an incident of which no alert is left, or only the keys that name a person."""
    # What is left of it is made anew from what is left of the log.
    sql.execute("DELETE FROM exposure WHERE incident_id = ?", (incident,))
    sql.execute("DELETE FROM exposing WHERE incident_id = ?", (incident,))
    if sql.execute("SELECT 1 FROM alert WHERE incident_id = ?", (incident,)).fetchone():
        query = "DELETE FROM incident_key WHERE incident_id = ? AND instr(key, ?)"
        sql.executemany(query, [(incident, name.strip('"')) for name in names])
        return
    sql.execute("DELETE FROM incident WHERE id = ?", (incident,))
    sql.execute("DELETE FROM incident_key WHERE incident_id = ?", (incident,))
    sql.execute("DELETE FROM outbox WHERE about = ?", (incident,))


def _silences(sql: sqlite3.Connection, names: Sequence[str]) -> list[str]:
    """Delete the silences of a person."""
    gone: list[str] = []
    for name in names:
        value = f"={name[1:]}" if name.startswith('"') else name
        query = "DELETE FROM silence WHERE instr(matchers, ?1) OR instr(reason, ?2) RETURNING id"
        rows = sql.execute(query, (value, name.strip('"'))).fetchall()
        gone += [identity for (identity,) in rows]
    return gone


def _notices(sql: sqlite3.Connection, alerts: Sequence[str], silences: Sequence[str]) -> None:
    """Delete what was told of the silences of a person, and of those that held back such alerts."""
    query = "SELECT detail FROM decision WHERE alert_id = ? AND reason = 'silenced'"
    held = {row[0] for alert in alerts for row in sql.execute(query, (alert,))}
    for silence in sorted(held | set(silences)):
        for what in ("began", "ended"):
            sql.execute("DELETE FROM outbox WHERE about = ?", (f"note-{silence}-{what}",))


def _journal(
    sql: sqlite3.Connection, about: set[str], names: Sequence[str], record: Change
) -> None:
    """Take a person out of the notes of the journal, and seal anew what follows the first of them."""
    bare = [name.strip('"') for name in names]
    before, changed = FIRST, False
    query = f"SELECT {journal.COLUMNS} FROM journal ORDER BY number"  # noqa: S608
    for row in sql.execute(query).fetchall():
        number, change, sealed = journal.record(row)
        kept = _without(change, about, bare)
        changed = changed or kept != change
        if changed:
            sealed = seal(before, kept)
            sql.execute(
                "UPDATE journal SET who = ?, note = ?, seal = ? WHERE number = ?",
                (kept.who, kept.note, sealed, number),
            )
        before = sealed
    words = "somebody was forgotten"
    journal.append(
        sql, replace(record, note=f"{words}; the journal is sealed anew" if changed else words)
    )


def _without(change: Change, about: set[str], names: Sequence[str]) -> Change:
    """The change without a word of the person."""
    if change.about in about or any(name in change.note for name in names):
        change = replace(change, note="")
    return replace(change, who=FORGOTTEN) if change.who in names else change
