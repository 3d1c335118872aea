"""
The cheapest counts for whole slices as CP-SAT finds them, which is strong where slices are few and fit tightly.

Loads are given to it in whole parts of an accelerator, rounded down: what it proves holds, and what it finds is added
up exactly by whoever asked, as all routings are.
"""

from __future__ import annotations

from datetime import timedelta
from math import floor

import numpy as np
from ortools.math_opt import model_pb2
from ortools.math_opt.python import mathopt
from ortools.sat import sat_parameters_pb2

from sizing.optimiser.mixes.loads import Loads
from sizing.optimiser.mixes.models import EPSILON, Found, Search, counting, outcome

PARTS = 2**33  # of an accelerator: a thousand slices rounded down are a tenth of the tolerance
MOST_SLICES = 20_000  # of very many, free routing tells the counts
LARGEST_BITS = 60  # of a sum that is still a number to CP-SAT


def fits_integers(loads: Loads, ceiling: int) -> bool:
    """Whether the numbers of a search up to *ceiling* are small enough for CP-SAT."""
    most = float(np.where(loads.can_serve, loads.group_load, 0.0).sum()) + ceiling / min(loads.units)
    return int(loads.slices.sum()) <= MOST_SLICES and most * PARTS < 2**LARGEST_BITS and ceiling < 2**50


def cheapest_in_integers(loads: Loads, search: Search, *, by_relaxation: bool) -> Found:
    """
    The cheapest counts that cost no more than the ceiling of *search*, which must have one.

    Args:
        loads: What a slice takes of each type.
        search: Where to look.
        by_relaxation: Whether branching follows the linear relaxation; each of the two ways is often at its end where
            the other is far from it.
    """
    if search.ceiling is None:
        raise ValueError("CP-SAT must know the most that counts may cost")
    exact = sat_parameters_pb2.SatParameters(mip_max_activity_exponent=LARGEST_BITS + 2, mip_max_bound=2.0**50)
    if by_relaxation:
        exact.search_branching = sat_parameters_pb2.SatParameters.LP_SEARCH
    if search.work is not None:
        exact.max_deterministic_time = search.work
    result = mathopt.solve(
        mathopt.Model.from_model_proto(_whole_numbers(loads, search, search.ceiling)),
        mathopt.SolverType.CP_SAT,
        params=mathopt.SolveParameters(
            threads=1,
            random_seed=0,
            time_limit=None if search.seconds is None else timedelta(seconds=max(0.01, search.seconds)),
            relative_gap_tolerance=0.0,
            absolute_gap_tolerance=0.0,
            cp_sat=exact,
        ),
        interrupter=search.interrupter,
    )
    return outcome(loads, search, result, money=1.0)


def _whole_numbers(loads: Loads, search: Search, ceiling: int) -> model_pb2.ModelProto:
    """The model with capacity in parts of an accelerator, and no count above what the ceiling pays for."""
    proto = counting(loads, search, money=1.0, fine=1.0)
    groups, types = loads.slice_load.shape
    proto.variables.upper_bounds[:types] = [float(ceiling // unit) for unit in loads.units]
    rows = proto.linear_constraints
    rows.upper_bounds[groups : groups + types] = [float(floor(PARTS * EPSILON))] * types
    matrix = proto.linear_constraint_matrix
    row = np.array(matrix.row_ids)
    value = np.array(matrix.coefficients)
    capacity = (row >= groups) & (row < groups + types)
    value[capacity] = np.floor(value[capacity] * PARTS)
    matrix.coefficients[:] = value.tolist()
    return proto
