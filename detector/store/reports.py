"""What the digests tell of, read from the store."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from detector import workhours
from detector.alerts import Alert, Status
from detector.delivery.nearness import Hidden, Near, nearest
from detector.delivery.policy import Hold
from detector.delivery.reports import Daily, RuleWeek
from detector.store.casebook import ALERT, read_alert
from detector.store.database import Database
from detector.store.journal import Journal
from detector.store.outbox import Outbox
from detector.store.silences import Silences

_ONLY_HERE = (Hold.DIGEST_ONLY, Hold.NO_ROUTE)


class Reports:
    """Looks back over a day or a week."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def day(
        self, since: datetime, until: datetime, coverage: Sequence[str], rules: Sequence[str]
    ) -> Daily:
        """What a day brought; `coverage` and `rules` are lines from elsewhere."""
        silences = Silences(self._database).kept()
        return Daily(
            quiet=self._decided(since, until, "reason IN (?3, ?4)", *_ONLY_HERE),
            trial=self._decided(since, until, "reason = ?3", Hold.ON_TRIAL),
            told=self._decided(since, until, "verdict = 'tell'"),
            waiting=self._alerts("status = 'open' AND rank >= 3 AND NOT trial"),
            silenced=len(self._decided(since, until, "reason = ?3", Hold.SILENCED)),
            inhibited=len(self._decided(since, until, "reason = ?3", Hold.INHIBITED)),
            silences=[(each.silence, each.hidden) for each in silences if each.ended is None],
            held=self._held(since, until),
            flaws=self._count(
                "SELECT count(*) FROM flaw WHERE received > ?1 AND received <= ?2", since, until
            ),
            coverage=coverage,
            rules=rules,
            messages=self._messages(),
        )

    def week(self, since: datetime, until: datetime) -> list[RuleWeek]:
        """How each rule did whose alerts were first seen in a week."""
        groups: dict[str, list[Alert]] = defaultdict(list)
        low, high = workhours.microseconds(since), workhours.microseconds(until)
        for alert in self._alerts("time > ?1 AND time <= ?2", low, high):
            groups[alert.rule.id].append(alert)
        return [self._rule_week(group) for group in groups.values()]

    def near(self, since: datetime, until: datetime) -> list[Near]:
        """What rungs held back in a time, by rule and rung, the closest first."""
        low, high = workhours.microseconds(since), workhours.microseconds(until)
        rows = self._database.rows(
            "SELECT rung, body FROM suppressed WHERE time > ? AND time <= ?", low, high
        )
        names = self._database.rows(
            "SELECT DISTINCT rule_id, json_extract(body, '$.rule.name') FROM alert"
        )
        held = ({"rung": rung} | json.loads(body) for rung, body in rows)
        return nearest(held, {rule: name for rule, name in names if name})

    def hidden(self, since: datetime, until: datetime) -> list[Hidden]:
        """How many alerts each silence, and each rule that others yield to, hid in a time."""
        span = (workhours.microseconds(since), workhours.microseconds(until))
        query = (
            "SELECT detail, count(DISTINCT alert_id) FROM decision "
            "WHERE at > ?1 AND at <= ?2 AND reason = ?3 GROUP BY detail"
        )
        silences = {each.silence.id: each.silence for each in Silences(self._database).kept()}
        found = [
            Hidden(f"silence {name[:12]} ({silences[name].text})" if name in silences
                   else f"silence {name}", count)
            for name, count in self._database.rows(query, *span, Hold.SILENCED)
        ]  # fmt: skip
        by_rule: dict[str, int] = defaultdict(int)
        for detail, count in self._database.rows(query, *span, Hold.INHIBITED):
            by_rule[str(detail).rpartition(" ")[0]] += count
        found += [Hidden(f"said by alerts of {rule}", count) for rule, count in by_rule.items()]
        return sorted(found, key=lambda each: (-each.alerts, each.what))

    def _rule_week(self, group: Sequence[Alert]) -> RuleWeek:
        waits = [
            (workhours.instant(at) - alert.detected_at).total_seconds()
            for alert in group
            for (at,) in self._database.rows(
                "SELECT min(at) FROM journal WHERE about = ? AND how != 'service'", alert.id
            )
            if at is not None
        ]
        statuses = [alert.status for alert in group]
        rule = group[0].rule
        return RuleWeek(
            rule.name or rule.id,
            rule.title,
            len(group),
            len(waits),
            statuses.count(Status.FALSE_POSITIVE),
            statuses.count(Status.BENIGN),
            statuses.count(Status.RESOLVED),
            timedelta(seconds=max(0.0, median(waits))) if waits else None,
        )

    def _decided(
        self, since: datetime, until: datetime, condition: str, *values: object
    ) -> list[Alert]:
        """Alerts about which something was first decided so within a time."""
        return self._alerts(
            f"id IN (SELECT alert_id FROM decision WHERE at > ?1 AND at <= ?2 AND {condition})",  # noqa: S608
            workhours.microseconds(since),
            workhours.microseconds(until),
            *values,
        )

    def _alerts(self, condition: str, *values: Any) -> list[Alert]:
        query = f"SELECT {ALERT} FROM alert WHERE {condition} ORDER BY time, id"  # noqa: S608
        return [read_alert(*row) for row in self._database.rows(query, *values)]

    def _held(self, since: datetime, until: datetime) -> list[tuple[str, str, int]]:
        """By rule and rung how many findings were held back, the most first."""
        rows = self._database.rows(
            "SELECT COALESCE((SELECT json_extract(a.body, '$.rule.name') FROM alert a "
            "WHERE a.rule_id = s.rule_id LIMIT 1), s.rule_id), s.rung, count(*) FROM suppressed s "
            "WHERE s.time > ? AND s.time <= ? GROUP BY s.rule_id, s.rung ORDER BY 3 DESC",
            workhours.microseconds(since),
            workhours.microseconds(until),
        )
        return [(str(rule), str(rung), int(count)) for rule, rung, count in rows]

    def _messages(self) -> list[str]:
        """Destinations that are away, and messages that could not be sent."""
        rows = self._database.rows(
            "SELECT destination, state, count(*) FROM outbox "
            "WHERE state IN ('waiting', 'sending', 'dead') GROUP BY 1, 2 ORDER BY 1, 2"
        )
        words = {"waiting": "wait", "sending": "may have arrived", "dead": "could not be sent"}
        lines = [f"{name}: {count:,} messages {words[state]}" for name, state, count in rows]
        for (name,) in self._database.rows("SELECT name FROM destination ORDER BY name"):
            circuit = Outbox(self._database, write=False).circuit(name)
            if circuit.is_open and circuit.since is not None:
                away = f"away since {circuit.since:%a %d %b %H:%M} UTC"
                lines.append(f"{name}: {away}: {circuit.error}")
        number, seal = Journal(self._database).head()
        if number:
            # A copy out of reach of whoever could cut the journal off.
            lines.append(f"Journal of who did what: {number:,} records, sealed {seal[:12]}")
        return lines

    def _count(self, query: str, since: datetime, until: datetime) -> int:
        span = (workhours.microseconds(since), workhours.microseconds(until))
        return int(self._database.rows(query, *span)[0][0])
