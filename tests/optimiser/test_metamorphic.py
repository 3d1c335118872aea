"""What must hold between the answers to two problems that differ in one thing, on cases that are proven optimal."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sizing.optimiser import solve
from sizing.optimiser.canonical import in_order_of
from sizing.optimiser.check import violations
from sizing.optimiser.problem import Choice, Demand, Pool, Problem, Site
from sizing.optimiser.purchase import Purchase
from sizing.optimiser.status import SolverStatus
from tests.optimiser.problems import ON_DEMAND, REGIONS, SLOTS, left_out, objective, problems

EXAMPLES = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
NOISE = 1e-3  # of an objective in micro-USD an hour: floating point


def solved(problem: Problem) -> Purchase:
    """A proven answer that serves something."""
    found = solve(problem)
    assume(found.status is SolverStatus.OPTIMAL and len(found.unserved) < len(problem.demands))
    return found


def is_no_better(problem: Problem, found: Purchase, than: Purchase) -> bool:
    """Whether *found* leaves out more, by priority, or else as many at no less cost; no answer is no better."""
    if found.status is SolverStatus.INFEASIBLE:
        return True
    more, fewer = left_out(problem, found), left_out(problem, than)
    return more > fewer or (more == fewer and objective(found) >= objective(than) - NOISE)


def times(demand: Demand, factor: int) -> Demand:
    return replace(
        demand,
        total=tuple(each * factor for each in demand.total),
        firm=tuple(each * factor for each in demand.firm),
        spot=tuple(each * factor for each in demand.spot),
    )


def repriced(problem: Problem, factor: int) -> Problem:
    """All prices, and limits in money, times *factor*."""

    def pool(one: Pool) -> Pool:
        return replace(one, micro_usd_per_hour=one.micro_usd_per_hour * factor)

    def money(amount: int | None) -> int | None:
        return None if amount is None else amount * factor

    return replace(
        problem,
        pools=tuple(map(pool, problem.pools)),
        quotas=tuple(replace(q, units=tuple((pool(one), units) for one, units in q.units)) for q in problem.quotas),
        sites=tuple(
            replace(one, system_micro_usd_per_hour=one.system_micro_usd_per_hour * factor) for one in problem.sites
        ),
        standings=tuple(replace(one, micro_usd_per_hour=one.micro_usd_per_hour * factor) for one in problem.standings),
        commitments=tuple(
            replace(one, micro_usd_per_hour=one.micro_usd_per_hour * factor) for one in problem.commitments
        ),
        teams=tuple(replace(one, micro_usd_per_hour=money(one.micro_usd_per_hour)) for one in problem.teams),
        budget_micro_usd_per_hour=money(problem.budget_micro_usd_per_hour),
    )


@EXAMPLES
@given(problems())
def test_more_demand_never_costs_less(problem):
    before = solved(problem)
    more = replace(problem, demands=(times(problem.demands[0], 2), *problem.demands[1:]))
    assert is_no_better(problem, solve(more), than=before)


@EXAMPLES
@given(problems(), st.integers(1, 20))
def test_more_quota_never_costs_more(problem, more):
    assume(problem.quotas)
    before = solved(problem)
    wider = replace(problem, quotas=tuple(replace(quota, limit=quota.limit + more) for quota in problem.quotas))
    assert is_no_better(problem, before, than=solve(wider))


@EXAMPLES
@given(problems(), st.sampled_from([*SLOTS]), st.integers(1, 400))
def test_one_more_machine_to_choose_from_never_costs_more(problem, machine, price):
    """A type that nothing else has, for a kind of its own."""
    before = solved(problem)
    added = Pool(
        machine="new",
        region=problem.pools[0].region,
        zone=problem.pools[0].zone,
        mode=ON_DEMAND,
        slots=SLOTS[machine],
        micro_usd_per_hour=price,
        running=0 if problem.moves else None,
    )
    choice = Choice(workload="a", machine="new", kind="new", slots=SLOTS[machine], capacity=20)
    wider = replace(problem, pools=(*problem.pools, added), choices=(*problem.choices, choice))
    assert is_no_better(problem, before, than=solve(wider))


@EXAMPLES
@given(problems(), st.integers(20, 60))
def test_one_more_region_never_costs_more(problem, price):
    before = solved(problem)
    added = tuple(
        Pool(
            machine=machine,
            region="north",
            zone=zone,
            mode=ON_DEMAND,
            slots=SLOTS[machine],
            micro_usd_per_hour=price * SLOTS[machine],
            running=0 if problem.moves else None,
        )
        for machine in dict.fromkeys(pool.machine for pool in problem.pools)
        for zone in ("north-a", "north-b")
    )
    site = Site(region="north", system_micro_usd_per_hour=1, least_system_machines=2)
    wider = replace(problem, pools=(*problem.pools, *added), sites=(*problem.sites, site))
    assert is_no_better(problem, before, than=solve(wider))


@EXAMPLES
@given(problems())
def test_surviving_a_loss_never_costs_less(problem):
    without = replace(problem, demands=tuple(replace(demand, zone_loss=False) for demand in problem.demands))
    before = solved(without)
    everyone = replace(problem, demands=tuple(replace(demand, zone_loss=True) for demand in problem.demands))
    assert is_no_better(problem, solve(everyone), than=before)


@EXAMPLES
@given(problems(), st.integers(2, 9))
def test_prices_times_a_factor_cost_as_many_times_as_much(problem, factor):
    before, after = solved(problem), solve(repriced(problem, factor))
    assert after.unserved == before.unserved or left_out(problem, after) == left_out(problem, before)
    assert abs(objective(after) - objective(before) * factor) <= NOISE * factor


@EXAMPLES
@given(problems(), st.randoms(use_true_random=False))
def test_the_order_of_a_problem_changes_nothing(problem, chance):
    """Its parts are shuffled; the answer to that, in the first order again, is the first answer to the last byte."""
    before = solved(problem)
    parts = {}
    for name in ("demands", "choices", "pools", "sites", "standings", "quotas", "commitments", "teams"):
        parts[name] = chance.sample(getattr(problem, name), len(getattr(problem, name)))
    shuffled = replace(problem, **{name: tuple(part) for name, part in parts.items()})
    after = solve(shuffled)
    assert violations(shuffled, after) == ()
    assert repr(in_order_of(problem, after)) == repr(before)


@EXAMPLES
@given(problems())
def test_the_same_problem_has_the_same_answer(problem):
    assert repr(solve(problem)) == repr(solve(problem))


@EXAMPLES
@given(problems())
def test_what_is_left_after_any_loss_carries_those_who_asked_for_it(problem):
    """Each zone is taken away, machines and replicas; what is left is counted as a purchase of its own."""
    everyone = replace(problem, demands=tuple(replace(demand, zone_loss=True) for demand in problem.demands))
    found = solved(everyone)
    for zone in dict.fromkeys(zone for zones in REGIONS.values() for zone in zones):
        for demand in everyone.demands:
            if demand.workload in found.unserved:
                continue
            left = [one for one in found.stands if one.choice.workload == demand.workload and one.pool.zone != zone]
            for period in range(len(everyone.periods)):
                carried = [one.choice.capacity * one.replicas[period] for one in left]
                firm = [each for one, each in zip(left, carried, strict=True) if not one.pool.is_spot]
                assert sum(carried) >= demand.total[period]
                assert sum(firm) >= demand.firm[period]


@EXAMPLES
@given(problems())
def test_a_purchase_that_runs_already_is_not_changed(problem):
    """Solved again with its own machines as those of today, at the same prices: nothing moves."""
    first = solved(problem)
    today = {bought.pool: bought.most for bought in first.bought}
    running = {pool: replace(pool, running=today.get(pool, 0)) for pool in problem.pools}
    again = solve(
        replace(
            problem,
            pools=tuple(running.values()),
            quotas=tuple(
                replace(quota, units=tuple((running[pool], units) for pool, units in quota.units))
                for quota in problem.quotas
            ),
        )
    )
    assert again.unserved == first.unserved or left_out(problem, again) == left_out(problem, first)
    if problem.moves:  # the first answer had moves to pay for; without them a better one may pay
        assert objective(again) <= objective(first) + NOISE
        return
    assert abs(objective(again) - objective(first)) <= NOISE
    assert _as_today(again) == _as_today(first)


def _as_today(purchase: Purchase) -> list[tuple[str, str, str, tuple[int, ...]]]:
    """What is bought, without what ran before it."""
    return [(b.pool.machine, b.pool.zone, b.pool.mode.value, b.machines) for b in purchase.bought]
