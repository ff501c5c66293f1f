"""What every behaviour has: the rules it looks at, the key it groups by, and `watch`."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field


class Behavior(BaseModel):
    """A `behavior:` document. The fields are the schema, the reference and the error texts."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=False)

    columns: ClassVar[tuple[str, ...]] = ()
    """Event columns that `watch` reads."""

    rules: tuple[str, ...] = Field(
        min_length=1, description="Names or ids of the base rules whose events are looked at."
    )
    group_by: tuple[str, ...] = Field(
        default=("user.id",),
        alias="group-by",
        min_length=1,
        max_length=1,
        description="Field that names the subject: whose places, devices or hours are compared.",
    )
