"""Gangs: all machines or none, deadlines, blocks paid whole, restarts; against brute force on small cases."""

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser.gangs.check import broken
from sizing.optimiser.gangs.gang import PPM, Gangs, Job, Limit, Run, Schedule, Supply, Way
from sizing.optimiser.gangs.schedule import can_be_done, schedule
from sizing.optimiser.status import SolverStatus

USD = 1_000_000
Held = tuple[
    Job, Way, Supply, int, int
]  # what brute force tries: a job in a way on a supply, from an hour until another
ON_DEMAND = Supply(
    name="on demand", machine="p5", zone="a", mode=PurchaseMode.ON_DEMAND, micro_usd_per_hour=50 * USD, most=8
)
BLOCK = Supply(
    name="block",
    machine="p5",
    zone="b",
    mode=PurchaseMode.CAPACITY_BLOCK,
    micro_usd_per_hour=0,
    most=4,
    from_h=24,
    until_h=72,
    upfront_micro_usd=5_000 * USD,
)
SPOT = Supply(
    name="spot",
    machine="p5",
    zone="c",
    mode=PurchaseMode.SPOT,
    micro_usd_per_hour=20 * USD,
    lost_ppm=200_000,
)
FLEX = Supply(
    name="flex", machine="p5", zone="d", mode=PurchaseMode.FLEX_START, micro_usd_per_hour=30 * USD, longest_h=40
)
TUNE = Job(name="tune", ways=(Way(machine="p5", machines=4, hours=40),), deadline_h=96)


def kept(problem: Gangs) -> Schedule:
    """The schedule of *problem*, which its own check has nothing against."""
    found = schedule(problem)
    assert broken(problem, found) == ()
    return found


def test_a_gang_runs_as_soon_as_it_may_on_the_cheapest_supply():
    """4 machines x 40 h x 50 USD = 8,000 USD on demand, from hour 0."""
    found = kept(Gangs(jobs=(TUNE,), supplies=(ON_DEMAND,)))
    assert (found.status, found.micro_usd, found.bound_micro_usd) == (SolverStatus.OPTIMAL, 8_000 * USD, 8_000 * USD)
    assert found.runs == (Run(job="tune", way=TUNE.ways[0], supply="on demand", from_h=0, until_h=40),)


def test_a_block_is_paid_whole_and_taken_where_that_is_cheaper():
    """5,000 USD for the block against 8,000 on demand; it opens at hour 24."""
    found = kept(Gangs(jobs=(TUNE,), supplies=(ON_DEMAND, BLOCK)))
    assert found.micro_usd == 5_000 * USD
    assert [(run.supply, run.from_h, run.until_h) for run in found.runs] == [("block", 24, 64)]


def test_a_block_is_not_taken_for_an_hour_that_costs_less_on_demand():
    """4 x 20 h x 50 = 4,000 USD on demand, and the block costs 5,000 however little of it is used."""
    short = replace(TUNE, ways=(Way(machine="p5", machines=4, hours=20),))
    assert kept(Gangs(jobs=(short,), supplies=(ON_DEMAND, BLOCK))).micro_usd == 4_000 * USD


def test_a_second_job_on_a_block_costs_nothing_more():
    """Two jobs of 2 machines x 40 h side by side on the block: 5,000 USD, not 2 x 4,000 on demand."""
    half = (Way(machine="p5", machines=2, hours=40),)
    jobs = (replace(TUNE, ways=half), replace(TUNE, name="second", ways=half))
    found = kept(Gangs(jobs=jobs, supplies=(ON_DEMAND, BLOCK)))
    assert found.micro_usd == 5_000 * USD
    assert {run.supply for run in found.runs} == {"block"}


def test_all_machines_or_none_in_one_zone():
    """Six machines are to be had, three in each of two zones: a gang of four has no room."""
    three = replace(ON_DEMAND, most=3)
    problem = Gangs(jobs=(TUNE,), supplies=(three, replace(three, name="other zone", zone="b")))
    found = kept(problem)
    assert found.status is SolverStatus.INFEASIBLE
    assert found.unmet[0].reasons == (
        "4 x p5 for 40 h on on demand: it has 3 machines",
        "4 x p5 for 40 h on other zone: it has 3 machines",
    )


