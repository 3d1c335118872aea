"""
Where a rule may be broken: which rule, by which resources, why, and since when. The preview shows every waiver that
was used, with its reason; nothing is left out silently.

A waiver is a decision about what the components build; somebody else's resource is never named here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from components.graph import Resource
from components.rules.rule import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """One written exception."""

    rule: str  # id
    type: str  # of the resources, a shell pattern: kubernetes:apps/v1:DaemonSet
    name: str  # of the resources, a shell pattern: devices-*
    reason: str  # why it is right here, and what stands in for the rule
    since: date

    def covers(self, rule: Rule, resource: Resource) -> bool:
        """Whether *resource* may break *rule*."""
        return self.rule == rule.id and fnmatchcase(resource.type, self.type) and fnmatchcase(resource.name, self.name)


WAIVERS: tuple[Waiver, ...] = ()


def waiver_of(rule: Rule, resource: Resource, waivers: Iterable[Waiver] = WAIVERS) -> Waiver | None:
    """The first waiver that covers *resource* breaking *rule*; None: it must not."""
    return next((one for one in waivers if one.covers(rule, resource)), None)
