"""Features that an analyst declares by field names alone: how rare a value is, and how many there are."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from detector import events


def _column(name: str) -> str:
    """The column that a field's name means. Raises ValueError, with the nearest name."""
    found = events.fields().get(name)
    if found is None:
        close = get_close_matches(name, events.fields(), n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        msg = f"no field {name!r}{hint}"
        raise ValueError(msg)
    return found


def _several(value: object) -> object:
    if value in ([], ()):
        msg = "is empty; name at least one"
        raise ValueError(msg)
    return [value] if isinstance(value, str | int) else value


FieldName = Annotated[str, AfterValidator(_column)]
Words = Annotated[tuple[str, ...], BeforeValidator(_several)]


class _Own(BaseModel, ABC):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: str = Field(
        default="",
        pattern=r"^([a-z][a-z0-9_]{0,39})?$",
        description="What it is called; else the kind and its fields.",
    )
    words: str = Field(
        default="", max_length=80, description="What an alert says of it; else the fields' names."
    )

    @property
    def identity(self) -> str:
        """What it measures: a feature with another identity knows nothing of this one's past."""
        fields = self.model_dump(mode="json", exclude={"name", "words"})
        return json.dumps(fields, sort_keys=True)

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The columns of events that it reads."""


class Rarity(_Own):
    """How rare the value of a field is for the person, or the values of several fields together.

    In an hour the rarest counts. It is measured against the days on which the person showed it,
    and against how many colleagues did. An event without a value in each field is left out.
    """

    rarity: Annotated[tuple[FieldName, ...], BeforeValidator(_several)] = Field(
        max_length=4, description="A field, or a list of fields that belong together."
    )

    @property
    def label(self) -> str:
        """Its name among the features."""
        return self.name or _labelled("rarity", self.rarity)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of events that it reads."""
        return self.rarity


class Count(_Own):
    """How many different values of a field there are in an hour, against the person's usual number.

    `event.id` counts events.
    """

    count: FieldName = Field(description="The field whose different values are counted.")
    where: dict[FieldName, Words] = Field(
        default={}, description="Only events with one of these values in each of these fields."
    )

    @property
    def label(self) -> str:
        """Its name among the features."""
        return self.name or _labelled("count", (self.count, *self.where))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of events that it reads."""
        return (self.count, *self.where)


OwnFeature = Rarity | Count


def _labelled(kind: str, columns: tuple[str, ...]) -> str:
    return "_".join((kind, *columns)).replace(".", "_")


def kind_of(value: Any) -> str | None:
    """Which kind an entry of the list of features is; null if it is none.

    >>> kind_of("hour"), kind_of({"rarity": "device.id"}), kind_of({"rareness": "device.id"})
    ('a feature', 'a rarity', None)
    """
    if isinstance(value, Rarity) or (isinstance(value, dict) and "rarity" in value):
        return "a rarity"
    if isinstance(value, Count) or (isinstance(value, dict) and "count" in value):
        return "a count"
    return "a feature" if isinstance(value, str) else None
