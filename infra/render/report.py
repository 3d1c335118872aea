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

    @property
    def has_base(self) -> bool:
        """False where everything is new because there is nothing to compare with."""
        return bool(self.resources.base.resources)
