"""Mistakes in rule files: all at once, each with its place and a fix."""

from __future__ import annotations

from datetime import date

import pytest
from inline_snapshot import snapshot

from detector.rulebook.loading import Loaded, load

ID = "7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a000{}"


def rule(number: int, detection: str = "{s: {action: grant}, condition: s}", more: str = "") -> str:
    """A sound rule of audit events, with whatever else."""
    return (
        f"title: Rule {number}\nname: rule_{number}\nid: {ID.format(number)}\n"
        f"logsource: {{product: onepassword, service: auditevents}}\n"
        f"detection: {detection}\n{more}"
    )


def said(loaded: Loaded) -> list[str]:
    """The mistakes as lines."""
    return [str(mistake) for mistake in loaded.mistakes]


def warned(loaded: Loaded) -> list[str]:
    """The warnings as lines."""
    return [str(warning) for warning in loaded.warnings]


def test_all_mistakes_of_a_head_are_told_at_once_each_at_its_place() -> None:
    text = """\
title: Bad
id: impossible-travel
level: hihg
status: stabel
levle: high
tags: [T1078]
alert: {generate: perhaps, dedup: {for: soon}, runbok: x}
logsource:
    product: onepassword
    service: auditevnts
detection:
    s:
        action: grant
    condition: s
"""
    loaded = load({"rules/bad.yaml": text})

    assert said(loaded) == snapshot(
        [
            "rules/bad.yaml:2:5: id: not a UUID: 'impossible-travel'; uuidgen prints one",
            "rules/bad.yaml:3:8: level: 'hihg' is not a level; did you mean 'high'?",
            "rules/bad.yaml:4:9: status: 'stabel' is not a status; did you mean 'stable'?",
            "rules/bad.yaml:5:1: levle: not a key; did you mean 'level'?",
            "rules/bad.yaml:6:8: tags[0]: 'T1078' is not a tag; write it like attack.t1078",
            "rules/bad.yaml:7:19: alert.generate: 'perhaps' is neither true nor false",
            "rules/bad.yaml:7:41: alert.dedup.for: 'soon' is not a span of time; write it like 30m, 24h, 7d or 1d12h",
            "rules/bad.yaml:7:48: alert.runbok: not a key of alert; did you mean 'runbook'?",
            "rules/bad.yaml:10:14: logsource.service: 'auditevnts' is not a feed; did you mean 'auditevents'?",
        ]
    )
    assert (loaded.documents, loaded.loaded) == (1, 0)


def test_all_mistakes_of_a_detection_are_told_at_once_each_at_its_place() -> None:
    text = """\
title: Bad
id: 7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0001
logsource: {product: onepassword, service: auditevents}
detection:
    s:
        actoin: grant
        action|contians: x
        object_type|contains: [a, 5]
        aux_info|re: '(?=a)'
        session.ip|cidr: 10.0.0.0/33
        timestamp: 2026-01-01
        aux_info|timerange: 20:00-07:00
        actor_uuid|fieldref: aux_uiud
        location.country: NO
    timeframe: 5m
    condition: s
"""
    assert said(load({"r.yml": text})) == snapshot(
        [
            "r.yml:6:9: detection.s.actoin: 'actoin' is not a field of auditevents; did you mean 'action'?",
            "r.yml:7:9: detection.s.action|contians: 'contians' is not a modifier; did you mean 'contains'?",
            "r.yml:8:35: detection.s.object_type|contains[1]: this modifier does not take the value '5'; put the number in quotes",
            "r.yml:9:22: detection.s.aux_info|re: this regular expression looks around, which is not supported",
            "r.yml:10:26: detection.s.session.ip|cidr: Invalid CIDR expression: '10.0.0.0/33' does not appear to be an IPv4 or IPv6 network",
            "r.yml:11:9: detection.s.timestamp: 'timestamp' is a time; use |hour, |timerange, |day_of_week, another part of times, or |exists",
            "r.yml:11:20: detection.s.timestamp: '2026-01-01' is not a value; put it in quotes",
            "r.yml:12:9: detection.s.aux_info|timerange: 'aux_info' is not a time",
            "r.yml:13:30: detection.s.actor_uuid|fieldref: 'aux_uiud' is not a field; did you mean 'aux_uuid'?",
            "r.yml:14:27: detection.s.location.country: YAML reads NO as false; write 'NO'",
            "r.yml:15:5: detection.timeframe: old Sigma, which is not supported; write a correlation document with 'timespan:'",
        ]
    )


