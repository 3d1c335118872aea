"""
That there is no plan: which requirements conflict, what came closest, and the ways out, cheapest first.

Every way out has been sized: it leads to a plan, and says what that plan costs.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sizing.allocation.finding.search import Search
from sizing.allocation.refusing.conflict import Conflicts, conflicts_of, let_go
from sizing.allocation.refusing.relaxed import FEW_WORKLOADS, Relaxed, Solved
from sizing.allocation.refusing.requirement import Asked
from sizing.allocation.why.explain import over_budget, sale_miss
from sizing.allocation.why.nearest import distance, machines_text, purchase_text, rejected, unsold
from sizing.outcome import Miss, NoPlan, Requirement, RunnerUp, SolverOutcome, SolverStatus
from sizing.spec.wording import together
from sizing.spec.workload import Serving, Spec

if TYPE_CHECKING:
    from sizing.catalog import Catalog

MOST_NEAREST = 8
MOST_WAYS = 8  # that are sized
MOST_WAYS_OF_MANY = 3  # where each takes seconds
WORTHWHILE = 0.7  # of a cost: what saves less is not told beside it
MOST_NAMED = 3  # requirements in the reason; all of them are listed below it
BUDGET = "budget_usd_per_month"


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOut:
    """Requirements that are given up as far as must be, and the plan that there is then."""

    changes: tuple[str, ...]  # what is written otherwise
    spec: Spec
    solved: Solved

    @property
    def text(self) -> str:
        """What to write, and what the plan then costs."""
        costs = f"{self.solved.usd_per_hour:,.2f} USD/h, {self.solved.usd_per_month:,} USD a month"
        at_most = "" if self.solved.is_proved else "at most "
        return f"{', and '.join(self.changes)}: the plan then costs {at_most}{costs}"


def refusal(spec: Spec, catalog: Catalog, found: Search, *, relaxing: Callable[[int], None] | None = None) -> NoPlan:
    """
    The answer where *found* has no plan.

    Args:
        spec: What was asked.
        catalog: The facts.
        found: The search that ended without a plan.
        relaxing: Told how many relaxed specs have been tried, of some dozens, one after the other: for progress.
    """
    outcome = SolverOutcome(status=found.status, usd_per_hour=None, bound_usd_per_hour=None)
    if found.status is not SolverStatus.INFEASIBLE:
        reason = "the search was stopped by its limit before it found a plan or proved that there is none"
        return NoPlan(outcome=outcome, reason=reason, nearest=tuple(_nearest(spec, found, None)), mends=())
    tries = itertools.count(1)
    relaxed = Relaxed(catalog=catalog, tried=lambda: None if relaxing is None else relaxing(next(tries)))
    relaxed.know(spec, found.weighed)
    conflicts = conflicts_of(spec, relaxed)
    ways = ways_out(spec, relaxed, conflicts)
    named = [
        tuple(_told(conflicts.asked[name]) for name in conflict.requirements)
        for conflict in conflicts.explanation.conflicts
    ]
    first, *others = named or [()]
    over = next((way.solved for way in ways if way.changes[0].startswith(f"raise {BUDGET} ")), None)
    return NoPlan(
        outcome=outcome,
        reason=_reason(spec, found, named, over),
        nearest=tuple(_nearest(spec, found, over)),
        mends=tuple(dict.fromkeys(way.text for way in ways)),
        conflict=first,
        conflicts_beside=tuple(others),
    )


def ways_out(spec: Spec, relaxed: Relaxed, conflicts: Conflicts) -> list[WayOut]:
    """The sets of requirements that leave a plan, each given up no further than must be, cheapest first."""
    sets = [[conflicts.asked[name] for name in way] for way in conflicts.explanation.ways_out]
    sets.sort(key=lambda way: sum(one.workload is not None for one in way))  # those that change one line for all
    most = MOST_WAYS if len(spec.workloads) <= FEW_WORKLOADS else MOST_WAYS_OF_MANY
    ways = [settled(spec, relaxed, way) for way in sets[:most]]
    if len(spec.workloads) <= FEW_WORKLOADS:
        ways += [_cheaper(spec, relaxed, way, one) for way, one in zip(sets, ways, strict=False)]
    return sorted((way for way in ways if way is not None), key=lambda way: way.solved.usd_per_hour)


def _cheaper(spec: Spec, relaxed: Relaxed, way: Sequence[Asked], least: WayOut | None) -> WayOut | None:
    """More given up than must be, where that saves a good part of what the least costs."""
    if least is None or all(one.eased is None for one in way):
        return None
    free = relaxed.solved(let_go(spec, way))
    if free is None or free.usd_per_hour > WORTHWHILE * least.solved.usd_per_hour:
        return None
    eased = settled(spec, relaxed, [replace(one, settle=one.eased or one.settle) for one in way])
    return eased if eased is not None and eased.solved.usd_per_hour < least.solved.usd_per_hour else None


def settled(spec: Spec, relaxed: Relaxed, way: Sequence[Asked]) -> WayOut | None:
    """
    What to write, one requirement after the other with those that follow still let go; None: no value of one does.

    The budget comes last: what must be raised is known when all the rest is.
    """
    order = sorted(way, key=lambda one: one.requirement.id == BUDGET)
    looser = let_go(spec, order)
    changes = []
    for one in order:
        change = one.settle(looser, relaxed)
        if change is None:
            return None
        looser, text = change
        changes += [text] if text else []
    solved = relaxed.solved(looser)
    return WayOut(changes=tuple(changes), spec=looser, solved=solved) if solved is not None and changes else None


def _reason(spec: Spec, found: Search, named: Sequence[Sequence[Requirement]], over: Solved | None) -> str:
    """One sentence: which requirements cannot be met."""
    for workload, one in zip(spec.workloads, found.weighed, strict=True):
        if not one.candidates and workload.priority is None:
            return _nothing_serves(workload, found)
    if not any(market.offers or market.held for market in found.markets):
        return f"nothing that serves {_names(spec)} can be bought at a known price in {_regions(spec)}"
    if over is not None and spec.budget_usd_per_month is not None:
        miss = over_budget(over.usd_per_hour, spec.budget_usd_per_month)
        return f"the cheapest plan is over the budget: {miss.text}"
    told = [_stand_in_the_way(conflict) for conflict in named if conflict]
    if not told:
        return f"no plan keeps everything that is asked in {_regions(spec)}, whatever one requirement is let go"
    beside = f"; {len(told) - 1} more such conflicts stand beside it" if len(told) > 1 else ""
    return f"no plan keeps everything that is asked in {_regions(spec)}; {told[0]}{beside}"


def _told(asked: Asked) -> Requirement:
    """A requirement, and where nobody need have written it, that it is the default."""
    own = asked.requirement
    return replace(own, text=f"{own.text} (default)") if asked.is_default else own


def _stand_in_the_way(conflict: Sequence[Requirement]) -> str:
    texts = [one.text for one in conflict[:MOST_NAMED]]
    more = len(conflict) - len(texts)
    if more:
        texts.append(f"{more} more")
    return f"{together(texts)} cannot hold together" if len(conflict) > 1 else f"{texts[0]} stands in the way"


def _nothing_serves(workload: Serving, found: Search) -> str:
    near = [runner for runner in rejected(found) if runner.workload == workload.name]
    if not near:
        return f"{workload.name}: no machine type with an accelerator is allowed"
    closest = min(near, key=lambda runner: distance(runner.misses))
    return (
        f"{workload.name}: no machine type keeps what is asked; the nearest, {closest.what}: {closest.misses[0].text}"
    )


def _nearest(spec: Spec, found: Search, over: Solved | None) -> Iterator[RunnerUp]:
    """The cheapest plan over the budget, what would serve but is not sold, and what misses least."""
    near: list[RunnerUp] = []
    if over is not None and spec.budget_usd_per_month is not None:
        what = f"{' + '.join(over.regions)}: {purchase_text(over.formulation, over.bought)}"
        miss = over_budget(over.usd_per_hour, spec.budget_usd_per_month)
        near.append(RunnerUp(workload=_names(spec), what=what, usd_per_hour=over.usd_per_hour, misses=(miss,)))
    yield from [*near, *unsold(found), *_half_sold(spec, found), *rejected(found)][:MOST_NEAREST]


def _half_sold(spec: Spec, found: Search) -> Iterator[RunnerUp]:
    """Machine types that serve a workload and are sold, but not in the mode, or not in as many zones, as is asked."""
    alike: dict[tuple[str, Miss], list[str]] = {}
    for cloud in found.clouds:
        formulation = cloud.formulation
        if formulation is None:
            continue
        for workload in spec.workloads:
            choices = [choice for choice in formulation.problem.choices if choice.workload == workload.name]
            for machine in dict.fromkeys(choice.machine for choice in choices):
                miss = sale_miss(formulation.problem, workload.name, machine)
                if miss is not None:
                    alike.setdefault((workload.name, miss), []).append(machine)
    for (name, miss), machines in alike.items():
        what = machines_text(tuple(dict.fromkeys(machines)))
        yield RunnerUp(workload=name, what=what, usd_per_hour=None, misses=(miss,))


def _names(spec: Spec) -> str:
    return " + ".join(workload.name for workload in spec.workloads)


def _regions(spec: Spec) -> str:
    return ", ".join(spec.regions)
