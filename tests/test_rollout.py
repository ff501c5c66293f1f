"""Saving is deploying: what is saved is proven as a whole, and what is refused changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pytest

from detector import files, jobs, plans, proving
from detector.files import Saved
from detector.findings import Level
from detector.proving import Proof
from detector.rollout import OWN_AFTER, Means, Rollout, at_start
from detector.settings import ConfigError, PathsConfig
from tests.fakes import Clock, ScriptedSource, close, open_desk, shipped_texts
from tests.stories import at

TODAY = date(2026, 3, 2)
RULE = """\
title: A vault is renamed
name: mine_renamed
id: 5d0c0d0e-9a55-4d57-8e1c-0a1b2c3d4e5f
status: stable
level: medium
logsource: {product: onepassword, service: auditevents}
detection:
    renamed: {object_type: vault, action: rename}
    condition: renamed
tests:
    - name: it is renamed
      events:
          - {at: 0h, feed: auditevents, user: ana, object_type: vault, action: rename}
      expect: {alerts: 1, level: medium}
"""


@dataclass
class Disk:
    """Files that a test saves, and what the rollout did with them."""

    saved: Saved
    adopted: list[str] = field(default_factory=list)
    proven: list[str] = field(default_factory=list)
    clock: Clock = field(default_factory=lambda: Clock(at("12:00")))
    waits: int = 0
    unreadable: str = ""
    while_waiting: list[Saved] = field(default_factory=list)

    def read(self) -> Saved:
        if self.unreadable:
            raise ConfigError(self.unreadable)
        return self.saved

    def prove(self, saved: Saved) -> Proof | None:
        self.proven.append(saved.version)
        return proving.prove(saved, TODAY)

    def pause(self, _: float) -> None:
        self.waits += 1
        if self.while_waiting:
            self.saved = self.while_waiting.pop(0)

    def save(self, text: str, **templates: str) -> Saved:
        """Save the rule, and templates."""
        self.saved = holding({"rules/mine.yml": text}, self.saved.templates | templates)
        return self.saved

    def rollout(self) -> Rollout:
        """One that begins with what is saved now."""
        means = Means(
            self.read, self.prove, lambda saved: self.adopted.append(saved.version),
            lambda saved: tuple(map(str, plans.build(saved.texts, TODAY).mistakes)),
            self.pause, self.clock,
        )  # fmt: skip
        return Rollout(means, at_start(self.read, None))


def holding(rules: Mapping[str, str], templates: Mapping[str, str] | None = None) -> Saved:
    """What is saved where these rules stand on the shipped base rules."""
    base = {name: text for name, text in shipped_texts().rules.items() if "base" in name}
    texts = replace(shipped_texts(), rules=base | dict(rules))
    return Saved(texts, files.templates(None) if templates is None else templates)


@pytest.fixture
def disk() -> Disk:
    return Disk(holding({"rules/mine.yml": RULE}))


def test_what_is_sound_is_put_to_work_once(disk: Disk) -> None:
    rollout = disk.rollout()
    assert not rollout.look()
    assert disk.proven == [], "at the start there is other work"
    disk.clock.time += OWN_AFTER
    assert not rollout.look()
    assert not rollout.look()
    assert len(disk.proven) == 1, "what is at work from the start is proven, too"
    saved = disk.save(RULE.replace("level: medium", "level: high"))

    assert rollout.look()
    assert not rollout.look()

    assert (disk.adopted, rollout.at_work, rollout.problems) == ([saved.version], saved, ())
    assert len(disk.proven) == 2


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("level: medium", "level: hihg", "rules/mine.yml:5:8: level: 'hihg' is not a level"),
        ("action: rename}", "action: delete}", "rules/mine.yml:11:1: test 'it is renamed' of mine_renamed fails: alerts: expected 1, got 0"),
        ("title:", "title: [", "rules/mine.yml:"),
    ],
)  # fmt: skip
def test_what_is_not_sound_is_refused_with_its_place_and_changes_nothing(
    disk: Disk, old: str, new: str, words: str
) -> None:
    rollout, before = disk.rollout(), disk.saved
    disk.save(RULE.replace(old, new, 1))

    assert rollout.look()

    assert any(words in each for each in rollout.problems), rollout.problems
    assert (disk.adopted, rollout.at_work) == ([], before)
    assert rollout.refusal is not None
    trouble = rollout.refusal.trouble()
    assert (trouble.level, trouble.why[-1]) == (Level.MEDIUM, "- the files of before go on")
    assert rollout.problems[0] in trouble.summary


def test_a_refused_save_is_proven_once_and_again_when_somebody_asks(disk: Disk) -> None:
    rollout = disk.rollout()
    disk.save("title: nothing else")
    assert rollout.look()
    said = rollout.refusal
    disk.clock.time = at("13:00")

    assert not rollout.look()
    assert len(disk.proven) == 1
    assert not rollout.look(again=True)
    assert (len(disk.proven), rollout.refusal) == (2, said), "it is refused since noon"


def test_a_mistake_that_was_taken_back_is_over(disk: Disk) -> None:
    rollout, before = disk.rollout(), disk.saved
    disk.save("title: nothing else")
    rollout.look()

    disk.saved = before
    assert rollout.look()

    assert (rollout.refusal, disk.adopted) == (None, [])


def test_a_template_that_fails_on_a_sample_refuses_everything(disk: Disk) -> None:
    rollout = disk.rollout()
    disk.save(RULE.replace("level: medium", "level: high"), **{"email_subject.j2": "{{ nobody }}"})

    rollout.look()

    assert "email_subject.j2:1:1" in rollout.problems[0]
    assert disk.adopted == []


def test_files_that_are_still_being_saved_are_waited_for(disk: Disk) -> None:
    rollout = disk.rollout()
    rollout.look()
    whole = RULE.replace("level: medium", "level: high")
    disk.save(whole[: len(whole) // 2])
    disk.while_waiting = [holding({"rules/mine.yml": whole})]

    assert rollout.look()

    assert (rollout.problems, len(disk.adopted), disk.waits) == ((), 1, 2)


def test_a_file_that_cannot_be_read_is_a_refusal_and_no_end(disk: Disk) -> None:
    rollout, before = disk.rollout(), disk.saved
    rollout.look()
    disk.unreadable = "people.yml: no such file"

    assert rollout.look()
    assert (rollout.problems, rollout.at_work) == (("people.yml: no such file",), before)

    disk.unreadable = ""
    assert rollout.look()
    assert rollout.refusal is None


def test_what_is_broken_at_the_start_is_told_and_the_rest_works(disk: Disk) -> None:
    disk.save(RULE + "---\n" + RULE.replace("level: medium", "level: hihg").replace("5d0c", "5d0d"))
    rollout = disk.rollout()

    assert rollout.refusal is not None
    assert rollout.refusal.trouble().level is Level.HIGH
    disk.clock.time += OWN_AFTER
    rollout.look()
    assert rollout.refusal is not None
    assert rollout.refusal.at_work
    assert not rollout.look()
    assert len(disk.proven) == 1

    mended = disk.save(RULE)
    assert rollout.look()
    assert (rollout.at_work, rollout.refusal) == (mended, None)


def test_a_start_goes_on_with_the_plan_of_before_until_the_saved_one_is_proven(disk: Disk) -> None:
    last = disk.saved.texts
    disk.save("title: broken")

    assert at_start(disk.read, last).texts == last
    assert at_start(disk.read, None).texts == disk.saved.texts
    disk.unreadable = "rules: no such folder"
    assert at_start(disk.read, last).texts == last
    with pytest.raises(ConfigError, match="no such folder"):
        at_start(disk.read, None)


def test_a_broken_template_at_the_start_leaves_the_shipped_ones(disk: Disk) -> None:
    disk.save(RULE, **{"slack.yaml": "- {{ broken"})

    assert at_start(disk.read, None).templates == files.templates(None)


def test_the_process_that_proves_says_the_same(disk: Disk) -> None:
    assert proving.apart(disk.saved, TODAY, lambda: False) == proving.prove(disk.saved, TODAY)
    disk.save(RULE.replace("action: rename}", "action: delete}", 1))
    proof = proving.apart(disk.saved, TODAY, lambda: False)
    assert proof == proving.prove(disk.saved, TODAY)
    assert proof is not None
    assert len(proof.problems) == 1


def test_the_process_that_proves_is_given_up_when_the_service_stops(disk: Disk) -> None:
    assert proving.apart(disk.saved, TODAY, lambda: True) is None


def test_the_process_that_proves_takes_too_long(disk: Disk) -> None:
    hours = iter(range(0, 10**6, 3600))

    proof = proving.apart(disk.saved, TODAY, lambda: False, None, lambda: float(next(hours)))

    assert proof == Proof(0, 0, ("the tests took longer than 15 minutes",))


def test_what_is_hidden_is_no_file_of_ours(tmp_path: Path) -> None:
    for name in ("a.yml", ".github/workflows/b.yml", ".#a.yml", "deep/c.yaml", "..data/a.yml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x: 1")

    found = files.read_folder(tmp_path)

    assert sorted(Path(each).relative_to(tmp_path).as_posix() for each in found) == [
        "a.yml",
        "deep/c.yaml",
    ]


def test_the_version_of_what_is_saved_changes_with_every_file(tmp_path: Path) -> None:
    for name in ("rules", "lists", "templates"):
        (tmp_path / name).mkdir()
    (tmp_path / "people.yml").write_text("people: []")
    (tmp_path / "networks.yml").write_text("networks: []")
    paths = PathsConfig(
        rules=tmp_path / "rules", people=tmp_path / "people.yml", lists=tmp_path / "lists",
        networks=tmp_path / "networks.yml", templates=tmp_path / "templates",
    )  # fmt: skip
    seen = {files.saved(paths, "UTC").version, files.saved(paths, "Europe/Paris").version}

    for number, name in enumerate(
        ("rules/a.yml", "lists/a.txt", "templates/slack.yaml", "people.yml", "networks.yml")
    ):
        (tmp_path / name).write_text(f"# {number}")
        seen.add(files.saved(paths, "UTC").version)

    assert len(seen) == 7


COUNTED = """\
title: Much is renamed
name: mine_much
id: 5d0c0d0e-9a55-4d57-8e1c-0a1b2c3d4e60
status: stable
level: medium
behavior:
    type: volume
    rules: [mine_renamed]
    group-by: [user.id]
