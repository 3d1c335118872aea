"""
Melange's rule: each workload by itself, on demand, on the cheapest mix of accelerators counted as rentable units.

Melange (github.com/tyler-griggs/melange-release, melange/solver.py) cuts one service's load into slices and picks, by
an integer programme, how many of each GPU type to rent on demand so that every slice has a place for the least money.
It knows no zones, spot, reservations, commitments or quotas, and no service shares a GPU with another. Carried over to
this problem:

- a unit is a machine, what can be rented; a slice is a replica; a mix is of the machine types that have the kind of
  replica, as a workload stands here in one region with replicas of one kind. The cheapest kind and region are taken;
- only machines on demand are bought, and the machines of a workload are its own, part-empty ones too;
- where the loss of a zone must be survived, every zone has a mix for its share: that is ours, Melange has no word
  for it. A workload that needs spot or finds no unit within quotas and limits is left out.

The integer programme of one kind is a covering knapsack, so dynamic programming solves it exactly.
"""

from __future__ import annotations

from dataclasses import replace

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser.engine.placed import bill, purchase_of
from sizing.optimiser.engine.tables import Tables, tables
from sizing.optimiser.problem import Problem
from sizing.optimiser.pruning import without_dominated
from sizing.optimiser.purchase import Bought, Purchase
from sizing.optimiser.status import SolverStatus
from sizing.optimiser.textbook.alone import Chosen, alone


def melange(problem: Problem) -> Purchase:
    """The purchase that the rule comes to; UNKNOWN where a workload that must be served finds no place."""
    asked = tables(without_dominated(problem))
    problem = asked.problem
    on_demand = frozenset(at for at, pool in enumerate(problem.pools) if pool.mode is PurchaseMode.ON_DEMAND)
    chosen = dict(sorted(alone(asked, on_demand).chosen.items()))
    must = [at for at, demand in enumerate(problem.demands) if demand.priority is None]
    while all(at in chosen for at in must):
        found = _unshared(asked, chosen)
        budget = problem.budget_micro_usd_per_hour
        if budget is None or (found.micro_usd_per_hour or 0) <= budget:
            return found
        may_go = [at for at in chosen if at not in must]
        if not may_go:
            break
        del chosen[min(may_go, key=lambda at: (problem.demands[at].priority or 0, -at))]
    return Purchase(status=SolverStatus.UNKNOWN)


def _unshared(asked: Tables, chosen: dict[int, Chosen]) -> Purchase:
    """The purchase in which the machines of each workload are its own."""
    problem = asked.problem
    machines: dict[int, list[int]] = {}
    for one in chosen.values():
        for pool, taken in sorted(_own(asked, one).items()):
            counts = machines.setdefault(pool, [0] * len(problem.periods))
            for period, slots in enumerate(taken):
                counts[period] += -(-slots // problem.pools[pool].slots)
    counted = {pool: tuple(counts) for pool, counts in sorted(machines.items())}
    placed = {workload: one.placed for workload, one in chosen.items()}
    paid = bill(problem, counted, asked, placed)
    return replace(
        purchase_of(asked, placed, bound_usd_per_hour=None),
        bought=tuple(Bought(pool=problem.pools[pool], machines=counts) for pool, counts in counted.items()),
        committed=paid.committed,
        system_machines=paid.system,
        micro_usd_per_hour=-(-paid.total // problem.hours),
        objective=paid.total / problem.hours + paid.moves,
    )


def _own(asked: Tables, one: Chosen) -> dict[int, list[int]]:
    """Slots that one workload takes, by pool and period."""
    taken: dict[int, list[int]] = {}
    for place, replicas in one.placed.replicas:
        slots = taken.setdefault(int(asked.pool[place]), [0] * len(replicas))
        for period, number in enumerate(replicas):
            slots[period] += number * int(asked.slots[place])
    return taken