def test_a_condition_that_does_not_compile_says_why() -> None:
    texts = {
        "a.yml": rule(1, "{s: {action: a}, condition: s and t}"),
        "b.yml": rule(2, "{s: {action: a}, condition: s and}"),
        "c.yml": rule(3, "{s: {action: a}}"),
        "d.yml": rule(4, "{s: {action: a}, condition: 1 of x*}"),
        "e.yml": rule(5, "{condition: s}"),
    }
    assert said(load(texts)) == snapshot(
        [
            "a.yml:5:40: detection.condition: no selection is called 't'; the selections are s",
            "b.yml:5:40: detection.condition: cannot be read at ''; write it like 'selection and not 1 of filter_*'",
            "c.yml:5:12: detection.condition: condition is missing; add 'condition: selection'",
            "d.yml:5:40: detection.condition: no selection fits 'x*'; the selections are s",
            "e.yml:5:12: detection: no selection is here",
        ]
    )


def test_a_broken_document_stops_no_other_in_its_file() -> None:
    text = rule(1) + "---\ntitle: [broken\n---\n" + rule(2) + "---\n- a list\n---\n" + rule(3)

    loaded = load({"r.yml": text})

    assert [match.rule.name for match in loaded.rulebook.matches] == ["rule_1", "rule_2", "rule_3"]
    assert (loaded.documents, loaded.loaded) == (5, 3)
    assert said(loaded) == snapshot(
        [
            "r.yml:8:1: not YAML: did not find expected ',' or ']'; a bracket is not closed, or a comma is missing",
            "r.yml:15:1: a rule is a mapping of keys; write 'title: ...' and so on",
        ]
    )


def test_yaml_that_we_do_not_take_is_refused_with_the_reason() -> None:
    texts = {
        "alias.yml": "title: &a x\nid: *a\n",
        "tab.yml": "title: x\nalert:\n\tgenerate: false\n",
        "tag.yml": "title: !!python/object:os.system x\n",
        "twice.yml": "title: x\ntitle: y\n",
        "key.yml": "title: x\non: y\n",
        "colon.yml": "title: a: b\n",
        "date.yml": "title: 2026-13-45\n",
        "empty.yml": "",
        "comment.yml": "# nothing\n",
        "merge.yml": "<<: {a: b}\n",
        "control.yml": "title: a\x07b\n",
    }
    loaded = load(texts)

    assert said(loaded) == snapshot(
        [
            "alias.yml:2:5: aliases are not allowed: *a; write the value out, or put a text that begins with '*' in quotes",
            "colon.yml:1:9: not YAML: mapping values are not allowed in this context; put a text that holds ': ' in quotes, and let the keys of one mapping begin in one column",
            "control.yml:1:9: not YAML: unacceptable character #x0007: control characters are not allowed",
            "date.yml:1:1: none of detection:, correlation:, behavior: and filter: is here",
            "date.yml:1:8: '2026-13-45' cannot be read: month must be in 1..12; mend it, or put it in quotes if it is a text",
            "key.yml:2:1: 'on' is not a text, so it cannot be a key; put it in quotes",
            "merge.yml:1:1: tag '!!merge' is not allowed",
            "tab.yml:3:1: not YAML: found character that cannot start any token; indent with spaces, and put texts that begin with a special sign in quotes",
            "tag.yml:1:1: none of detection:, correlation:, behavior: and filter: is here",
            "tag.yml:1:8: tag '!!python/object:os.system' is not allowed",
            "twice.yml:1:1: none of detection:, correlation:, behavior: and filter: is here",
            "twice.yml:2:1: 'title' stands here twice; keep one of them",
        ]
    )
    assert loaded.documents == snapshot(9)


def test_kinds_of_documents_that_are_none_or_two() -> None:
    texts = {
        "none.yml": f"title: x\nid: {ID.format(1)}\ndetecton: {{}}\n",
        "two.yml": rule(2, more="behavior: {type: off_hours, rules: [rule_2]}\n"),
    }
    assert said(load(texts)) == snapshot(
        [
            "none.yml:1:1: logsource: a log source is needed; write 'logsource: {product: onepassword}'",
            "none.yml:3:1: detecton: not a key; did you mean 'detection'?",
            "none.yml:3:11: detection.condition: condition is missing; add 'condition: selection'",
            "none.yml:3:11: detection: no selection is here",
            "two.yml:6:1: behavior: detection: and behavior: cannot stand in one document; split it with '---'",
        ]
    )


