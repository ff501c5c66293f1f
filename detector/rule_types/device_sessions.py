"""Sessions whose device is told later: a sign-in names none, an audit event of its session does.

So a sign-in's client is judged when it comes; the device is judged when it is told, and that
amends the alert of the sign-in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from detector.findings import Finding, Level
from detector.observations import DEVICE
from detector.rule_types.base import Scene
from detector.rule_types.seen import Pending, SeenTail


def opening(scene: Scene, rows: Iterable[int]) -> list[int]:
    """The sign-ins among rows, whose session waits for its device from then on."""
    sessions, devices = scene.page.columns["session.id"], scene.page.values[DEVICE]
    return [row for row in rows if devices[row] is None and sessions[row]]


def telling(scene: Scene, opened: Sequence[int], tail: SeenTail) -> list[int]:
    """The audit events that tell a device for which a session waits, or will do in this scene."""
    sessions, waiting = scene.page.columns["session.id"], tail.sessions
    begun = {sessions[row] for row in opened}
    return [row for row in scene.devices if sessions[row] in begun or sessions[row] in waiting]


def pending(scene: Scene, row: int, finding: Finding | None) -> Pending:
    """What the sign-in of a row said, and whether that alerted."""
    alerted = finding is not None and finding.suppressed_by is None
    said = finding.evidence if finding else {}
    page = scene.page
    return Pending(page.times[row], page.ids[row], page.seqs[row], alerted, said)


def known_after_all(found: Finding, waited: Pending, device: str, days: int) -> Finding:
    """The finding that the device of an alert's session was seen before, on so many days."""
    more = {"device.id": device, "device_known": True, "device_days": days}
    return replace(
        found,
        level=Level.INFORMATIONAL,
        evidence=waited.evidence | more,
        event_ids=(waited.event_id, *found.event_ids),
        event_seqs=(waited.seq, *found.event_seqs),
        amends=True,
    )
