"""What is known of a run so far, while a program's resources are held against a base one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from components.graph import Resource, Value
from infra.diff.recorded import Base, Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Condemned:
    """A resource of the base that has to go before another one can: why it will come anew."""

    by: str  # name of what is deleted before it is made again
    keys: tuple[str, ...]  # inputs that cannot outlive it; none where it is the provider


@dataclass(slots=True, kw_only=True)
class Progress:
    """A run against *base*; filled by `step.noted`."""

    base: Base
    seen: dict[str, Resource] = field(default_factory=dict)  # what the program registered, by URN
    moved: set[str] = field(default_factory=set)  # URNs with outputs that will be others
    replaced: set[str] = field(default_factory=set)
    condemned: dict[str, Condemned] = field(default_factory=dict)  # by URN in the base
    taken: dict[str, str] = field(default_factory=dict)  # URN in the base -> URN of the resource that it is now

    def new_inputs(self, urn: str | None) -> Mapping[str, Value]:
        """What the program says of *urn*; nothing where it does not."""
        found = self.seen.get(urn or "")
        return found.inputs if found else {}

    def old_inputs(self, urn: str | None) -> Mapping[str, Value]:
        """What the base records of *urn*."""
        found = self.base.by_urn.get(urn or "")
        return found.resource.inputs if found else {}

    def taken_already(self, old: Recorded, new: Resource) -> str | None:
        """Name of another resource of the program that *old* is, where there is one."""
        urn = self.taken.get(old.resource.urn)
        return None if urn is None or urn == new.urn else self.seen[urn].name
