"""
Why a problem has no purchase: a minimal set of requirements that conflict, and the fewest to let go.

Assumptions of CP-SAT name a first set in one solve; it is made minimal by trying to do without each member in turn.
Deterministic: one worker, a fixed seed, limits in deterministic time. Assumptions never go with interleaved search,
which answers that all of them conflict. Source: google/or-tools issue 4875.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sizing.optimiser.conflicts.feasibility import model_of
from sizing.optimiser.conflicts.looser import Requirements
from sizing.optimiser.conflicts.switched import Model
from sizing.optimiser.problem import Problem

if TYPE_CHECKING:  # half a second to import: done where it is first used
    from ortools.sat.python import cp_model

DETERMINISTIC_LIMIT = 4.0  # of each solve, in CP-SAT's deterministic time: some four seconds of one core
CORE_LIMIT = 0.3  # of the first solve for a conflict, with assumptions
LEAST_LIMIT = 1.0  # of looking for the least of a quota that does
MOST = 2**50  # of an amount that nothing limits
MOST_CONFLICTS = 4  # that are named; each further one needs a solve for each of its requirements
MOST_WAYS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """
    Requirements that cannot hold together, while any of them let go leaves the rest possible.

    Nothing at all where no requirement is to blame: what must be served cannot be, whatever is let go.
    """

    requirements: tuple[str, ...]  # in the order in which they are given
    is_minimal: bool = True  # False: a limit stopped the proof that each of them is needed


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """
    Why there is no purchase, and what to let go.

    Where one requirement let go is enough, the conflict is that of all such requirements, with the rest as it is: so
    each of its members is a way out by itself, and whatever else is let go alone is none. Else there are several
    conflicts, each by itself, and a way out has a member of each of them.
    """

    conflicts: tuple[Conflict, ...]  # empty: all can hold, or a limit stopped the proof that they cannot
    ways_out: tuple[tuple[str, ...], ...]  # the smallest sets that do


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """Conflicts of one set of requirements, worked out on one model."""

    requirements: Requirements
    model: Model
    deterministic_limit: float = DETERMINISTIC_LIMIT
    asked: Callable[[], None] = lambda: None  # called before each solve: for progress
    glance: Callable[[Problem], bool | None] = lambda _: (
        None
    )  # whether a problem is possible, where no search is needed

    def possible(self, on: Collection[str]) -> bool | None:
        """Whether there is a purchase that keeps the requirements *on*; None: a limit stopped the search."""
        self.asked()
        off = [name for name in self.requirements.ids if name not in on]
        seen = self.glance(self.requirements.without(off))
        if seen is False or (seen and not self.requirements.apart):
            return seen
        model = self.model.cp.clone()
        for name, literal in self.model.holds.items():
            model.add(model.get_bool_var_from_proto_index(literal.index) == (name in on))
        return _verdict(_solver(self.deterministic_limit), model)

    def conflict(self, on: Collection[str], *, first_without: Sequence[str] = ()) -> Conflict | None:
        """
        A minimal conflict among the requirements *on*; None where they can all hold, or a limit stopped the proof.

        Args:
            on: The requirements that are kept.
            first_without: Those that it is tried to do without first, so that they are named only where they must be.
        """
        core = self._core(on)
        if core is None:
            return None
        is_minimal = True
        last = {name: place for place, name in enumerate(first_without)}
        for name in sorted(core, key=lambda name: last.get(name, len(last))):
            verdict = self.possible([other for other in core if other != name])
            if verdict is False:
                core = [other for other in core if other != name]
            is_minimal &= verdict is not None
        return Conflict(requirements=tuple(core), is_minimal=is_minimal)

    def conflicts(self, *, first_without: Sequence[str] = ()) -> tuple[Conflict, ...]:
        """
        The first conflict, and others that letting go of one of its requirements leaves: each differs from the rest.

        Raises nothing where all requirements can hold: there are none then.
        """
        everything = self.requirements.ids
        first = self.conflict(everything, first_without=first_without)
        found = [] if first is None else [first]
        for conflict in found:  # grows while it is gone through
            for name in conflict.requirements:
                if len(found) == MOST_CONFLICTS:
                    return tuple(found)
                if any(name not in other.requirements for other in found):
                    continue  # another conflict is known to be left
                left = self.conflict([other for other in everything if other != name], first_without=first_without)
                if left is not None:
                    found.append(left)
        return tuple(found)

    def explanation(self, *, first_without: Sequence[str] = ()) -> Explanation:
        """Why what is asked is impossible, and the smallest sets to let go."""
        everything = self.requirements.ids
        core = self._core(everything) or []
        alone = tuple(name for name in core if self.possible([other for other in everything if other != name]))
        if alone:
            return Explanation(conflicts=(Conflict(requirements=alone),), ways_out=tuple((name,) for name in alone))
        found = self.conflicts(first_without=first_without)
        solvable = found and all(conflict.requirements for conflict in found)
        return Explanation(conflicts=found, ways_out=self._fewest(MOST_WAYS) if solvable else ())

    def _fewest(self, most: int) -> tuple[tuple[str, ...], ...]:
        """Sets of the least size, one after the other: each is ruled out before the next is looked for."""
        ways: list[tuple[str, ...]] = []
        model = self.model.cp.clone()
        holds = {name: model.get_bool_var_from_proto_index(of.index) for name, of in self.model.holds.items()}
        model.minimize(sum(~literal for literal in holds.values()))
        while len(ways) < most:
            self.asked()
            solver = _solver(self.deterministic_limit)
            if not _verdict(solver, model):
                break
            off = tuple(name for name, literal in holds.items() if not solver.value(literal))
            if ways and len(off) > len(ways[0]):
                break
            ways.append(off)
            model.add_bool_or([holds[name] for name in off])
        return tuple(ways)

    def _core(self, on: Collection[str]) -> list[str] | None:
        """
        Requirements that conflict, as the solver's assumptions tell; None: none do, or a limit stopped the proof.

        A search that has to keep its assumptions open finds a proof late where money is in it: then all of them stay.
        """
        if self.possible(on) is not False:
            return None
        self.asked()
        model = self.model.cp.clone()
        holds = {name: model.get_bool_var_from_proto_index(of.index) for name, of in self.model.holds.items()}
        for name, literal in holds.items():
            if name not in on:
                model.add(literal == 0)
        kept = [name for name in self.requirements.ids if name in on]
        model.add_assumptions([holds[name] for name in kept])
        solver = _solver(CORE_LIMIT)
        if _verdict(solver, model) is not False:
            return kept
        named = set(solver.sufficient_assumptions_for_infeasibility())
        return [name for name in kept if holds[name].index in named]


def analysis(
    requirements: Requirements,
    *,
    asked: Callable[[], None] = lambda: None,
    glance: Callable[[Problem], bool | None] = lambda _: None,
) -> Analysis:
    """
    What is asked as a model that can be asked about conflicts.

    Args:
        requirements: What is asked, and what it is without each of its requirements.
        asked: Called before each solve: for progress.
        glance: Whether a problem has a purchase, where that is known without a search; clouds may be mixed in it.
    """
    return Analysis(requirements=requirements, model=model_of(requirements), asked=asked, glance=glance)


def possible(problem: Problem) -> bool | None:
    """Whether all that must be served can be; None: a limit stopped the search."""
    return analysis(Requirements(asked=problem, let_go={})).possible(())


def least(
    problem: Problem, measure: Callable[[Model], Sequence[cp_model.LinearExprT]], *, most: int = MOST
) -> int | None:
    """
    The least that the highest of *measure* can be in any purchase; None where it is above *most*, or none was found.

    Where a limit stops the search it is the least that was found: enough, if perhaps more than must be.

    Args:
        problem: What is asked.
        measure: Amounts of a purchase, as expressions of its model.
        most: An amount that is known to be enough, where one is.
    """
    model = model_of(Requirements(asked=problem, let_go={}))
    highest = model.cp.new_int_var(0, most, "")
    for each in measure(model):
        model.cp.add(highest >= each)
    model.cp.minimize(highest)
    solver = _solver(LEAST_LIMIT)
    return solver.value(highest) if _verdict(solver, model.cp) else None


def _solver(deterministic_limit: float) -> cp_model.CpSolver:
    from ortools.sat.python import cp_model  # noqa: PLC0415

    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.catch_sigint_signal = False  # Ctrl-C is the caller's
    solver.parameters.max_deterministic_time = deterministic_limit
    return solver


def _verdict(solver: cp_model.CpSolver, model: cp_model.CpModel) -> bool | None:
    """Whether there is a solution; None: a limit stopped the search."""
    from ortools.sat.python import cp_model  # noqa: PLC0415

    ended = solver.solve(model)
    if ended in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return True
    if ended == cp_model.MODEL_INVALID:
        raise ValueError(f"the conflict model is invalid: {model.validate()}")
    return False if ended == cp_model.INFEASIBLE else None
