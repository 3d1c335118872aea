"""Everything that a preview tells, as one value: what the renderers are given, and all they may use."""

from __future__ import annotations

from dataclasses import dataclass

from infra.cost.bill import CostChange
from infra.cost.capacity import CapacityChange
from infra.diff.changes import ResourceChanges
from sizing.diff import PlanChange
from sizing.plan import SizingPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, or doubtful, with the recorded resources."""

    rule: str  # id of the rule or of the check
    severity: str  # error, warning
    subject: str  # name or URN of the resource; the stack where the rule holds across resources
    text: str
    mend: str = ""
    why: str = ""  # what happens otherwise
    origin: str = ""  # where the rule comes from
    waived: str = ""  # the written reason why it is accepted; empty: it is not

    @property
    def stops(self) -> bool:
        """True where nothing may be applied before this is mended."""
        return self.severity == "error" and not self.waived


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place where the real engine's preview differs from ours; an empty op: that side has no such step."""

    urn: str
    name: str
    ours: str  # create, update, replace, delete, import, read, same
    engine: str  # the same words
    detail: str = ""  # which properties, or why they may differ


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One preview: the plan and how it moved, the resources, the capacity, the cost, and what is wrong."""

    stack: str
    plan: SizingPlan
    plan_changes: tuple[PlanChange, ...]  # empty: the base has the same plan, or none
    resources: ResourceChanges
    capacity: tuple[CapacityChange, ...]
    cost: CostChange
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()  # warnings of the run: facts older than a limit, a plan made from other facts
    differences: tuple[Difference, ...] | None = None  # from the real engine's preview; None: it was not asked

    @property
    def has_base(self) -> bool:
        """False where everything is new because there is nothing to compare with."""
        return bool(self.resources.base.resources)
