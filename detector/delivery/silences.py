"""Silences: which alerts are recorded and not sent, who said so, why, and until when."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

import polars as pl

from detector.alerts import Alert
from detector.delivery.commands import Refused
from detector.delivery.journal import How
from detector.findings import Level

FIELDS: Final = ("rule", "subject", "level", "tag", "account")
"""What a matcher may speak of, beside `evidence.NAME`."""
OPERATORS: Final = ("!=", "=~", "!~", "=")
_LEVELS: Final = tuple(map(str, Level))
_MATCHER: Final = re.compile(r"\s*([\w.\-]+?)\s*(!=|=~|!~|=)\s*(.*?)\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on an alert: exact, or a whole match of a pattern (`=~`, Rust's syntax).

    A field with several values (subject: id, e-mail, name; tag) matches if one of them does;
    `!=` and `!~` are the opposite of `=` and `=~`.
    """

    field: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.field}{self.operator}{self.value}"

    @property
    def is_negative(self) -> bool:
        """Whether it says what an alert must not be."""
        return self.operator.startswith("!")

    def matches(self, alert: Alert) -> bool:
        """Whether the alert is meant."""
        return self.names(_values(alert, self.field)) is not self.is_negative

    def names(self, words: Collection[str]) -> bool:
        """Whether one of the words is what it speaks of, be it wanted or not."""
        if "~" in self.operator:
            return any(_whole(self.value, each) for each in words)
        return self.value in words


@dataclass(frozen=True, slots=True)
class Silence:
    """Alerts that all matchers meet are recorded and not sent, between two times of day."""

    id: str
    author: str
    reason: str
    matchers: tuple[Matcher, ...]
    starts: datetime
    until: datetime
    how: How

    def is_active(self, now: datetime) -> bool:
        """Whether it holds alerts back now."""
        return self.starts <= now < self.until

    def matches(self, alert: Alert) -> bool:
        """Whether it means the alert."""
        return all(each.matches(alert) for each in self.matchers)

    def is_about_its_author(self, alert: Alert) -> bool:
        """Whether somebody would hide an alert about themselves."""
        author, subject = self.author.casefold(), alert.subject
        email = (subject.email or "").casefold()
        names = {email, email.partition("@")[0], (subject.name or "").casefold(), subject.id}
        return author in names - {""}

    @property
    def text(self) -> str:
        """Its matchers as they are written."""
        return " ".join(str(each) for each in self.matchers)


MOST_CAUSES: Final = 2
"""Causes of an odd hour that must come together again for it to be the same."""


def like(alert: Alert) -> tuple[str, ...]:
    """Matchers for alerts like this one: of the same rule about the same subject.

    An odd hour is alike if the foremost causes of this one are among its own.
    """
    causes = alert.evidence.get("causes", ())
    alike = [f"evidence.causes={each}" for each in causes[:MOST_CAUSES]]
    return (f"rule={alert.rule.name}", f"subject={alert.subject.id}", *alike)


def matcher(text: str) -> Matcher:
    """Read one matcher, as `rule=op_new_device` or `evidence.source.ip=~10\\..*`.

    Raises Refused.
    """
    found = _MATCHER.fullmatch(text)
    if found is None:
        listed = ", ".join(OPERATORS)
        raise Refused(f"{text!r} is no matcher; write FIELD, one of {listed}, and a value")
    field, operator, value = found.groups()
    if field not in FIELDS and not field.startswith("evidence."):
        raise Refused(f"{text!r}: no field {field!r}; {_hint(field, FIELDS)}, and evidence.NAME")
    if not value:
        raise Refused(f"{text!r}: the value is missing")
    if "~" in operator:
        _whole(value, "")
    return Matcher(field, operator, value)


def silence(
    matchers: Iterable[str], *, author: str, reason: str, span: tuple[datetime, datetime], how: How
) -> Silence:
    """A silence with an id of its own. Raises Refused where it would hide everything."""
    read = tuple(sorted((matcher(text) for text in matchers), key=str))
    starts, until = span
    for each in read:
        # Not where a matcher is read: silences that were kept before this was asked are read too.
        if each.field == "level" and not each.names(_LEVELS):
            raise Refused(f"'{each}': no level {each.value!r}; {_hint(each.value, _LEVELS)}")
    if all(each.is_negative for each in read):
        raise Refused("a silence needs a matcher that says what it is about, like rule=NAME")
    if not author.strip() or not reason.strip():
        raise Refused("a silence needs an author and a reason")
    if until <= starts:
        raise Refused("a silence ends after it starts, and in the future")
    parts = (author, reason, *map(str, read), starts.isoformat(), until.isoformat(), how)
    digest = hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    return Silence(f"s-{digest[:10]}", author.strip(), reason.strip(), read, starts, until, how)


def limited(asked: Silence, longest: timedelta) -> Silence:
    """The silence, if it is not longer than allowed. Raises Refused."""
    if asked.until - asked.starts > longest:
        raise Refused(
            f"a silence lasts at most {longest.days} days ([silences] longest); for longer ones "
            "write an exception with `expires:` into the rules"
        )
    return asked


def holding(silences: Sequence[Silence], alert: Alert, now: datetime) -> Silence | None:
    """The silence that holds an alert back now, if any."""
    return next((each for each in silences if each.is_active(now) and each.matches(alert)), None)


def _hint(word: str, words: Sequence[str]) -> str:
    near = get_close_matches(word.lower(), words, n=1)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(words)}"


def _values(alert: Alert, field: str) -> tuple[str, ...]:
    subject = alert.subject
    if field.startswith("evidence."):
        value = alert.evidence.get(field.removeprefix("evidence."))
        many = value if isinstance(value, list | tuple) else [value]
        return tuple(_text(each) for each in many if each is not None)
    found = {
        "rule": (alert.rule.name, alert.rule.id),
        "subject": (subject.id, subject.email, subject.name, f"{subject.type}:{subject.id}"),
        "level": (alert.level,),
        "tag": alert.tags,
        "account": (alert.account,),
    }
    return tuple(str(each) for each in found[field] if each)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@lru_cache(maxsize=4096)
def _whole(pattern: str, value: str) -> bool:
    """Whether the pattern matches the whole value; in linear time, whatever both are."""
    try:
        return bool(pl.Series([value]).str.contains(rf"\A(?:{pattern})\z", strict=True)[0])
    except pl.exceptions.ComputeError as error:
        reason = " ".join(str(error).split())[-200:]
        raise Refused(f"{pattern!r} is no pattern: {reason}") from error
