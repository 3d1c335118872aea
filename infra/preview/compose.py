"""One preview from start to end: spec, plan, recorded resources, cost and checks, as one `Report`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from components.graph import Graph
from components.rules import violations
from components.rules.waivers import waiver_of
from infra.cost import capacity_changes, cost, cost_change, renames
from infra.diff.changes import ResourceChanges
from infra.preview import git, validation
from infra.preview.base import Against, AgainstRevision, resource_changes
from infra.render.report import Finding, Report
from infra.stack import check_fresh, load_plan, load_stack, plan_path
from infra.staleness import facts_note
from sizing import lockfile
from sizing.catalog import catalog
from sizing.diff import diff
from sizing.errors import DamagedPlan
from sizing.figures import money
from sizing.plan import SizingPlan


def preview(root: Path, stack: str, base: Against) -> Report:
    """
    What deploying *stack* of the project in *root* would do to *base*, what it costs, and what is wrong with it.

    Raises:
        SizingError: If the stack, its plan, the program or the base cannot be used; `StalePlan` if the plan is stale.
    """
    facts = catalog()
    asked = load_stack(root, stack, facts)
    spec = asked.spec
    plan = load_plan(root, stack)
    check_fresh(plan, spec, stack=stack)
    changes = resource_changes(root, stack, base)
    earlier = _plan_at(root, stack, base)
    after = cost(changes.graph, facts, plan=plan)
    before = cost(changes.base, facts, plan=earlier) if changes.base.resources else None
    note = facts_note(plan, facts, stack=stack)
    return Report(
        stack=stack,
        plan=plan,
        plan_changes=diff(earlier, plan) if earlier else (),
        resources=changes,
        capacity=capacity_changes(changes.base, changes.graph, facts),
        cost=cost_change(before, after, renamed=renames(changes.base, changes.graph)),
        findings=(
            *_input_findings(changes),
            *_rule_findings(changes.graph, is_released=not asked.platform.protect),
            *_budget(after.usd_per_month, spec.budget_usd_per_month, stack),
        ),
        notes=() if note is None else (note,),
    )


def _plan_at(root: Path, stack: str, base: Against) -> SizingPlan | None:
    """The plan that the base was built from, where the base has one that can be read."""
    if not isinstance(base, AgainstRevision):
        return None
    name = plan_path(root, stack).relative_to(root).as_posix()
    text = git.text_at(git.resolved(root, base.revision), name)
    try:
        return None if text is None else lockfile.loads(text, source=name)
    except DamagedPlan:
        return None


def _input_findings(changes: ResourceChanges) -> Iterator[Finding]:
    """Inputs that their resource does not have, and steps that the engine would refuse."""
    for found in validation.findings(changes.graph):
        at = f" ({found.source_position})" if found.source_position else ""
        yield Finding(
            rule="input",
            severity=found.severity.value,
            subject=f"{found.name}.{found.path}" if found.path else found.name,
            text=f"{found.what}{at}",
            mend=found.mend,
        )
    for step in changes.steps:
        if step.protected_error is not None:
            yield Finding(rule="protected", severity="error", subject=step.name, text=step.protected_error)


RELEASED = "the stack file says protect: false, as the step before it is taken down"
_ON_PROTECTION = ("data-protected", "gcp-data-protected", "eks-deletion-protection", "gke-deletion-protection")


def _rule_findings(graph: Graph, *, is_released: bool) -> Iterator[Finding]:
    """Rules that the recorded resources break, waived ones with the reason; *is_released*: nothing is protected."""
    by_urn = {resource.urn: resource for resource in graph.resources}
    for rule, found in violations(graph):
        resource = by_urn[found.urn]
        waiver = waiver_of(rule, resource)
        reason = RELEASED if is_released and rule.id in _ON_PROTECTION else ""
        at = f" ({resource.source_position})" if resource.source_position else ""
        yield Finding(
            rule=rule.id,
            severity=rule.severity.value,
            subject=f"{resource.name}.{found.path}" if found.path else resource.name,
            text=f"{found.text}{at}",
            mend=rule.mend,
            why=rule.why,
            origin=rule.origin,
            waived=waiver.reason if waiver is not None else reason,
        )


def _budget(usd_per_month: float, budget_usd_per_month: float | None, stack: str) -> Iterator[Finding]:
    """The budget holds for everything that the program creates, not for machines alone."""
    if budget_usd_per_month is not None and usd_per_month > budget_usd_per_month:
        yield Finding(
            rule="budget",
            severity="error",
            subject=stack,
            text=f"costs {money(usd_per_month)} USD/month, more than the {money(budget_usd_per_month)} allowed",
            mend="raise sizeup:budget_usd_per_month, or ask for less and size again",
        )
