"""The monthly cost cap: what a stack may cost, and whether its graph costs more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from components.graph import Graph
from components.surroundings import number
from infra.cost.estimate import cost
from sizing import lockfile
from sizing.catalog import catalog
from sizing.errors import SizingError
from sizing.figures import money
from sizing.plan import SizingPlan

BUDGET = "budget_usd_per_month"
STACKS = "stacks"  # the folder of stack files and plans


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """The most that a stack may cost a month, and who says so."""

    usd_per_month: float
    source: str


def caps(*, pack: float | None, config: Mapping[str, str]) -> tuple[Cap, ...]:
    """Every cap that holds: the pack's, which is the organisation's, and the stack's own budget."""
    budget = number(config.get(f"sizeup:{BUDGET}"))
    found = ((pack, "the policy pack's configuration"), (budget, f"the stack's sizeup:{BUDGET}"))
    return tuple(Cap(usd_per_month=usd, source=source) for usd, source in found if usd is not None)


def over_the_cap(graph: Graph, held: tuple[Cap, ...], *, plan: SizingPlan | None) -> str | None:
    """How *graph*, built from *plan*, costs more than the lowest cap; None where it does not, or there is none."""
    if not held:
        return None
    lowest = min(held, key=lambda one: one.usd_per_month)
    bill = cost(graph, catalog(), plan=plan)
    if bill.usd_per_month <= lowest.usd_per_month:
        return None
    unknown = f"; {len(bill.unknown)} lines of a price that is not known come on top" if bill.unknown else ""
    return (
        f"costs {money(bill.usd_per_month)} USD/month, more than the {money(lowest.usd_per_month)} of "
        f"{lowest.source}{unknown}"
    )


def plan_of(root: Path, stack: str) -> SizingPlan | None:
    """The stack's plan, for what no resource tells of its cost; None where there is none that can be read."""
    path = root / STACKS / f"{stack}.plan.json"
    try:
        return lockfile.loads(path.read_text(encoding="utf-8"), source=str(path))
    except (OSError, SizingError):
        return None
