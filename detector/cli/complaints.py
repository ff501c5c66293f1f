"""How commands tell mistakes: a line each with the section that explains it, and then where to read on."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from detector import files
from detector.manual import short
from detector.rulebook.mistakes import Mistake
from detector.settings import Settings


def tell(
    config: Settings,
    mistakes: Iterable[Mistake],
    warnings: Iterable[Mistake] = (),
    *,
    before: str = "",
) -> None:
    """Write them to stderr, warnings first; `before` stands in front of each."""
    named = [("warning: ", each) for each in warnings] + [("", each) for each in mistakes]
    for kind, each in named:
        sys.stderr.write(f"{before}{kind}{each.told}\n")
    sections = sorted({each.about for _, each in named if each.about}, key=short)
    if not sections:
        return
    manual = files.manual(config.reference)
    sys.stderr.write("read on; 'vaultwatch rules reference NAME' prints it, too:\n")
    width = max(len(short(each)) for each in sections)
    for about in sections:
        sys.stderr.write(f"  {short(about):<{width}}  {manual.link(about)}\n")
