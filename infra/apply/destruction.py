"""What taking a stack down would do, from its state alone: what goes, what stays, what guards itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

from components.graph import Graph
from components.platform import DELETION_GUARDS
from infra.cost.estimate import cost
from infra.diff.changes import ResourceChanges, Step
from infra.diff.diff import changes
from infra.diff.state import read_state
from infra.render.steps import step_lines, summary
from sizing.catalog import Catalog
from sizing.figures import money, plural
from sizing.table import wrapped


@dataclass(frozen=True, slots=True, kw_only=True)
class Destruction:
    """A stack about to be taken down."""

    stack: str
    changes: ResourceChanges  # deletions only
    usd_per_hour: float  # what ends

    @property
    def protected(self) -> tuple[Step, ...]:
        """What the engine refuses to delete."""
        return tuple(step for step in self.changes.steps if step.protected_error is not None)

    @property
    def guarded(self) -> tuple[Step, ...]:
        """What the cloud refuses to delete."""
        return tuple(
            step
            for step in self.changes.steps
            if step.old is not None and any(step.old.inputs.get(key) is True for key in DELETION_GUARDS)
        )

    @property
    def retained(self) -> tuple[Step, ...]:
        """What leaves the state and stays in the cloud."""
        return tuple(step for step in self.changes.steps if step.retained)


def destruction(state: str, *, project: str, stack: str, catalog: Catalog) -> Destruction:
    """
    What taking down the stack of *state* would do.

    Raises:
        InvalidState: If the state cannot be read.
    """
    base = read_state(state, source=f"{stack} as deployed", project=project, stack=stack)
    nothing = Graph(project=project, stack=stack, resources=())
    found = changes(nothing, base)
    return Destruction(
        stack=stack,
        changes=replace(found, outputs=()),
        usd_per_hour=cost(base.graph, catalog, content_bytes=None).usd_per_hour,
    )


def render_destruction(found: Destruction) -> str:
    """What goes, what stays in the cloud, and what no longer costs; the first line is the answer."""
    lines = [f"{found.stack}: take it down, which ends {money(found.usd_per_hour)} USD/h", ""]
    lines += step_lines(found.changes, full=False) or ["no resources: it is taken down already"]
    if found.retained:
        names = ", ".join(step.name for step in found.retained)
        many = plural(len(found.retained), "resource")
        lines += ["", *wrapped(f"stays in the cloud, and keeps costing: {many} ({names})", hanging="  ")]
    return "\n".join([*lines, "", summary(found.changes)]) + "\n"