def test_ids_and_names_are_unique_and_references_exist() -> None:
    behavior = (
        "title: Behavior\nid: 7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0009\n"
        "behavior:\n    type: off_hours\n    rules: [rule_1, rule_7, rule_3, rule_5]\n"
    )
    texts = {
        "1.yml": rule(1),
        "2.yml": rule(2).replace("rule_2", "rule_1"),
        "3.yml": rule(3, "{s: {acton: a}, condition: s}"),
        "4.yml": rule(4).replace(ID.format(4), ID.format(1).upper()),
        "5.yml": f"title: F\nname: rule_5\nid: {ID.format(5)}\nlogsource: {{product: onepassword}}\n"
        "filter: {rules: [rule_8], s: {action: x}, condition: not s}\n",
        "9.yml": behavior,
    }
    assert said(load(texts)) == snapshot(
        [
            "2.yml:2:7: name: 'rule_1' is taken by 1.yml:1; ids and names are unique",
            "3.yml:5:17: detection.s.acton: 'acton' is not a field of auditevents; did you mean 'action'?",
            "4.yml:3:5: id: '7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0001' is taken by 1.yml:1; ids and names are unique",
            "5.yml:5:18: filter.rules[0]: no rule is called 'rule_8'; did you mean 'rule_4'?",
            "9.yml:5:21: behavior.rules[1]: no rule is called 'rule_7'; did you mean 'rule_4'?",
            "9.yml:5:29: behavior.rules[2]: 'rule_3' is broken; first mend 3.yml:1",
            "9.yml:5:37: behavior.rules[3]: 'rule_5' is a filter, not a detection",
        ]
    )


def test_a_behavior_is_checked_by_the_catalog_and_told_in_our_words() -> None:
    head = "title: B\nid: 7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a000{}\nbehavior:\n"
    texts = {
        "1.yml": rule(1),
        "2.yml": head.format(2) + "    type: imposible_travel\n    rules: [rule_1]\n",
        "3.yml": head.format(3)
        + "    type: impossible_travel\n    rules: [rule_1]\n    sensitivty: low\n",
        "4.yml": head.format(4)
        + "    type: impossible_travel\n    rules: [rule_1]\n    sensitivity: lo\n",
        "5.yml": head.format(5) + "    type: first_seen\n    rules: [rule_1]\n",
        "6.yml": head.format(6)
        + "    type: off_hours\n    rules: [rule_1]\n    schedule: always\n",
        "7.yml": head.format(7)
        + "    type: first_seen\n    rules: [rule_1]\n    fields: [devise.id]\n"
        + "    with-any-new: [source.network, hour, client.app_name]\n"
        + "    learn: {untill: 14d, remember: 3 weeks}\n",
        "8.yml": head.format(8) + "    type: off_hours\n    rules: []\n",
    }
    assert said(load(texts)) == snapshot(
        [
            "2.yml:4:11: behavior.type: 'imposible_travel' is not a behavior; did you mean 'impossible_travel'?",
            "3.yml:6:5: behavior.sensitivty: not a key here; did you mean 'sensitivity'?",
            "4.yml:6:18: behavior.sensitivity: 'lo' is not one of the words for this; did you mean 'low'?",
            "5.yml:4:5: behavior.fields: is missing",
            "6.yml:6:15: behavior.schedule: 'always': write it like 'Mon-Fri 07:00-20:00'",
            "7.yml:6:14: behavior.fields[0]: 'devise.id' is not a field of the rules it looks at; did you mean 'device.id'?",
            "7.yml:7:42: behavior.with-any-new[2]: 'client.app_name' is not a field of the rules it looks at",
            "7.yml:8:13: behavior.learn.untill: not a key here; did you mean 'until'?",
            "7.yml:8:36: behavior.learn.remember: cannot read '3 weeks'; write it like 90d",
            "8.yml:5:12: behavior.rules: is empty",
        ]
    )


def test_fields_of_a_behavior_are_those_of_the_rules_it_looks_at() -> None:
    text = (
        "title: B\nid: 7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0002\nbehavior:\n"
        "    type: first_seen\n    rules: [rule_1]\n    group-by: [usr.id]\n"
        "    fields: [session.device_uuid]\n    with-any-new: [client.app_name]\n"
    )
    assert said(load({"1.yml": rule(1), "2.yml": text})) == snapshot(
        [
            "2.yml:6:16: behavior.group-by[0]: 'usr.id' is not a field of the rules it looks at; write 'user.id'",
            "2.yml:8:20: behavior.with-any-new[0]: 'client.app_name' is not a field of the rules it looks at",
        ]
    )


