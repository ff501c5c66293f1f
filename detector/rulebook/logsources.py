"""Log sources: which feeds a rule looks at."""

from __future__ import annotations

from collections.abc import Iterable

from detector import events
from detector.rulebook.mistakes import quoted
from detector.rulebook.reports import Report
from detector.rulebook.resolving import present
from detector.rulebook.vocabulary import PRODUCT


def read_feeds(report: Report) -> tuple[str, ...]:
    """The feeds of the document's log source; none, and a mistake, if they are not ours."""
    source = report.at(("logsource",))
    if not isinstance(source, dict):
        fix = f"write 'logsource: {{product: {PRODUCT}}}'"
        report.wrong(("logsource",), "a log source is needed", fix)
        return ()
    report.known_keys(("logsource",), {"product", "service", "category", "definition"})
    if "category" in source:
        fix = f"write 'product: {PRODUCT}'"
        report.wrong(("logsource", "category"), "1Password events have no category", fix, key=True)
    if source.get("product") != PRODUCT:
        report.wrong(
            ("logsource", "product"),
            f"{quoted(source.get('product'))} is not a product whose events come here",
            f"write 'product: {PRODUCT}'",
        )
        return ()
    service = source.get("service")
    if service is None:
        return events.FEEDS
    if service not in events.FEEDS:
        report.not_one_of(("logsource", "service"), service, "a feed", events.FEEDS)
        return ()
    return (service,)


def feeds_with(fields: Iterable[str], feeds: Iterable[str]) -> tuple[str, ...]:
    """Those of `feeds` that have all of `fields`."""
    names = tuple(fields)
    return tuple(
        feed
        for feed in feeds
        if all(events.fields(feed).get(name, "") in present(feed) for name in names)
    )
