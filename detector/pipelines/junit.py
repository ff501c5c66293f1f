"""JUnit's XML, as pipelines read it: suites of cases, each passed or with its failures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, however it is escaped."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that was tried. `failures` are what was wrong, in short and at length."""

    name: str
    file: str
    failures: Sequence[tuple[str, str]] = ()


def junit(suites: Mapping[str, Iterable[Case]]) -> bytes:
    """The suites by name as a document."""
    top = Element("testsuites", name="vaultwatch")
    for name, cases in suites.items():
        _suite(SubElement(top, "testsuite", name=_clean(name)), name, list(cases))
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + tostring(top, "unicode").encode()


def _suite(suite: Element, name: str, cases: Sequence[Case]) -> None:
    failed = sum(bool(case.failures) for case in cases)
    suite.attrib |= {"tests": str(len(cases)), "failures": str(failed), "errors": "0"}
    for case in cases:
        about = {"name": _clean(case.name), "classname": _clean(name), "file": _clean(case.file)}
        made = SubElement(suite, "testcase", about)
        for short, long in case.failures:
            SubElement(made, "failure", message=_clean(short)).text = _clean(long)


def _clean(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