def test_spot_takes_the_time_that_is_lost_and_only_what_can_be_restarted():
    """40 h of work at 80 % are 50 h: 4 x 50 x 20 = 4,000 USD; without restarts 8,000 on demand."""
    problem = Gangs(jobs=(replace(TUNE, restarts=1),), supplies=(ON_DEMAND, SPOT))
    found = kept(problem)
    assert (found.micro_usd, [run.hours for run in found.runs]) == (4_000 * USD, [50])
    assert kept(replace(problem, jobs=(TUNE,))).micro_usd == 8_000 * USD


def test_a_run_on_flex_start_ends_in_time_or_is_taken_up_again():
    """60 h do not go into runs of 40; with one restart that costs 2 h, 62 h of 4 x 30 USD are 7,440 USD."""
    way = (Way(machine="p5", machines=4, hours=60),)
    once = replace(TUNE, ways=way)
    assert kept(Gangs(jobs=(once,), supplies=(FLEX,))).status is SolverStatus.INFEASIBLE
    found = kept(Gangs(jobs=(replace(once, restarts=1, restart_h=2),), supplies=(FLEX,)))
    assert (found.micro_usd, sum(run.hours for run in found.runs)) == (7_440 * USD, 62)
    assert all(run.hours <= 40 for run in found.runs)


def test_of_two_ways_the_cheaper_in_time_is_taken():
    """8 machines for 30 h cost 12,000 USD, 4 for 60 h 12,000 as well, and 4 for 50 h 10,000; by hour 48 only 8 do."""
    ways = (Way(machine="p5", machines=8, hours=30), Way(machine="p5", machines=4, hours=50))
    job = replace(TUNE, ways=ways)
    assert kept(Gangs(jobs=(job,), supplies=(ON_DEMAND,))).micro_usd == 10_000 * USD
    assert kept(Gangs(jobs=(replace(job, deadline_h=48),), supplies=(ON_DEMAND,))).micro_usd == 12_000 * USD


def test_a_quota_holds_over_supplies_at_every_hour():
    """Two jobs of 4 x p5 (192 vCPU each) under 1,000 vCPU: 768 at a time, so one after the other, 80 h."""
    second = replace(TUNE, name="second")
    quota = Limit(name="L-417A185B", most=1000, units=(("on demand", 192), ("elsewhere", 192)))
    supplies = (ON_DEMAND, replace(ON_DEMAND, name="elsewhere", zone="b"))
    found = kept(Gangs(jobs=(TUNE, second), supplies=supplies, limits=(quota,)))
    assert sorted(found.finishes_h.values()) == [40, 80]


def test_the_least_important_job_is_left_out_first_and_told_why():
    """One gang of four goes on at a time, and both are due at hour 60."""
    four = replace(ON_DEMAND, most=4)
    low = replace(TUNE, name="low", deadline_h=60, priority=1)
    high = replace(TUNE, name="high", deadline_h=60, priority=2)
    found = kept(Gangs(jobs=(low, high), supplies=(four,)))
    assert [run.job for run in found.runs] == ["high"]
    assert [(one.job, one.reasons) for one in found.unmet] == [
        ("low", ("on demand has 4 x p5 at a time for it and high",))
    ]


def test_jobs_that_cannot_all_be_done_are_named_and_no_other():
    """Three due at hour 60 on four machines: any two conflict; the small one on another machine takes no part."""
    four = replace(ON_DEMAND, most=4)
    other = replace(ON_DEMAND, name="l4", machine="g6", zone="a")
    small = Job(name="small", ways=(Way(machine="g6", machines=1, hours=5),), deadline_h=60)
    due = [replace(TUNE, name=name, deadline_h=60) for name in ("first", "second", "third")]
    problem = Gangs(jobs=(*due, small), supplies=(four, other))
    found = kept(problem)
    named = [one.job for one in found.unmet]
    assert (found.status, len(named), set(named) <= {"first", "second", "third"}) == (SolverStatus.INFEASIBLE, 2, True)
    for name in named:
        rest = tuple(job for job in due if job.name in named and job.name != name)
        assert can_be_done(replace(problem, jobs=rest)) is SolverStatus.OPTIMAL


