"""How a search ended, or why it was not begun."""

from __future__ import annotations

from enum import StrEnum


class TooLarge(ValueError):
    """There are too many purchases to try every one of them."""


class SolverStatus(StrEnum):
    """How the search ended; the three ways of having no plan are told apart."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"  # a limit stopped the search: the gap is not closed
    INFEASIBLE = "infeasible"  # proved: no plan exists
    UNKNOWN = "unknown"  # ended without a plan or a proof
    OUT_OF_TIME = "out_of_time"  # a limit stopped the search before any plan