def test_the_field_that_a_volume_counts_is_one_of_the_rules_it_looks_at() -> None:
    text = (
        "title: B\nid: 7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0002\nbehavior:\n"
        "    type: volume\n    rules: [rule_1]\n    of: object_uid\n"
    )
    assert said(load({"1.yml": rule(1), "2.yml": text})) == [
        "2.yml:6:9: behavior.of: 'object_uid' is not a field of the rules it looks at; did you mean 'object_uuid'?"
    ]


def test_stories_are_checked_word_by_word() -> None:
    tests = """\
tests:
    - name: a
      lerned: true
      networks: {office: 203.0.113.0/33}
      events:
          - {at: soon, use: rule_1, user: ana}
          - {at: 0h, use: rule_9}
          - {at: 0h, feed: audit}
          - {at: 0h, feed: auditevents, acton: x, ip: 1.2.3}
          - {at: 0h}
      expect: {alerts: many, level: hihg}
    - name: b
      events: []
"""
    assert said(load({"r.yml": rule(1, more=tests)})) == snapshot(
        [
            "r.yml:8:7: tests[0].lerned: not a key of tests[0]; did you mean 'learned'?",
            "r.yml:9:26: tests[0].networks.office: '203.0.113.0/33' is not a network",
            "r.yml:11:18: tests[0].events[0].at: 'soon' is not a span of time; write it like 30m, 24h, 7d or 1d12h",
            "r.yml:12:27: tests[0].events[1].use: no rule is called 'rule_9'; did you mean 'rule_1'?",
            "r.yml:13:28: tests[0].events[2].feed: 'audit' is not a feed; did you mean 'auditevents'?",
            "r.yml:14:41: tests[0].events[3].acton: not a field of auditevents; did you mean 'action'?",
            "r.yml:14:55: tests[0].events[3].ip: '1.2.3' is not an IP address",
            "r.yml:15:13: tests[0].events[4]: neither 'use:' nor 'feed:' is here",
            "r.yml:16:24: tests[0].expect.alerts: 'many' is not a number of alerts",
            "r.yml:16:37: tests[0].expect.level: 'hihg' is not a level; did you mean 'high'?",
            "r.yml:17:7: tests[1].expect: what is expected?; write 'expect: {alerts: 1}'",
            "r.yml:18:15: tests[1].events: a list of events is needed; write '- {at: 0h, use: op_signin_ok, user: ana}'",
        ]
    )


@pytest.mark.parametrize(
    ("said_of_it", "expect", "wrong"),
    [
        ("true", "{alerts: 0}", ""),
        ("true", "{alerts: 1, level: low}", ""),
        ("true", "{alerts: 1}", "what only looks alike must not alert as the real thing"),
        ("true", "{alerts: 1, level: medium}", "expect none, or one below medium"),
        ("false", "{alerts: 1, level: medium}", ""),
        ("maybe", "{alerts: 0}", "'maybe' is neither true nor false"),
    ],
)
def test_what_only_looks_alike_is_not_the_real_thing(
    said_of_it: str, expect: str, wrong: str
) -> None:
    tests = (
        f"tests:\n    - name: a\n      look-alike: {said_of_it}\n"
        f"      events: [{{at: 0h, use: rule_1, user: ana}}]\n      expect: {expect}\n"
    )

    loaded = load({"r.yml": rule(1, more=tests)})

    assert [wrong in str(mistake) for mistake in loaded.mistakes] == ([True] if wrong else [])
    assert [story.look_alike for story in loaded.stories] == (
        [] if wrong else [said_of_it == "true"]
    )


def test_words_that_1password_does_not_send_are_only_warnings() -> None:
    detection = (
        "{s: {action: [grnat, teleport], object_type: usr, client.app_name|exists: false}, "
        "unused: {action: grant}, condition: s}"
    )

    loaded = load({"r.yml": rule(1, detection)})

    assert said(loaded) == snapshot([])
    assert warned(loaded) == snapshot(
        [
            "r.yml:5:26: detection.s.action[0]: 1Password sends no 'grnat' here, as far as is known; did you mean 'grant'?",
            "r.yml:5:33: detection.s.action[1]: 1Password sends no 'teleport' here, as far as is known; did you mean 'export'?",
            "r.yml:5:57: detection.s.object_type: 1Password sends no 'usr' here, as far as is known; did you mean 'user'?",
            "r.yml:5:86: detection.s.client.app_name|exists: events of auditevents carry no 'client.app_name'",
            "r.yml:5:102: detection.unused: the condition does not use this selection",
        ]
    )


