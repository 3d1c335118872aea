"""What a user is told where a plan still holds, but the facts have moved since."""

from __future__ import annotations

from sizing.catalog import Catalog
from sizing.plan import SizingPlan


def facts_note(plan: SizingPlan, facts: Catalog, *, stack: str) -> str | None:
    """One line with both dates; None where the plan was made from these facts."""
    if plan.facts_hash == facts.hash:
        return None
    return (
        f"the plan was made from facts of {plan.facts_as_of}, these are of {facts.as_of} and differ; "
        f"`sizeup size {stack}` weighs them anew"
    )