"""
MANY = """\
title: Renamed again and again
name: mine_many
id: 5d0c0d0e-9a55-4d57-8e1c-0a1b2c3d4e61
status: stable
level: low
correlation:
    type: event_count
    rules: [mine_renamed]
    group-by: [user.id]
    timespan: 1d
    condition: {gte: 3}
"""


def _after(folder: Path, change: str, to: str) -> dict[str, bool]:
    """Which of the two rules keep what they counted when the text changes."""
    from tests.stories import audit

    texts = holding({"a.yml": RULE + "---\n" + COUNTED + "---\n" + MANY}).texts
    desk = open_desk(folder, at("0:00"), texts=texts)
    renamed = [audit("ann", "paris", f"{hour}:00", deed="rename vault") for hour in (9, 10)]
    jobs.poll(desk, ScriptedSource(renamed), Clock(at("12:00")))
    before = dict(desk.account.state.tails)
    changed = {name: text.replace(change, to) for name, text in texts.rules.items()}
    assert changed != texts.rules

    jobs.adopt(desk, replace(texts, rules=changed), at("12:30"))

    after = desk.account.state.tails
    kept = {name[-2:]: after[name] == before[name] for name in before if name.startswith("5d0c")}
    close(desk)
    return kept


@pytest.mark.parametrize(
    ("change", "to", "kept"),
    [
        ("title: Much", "title: More", {"60": True, "61": True}),
        ("level: medium\nbehavior", "level: high\nbehavior", {"60": True, "61": True}),
        ("    type: volume", "    type: volume\n    sensitivity: high", {"60": True, "61": True}),
        ("    type: volume", "    type: volume\n    of: vault.id", {"60": False, "61": True}),
        ("gte: 3", "gte: 4", {"60": True, "61": False}),
        ("timespan: 1d", "timespan: 2d", {"60": True, "61": False}),
    ],
)
def test_a_rule_keeps_its_state_while_its_key_stays(
    tmp_path: Path, change: str, to: str, kept: dict[str, bool]
) -> None:
    assert _after(tmp_path, change, to) == kept