def test_an_expired_filter_no_longer_holds_and_says_so() -> None:
    exception = (
        f"title: F\nid: {ID.format(2)}\nlogsource: {{product: onepassword}}\n"
        "filter: {rules: any, s: {action: grant}, condition: not s}\nexpires: 2027-01-31\n"
    )
    texts = {"r.yml": rule(1), "f.yml": exception}
    held = load(texts, today=date(2027, 1, 16))
    soon = load(texts, today=date(2027, 1, 30))
    over = load(texts, today=date(2027, 1, 31))

    assert warned(held) == []
    assert warned(soon) == snapshot(
        ["f.yml:5:10: expires: expires on 2027-01-31, in 1 day; renew it, or let it go"]
    )
    assert [each.over for each in (*held.exemptions, *soon.exemptions, *over.exemptions)] == [
        False,
        False,
        True,
    ]
    assert warned(over) == snapshot(
        ["f.yml:5:10: expires: expired on 2027-01-31; renew it or delete it"]
    )
    assert held.rulebook.version != over.rulebook.version
    assert over.rulebook.version == load({"r.yml": rule(1)}).rulebook.version


def test_a_rule_that_can_never_hold_is_a_mistake() -> None:
    texts = {
        "1.yml": rule(1, "{s: {category: success}, condition: s}"),
        "2.yml": rule(2, "{s: {client.app_name: x}, condition: s}"),
        "3.yml": rule(3, "{s: {action: x, category: y}, condition: s}").replace(
            ", service: auditevents", ""
        ),
    }
    assert said(load(texts)) == snapshot(
        [
            "1.yml:5:17: detection.s.category: 'category' is not a field of auditevents; it is one of signinattempts",
            "2.yml:5:1: detection: can never hold in auditevents: its events carry no client.app_name",
            "3.yml:5:1: detection: no feed has all of action, category",
        ]
    )


def test_what_a_file_says_never_makes_a_line_of_its_own() -> None:
    text = rule(1).replace(
        "title: Rule 1", 'title: x\n"le\\nvel\\x1b[31m": "a\\nb"\nlevel: "x\\ny"'
    )

    lines = said(load({"r.yml": text}))

    assert lines
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("stable-for: soon", "behavior.stable-for: cannot read 'soon'; write it like 14d"),
        ("least: 0", "behavior.least: '0': Input should be greater than or equal to 1"),
        ("stable-fro: 7d", "behavior.stable-fro: not a key here; did you mean 'stable-for'?"),
        ("remember: 3 weeks", "behavior.remember: cannot read '3 weeks'; write it like 90d"),
    ],
)
def test_a_mistake_in_a_change_of_value_is_told_with_the_key_and_a_fix(
    line: str, said: str
) -> None:
    text = f"""
title: The app changed
id: 0d8a2c1e-52a7-4ac0-8d8b-4a3f1a2b9d02
level: low
behavior:
    type: change_of_value
    rules: [rule_1]
    fields: [device.id]
    {line}
"""
    (told,) = load({"a.yml": text, "r.yml": rule(1)}).mistakes

    assert said in str(told)


def test_of_many_odd_values_the_first_are_told_and_how_many_more_there_are() -> None:
    words = ", ".join([f"word{number}" for number in range(500)] * 2)

    loaded = load({"r.yml": rule(1, f"{{s: {{action: [{words}]}}, condition: s}}")})

    told = [each.text.partition(": ")[2] for each in loaded.warnings]
    assert len(told) == 11, "each distinct word once, and no more than ten of them"
    assert told[-1] == "and 490 more such values"


def test_of_many_mistakes_the_first_are_told_and_that_there_are_more() -> None:
    fields = ", ".join(f"field{number}: x" for number in range(500))

    loaded = load({"r.yml": rule(1, f"{{s: {{{fields}}}, condition: s}}")})

    assert len(loaded.mistakes) == 51
    assert loaded.mistakes[-1].text.startswith("and more")
    assert not loaded.warnings


def test_rules_without_an_id_may_have_the_same_title() -> None:
    one = rule(1).replace(f"id: {ID.format(1)}\n", "").replace("name: rule_1\n", "")
    other = one.replace("action: grant", "action: revoke")
    assert one != other

    loaded = load({"1.yml": one, "2.yml": other})
    again = load({"1.yml": one, "2.yml": other})

    ids = [match.rule.id for match in loaded.rulebook.matches]
    assert len(set(ids)) == 2
    assert not loaded.mistakes
    assert sum(f"add 'id: {each}'" in str(loaded.warnings) for each in ids) == 2
    assert loaded.rulebook.version == again.rulebook.version
    assert load({"1.yml": one, "2.yml": one}).loaded == 1, "the very same twice is a mistake"
