"""
The two models of a mix: how a load is best spread over given counts (GLOP), and the cheapest counts (SCIP).

Models are written as arrays, not term by term: a case of a thousand buckets and types is there in a few milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt import model_pb2
from ortools.math_opt.python import mathopt
from ortools.util.python.solve_interrupter import SolveInterrupter

from sizing.optimiser.mixes.loads import Floats, Integers, Loads
from sizing.optimiser.mixes.mix import TOLERANCE

EPSILON = float(TOLERANCE)
FINE = 1000.0  # rows of capacity are multiplied by it: SCIP keeps a row to 1e-6, we want a thousandth of that
WHOLE_UNITS = 10**6  # prices in so few units are given to SCIP as whole numbers, so that it rounds bounds up to them


def floor(loads: Loads) -> int:
    """Units of money that accelerators would cost if they could be bought in fractions, less the tolerance."""
    return ceil(loads.relaxed_cost * (1 - 1e-12) - EPSILON * float(loads.price.sum()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How the load is spread so that the type with least room to spare has as much as can be."""

    room: float  # accelerators (by the weight of each type) that every type has left; negative: the load is too much
    shares: Floats  # [groups, types] of each group's load
    worth: Floats  # [types] weights for which no routing needs less than it does: a proof where the room is negative


class Routing:
    """The linear programme of routing for changing counts: solved again from where it stood."""

    def __init__(self, loads: Loads, weight: Floats) -> None:
        """Write the model once; *weight* says what counts as the same room on each type."""
        self._loads = loads
        groups, types = loads.slice_load.shape
        self._pairs = np.nonzero(loads.can_serve)
        in_group, of_type = self._pairs
        number = len(in_group)
        spare = number  # the last variable
        proto = model_pb2.ModelProto()
        _variables(
            proto, lower=[0.0] * number + [-np.inf], upper=[np.inf] * (number + 1), integer=[False] * (number + 1)
        )
        _rows(
            proto,
            lower=np.concatenate([np.ones(groups), np.full(types, -np.inf)]),
            upper=np.concatenate([np.ones(groups), np.zeros(types)]),
            row=np.concatenate([in_group, groups + of_type, groups + np.arange(types)]),
            column=np.concatenate([np.arange(number), np.arange(number), np.full(types, spare)]),
            value=np.concatenate([np.ones(number), loads.group_load[self._pairs], np.ones(types)]),
        )
        _objective(proto, [spare], [1.0])
        proto.objective.maximize = True
        self._model = mathopt.Model.from_model_proto(proto)
        self._capacity = [self._model.get_linear_constraint(groups + kind) for kind in range(types)]
        self._variables = [self._model.get_variable(place) for place in range(number)]
        self._spare = self._model.get_variable(spare)
        self._weight = weight / weight.max()  # far from one they would drown the solver's tolerances
        self._solver = mathopt.IncrementalSolver(self._model, mathopt.SolverType.GLOP)

    def spread(self, counts: NDArray[np.generic]) -> Spread | None:
        """The load over *counts* with the most room, none asked of absent types; None: too fine for the solver."""
        for row, number, weight in zip(self._capacity, counts.tolist(), self._weight.tolist(), strict=True):
            row.upper_bound = float(number)
            row.set_coefficient(self._spare, weight if number else 0.0)
        result = self._solver.solve()
        if result.termination.reason is not mathopt.TerminationReason.OPTIMAL:
            return None
        shares = np.zeros_like(self._loads.slice_load)
        shares[self._pairs] = result.variable_values(self._variables)
        worth = np.maximum(0.0, np.array(result.dual_values(self._capacity)))
        return Spread(room=result.objective_value(), shares=shares, worth=worth)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search for the cheapest counts ended with."""

    counts: Integers | None
    routed: NDArray[np.generic] | None  # [groups, types] in slices
    bound: int  # units of money; nothing costs less
    is_settled: bool  # the search ended by itself: nothing better than the counts is left, or nothing at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Whatever the routing, counts weighted by *worth* add up to at least *least*."""

    worth: Floats
    least: float

    def refuses(self, counts: Integers) -> bool:
        """Whether these counts cannot carry the load."""
        return float(counts @ self.worth) < self.least


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Where to look for cheaper counts, and for how long."""

    floor: int  # units of money; nothing costs less
    ceiling: int | None  # look for what costs no more
    nodes: int | None = None
    cuts: Sequence[Cut] = ()
    thorough: bool = False  # cutting planes too
    work: float | None = None  # CP-SAT's own measure of time, which counts what it does
    seconds: float | None = None  # None: nodes or work alone end the search, so that it always ends the same
    interrupter: SolveInterrupter | None = None  # ends CP-SAT's search from another thread


def cheapest(loads: Loads, search: Search) -> Found:
    """The cheapest counts that serve *loads*, as SCIP finds them."""
    money = 1.0 if _is_whole(loads) else WHOLE_UNITS / max(loads.units)
    proto = counting(loads, search, money=money, fine=FINE)
    parameters = mathopt.SolveParameters(
        threads=1,
        node_limit=search.nodes,
        time_limit=None if search.seconds is None else timedelta(seconds=max(0.01, search.seconds)),
        relative_gap_tolerance=0.0,
        absolute_gap_tolerance=0.999 if _is_whole(loads) else 0.0,
        heuristics=mathopt.Emphasis.LOW,
        cuts=mathopt.Emphasis.LOW if search.thorough else mathopt.Emphasis.OFF,
    )
    result = mathopt.solve(
        mathopt.Model.from_model_proto(proto),
        mathopt.SolverType.GSCIP,
        params=parameters,
    )
    return outcome(loads, search, result, money=money)


def _is_whole(loads: Loads) -> bool:
    return max(loads.units) <= WHOLE_UNITS


def counting(loads: Loads, search: Search, *, money: float, fine: float) -> model_pb2.ModelProto:
    """
    Counts, then slices of each group on each type: all slices are served, within the counts, for the least money.

    Args:
        loads: What a slice takes of each type.
        search: Where to look.
        money: What a unit of money is multiplied by: prices of very many units would drown a solver's tolerances.
        fine: What rows of capacity are multiplied by: a row is kept to the solver's tolerance as it is written.
    """
    groups, types = loads.slice_load.shape
    pairs = np.nonzero(loads.can_serve)
    in_group, of_type = pairs
    number = len(in_group)
    slices = loads.slices.astype(np.float64)
    price = loads.price * money
    proto = model_pb2.ModelProto()
    _variables(
        proto,
        lower=[0.0] * (types + number),
        upper=[np.inf] * types + slices[in_group].tolist(),
        integer=[True] * types + [loads.whole] * number,
    )
    cuts = np.array([price, *(cut.worth for cut in search.cuts)])
    least = [search.floor * money, *(cut.least for cut in search.cuts)]
    most = [np.inf if search.ceiling is None else search.ceiling * money, *(np.inf for _ in search.cuts)]
    cut_row, cut_column = np.nonzero(cuts)
    _rows(
        proto,
        lower=np.concatenate([slices, np.full(types, -np.inf), least]),
        upper=np.concatenate([slices, np.full(types, fine * EPSILON), most]),
        row=np.concatenate([in_group, groups + of_type, groups + np.arange(types), groups + types + cut_row]),
        column=np.concatenate([types + np.arange(number), types + np.arange(number), np.arange(types), cut_column]),
        value=np.concatenate(
            [np.ones(number), fine * loads.slice_load[pairs], np.full(types, -fine), cuts[cut_row, cut_column]]
        ),
    )
    _objective(proto, range(types), price.tolist())
    return proto


def outcome(loads: Loads, search: Search, result: mathopt.SolveResult, *, money: float) -> Found:
    """What *result* says of the model that was written with the same *money*."""
    reason = result.termination.reason
    nothing = (mathopt.TerminationReason.INFEASIBLE, mathopt.TerminationReason.INFEASIBLE_OR_UNBOUNDED)
    if reason in nothing:  # between floor and ceiling
        assert_ceiling = search.floor if search.ceiling is None else search.ceiling + 1
        return Found(counts=None, routed=None, bound=assert_ceiling, is_settled=True)
    bound = search.floor
    proved = result.best_objective_bound() / money
    if np.isfinite(proved):
        bound = max(bound, int(np.ceil(proved * (1 - 1e-9) - 1e-3)))
    if not result.has_primal_feasible_solution():
        return Found(counts=None, routed=None, bound=bound, is_settled=False)
    values = np.array([value for _, value in sorted(result.variable_values().items(), key=lambda item: item[0].id)])
    types = len(loads.kinds)
    routed = np.zeros(loads.slice_load.shape)
    routed[loads.can_serve] = values[types:]
    return Found(
        counts=np.rint(values[:types]).astype(np.int64),
        routed=np.rint(routed).astype(np.int64) if loads.whole else routed,
        bound=bound,
        is_settled=reason is mathopt.TerminationReason.OPTIMAL,
    )


def _variables(
    proto: model_pb2.ModelProto, *, lower: Sequence[float], upper: Sequence[float], integer: Sequence[bool]
) -> None:
    proto.variables.ids.extend(range(len(lower)))
    proto.variables.lower_bounds.extend(lower)
    proto.variables.upper_bounds.extend(upper)
    proto.variables.integers.extend(integer)


def _rows(
    proto: model_pb2.ModelProto,
    *,
    lower: Floats,
    upper: Floats,
    row: NDArray[np.generic],
    column: NDArray[np.generic],
    value: Floats,
) -> None:
    proto.linear_constraints.ids.extend(range(len(lower)))
    proto.linear_constraints.lower_bounds.extend(lower.tolist())
    proto.linear_constraints.upper_bounds.extend(upper.tolist())
    order = np.lexsort((column, row))
    matrix = proto.linear_constraint_matrix
    matrix.row_ids.extend(row[order].tolist())
    matrix.column_ids.extend(column[order].tolist())
    matrix.coefficients.extend(value[order].tolist())


def _objective(proto: model_pb2.ModelProto, column: Sequence[int] | range, value: Sequence[float]) -> None:
    proto.objective.linear_coefficients.ids.extend(column)
    proto.objective.linear_coefficients.values.extend(value)
