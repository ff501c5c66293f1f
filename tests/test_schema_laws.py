"""The schema for editors and the loader agree: on every shipped document, and on edited ones."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from detector import files
from detector.drafting import templates
from detector.rule_types import reference
from detector.rulebook import file_schema
from detector.rulebook.documents import read
from detector.rulebook.loading import load
from detector.rulebook.mistakes import Mistake
from detector.rulebook.overlays import version
from tests.stories import ROOT
from tests.test_docs import PAGES, blocks

WHOLE = file_schema.schema(reference.schema())
SCHEMA = Draft202012Validator(WHOLE)
ID = "7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a000{}"
SIGNIN = f"""\
title: Signed in
name: signed_in
id: {ID.format(0)}
logsource: {{product: onepassword, service: signinattempts}}
detection: {{ok: {{category: success}}, condition: ok}}
"""
DOCUMENTS = {
    "detection": f"""\
title: A
name: a
id: {ID.format(1)}
status: stable
level: low
description: d
tags: [attack.t1078]
falsepositives: [x]
references: [x]
author: a
license: l
date: 2026-01-02
modified: 2026-01-02
timezone: Europe/Paris
logsource: {{product: onepassword, service: auditevents, definition: d}}
detection:
    s: {{action: [grant, join], object_type|expand: '%kinds%'}}
    t: [{{action: leave}}, {{aux_id: 5}}]
    condition: [s, t]
example-lists: {{kinds: [group]}}
alert: {{generate: true, dedup: {{for: 2h}}, runbook: [x], routine: same, counted-as: y}}
tests:
    - name: n
      learned: true
      look-alike: false
      networks: {{office: 203.0.113.0/24}}
      people: {{ana: {{timezone: Europe/Paris, home: Paris}}}}
      events:
          - {{at: 1h, use: a, times: 2, every: 1m, user: ana, from: Paris, device: d, session: s}}
          - {{at: 1h, feed: auditevents, ip: 203.0.113.7, action: grant}}
      expect: {{alerts: 1, level: low, subject: ana, because: learning}}
""",
    "correlation": f"""\
title: B
id: {ID.format(2)}
correlation:
    type: value_percentile
    rules: [signed_in]
    group-by: [who]
    timespan: 1h
    generate: true
    aliases: {{who: {{signed_in: user.id}}}}
    condition: {{gte: 5, field: location.latitude, percentile: 95}}
""",
    "temporal": f"""\
title: C
id: {ID.format(3)}
correlation: {{type: temporal, timespan: 1h, condition: signed_in and not a, rules: [signed_in, a]}}
""",
    "behavior": f"""\
title: D
id: {ID.format(4)}
behavior:
    type: first_seen
    rules: [signed_in]
    group-by: [user.id]
    fields: [device.id]
    with-any-new: [source.country]
    learn: {{until: 14d or 10 events, remember: 90d}}
""",
    "filter": f"""\
title: E
id: {ID.format(5)}
logsource: {{product: onepassword}}
filter: {{rules: [signed_in], own: {{user.id: A}}, condition: not own}}
expires: 2027-05-31
""",
    "overlay": f"""\
id: {ID.format(0)}
enabled: true
base: {version(yaml.safe_load(SIGNIN))}
title: F
level: high
status: test
alert: {{runbook: [x]}}
tests: [{{name: n, events: [{{at: 0h, use: signed_in}}], expect: {{alerts: 0}}}}]
""",
}
"""One document of each kind, with every key that has a shape."""
AROUND = SIGNIN, DOCUMENTS["detection"]
NEW = st.sampled_from(
    [None, True, 5, 0.5, "", "x", "10m", "a", "signed_in", [], ["x"], [5], [None], {}, {"x": "y"},
     {"gte": 5}, {"for": "1h"}, [{"at": "0h"}]]
)  # fmt: skip


def wrong(document: Mapping[str, Any]) -> tuple[Mistake, ...]:
    """What the loader says of a document beside others that are sound: mistakes and warnings."""
    texts = {"rules/signed_in.yml": SIGNIN, "z.yml": yaml.safe_dump(dict(document))}
    if document.get("name") != "a" and document.get("id") != ID.format(1):
        texts["a.yml"] = DOCUMENTS["detection"]
    loaded = load(texts, lists={"kinds.txt": "group"})
    return tuple(each for each in (*loaded.mistakes, *loaded.warnings) if each.file == "z.yml")


def fits(document: Any) -> bool:
    """Whether the schema takes it, as an editor reads it: dates are texts."""
    return SCHEMA.is_valid(json.loads(json.dumps(document, default=str)))


def mappings(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in a value."""
    if isinstance(value, dict):
        yield value
    for each in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        yield from mappings(each)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a value, with each of its keys or indices."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(WHOLE)


def test_every_shipped_document_fits() -> None:
    shipped = [
        document
        for text in files.rules(None).values()
        for document in yaml.safe_load_all(text)
    ]  # fmt: skip
    starters = [path.read_text("utf-8") for path in sorted((ROOT / "detector").rglob("*.yml"))]
    shipped += [each for text in starters for each in yaml.safe_load_all(text) if "rule" in text]
    assert [each.get("title") for each in shipped if not fits(each)] == []
    assert len(shipped) > 100


def test_every_document_on_the_pages_fits() -> None:
    documents = [
        each for page in PAGES for body in blocks(page, "yaml") for each in yaml.safe_load_all(body)
    ]
    rules = [each for each in documents if "id" in each or "title" in each]
    unfit = [each for each in rules if not fits(each) and "sources" not in each]
    assert [each.get("levle") for each in unfit] == ["medium"], "the slip that the tutorial shows"
    assert len(rules) > 5


@pytest.mark.parametrize("kind", ["detection", "correlation", "behavior"])
def test_every_file_that_is_begun_with_fits(kind: str) -> None:
    written = list(yaml.safe_load_all(templates.of_kind(kind, "A title", ID.format(7))))

    assert written
    assert all(map(fits, written))


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_document_of_each_kind_is_taken_by_both(kind: str) -> None:
    document = yaml.safe_load(DOCUMENTS[kind])

    assert [str(each) for each in wrong(document)] == []
    assert fits(document)


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_an_unknown_key_anywhere_is_known_to_neither(kind: str) -> None:
    refused = 0
    for place in range(len(list(mappings(yaml.safe_load(DOCUMENTS[kind]))))):
        document = yaml.safe_load(DOCUMENTS[kind])
        list(mappings(document))[place]["zzzz"] = "x"
        found = wrong(document)
        by_loader = any("not a key" in each.text for each in found)
        assert fits(document) or found, document
        assert not (by_loader and fits(document)), document
        refused += by_loader
    assert refused >= 2


@settings(max_examples=300)
@given(kind=st.sampled_from(sorted(DOCUMENTS)), data=st.data())
def test_what_the_loader_takes_without_a_word_the_schema_takes(
    kind: str, data: st.DataObject
) -> None:
    document = yaml.safe_load(DOCUMENTS[kind])
    for _ in range(data.draw(st.integers(1, 3))):
        every = list(places(document))
        container, key = every[data.draw(st.integers(0, len(every) - 1))]
        if isinstance(container, dict) and data.draw(st.booleans()):
            del container[key]
        else:
            container[key] = deepcopy(data.draw(NEW))
        if not document:
            return
    if not wrong(document):
        assert fits(document)


def test_both_read_the_same_values() -> None:
    (document,) = read("a.yml", DOCUMENTS["detection"]).documents

    assert document.value == yaml.safe_load(DOCUMENTS["detection"])
