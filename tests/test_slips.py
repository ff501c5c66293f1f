"""A hundred slips of people who never read Python, and what `check` says of each.

The table is to be read: every line should tell an analyst what to type instead. Those that say nothing
are no slips here (another order of modifiers, CRLF, a byte order mark ...).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from inline_snapshot import snapshot

from detector import files
from detector.cli.main import run
from detector.rulebook.loading import load
from detector.rulebook.mistakes import Mistake

SHIPPED = {
    path: text
    for path, text in files.rules(None).items()
    if path.startswith("rules/base/")
    or {"name: op_many_failed", "name: op_vault_exported"} & set(text.splitlines())
}
"""What the slips speak of; all of the pack takes a second to load."""
HEAD = """\
title: Group joined
id: 7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0001
status: stable
level: medium
logsource:
    product: onepassword
    service: auditevents
detection:
    selection:
        object_type: gm
        action: join
    condition: selection
"""
CORR = """\
title: Many
id: 7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0002
level: medium
correlation:
    type: event_count
    rules: [op_signin_failed]
    group-by: [user.id]
    timespan: 10m
    condition: {gte: 10}
"""


def edited(old: str, new: str, text: str = HEAD) -> str:
    """A sound document with one slip."""
    assert old in text
    return text.replace(old, new)


SLIPS = {
    "misspelt object_type value": edited("object_type: gm", "object_type: gmm"),
    "misspelt object_type field": edited("object_type:", "objet_type:"),
    "action not for object": edited("action: join", "action: launchi"),
    "invented action word": edited("action: join", "action: added_to_group"),
    "level typo": edited("level: medium", "level: meduim"),
    "level capital": edited("level: medium", "level: Medium"),
    "severity": edited("level: medium", "severity: medium"),
    "status word": edited("status: stable", "status: production"),
    "modifier order": edited("action: join", "action|all|contains: [a, b]"),
    "modifier misspelt": edited("action: join", "action|startwith: jo"),
    "modifier contain": edited("action: join", "action|contain: jo"),
    "modifier regex": edited("action: join", "action|regex: jo.*"),
    "modifier lower": edited("action: join", "action|lower: jo"),
    "two match modifiers": edited("action: join", "action|contains|startswith: jo"),
    "all with one value": edited("action: join", "action|contains|all: jo"),
    "timeframe in correlation": edited("timespan", "timeframe", CORR),
    "timespan words": edited("10m", "10 minutes", CORR),
    "timespan capital M": edited("10m", "10M", CORR),
    "timespan too long": edited("10m", "90d", CORR),
    "timespan number": edited("10m", "600", CORR),
    "group_by": edited("group-by", "group_by", CORR),
    "groupby field of none": edited("user.id", "user.idd", CORR),
    "group-by raw name of other feed": edited("user.id", "actor_uuid", CORR),
    "condition text": edited("{gte: 10}", "'>= 10'", CORR),
    "condition number": edited("{gte: 10}", "10", CORR),
    "condition ge": edited("{gte: 10}", "{ge: 10}", CORR),
    "condition string number": edited("{gte: 10}", "{gte: '10'}", CORR),
    "type count": edited("event_count", "count", CORR),
    "type sequence": edited("event_count", "sequence", CORR),
    "value_count without field": edited("event_count", "value_count", CORR),
    "rule name typo": edited("op_signin_failed", "op_signin_fail", CORR),
    "rule by title": edited("op_signin_failed", "Sign-in failed", CORR),
    "rules missing": edited("    rules: [op_signin_failed]\n", "", CORR),
    "tab": edited("        action: join", "\taction: join"),
    "unquoted colon": edited("title: Group joined", "title: Group: joined"),
    "unquoted star": edited("action: join", "action: *oin"),
    "unquoted percent": edited("action: join", "action: %oin"),
    "unquoted at": edited("action: join", "action: @oin"),
    "unquoted brace text": edited("action: join", "action: {{ x }}"),
    "hash in value": edited("action: join", "action: join#1"),
    "1 of none": edited("condition: selection", "condition: 1 of sel_*"),
    "1 of them with quotes": edited("condition: selection", "condition: \"1 of 'them'\""),
    "unused selection": edited("    condition", "    other:\n        action: leave\n    condition"),
    "condition typo": edited("condition: selection", "condition: selektion"),
    "condition AND": edited("condition: selection", "condition: selection AND filter"),
    "condition missing bracket": edited("condition: selection", "condition: (selection"),
    "condition pipe count": edited(
        "condition: selection", "condition: selection | count() by user > 5"
    ),
    "condition and not missing": edited(
        "condition: selection", "condition: selection not selection"
    ),
    "condition &&": edited("condition: selection", "condition: selection && selection"),
    "no condition": edited("    condition: selection\n", ""),
    "condition outside": edited("    condition: selection", "condition: selection"),
    "field from another feed": edited("object_type: gm", "category: success"),
    "usage action in audit": edited("action: join", "action: reveal"),
    "category in logsource": edited("    service: auditevents", "    category: authentication"),
    "service typo": edited("service: auditevents", "service: auditevent s"),
    "service audits": edited("service: auditevents", "service: audt"),
    "product typo": edited("product: onepassword", "product: onepasword"),
    "product 1Password ": edited("product: onepassword", "product: 1Password Business"),
    "no logsource": HEAD[: HEAD.index("logsource")] + HEAD[HEAD.index("detection") :],
    "logsource string": HEAD[: HEAD.index("logsource")]
    + "logsource: onepassword\n"
    + HEAD[HEAD.index("detection") :],
    "logsource list": edited(
        "    product: onepassword\n    service", "    - product: onepassword\n    - service"
    ),
    "wrong date": edited("level:", "date: 2026-13-40\nlevel:"),
    "date slashes": edited("level:", "date: 2026/03/02\nlevel:"),
    "date german": edited("level:", "date: 02.03.2026\nlevel:"),
    "dup title": HEAD + "---\n" + edited("0001", "0003"),
    "dup id": HEAD + "---\n" + edited("joined", "left"),
    "invalid uuid": edited("3d3f5a7a0001", "3d3f5a7a000"),
    "uuid braces": edited(
        "id: 7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0001", "id: '{7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0001}'"
    ),
    "id number": edited("id: 7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0001", "id: 12"),
    "indent": edited("        action: join", "          action: join"),
    "indent less": edited("        action: join", "       action: join"),
    "indent selection under detection": edited(
        "    selection:\n        object", "selection:\n        object"
    ),
    "missing space after colon": edited("action: join", "action:join"),
    "missing dash space": edited("action: join", "action:\n            -join\n            -leave"),
    "selection list of strings keyless": edited(
        "        object_type: gm\n        action: join",
        "        - object_type gm\n        - action join",
    ),
    "crlf": HEAD.replace("\n", "\r\n"),
    "bom": "\ufeff" + HEAD,
    "anchors": edited("action: join", "action: &a join\n        aux_info: *a"),
    "merge": "x: &d {a: b}\n" + HEAD,
    "empty": "",
    "comment only": "# nothing here\n",
    "a list": "- title: x\n- title: y\n",
    "a text": "hello\n",
    "rules list wrapped": "rules:\n  - title: x\n",
    "tags plain": edited("level:", "tags: T1078\nlevel:"),
    "tags mitre": edited("level:", "tags: [attack.T1078]\nlevel:"),
    "tags underscore": edited("level:", "tags: [attack.initial_access]\nlevel:"),
    "falsepositives misspelt": edited("level:", "false_positives: [x]\nlevel:"),
    "boolean": edited("action: join", "action: yes"),
    "number contains": edited("action: join", "aux_info|contains: 5"),
    "cidr wrong": edited("action: join", "session.ip|cidr: 10.0.0.1/8"),
    "cidr no modifier": edited("action: join", "session.ip: 10.0.0.0/8"),
    "country name": edited("action: join", "source.country: France"),
    "country lower": edited("action: join", "source.country: fr"),
    "regex lookahead": edited("action: join", "aux_info|re: '(?!a)b'"),
    "regex broken": edited("action: join", "aux_info|re: '(a'"),
    "regex slashes": edited("action: join", "aux_info|re: '/abc/i'"),
    "empty list": edited("action: join", "action: []"),
    "null list": edited("action: join", "action:"),
    "selection empty": edited("        object_type: gm\n        action: join\n", ""),
    "behavior typo": "title: B\nid: 7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0004\nbehaviour:\n    type: first_seen\n    rules: [op_signin_ok]\n    fields: [device.id]\n",
    "behavior base list": "title: B\nid: 7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0004\nbehavior:\n    type: first_seen\n    rules: op_signin_ok\n    fields: device.id\n",
    "behavior nothing": "title: B\nid: 7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0004\nbehavior:\n    rules: [op_signin_ok]\n    fields: [device.id]\n",
    "behavior rule is correlation": "title: B\nid: 7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0004\nbehavior:\n    type: first_seen\n    rules: [op_many_failed]\n    fields: [device.id]\n",
    "filter no expires unquoted": "title: F\nid: 7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0005\nlogsource: {product: onepassword}\nfilter:\n    rules: [op_admin_action]\n    own: {user.email: a@b.example}\n    condition: own\n",
    "filter expires text": "title: F\nid: 7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0005\nlogsource: {product: onepassword}\nfilter:\n    rules: [op_admin_action]\n    own: {user.email: a@b.example}\n    condition: not own\nexpires: '31.12.2026'\n",
    "filter no rules": "title: F\nid: 7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0005\nlogsource: {product: onepassword}\nfilter:\n    own: {user.email: a@b.example}\n    condition: not own\n",
    "overlay typo": "id: 899d172d-7bcb-4523-8de0-e68ab2de8265\nlvel: critical\n",
    "overlay unknown id": "id: 899d172d-7bcb-4523-8de0-e68ab2de8264\nlevel: critical\n",
    "overlay with logsource": "id: 899d172d-7bcb-4523-8de0-e68ab2de8265\nlogsource: {product: onepassword}\nlevel: critical\n",
    "test without expect": HEAD
    + "tests:\n    - name: n\n      events:\n          - {at: 0h, user: ana, action: join}\n",
    "test unknown city": HEAD
    + "tests:\n    - name: n\n      events:\n          - {at: 0h, feed: auditevents, from: Parris, action: join}\n      expect: {alerts: 1}\n",
    "test as mapping": HEAD + "tests:\n    name: n\n    events: []\n",
    "test at number": HEAD
    + "tests:\n    - name: n\n      events:\n          - {at: 0, feed: auditevents, action: join}\n      expect: 1\n",
    "smart quotes": edited("action: join", "action: “join”"),
    "nbsp": edited("        action: join", "\u00a0       action: join"),
    "fieldref typo": edited("action: join", "actor_uuid|fieldref: object_uid"),
    "exists text": edited("action: join", "aux_info|exists: 1"),
    "gt text": edited("action: join", "aux_id|gt: '5x'"),
    "time compare": edited("action: join", "timestamp|gt: '2026-01-01'"),
    "hour range": edited("action: join", "timestamp|hour: 20-23"),
    "timerange wrong": edited("action: join", "timestamp|timerange: 8-18"),
    "weekday short": edited("action: join", "timestamp|day_of_week: sat"),
    "timezone": edited("detection:", "timezone: CET+1\ndetection:"),
    "expand missing list": edited("action: join", "actor_details.email|expand: '%admins%'"),
    "expand no percent": edited("action: join", "actor_details.email|expand: admins"),
    "json not yaml": '{"title": "x", "id": "7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0001", }',
    "python code": "def rule(event):\n    return event['action'] == 'join'\n",
    "elastalert": "name: x\ntype: frequency\nindex: a\nnum_events: 5\nfilter:\n- term: {a: b}\n",
    "custom field in alert": edited("level:", "alert: {channel: '#x'}\nlevel:"),
    "route": edited("level:", "alert: {dedup: 24h}\nlevel:"),
    "runbook url": edited("level:", "alert: {runbook: https://x}\nlevel:"),
}


def said(text: str) -> list[str]:
    """What is said of one file beside the shipped ones: mistakes, then warnings."""
    loaded = load(SHIPPED | {"a.yml": text})

    def line(kind: str, each: Mistake) -> str:
        return f"{kind}{str(each).removeprefix('a.yml:')} [{each.about.partition('#')[2]}]"

    assert {each.file for each in loaded.mistakes} <= {"a.yml"}
    odd = [line("warning: ", each) for each in loaded.warnings if each.file == "a.yml"]
    return [line("", each) for each in loaded.mistakes] + odd


def test_what_is_said_of_each_slip() -> None:
    assert {name: said(text) for name, text in SLIPS.items()} == snapshot(
        {
            "misspelt object_type value": [
                "warning: 10:22: detection.selection.object_type: 1Password sends no 'gmm' here, as far as is known; did you mean 'gm'? [words]"
            ],
            "misspelt object_type field": [
                "10:9: detection.selection.objet_type: 'objet_type' is not a field of auditevents; did you mean 'object_type'? [fields]"
            ],
            "action not for object": [
                "warning: 10:9: detection.selection: 1Password sends no 'launchi' of 'gm', as far as is known; it sends gm: join, leave, role [words]"
            ],
            "invented action word": [
                "warning: 11:17: detection.selection.action: 1Password sends no 'added_to_group' here, as far as is known [words]"
            ],
            "level typo": ["4:8: level: 'meduim' is not a level; did you mean 'medium'? [level]"],
            "level capital": [
                "warning: 4:8: level: 'Medium' is written in lower case; write medium [level]"
            ],
            "severity": ["4:1: severity: not a key; did you mean 'level'? [documents]"],
            "status word": [
                "3:9: status: 'production' is not a status; did you mean 'stable'? [status]"
            ],
            "modifier order": [],
            "modifier misspelt": [
                "11:9: detection.selection.action|startwith: 'startwith' is not a modifier; did you mean 'startswith'? [modifiers]"
            ],
            "modifier contain": [
                "11:9: detection.selection.action|contain: 'contain' is not a modifier; did you mean 'contains'? [modifiers]"
            ],
            "modifier regex": [
                "11:9: detection.selection.action|regex: 'regex' is not a modifier; did you mean 're'? [modifiers]"
            ],
            "modifier lower": [
                "11:9: detection.selection.action|lower: 'lower' is not a modifier; leave it out: upper and lower case do not count [modifiers]"
            ],
            "two match modifiers": [
                "warning: 11:37: detection.selection.action|contains|startswith: contains and startswith together ask for 'contains'; leave one: action|contains [modifiers]"
            ],
            "all with one value": [],
            "timeframe in correlation": [
                "8:5: correlation.timeframe: not a key of correlation; did you mean 'timespan'? [correlation]"
            ],
            "timespan words": [
                "8:15: correlation.timespan: '10 minutes' is not a span of time; write it like 30m, 24h, 7d or 1d12h [correlation]"
            ],
            "timespan capital M": [
                "8:15: correlation.timespan: '10M' is not a span of time; write it like 30m, 24h, 7d or 1d12h [correlation]"
            ],
            "timespan too long": [
                "8:15: correlation.timespan: '90d' is not more than 0 and at most 30 days; the window of events reaches no further [correlation]"
            ],
            "timespan number": [
                "8:15: correlation.timespan: '600' is not a span of time; write it like 30m, 24h, 7d or 1d12h [correlation]"
            ],
            "group_by": [
                "7:5: correlation.group_by: not a key of correlation; did you mean 'group-by'? [correlation]"
            ],
            "groupby field of none": [
                "7:16: correlation.group-by[0]: 'user.idd' is not a field of events of 'Failed sign-in'; did you mean 'user.id'? [groups]"
            ],
            "group-by raw name of other feed": [
                "7:16: correlation.group-by[0]: 'actor_uuid' is not a field of events of 'Failed sign-in'; it is one of auditevents, here write 'user.id' [groups]"
            ],
            "condition text": [
                "9:16: correlation.condition: a condition is needed; write it like 'condition: {gte: 10}' [counting]"
            ],
            "condition number": [
                "9:16: correlation.condition: a condition is needed; write it like 'condition: {gte: 10}' [counting]"
            ],
            "condition ge": [
                "9:17: correlation.condition.ge: not a key of correlation.condition; did you mean 'gte'? [counting]"
            ],
            "condition string number": [
                "9:22: correlation.condition.gte: '10' is not a number of 0 or more; write it without quotes [counting]"
            ],
            "type count": [
                "5:11: correlation.type: 'count' is not a type of correlation; did you mean 'event_count'? [correlation]"
            ],
            "type sequence": [
                "5:11: correlation.type: 'sequence' is not a type of correlation; did you mean 'temporal_ordered'? [correlation]",
                "9:16: correlation.condition: an ordered correlation asks for all its rules; leave it out, or write 'gte: 1' [counting]",
            ],
            "value_count without field": [
                "9:16: correlation.condition.field: value_count needs one field; write it like 'field: item.id' [counting]"
            ],
            "rule name typo": [
                "6:13: correlation.rules[0]: no rule is called 'op_signin_fail'; did you mean 'op_signin_failed'? [names]"
            ],
            "rule by title": [
                "6:13: correlation.rules[0]: no rule is called 'Sign-in failed'; did you mean 'op_signin_failed'? [names]"
            ],
            "rules missing": [
                "5:5: correlation.rules: the rules that it looks at are needed; name one or more [correlation]"
            ],
            "tab": [
                "11:1: not YAML: found a tab character that violates indentation; indent with spaces [yaml]"
            ],
            "unquoted colon": [
                "1:13: not YAML: mapping values are not allowed in this context; put a text that holds ': ' in quotes, and let the keys of one mapping begin in one column [yaml]"
            ],
            "unquoted star": [
                "11:17: aliases are not allowed: *oin; write the value out, or put a text that begins with '*' in quotes [yaml]"
            ],
            "unquoted percent": [
                "11:17: not YAML: found character that cannot start any token; indent with spaces, and put texts that begin with a special sign in quotes [yaml]"
            ],
            "unquoted at": [
                "11:17: not YAML: found character that cannot start any token; indent with spaces, and put texts that begin with a special sign in quotes [yaml]"
            ],
            "unquoted brace text": [
                "11:18: this is not a text, so it cannot be a key; put it in quotes [yaml]"
            ],
            "hash in value": [
                "warning: 11:17: detection.selection.action: 1Password sends no 'join#1' here, as far as is known; did you mean 'join'? [words]"
            ],
            "1 of none": [
                "12:16: detection.condition: no selection fits 'sel_*'; the selections are selection [condition]"
            ],
            "1 of them with quotes": [
                "12:16: detection.condition: cannot be read at \"of 'them'\"; write it like 'selection and not 1 of filter_*' [condition]"
            ],
            "unused selection": [
                "warning: 13:9: detection.other: the condition does not use this selection [selections]"
            ],
            "condition typo": [
                "12:16: detection.condition: no selection is called 'selektion'; did you mean 'selection'? [condition]"
            ],
            "condition AND": [
                "12:16: detection.condition: cannot be read at 'AND'; write and, or, not, in lower case [condition]",
                "12:16: detection.condition: no selection is called 'filter'; the selections are selection [condition]",
            ],
            "condition missing bracket": [
                "12:16: detection.condition: its brackets do not match; write it like 'selection and not 1 of filter_*' [condition]"
            ],
            "condition pipe count": [
                "12:16: detection.condition: an aggregation behind '|' is old Sigma, which is not supported; write a correlation document, with 'group-by:', 'timespan:' and 'condition:' [condition]"
            ],
            "condition and not missing": [
                "12:16: detection.condition: cannot be read at 'not selection'; write it like 'selection and not 1 of filter_*' [condition]"
            ],
            "condition &&": [
                "12:16: detection.condition: cannot be read at '&&'; write and, or, not, in lower case [condition]"
            ],
            "no condition": [
                "9:5: detection.condition: condition is missing; add 'condition: selection' [condition]"
            ],
            "condition outside": [
                "9:5: detection.condition: condition is missing; add 'condition: selection' [condition]",
                "12:1: condition: not a key; it belongs under 'detection:' [documents]",
            ],
            "field from another feed": [
                "10:9: detection.selection.category: 'category' is not a field of auditevents; it is one of signinattempts [fields]"
            ],
            "usage action in audit": [
                "warning: 11:17: detection.selection.action: 1Password sends no 'reveal' here, as far as is known; itemusages has it [words]"
            ],
            "category in logsource": [
                "10:9: detection.selection.object_type: 'object_type' is not a field of signinattempts; it is one of auditevents [fields]",
                "11:9: detection.selection.action: 'action' is not a field of signinattempts; it is one of auditevents and itemusages [fields]",
            ],
            "service typo": [],
            "service audits": [
                "7:14: logsource.service: 'audt' is not a feed; one of auditevents, itemusages, signinattempts [logsource]"
            ],
            "product typo": [
                "6:14: logsource.product: 'onepasword' is not a product whose events come here; write 'product: onepassword' [logsource]"
            ],
            "product 1Password ": [
                "6:14: logsource.product: '1Password Business' is not a product whose events come here; write 'product: onepassword' [logsource]"
            ],
            "no logsource": [
                "1:1: logsource: a log source is needed; write 'logsource: {product: onepassword}' [logsource]"
            ],
            "logsource string": [
                "5:12: logsource: a log source is needed; write 'logsource: {product: onepassword}' [logsource]"
            ],
            "logsource list": [
                "6:5: logsource: a log source is needed; write 'logsource: {product: onepassword}' [logsource]"
            ],
            "wrong date": [
                "4:7: '2026-13-40' cannot be read: month must be in 1..12; mend it, or put it in quotes if it is a text [yaml]"
            ],
            "date slashes": [
                "warning: 4:7: date: '2026/03/02' is not a date; write it like 2026-03-02 [texts]"
            ],
            "date german": [
                "warning: 4:7: date: '02.03.2026' is not a date; write it like 2026-03-02 [texts]"
            ],
            "dup title": [
                "warning: 14:8: title: a.yml:1 has this title, too; their alerts look alike [names]"
            ],
            "dup id": [
                "15:5: id: '7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0001' is taken by a.yml:1; ids and names are unique [names]"
            ],
            "invalid uuid": [
                "2:5: id: not a UUID: '7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a000'; uuidgen prints one [names]"
            ],
            "uuid braces": [
                "2:5: id: not a UUID: '{7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0001}'; uuidgen prints one [names]"
            ],
            "id number": ["2:5: id: '12' is not a text; put it in quotes [names]"],
            "indent": [
                "11:17: not YAML: mapping values are not allowed in this context; put a text that holds ': ' in quotes, and let the keys of one mapping begin in one column [yaml]"
            ],
            "indent less": [
                "11:8: not YAML: did not find expected key; let the keys of one mapping begin in one column [yaml]"
            ],
            "indent selection under detection": [
                "12:5: not YAML: did not find expected key; let the keys of one mapping begin in one column [yaml]"
            ],
            "missing space after colon": [
                "12:5: not YAML: could not find expected ':'; write 'key: value', with a space behind the colon [yaml]"
            ],
            "missing dash space": [
                "warning: 12:13: detection.selection.action: 1Password sends no '-join -leave' here, as far as is known; write '- value' on a line of its own, with a space behind the dash [words]"
            ],
            "selection list of strings keyless": [
                "warning: 10:11: detection.selection[0]: 'object_type gm' is looked for as a keyword in all texts; for the field write 'object_type: gm' [selections]",
                "warning: 11:11: detection.selection[1]: 'action join' is looked for as a keyword in all texts; for the field write 'action: join' [selections]",
            ],
            "crlf": [],
            "bom": [],
            "anchors": [
                "12:19: aliases are not allowed: *a; write the value out, or put a text that begins with '*' in quotes [yaml]"
            ],
            "merge": ["1:1: x: not a key [documents]"],
            "empty": [],
            "comment only": [],
            "a list": ["1:1: a rule is a mapping of keys; write 'title: ...' and so on [yaml]"],
            "a text": ["1:1: a rule is a mapping of keys; write 'title: ...' and so on [yaml]"],
            "rules list wrapped": [
                "1:1: none of detection:, correlation:, behavior: and filter: is here [documents]",
                "1:1: rules: not a key; it belongs under 'correlation:' or 'behavior:' [documents]",
            ],
            "tags plain": ["4:7: tags[0]: 'T1078' is not a tag; write it like attack.t1078 [tags]"],
            "tags mitre": [
                "warning: 4:8: tags[0]: 'attack.T1078' is written in lower case; write attack.t1078 [tags]"
            ],
            "tags underscore": [],
            "falsepositives misspelt": [
                "4:1: false_positives: not a key; did you mean 'falsepositives'? [documents]"
            ],
            "boolean": [
                "11:17: detection.selection.action: YAML reads yes as true; write 'yes' [values]"
            ],
            "number contains": [
                "11:28: detection.selection.aux_info|contains: this modifier does not take the value '5'; put the number in quotes [modifiers]"
            ],
            "cidr wrong": [
                "11:26: detection.selection.session.ip|cidr: '10.0.0.1/8' is an address in a network; write 10.0.0.0/8 [modifiers]"
            ],
            "cidr no modifier": [
                "warning: 11:21: detection.selection.session.ip: '10.0.0.0/8' is compared as a text; write 'session.ip|cidr' [modifiers]"
            ],
            "country name": [
                "warning: 11:25: detection.selection.source.country: 'France' is no ISO 3166 code of a country; write FR [fields]"
            ],
            "country lower": [],
            "regex lookahead": [
                "11:22: detection.selection.aux_info|re: this regular expression looks around, which is not supported [modifiers]"
            ],
            "regex broken": [
                "11:22: detection.selection.aux_info|re: '(a' is not a regular expression: missing ) [modifiers]"
            ],
            "regex slashes": [
                "warning: 11:22: detection.selection.aux_info|re: the slashes are looked for, too; write 'aux_info|re|i: abc' [modifiers]"
            ],
            "empty list": [
                "warning: 11:17: detection.selection.action: an empty list asks for a missing field; write 'null' if that is meant [values]"
            ],
            "null list": [
                "warning: 11:16: detection.selection.action: nothing is written here, which asks for a missing field; write 'null' if that is meant [values]"
            ],
            "selection empty": [
                "9:15: detection.selection: is empty; name fields and their values under it [selections]"
            ],
            "behavior typo": ["3:1: behaviour: not a key; did you mean 'behavior'? [documents]"],
            "behavior base list": [
                "5:12: behavior.rules: is not a list; write [op_signin_ok] [first_seen]",
                "6:13: behavior.fields: is not a list; write [device.id] [first_seen]",
            ],
            "behavior nothing": [
                "4:5: behavior.type: is missing; write it like 'type: first_seen' [behavior]"
            ],
            "behavior rule is correlation": [
                "5:13: behavior.rules[0]: 'op_many_failed' is a correlation, not a detection [names]"
            ],
            "filter no expires unquoted": [
                "warning: 7:16: filter.condition: its rules go on only where this holds; to leave that out, write 'not (own)' [filter]"
            ],
            "filter expires text": [
                "8:10: expires: '31.12.2026' is not a date; write it like 2027-01-31 [filter]"
            ],
            "filter no rules": [
                "5:5: filter.rules: the rules it is for are needed; name them, or write 'rules: any' [filter]"
            ],
            "overlay typo": ["2:1: lvel: not a key; did you mean 'level'? [overlays]"],
            "overlay unknown id": [
                "1:1: none of detection:, correlation:, behavior: and filter: is here, and no shipped rule has this id [documents]"
            ],
            "overlay with logsource": [
                "2:1: logsource: cannot be changed of a shipped rule; write the whole document, which takes its place [overlays]"
            ],
            "test without expect": [
                "14:7: tests[0].expect: what is expected?; write 'expect: {alerts: 1}' [tests]",
                "16:13: tests[0].events[0]: neither 'use:' nor 'feed:' is here [tests]",
            ],
            "test unknown city": [],
            "test as mapping": [
                "14:5: tests: not a list of at most 200 stories; write '- name: ...', 'events:' and 'expect:' [tests]"
            ],
            "test at number": [
                "16:18: tests[0].events[0].at: '0' is not a span of time; write it like 30m, 24h, 7d or 1d12h [tests]",
                "17:15: tests[0].expect: what is expected?; write 'expect: {alerts: 1}' [tests]",
            ],
            "smart quotes": [
                "warning: 11:17: detection.selection.action: 1Password sends no '“join”' here, as far as is known; did you mean 'join'? [words]"
            ],
            "nbsp": ["11:1: U+00A0 stands before the first word; indent with plain spaces [yaml]"],
            "fieldref typo": [
                "11:30: detection.selection.actor_uuid|fieldref: 'object_uid' is not a field; did you mean 'object_uuid'? [fields]"
            ],
            "exists text": [
                "11:26: detection.selection.aux_info|exists: this modifier does not take the value '1'; write true or false [modifiers]"
            ],
            "gt text": [
                "11:20: detection.selection.aux_id|gt: this modifier does not take the value '5x'; write a number [modifiers]"
            ],
            "time compare": [
                "11:9: detection.selection.timestamp|gt: 'timestamp' is a time; use |hour, |timerange, |day_of_week, another part of times, or |exists [times]"
            ],
            "hour range": [
                "11:25: detection.selection.timestamp|hour: this modifier does not take the value '20-23'; write a number, several as [20, 21, 22], or use |timerange [times]"
            ],
            "timerange wrong": [
                "11:30: detection.selection.timestamp|timerange: '8-18' is not understood here; write 20:00-07:00 [times]"
            ],
            "weekday short": [
                "11:32: detection.selection.timestamp|day_of_week: 'sat' is not understood here; write saturday [times]"
            ],
            "timezone": [
                "8:11: timezone: 'CET+1' is no IANA time zone; write it like Europe/Paris [times]"
            ],
            "expand missing list": [
                "11:37: detection.selection.actor_details.email|expand: there is no list 'admins'; put its values into a file of 'paths.lists' [placeholders]"
            ],
            "expand no percent": [
                "warning: 11:37: detection.selection.actor_details.email|expand: '|expand' finds no placeholder here; write it like '%name%' [placeholders]"
            ],
            "json not yaml": [
                "1:1: none of detection:, correlation:, behavior: and filter: is here, and no shipped rule has this id [documents]"
            ],
            "python code": [
                "1:1: def rule(event): not a key [documents]",
                "1:1: none of detection:, correlation:, behavior: and filter: is here [documents]",
            ],
            "elastalert": [
                "1:1: title: a title of 1 to 256 characters is needed [texts]",
                "2:1: type: not a key; it belongs under 'correlation:' or 'behavior:' [documents]",
                "3:1: index: not a key; did you mean 'logsource'? [documents]",
                "3:8: logsource: a log source is needed; write 'logsource: {product: onepassword}' [logsource]",
                "4:1: num_events: not a key [documents]",
                "6:1: filter.rules: the rules it is for are needed; name them, or write 'rules: any' [filter]",
                "6:1: filter: not a mapping; name the selections, then 'condition:' [filter]",
                "warning: 1:1: has no id, so it goes by its name; add 'id: 43b9063e-5760-5cde-b089-80326452e5ed' [documents]",
            ],
            "custom field in alert": [
                "4:9: alert.channel: not a key of alert; one of counted-as, dedup, generate, routine, runbook [alert]"
            ],
            "route": ["4:16: alert.dedup: not a mapping; write 'dedup: {for: 24h}' [alert]"],
            "runbook url": [],
        }
    )


def test_the_documents_without_a_slip_are_sound() -> None:
    assert said(HEAD) == said(CORR) == []


@pytest.mark.parametrize(
    ("body", "place", "told"),
    [
        (HEAD.replace("Group", "Größe").encode("latin-1"), "1:10", "byte 0xf6 is not UTF-8"),
        (HEAD.encode("utf-16"), "1:1", "byte 0xff is not UTF-8"),
        (b"\x7fELF\x00\x01", "1:1", "not YAML: unacceptable character #x007f"),
        (b"# x\n" * 300_000, "1:1", "file has 1200000 characters"),
    ],
)
def test_a_file_that_cannot_be_read_stops_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], body: bytes, place: str, told: str
) -> None:
    (tmp_path / "a.yml").write_bytes(body)
    (tmp_path / "b.YML").write_bytes(b"\xef\xbb\xbf" + HEAD.replace("\n", "\r\n").encode())

    assert run(["check", "--rules", str(tmp_path)]) == 1

    streams = capsys.readouterr()
    assert f"{tmp_path}/a.yml:{place}: {told}" in streams.err
    assert streams.out == "2 rules found, 1 loaded, 1 mistake\n"


@pytest.mark.parametrize("goal", ["a.yml", "nothing.yml"])
def test_a_link_that_leads_nowhere_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], goal: str
) -> None:
    (tmp_path / "a.yml").symlink_to(goal)

    assert run(["check", "--rules", str(tmp_path)]) == 2

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{tmp_path}/a.yml: cannot be read: ")


def test_a_folder_without_rules_is_not_in_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rule.txt").write_text(HEAD)
    (tmp_path / "loop").symlink_to(tmp_path)

    assert run(["check", "--rules", str(tmp_path)]) == 2

    assert capsys.readouterr().err.endswith(
        "holds no rule files; their names end in .yml or .yaml\n"
    )


def test_a_wrong_pattern_writes_nothing_but_the_mistake(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yml").write_text(edited("action: join", "aux_info|re: '(?!a)b'"))

    assert run(["check", "--rules", str(tmp_path)]) == 1

    assert capfd.readouterr().err.count("\n") == 3, "RE2 has a voice of its own"
