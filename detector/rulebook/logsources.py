"""Log sources: whose events a rule looks at, ours or another product's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from detector import events
from detector.rulebook.mistakes import nearest, quoted
from detector.rulebook.reports import Report
from detector.rulebook.schemas import of_feed
from detector.rulebook.vocabulary import PRODUCT

PARTS: Final = ("product", "category", "service")
KEYS: Final = (*PARTS, "definition")
_OURS: Final = frozenset({"onepassword", "1password"})
_SERVICES: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("audit", "audits", "auditevent", "auditevents", "auditlog", "auditlogs"), events.AUDIT
    ),
    **dict.fromkeys(
        ("signin", "signins", "signinattempt", "signinattempts", "signinevent", "signinevents",
         "authentication"),
        events.SIGNIN,
    ),
    **dict.fromkeys(("usage", "usages", "itemusage", "itemusages"), events.USAGE),
}  # fmt: skip
"""How others call the feeds, in lower case and without signs between the words."""


@dataclass(frozen=True, slots=True)
class LogSource:
    """A Sigma log source; an empty part stands for any."""

    product: str = ""
    category: str = ""
    service: str = ""

    def covers(self, other: LogSource) -> bool:
        """True if all that the other asks for is of this kind.

        >>> LogSource("windows").covers(LogSource("windows", "process_creation"))
        True
        """
        return all(getattr(self, part) in {"", getattr(other, part)} for part in PARTS)

    def __str__(self) -> str:
        """The parts that are there, as `windows/process_creation`."""
        return "/".join(part for part in (self.product, self.category, self.service) if part)


def in_our_words(source: LogSource) -> LogSource:
    """The log source under our names, if it means 1Password's events; else as it is.

    >>> str(in_our_words(LogSource("1Password", service="OnePassword.SignInAttempt")))
    'onepassword/signinattempts'
    """
    if _bare(source.product) not in _OURS:
        return source
    service = _service(source.service)
    if not source.service and source.category:
        feed = _service(source.category)
        known = feed in events.FEEDS
        return LogSource(PRODUCT, "" if known else source.category, feed if known else "")
    return LogSource(PRODUCT, source.category, service)


def _service(word: str) -> str:
    bare = _bare(word)
    for product in _OURS:
        bare = bare.removeprefix(product)
    return _SERVICES.get(bare, word)


def _bare(word: str) -> str:
    return "".join(char for char in word.lower() if char.isalnum())


def read_source(report: Report) -> LogSource | None:
    """The document's log source; null, and a mistake, if it has none."""
    source = report.at(("logsource",))
    if not isinstance(source, dict):
        fix = f"write 'logsource: {{product: {PRODUCT}}}'"
        report.wrong(("logsource",), "a log source is needed", fix)
        return None
    report.known_keys(("logsource",), KEYS)
    product, category, service = (report.text(("logsource", part)) for part in PARTS)
    found = in_our_words(LogSource(product, category, service))
    if found == LogSource():
        report.wrong(
            ("logsource",), "names no product, category or service", f"write 'product: {PRODUCT}'"
        )
        return None
    return found


def is_ours(source: LogSource) -> bool:
    """True if a log source means 1Password's events."""
    return source.product == PRODUCT


def read_feeds(report: Report) -> tuple[str, ...]:
    """The feeds of the document's log source; none for another product, or after a mistake."""
    source = read_source(report)
    if source is None:
        return events.FEEDS if _asks_of_ours(report) else ()
    if not is_ours(source) and not is_nearly_ours(source):
        _hint_at_foreign(report, source)
        return ()
    if not is_ours(source):
        shown = quoted(source.product) if source.product else "no product"
        fix = f"write 'product: {PRODUCT}'"
        place = ("logsource", "product") if source.product else ("logsource",)
        report.wrong(place, f"{shown} is not a product whose events come here", fix)
        if not _asks_of_ours(report):
            return ()
    elif source.category:
        fix = f"write 'product: {PRODUCT}'"
        report.wrong(("logsource", "category"), "1Password events have no category", fix, key=True)
    if not source.service:
        return events.FEEDS
    if source.service not in events.FEEDS:
        report.not_one_of(("logsource", "service"), source.service, "a feed", events.FEEDS)
        meant = nearest(source.service, events.FEEDS)
        return (meant,) if meant else events.FEEDS
    return (source.service,)


def is_nearly_ours(source: LogSource) -> bool:
    """True if a log source is another product's only because ours is misspelt, or left out."""
    if is_ours(source):
        return False
    unsaid = source.service in events.FEEDS and not source.product
    return unsaid or nearest(source.product, [PRODUCT, "1password"]) is not None


def _asks_of_ours(report: Report) -> bool:
    """Whether a document whose log source nobody knows asks for a field that only our events have."""
    asked = [report.at((where,)) for where in ("detection", "filter")]
    keys = {key for each in asked for key in _keys(each)}
    return any(key.split("|")[0] in events.fields() for key in keys)


def _keys(part: Any) -> Iterator[str]:
    """Every key of the selections of a document."""
    if isinstance(part, dict):
        for key, value in part.items():
            yield key
            yield from _keys(value)
    elif isinstance(part, list):
        for each in part:
            yield from _keys(each)


def feeds_with(fields: Iterable[str], feeds: Iterable[str]) -> tuple[str, ...]:
    """Those of `feeds` that have all of `fields`."""
    names = tuple(fields)
    return tuple(feed for feed in feeds if of_feed(feed).has(names))


def _hint_at_foreign(report: Report, source: LogSource) -> None:
    """Another product's rules load, and never match what comes here."""
    report.odd(
        ("logsource",),
        f"no events of {source} come here",
        "only 'backtest --events' can run this rule",
    )
