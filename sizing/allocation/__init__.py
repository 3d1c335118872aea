"""What to rent: every way that keeps the objectives, packed into whole machines at least cost."""

from sizing.allocation.answer import InconsistentPlan, size
from sizing.allocation.why.surer import surer

__all__ = ["InconsistentPlan", "size", "surer"]