def test_a_window_that_is_too_short_is_told_with_its_hours():
    """The block lasts 48 h from hour 24; of it 36 h are left to a job that is released at hour 36."""
    late = replace(TUNE, release_h=36)
    found = kept(Gangs(jobs=(late,), supplies=(BLOCK,)))
    assert found.unmet[0].reasons == ("4 x p5 for 40 h on block: takes 40 h, and from 36 h to 72 h there are 36 h",)


def test_a_budget_that_is_too_small_leaves_out_what_may_be():
    problem = Gangs(jobs=(replace(TUNE, priority=3),), supplies=(ON_DEMAND,), budget_micro_usd=7_999 * USD)
    found = kept(problem)
    assert (found.micro_usd, found.unmet[0].job) == (0, "tune")
    assert "4 x p5 for 40 h: the budget is 7,999.00 USD" in found.unmet[0].reasons
    assert kept(replace(problem, budget_micro_usd=8_000 * USD)).unmet == ()


def test_a_coarser_grid_rounds_against_us():
    """On steps of 24 h 40 h take 48, and a deadline at hour 96 is kept: 4 x 48 x 50 = 9,600 USD."""
    found = kept(Gangs(jobs=(TUNE,), supplies=(ON_DEMAND,), step_h=24))
    assert (found.micro_usd, found.runs[0].until_h) == (9_600 * USD, 48)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"until_h": 39}, "39 h of work of 40 h"),
        ({"from_h": -1, "until_h": 39}, "runs from -1 h"),
        ({"supply": "block"}, "outside of the window of block"),
        ({"way": Way(machine="p5", machines=9, hours=40)}, "9 machines of 8"),
    ],
)
def test_the_check_tells_a_schedule_that_is_wrong(wrong, told):
    """A right schedule with one thing changed."""
    problem = Gangs(jobs=(TUNE,), supplies=(ON_DEMAND, replace(BLOCK, upfront_micro_usd=10_000 * USD)))
    found = kept(problem)
    changed = replace(found, runs=(replace(found.runs[0], **wrong),))
    assert any(told in text for text in broken(problem, changed))


def test_names_that_stand_twice_are_refused():
    with pytest.raises(ValueError, match="one name"):
        Gangs(jobs=(TUNE, TUNE), supplies=(ON_DEMAND,))


@pytest.mark.parametrize("seed", range(60))
def test_the_schedule_is_that_of_brute_force(seed):
    """Small cases with every feature: levels of priority, cost and ends are those of trying everything."""
    problem = small_case(random.Random(seed))  # noqa: S311
    found, best = kept(problem), brute_force(problem)
    if best is None:
        assert found.status is SolverStatus.INFEASIBLE
        return
    left, cost, ends = best
    assert found.status is SolverStatus.OPTIMAL
    assert (missed(problem, {run.job for run in found.runs}), found.micro_usd) == (left, cost)
    assert (sum(found.finishes_h.values()), found.bound_micro_usd) == (ends, cost)


def small_case(rng: random.Random) -> Gangs:
    """Two or three jobs on two supplies within five hours."""
    modes = (PurchaseMode.ON_DEMAND, PurchaseMode.SPOT, PurchaseMode.CAPACITY_BLOCK)
    supplies = tuple(
        Supply(
            name=f"s{n}",
            machine=rng.choice(("p5", "p5", "g6")),
            zone="a",
            mode=rng.choice(modes),
            micro_usd_per_hour=rng.randint(0, 5),
            most=rng.randint(1, 3),
            from_h=rng.choice((0, 0, 1)),
            until_h=rng.choice((None, 4)),
            longest_h=rng.choice((None, 2)),
            lost_ppm=rng.choice((0, 250_000)),
            upfront_micro_usd=rng.choice((0, 6)),
        )
        for n in range(2)
    )
    jobs = tuple(
        Job(
            name=f"j{n}",
            ways=tuple(
                Way(machine=machine, machines=rng.randint(1, 2), hours=rng.randint(1, 4))
                for machine in rng.sample(("p5", "g6"), rng.randint(1, 2))
            ),
            release_h=rng.choice((0, 0, 1)),
            deadline_h=rng.randint(3, 5),
            restarts=rng.choice((0, 0, 1)),
            restart_h=rng.choice((0, 1)),
            priority=rng.choice((None, 1, 2)),
        )
        for n in range(2)
    )
    limits = (Limit(name="quota", most=rng.randint(2, 4), units=(("s0", 1), ("s1", 2))),) if rng.random() < 0.3 else ()
    return Gangs(jobs=jobs, supplies=supplies, limits=limits, budget_micro_usd=rng.choice((None, None, 20)))


