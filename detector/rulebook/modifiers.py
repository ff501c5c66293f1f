"""The modifiers of `field|modifier`: pySigma's, and ours that it learns when this is imported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from sigma.modifiers import SigmaValueModifier, modifier_mapping
from sigma.types import SigmaNumber, SigmaString, SigmaType

from detector.rulebook import times
from detector.rulebook.conditions import EXTENDED_KINDS, Kind, Literal


@dataclass(frozen=True)
class AboutTime(SigmaType):
    """The value of a modifier that asks about time and is not Sigma's."""

    kind: Kind
    value: Literal


class _Extension(SigmaValueModifier[SigmaString | SigmaNumber, AboutTime]):
    """A modifier that asks about the time in a time zone."""

    kind: ClassVar[Kind]

    def modify(self, val: SigmaString | SigmaNumber) -> AboutTime:
        return AboutTime(self.kind, times.literal(self.kind, val))


class _Expand(SigmaValueModifier[SigmaType, SigmaType]):
    """Takes values as they are: `placeholders.fill_in` has been there before."""

    def modify(self, val: SigmaType) -> SigmaType:
        return val


# pySigma has no other way to learn a modifier.
modifier_mapping["expand"] = _Expand
# Of two names that Sigma gives this one, pySigma 2.0 knows the other.
modifier_mapping["utf16le"] = modifier_mapping["wide"]
for _kind in EXTENDED_KINDS:
    _name = _kind.name.lower()
    modifier_mapping[_name] = type(_name, (_Extension,), {"kind": _kind})
MODIFIERS: Final = frozenset(modifier_mapping)
"""The Sigma modifiers that compile, and ours."""
