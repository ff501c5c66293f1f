"""The head of a document: who the rule is, how bad, and what to tell (`alert:`)."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from detector.findings import LEVELS, Level
from detector.rule import ROUTINES, Rule
from detector.rulebook import attack
from detector.rulebook.documents import Path
from detector.rulebook.logsources import PARTS, LogSource, in_our_words, is_nearly_ours, is_ours
from detector.rulebook.mistakes import did_you_mean, nearest, quoted
from detector.rulebook.reports import Report
from detector.rulebook.vocabulary import KIND_KEYS, SIGMA_KEYS, STATUSES

IDENTITY: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")
_NAMELESS: Final = UUID("6f1d3f0a-5d5c-4a52-9a0e-0f6d8f3c2b11")
"""The space of ids that rules without one get."""
_TAG: Final = re.compile(r"[a-z0-9_-]+\.[a-z0-9._-]+")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_SPAN: Final = re.compile(r"(?:\d{1,5}[wdhms])+")
_UNITS: Final = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
ALERT_KEYS: Final = ("generate", "dedup", "runbook", "counted-as", "routine")
_FREE: Final = ("license", "author", "taxonomy", "base")


@dataclass(frozen=True, slots=True)
class Head:
    """What a document says about itself; `generate` is null unless it is written.

    `counted_as` is what correlations call its events, as in `12 failed sign-ins`.
    """

    rule: Rule
    generate: bool | None
    counted_as: str = ""


def kinds_of(report: Report) -> tuple[str, ...]:
    """The kind of the document; none or two, and a mistake, if it is not one."""
    kinds = _kinds(report)
    if not kinds:
        report.known_keys((), SIGMA_KEYS.union(*KIND_KEYS.values()))
        kinds = _kinds(report)
    if len(kinds) > 1:
        two = f"{kinds[0]}: and {kinds[1]}: cannot stand in one document"
        report.wrong((kinds[1],), two, "split it with '---'", key=True)
    elif not kinds and not report.is_change:
        text = "none of detection:, correlation:, behavior: and filter: is here"
        lost = "" if "id" not in report.document.value else ", and no shipped rule has this id"
        report.wrong((), text + lost)
    return kinds


def _kinds(report: Report) -> tuple[str, ...]:
    return tuple(kind for kind in KIND_KEYS if kind in report.document.value)


def read_head(report: Report, kinds: Collection[str]) -> Head:
    """Read the head of a document; what is wrong goes to the report."""
    known = SIGMA_KEYS.union(*(KIND_KEYS[kind] for kind in kinds or KIND_KEYS))
    if _is_elsewhere(report):
        _hint_at_keys(report, known)
    else:
        report.known_keys((), known)
    for key in _FREE:
        report.text((key,))
    for key in ("date", "modified"):
        _check_date(report, key)
    title = report.text(("title",))
    if len(title) > 256 or (kinds and not title):
        report.wrong(("title",), "a title of 1 to 256 characters is needed")
    generate, fold_for, runbook = _alert(report)
    routine = _routine(report, kinds)
    rule = Rule(
        id=_id(report),
        name=_name(report),
        title=title,
        level=_level(report),
        status=_word(report, ("status",), STATUSES, "stable"),
        description=report.text(("description",)).strip(),
        tags=_tags(report),
        falsepositives=_lines(report, "falsepositives"),
        references=report.texts(("references",)),
        runbook=runbook,
        fold_for=fold_for,
        routine=routine,
        file=report.document.file,
    )
    return Head(rule, generate, report.text(("alert", "counted-as")))


def _is_elsewhere(report: Report) -> bool:
    """Whether a document is about another product, as those of public repositories."""
    source = report.at(("logsource",))
    if not isinstance(source, dict):
        return False
    told = {part: source.get(part) for part in PARTS}
    texts = {part: text for part, text in told.items() if isinstance(text, str)}
    found = in_our_words(LogSource(**texts))
    return not is_ours(found) and not is_nearly_ours(found)


def _hint_at_keys(report: Report, known: frozenset[str]) -> None:
    """Sigma allows keys of anybody's own; in our rules they are mistakes, for most are misspelt."""
    for key in report.document.value:
        if key not in known:
            report.odd((key,), "not a key of Sigma or ours, so nothing reads it", key=True)


def _lines(report: Report, key: str) -> tuple[str, ...]:
    """A list of texts, in which `Note: so and so` without quotes is a mapping to YAML."""
    told = report.at((key,))
    for index, each in enumerate(told) if isinstance(told, list) else ():
        words = list(each.items()) if isinstance(each, dict) else []
        if len(words) == 1 and isinstance(words[0][1], str):
            told[index] = ": ".join(words[0])
            report.odd((key, index), "a mapping to YAML, and taken as a text", "put it in quotes")
    return report.texts((key,))


def _check_date(report: Report, key: str) -> None:
    """Nothing here depends on it, so one that is written otherwise is only odd."""
    value = report.at((key,))
    if value is not None and not isinstance(value, date) and not _DATE.fullmatch(str(value)):
        report.odd((key,), f"{quoted(value)} is not a date", "write it like 2026-03-02")


