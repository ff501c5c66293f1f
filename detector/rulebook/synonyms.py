"""What other tools call the words of rule files, and where a key belongs that stands at the wrong place.

Nobody who comes from Elastic, Panther, ElastAlert or old Sigma types something near our word for it.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Final

_OURS: Final[Mapping[str, str]] = {
    # keys of rules (Elastic, Panther, Matano, ElastAlert)
    "severity": "level", "priority": "level", "risk": "level", "risk_score": "level",
    "display_name": "title", "displayname": "title", "rule_id": "id", "ruleid": "id", "uuid": "id",
    "maturity": "status", "false_positives": "falsepositives", "false-positives": "falsepositives",
    "reference": "references", "threat": "tags", "mitre": "tags", "reports": "tags",
    "log_source": "logsource", "logtypes": "logsource", "index": "logsource",
    "query": "detection", "rule": "detection", "selection": "detection",
    "anomaly": "behavior", "exception": "filter", "exceptions": "filter",
    "expiry": "expires", "until": "expires", "time_zone": "timezone", "tz": "timezone",
    # keys of correlations
    "timeframe": "timespan", "window": "timespan", "within": "timespan", "interval": "timespan",
    "maxspan": "timespan", "query_key": "group-by", "by": "group-by", "groupby": "group-by",
    "key": "group-by", "threshold": "condition", "num_events": "condition",
    # their types
    "count": "event_count", "frequency": "event_count", "event-count": "event_count",
    "cardinality": "value_count", "distinct_count": "value_count", "unique": "value_count",
    "sequence": "temporal_ordered", "ordered": "temporal_ordered", "temporal-ordered": "temporal_ordered",
    "sum": "value_sum", "average": "value_avg", "avg": "value_avg", "median": "value_median",
    "percentile": "value_percentile",
    # types of behaviours
    "new_terms": "first_seen", "new_term": "first_seen", "new_value": "first_seen",
    "spike": "volume", "anomalous_volume": "volume", "geo_velocity": "impossible_travel",
    "off-hours": "off_hours", "after_hours": "off_hours",
    # modifiers and operators
    "regex": "re", "regexp": "re", "matches": "re", "prefix": "startswith", "suffix": "endswith",
    "like": "contains", "wildcard": "contains", "includes": "contains", "ne": "neq", "not": "neq",
    "ge": "gte", "le": "lte", ">=": "gte", "<=": "lte", ">": "gt", "<": "lt", "==": "eq", "!=": "neq",
    "ip": "cidr", "subnet": "cidr", "nocase": "i", "list": "expand", "weekday": "day_of_week",
    "time": "timerange", "holiday": "public_holiday_in",
    # levels and states
    "info": "informational", "warning": "medium", "warn": "medium", "moderate": "medium",
    "severe": "critical", "production": "stable", "prod": "stable", "enabled": "stable",
    "testing": "test", "dev": "experimental", "development": "experimental", "draft": "experimental",
}  # fmt: skip
"""Their word, in lower case, and ours."""

BELONGS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("condition", "selection", "keywords"), "detection"),
    **dict.fromkeys(("product", "category", "service", "definition"), "logsource"),
    **dict.fromkeys(("runbook", "dedup", "generate", "routine", "counted-as"), "alert"),
    **dict.fromkeys(("timespan", "group-by", "aliases"), "correlation"),
    **dict.fromkeys(("type", "rules"), "correlation:' or 'behavior"),
    **dict.fromkeys(("events", "expect", "look-alike", "learned", "people", "networks"), "tests"),
}
"""Keys that stand inside of others, where people write them at the left edge."""


def ours(word: str, among: Container[str]) -> str | None:
    """Our word for what others call so, if it is one that may stand there.

    >>> ours("Severity", {"level"}), ours("sequence", {"level"})
    ('level', None)
    """
    found = _OURS.get(word.lower())
    return found if found is not None and found in among else None
