"""JUnit's XML, as pipelines read it: suites of cases, each passed or with its failures.

It says nothing that the strictest of its readers, Jenkins' xUnit plugin (`junit-10.xsd`), does not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, however it is escaped."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that was tried. `failures` are what was wrong, in short and at length."""

    name: str
    failures: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Suite:
    """What was tried of one file."""

    name: str
    file: str
    cases: Sequence[Case]


def junit(suites: Iterable[Suite]) -> bytes:
    """The suites as a document."""
    top = Element("testsuites", name="vaultwatch")
    for suite in suites:
        _write(SubElement(top, "testsuite", name=_clean(suite.name)), suite)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + tostring(top, "unicode").encode()


def _write(made: Element, suite: Suite) -> None:
    failed = sum(bool(case.failures) for case in suite.cases)
    counts = {"tests": str(len(suite.cases)), "failures": str(failed), "errors": "0"}
    made.attrib |= counts | {"file": _clean(suite.file)}
    for case in suite.cases:
        about = {"name": _clean(case.name), "classname": _clean(suite.name)}
        tried = SubElement(made, "testcase", about)
        for short, long in case.failures:
            SubElement(tried, "failure", message=_clean(short)).text = _clean(long)


def _clean(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