def missed(problem: Gangs, done: set[str]) -> tuple[int, ...]:
    """Jobs that are left out, from the highest priority down."""
    return tuple(sum(job.priority == rank and job.name not in done for job in problem.jobs) for rank in (2, 1))


def brute_force(problem: Gangs) -> tuple[tuple[int, ...], int, int] | None:
    """The least jobs left out, cost and ends over every combination of every job's plans; None: there is none."""
    best = None
    for plans in product(*(list(ways_to_do(problem, job)) for job in problem.jobs)):
        runs = [run for plan in plans for run in plan]
        done = {run[0].name for run in runs}
        cost = sum(way.machines * (end - start) * s.micro_usd_per_hour for _, way, s, start, end in runs)
        cost += sum(s.upfront_micro_usd for s in {run[2] for run in runs})
        ends = sum(max(run[4] for run in plan) for plan in plans if plan)
        value = (missed(problem, done), cost, ends)
        if (best is None or value < best) and fits(problem, runs, cost):
            best = value
    return best


def ways_to_do(problem: Gangs, job: Job) -> Iterator[tuple[Held, ...]]:
    """Every chain of runs that does *job*, and none at all where it may be left out."""
    if job.priority is not None:
        yield ()
    for way in job.ways:
        runs = [
            (job, way, supply, start, end)
            for supply in problem.supplies
            if supply.machine == way.machine and (job.restarts or supply.mode is not PurchaseMode.SPOT)
            for start in range(max(job.release_h, supply.from_h), job.deadline_h)
            for end in range(start + 1, min(job.deadline_h, supply.until_h or 99) + 1)
            if supply.longest_h is None or end - start <= supply.longest_h
        ]
        for run in runs:
            if worked(run) >= way.hours * PPM:
                yield (run,)
        for first, second in product(runs, runs) if job.restarts else ():
            if first[4] <= second[3] and worked(first) + worked(second) >= (way.hours + job.restart_h) * PPM:
                yield first, second


def worked(run: Held) -> int:
    return (run[4] - run[3]) * (PPM - run[2].lost_ppm)


def fits(problem: Gangs, runs: list[Held], cost: int) -> bool:
    """Machines, quotas and the budget hold."""
    if problem.budget_micro_usd is not None and cost > problem.budget_micro_usd:
        return False
    for hour in range(5):
        held = {s.name: 0 for s in problem.supplies}
        for _, way, supply, start, end in runs:
            held[supply.name] += way.machines if start <= hour < end else 0
        if any(held[s.name] > (s.most or 99) for s in problem.supplies):
            return False
        if any(sum(unit * held[name] for name, unit in limit.units) > limit.most for limit in problem.limits):
            return False
    return True


def test_a_search_that_is_stopped_has_a_schedule_that_holds_and_a_bound_below_it():
    """Twelve jobs in little time: whatever is found is checked, and nothing is called proved."""
    jobs = tuple(
        Job(
            name=f"job {n}",
            ways=(Way(machine="p5", machines=2, hours=30 + n), Way(machine="p5", machines=4, hours=17 + n)),
            deadline_h=200,
            restarts=2,
            restart_h=1,
        )
        for n in range(12)
    )
    problem = Gangs(jobs=jobs, supplies=(ON_DEMAND, BLOCK, replace(SPOT, most=4), FLEX))
    found = schedule(problem, deterministic_limit=0.5)
    assert broken(problem, found) == ()
    assert found.status is SolverStatus.FEASIBLE
    assert found.micro_usd is not None
    assert found.bound_micro_usd is not None
    assert found.bound_micro_usd < found.micro_usd
    assert found == schedule(problem, deterministic_limit=0.5)