def _id(report: Report) -> str:
    identity = report.text(("id",))
    if not isinstance(report.at(("id",)), str | None):
        return ""
    if not identity and "id" not in report.document.value:
        # Sigma lets a rule have none. It stays the same while its name does.
        identity = made_id(str(report.at(("name",)) or report.at(("title",))))
    elif not IDENTITY.fullmatch(identity):
        report.wrong(("id",), f"not a UUID: {quoted(identity)}", "uuidgen prints one")
    return identity.lower()


def made_id(words: str) -> str:
    """The id of a rule that has none, from what it is known by."""
    return str(uuid5(_NAMELESS, words))


def _name(report: Report) -> str:
    name = report.text(("name",))
    if "name" in report.document.value and (not NAME.fullmatch(name) or IDENTITY.fullmatch(name)):
        fix = "use letters, digits, '_', '-' and '.'"
        report.wrong(("name",), f"{quoted(name)} is not a name", fix)
    return name


def _level(report: Report) -> Level:
    return Level(_word(report, ("level",), tuple(map(str, LEVELS)), "medium"))


def _word(report: Report, path: Path, words: tuple[str, ...], default: str) -> str:
    value = report.at(path)
    if value is None and path[-1] not in report.document.value:
        return default
    if value in words:
        return str(value)
    if isinstance(value, str) and value.lower() in words:
        report.odd(path, f"{quoted(value)} is written in lower case", f"write {value.lower()}")
        return value.lower()
    report.not_one_of(path, value, f"a {path[-1]}", words)
    return nearest(value, words) or default


def _tags(report: Report) -> tuple[str, ...]:
    raw = report.texts(("tags",))
    tags = tuple(tag.lower() for tag in raw)
    for index, tag in enumerate(tags):
        if not _TAG.fullmatch(tag):
            meant = f"attack.{tag.lower()}"
            like = meant if attack.technique(meant) else "attack.t1078"
            report.wrong(
                ("tags", index), f"{quoted(raw[index])} is not a tag", f"write it like {like}"
            )
        elif raw[index] != tag:
            text = f"{quoted(raw[index])} is written in lower case"
            report.odd(("tags", index), text, f"write {tag}")
        elif attack.is_unknown(tag):
            text = f"{quoted(tag)} is no technique or tactic of ATT&CK {attack.VERSION}"
            report.odd(("tags", index), text, did_you_mean(tag, attack.near(tag)))
    return tags


def _alert(report: Report) -> tuple[bool | None, timedelta, tuple[str, ...]]:
    """What `alert:` says: generate, how long an alert folds, the runbook."""
    alert = report.at(("alert",))
    fold_for = timedelta(hours=24)
    if alert is None:
        return None, fold_for, ()
    if not isinstance(alert, dict):
        report.wrong(("alert",), "not a mapping", "write 'alert: {generate: false}'")
        return None, fold_for, ()
    report.known_keys(("alert",), ALERT_KEYS)
    generate = alert.get("generate")
    if not isinstance(generate, bool | None):
        report.wrong(("alert", "generate"), f"{quoted(generate)} is neither true nor false")
        generate = None
    if "dedup" in alert:
        fold_for = _dedup(report, alert["dedup"]) or fold_for
    return generate, fold_for, report.texts(("alert", "runbook"))


def _routine(report: Report, kinds: Collection[str]) -> str | None:
    """For whom what the rule matches is daily work; null: for nobody."""
    path: Path = ("alert", "routine")
    alert = report.at(path[:1])
    if not isinstance(alert, dict) or path[1] not in alert:
        return None
    if "detection" not in kinds:
        fix = "behaviours and correlations have their own levels"
        report.wrong(path, "only rules on single events have a routine", fix, key=True)
    return _word(report, path, ROUTINES, "") or None


def _dedup(report: Report, dedup: Any) -> timedelta | None:
    if not isinstance(dedup, dict):
        report.wrong(("alert", "dedup"), "not a mapping", "write 'dedup: {for: 24h}'")
        return None
    if "by" in dedup:
        path: Path = ("alert", "dedup", "by")
        report.wrong(path, "not supported yet by this version", "alerts fold by subject", key=True)
    report.known_keys(("alert", "dedup"), {"for", "by"})
    return read_span(report, ("alert", "dedup", "for")) if "for" in dedup else None


def read_span(report: Report, path: Path) -> timedelta | None:
    """The span of time at `path`; null, and a mistake, if it is none."""
    span = parse_span(report.at(path))
    if span is None:
        fix = "write it like 30m, 24h, 7d or 1d12h"
        report.wrong(path, f"{quoted(report.at(path))} is not a span of time", fix)
    return span


def parse_span(text: object) -> timedelta | None:
    """A span of time in Sigma's notation; parts add up.

    >>> parse_span("1d12h")
    datetime.timedelta(days=1, seconds=43200)
    """
    if not isinstance(text, str) or not _SPAN.fullmatch(text):
        return None
    parts = re.findall(r"(\d+)([wdhms])", text)
    return sum((timedelta(**{_UNITS[unit]: int(size)}) for size, unit in parts), timedelta())
