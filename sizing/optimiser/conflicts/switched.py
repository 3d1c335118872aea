"""A model with a switch for each requirement: problems by key, variables, rows that letting go sets free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sizing.optimiser.conflicts.looser import Key, Place, place_of
from sizing.optimiser.problem import Choice, Demand, Pool, Problem

if TYPE_CHECKING:  # half a second to import: done where it is first used
    import numpy as np
    from ortools.sat.python import cp_model

    Row = cp_model.BoundedLinearExpression | bool | np.bool_
    Variables = list[cp_model.IntVar]  # one a period


@dataclass(frozen=True, kw_only=True)
class Versions:
    """What is asked and what each key makes of it, of workloads that must be served; and the loosest of all."""

    versions: Mapping[Key, Problem]
    widest: Problem

    def keys(self, allows: Iterable[tuple[Key, bool]]) -> frozenset[Key]:
        """The keys under which something is allowed."""
        return frozenset(key for key, allowed in allows if allowed)

    @cached_property
    def demands(self) -> Mapping[str, Mapping[Key, Demand]]:
        """Of each workload, by key."""
        return {
            one.workload: {
                key: next(demand for demand in problem.demands if demand.workload == one.workload)
                for key, problem in self.versions.items()
            }
            for one in self.widest.demands
        }

    @cached_property
    def choices(self) -> Mapping[Choice, frozenset[Key]]:
        """The keys under which each choice is there."""
        sets = {key: frozenset(problem.choices) for key, problem in self.versions.items()}
        return {one: self.keys((key, one in of) for key, of in sets.items()) for one in self.widest.choices}

    @cached_property
    def pools(self) -> Mapping[Place, Mapping[Key, Pool]]:
        """Of each place, by key; keys without it are left out."""
        found: dict[Place, dict[Key, Pool]] = {place_of(pool): {} for pool in self.widest.pools}
        for key, problem in self.versions.items():
            for pool in problem.pools:
                found[place_of(pool)][key] = pool
        return found


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model, and the variables that questions are asked of."""

    cp: cp_model.CpModel
    of: Versions
    holds: Mapping[str, cp_model.IntVar]  # by requirement
    gone: Mapping[Key, cp_model.IntVar]  # true only where all of the key are let go
    replicas: dict[tuple[Choice, Place], Variables]
    machines: dict[Place, Variables]
    options: dict[tuple[str, str, str], cp_model.IntVar]  # a workload stands as this kind in this region
    most: dict[int, int]  # of each number, by its index

    def number(self, most: int) -> cp_model.IntVar:
        """A new variable from 0 to *most*."""
        variable = self.cp.new_int_var(0, most, "")
        self.most[variable.index] = most
        return variable

    def most_of(self, numbers: Variables) -> int:
        """The most that any of *numbers* can be."""
        return max(self.most[number.index] for number in numbers)

    def unless(self, keys: Iterable[Key], row: Row) -> None:
        """Add a row that any of *keys*, let go, sets free."""
        self.cp.add(row).only_enforce_if([~self.gone[key] for key in keys])


def total(terms: Iterable[cp_model.LinearExprT]) -> cp_model.LinearExprT:
    """A sum that is an expression even where there is nothing to add."""
    from ortools.sat.python import cp_model  # noqa: PLC0415

    return cp_model.LinearExpr.sum(list(terms))
