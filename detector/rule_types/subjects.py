"""Whom or what a finding is about, by the field that a rule groups by."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from detector.findings import Subject, SubjectType
from detector.rule_types.base import SUBJECTS, Scene

PEOPLE: Final = frozenset({"person", "user.id", "user.email", "user.name"})
"""Fields that name the acting person."""
ACTORS: Final = frozenset({"person", "user.id"})
"""Those of them by which rules keep what they know of the person."""
TARGETS: Final = frozenset({"target.id", "target.email", "target.name"})
"""Fields that name the person acted upon."""
OBJECTS: Final = {
    "gm": SubjectType.GROUP,
    "group": SubjectType.GROUP,
    "gva": SubjectType.VAULT,
    "uva": SubjectType.VAULT,
    "vault": SubjectType.VAULT,
    "user": SubjectType.PERSON,
    "device": SubjectType.DEVICE,
}
"""Kind of thing that `object.id` names, by `object.type` (events-api.md: object_uuid)."""
COLUMNS: Final = frozenset(
    {
        "user.email", "user.name", "target.id", "target.name", "target.email", "object.id",
        "object.type",
    }
)  # fmt: skip
"""Event columns that are read beside the field itself."""


def named_by(scene: Scene, row: int, field: str) -> Subject | None:
    """The subject that a field of a row names; null if it names none."""
    if field in PEOPLE:
        return scene.person(row)
    if field in TARGETS:
        target = scene.text("target.id", row) or scene.text("target.email", row)
        email, name = scene.text("target.email", row), scene.text("target.name", row)
        return Subject(SubjectType.PERSON, target, email, name) if target else None
    kind = SUBJECTS.get(field)
    if field == "object.id":
        kind = OBJECTS.get(scene.text("object.type", row) or "")
    value = scene.text(field, row) if kind else None
    return Subject(kind, value) if kind and value else None


def naming(scene: Scene, field: str) -> Callable[[int], str | None]:
    """How the entities that a rule groups rows by are named: acting persons as the facts do."""
    return scene.page.people.__getitem__ if field in ACTORS else partial(scene.text, field)


def subject_of(scene: Scene, row: int, field: str, name: str) -> Subject:
    """What a finding about the entity of that name in a row is about."""
    if field in ACTORS:
        return scene.actor(row, name)
    return named_by(scene, row, field) or Subject(SUBJECTS.get(field, SubjectType.GROUP), name)
