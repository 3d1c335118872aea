"""Who bears what of a purchase: slots for the hours they are taken; idle and shared apart; all parts are the cost."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from sizing.allocation.planning.teams import team_costs
from sizing.catalog.offer import PurchaseMode
from sizing.optimiser import solve
from sizing.optimiser.check import violations
from sizing.optimiser.problem import Choice, Commitment, Demand, Period, Pool, Problem, Site, Standing, Team
from sizing.optimiser.purchase import Bought, Purchase, Stand
from sizing.optimiser.status import SolverStatus

USD = 1_000_000
NODE = Pool(machine="p5", region="r", zone="a", mode=PurchaseMode.ON_DEMAND, slots=8, micro_usd_per_hour=80 * USD)
CHAT = Choice(workload="chat", machine="p5", kind="tp4", slots=4, capacity=10)
CODE = Choice(workload="code", machine="p5", kind="tp1", slots=1, capacity=10)
DAY = (Period(name="day", hours=16), Period(name="night", hours=8))


def demand(workload: str, *total: int) -> Demand:
    return Demand(workload=workload, total=total, firm=total, spot=(0,) * len(total), zone_loss=False)


PROBLEM = Problem(
    demands=(demand("chat", 10), demand("code", 20)),
    choices=(CHAT, CODE),
    pools=(NODE,),
    sites=(Site(region="r", system_micro_usd_per_hour=USD, least_system_machines=2),),
    teams=(Team(name="support", workloads=frozenset({"chat"})), Team(name="tools", workloads=frozenset({"code"}))),
)


def bought(of: Problem) -> Purchase:
    """The purchase that the optimiser makes of a problem, which the check has nothing against."""
    purchase = solve(of)
    assert violations(of, purchase) == ()
    return purchase


def told(of: Problem, purchase: Purchase | None = None) -> dict[str | None, float]:
    """USD an hour by team, with idle and shared."""
    costs = team_costs(of, purchase or bought(of))
    assert costs is not None
    assert costs.micro_usd_per_hour == (purchase or bought(of)).micro_usd_per_hour
    return {team.team: team.usd_per_hour for team in costs.teams} | {
        "idle": costs.idle_micro_usd_per_hour / USD,
        "shared": costs.shared_micro_usd_per_hour / USD,
    }


def test_teams_bear_the_slots_they_take_and_idle_ones_are_told_apart():
    """Of 8 slots at 80 USD chat takes 4, code 2, two are idle; two system machines at 1 USD are shared: 82 USD."""
    assert told(PROBLEM) == {"support": 40.0, "tools": 20.0, "idle": 20.0, "shared": 2.0}


def test_workloads_of_no_team_are_told_as_such():
    assert told(replace(PROBLEM, teams=PROBLEM.teams[:1])) == {"support": 40.0, None: 20.0, "idle": 20.0, "shared": 2.0}


def test_a_team_bears_the_hours_that_its_replicas_are_up():
    """Code needs 2 slots for 16 hours and 1 for 8: 40 of the machine's 192 slot-hours, that is 16.67 of 80 USD."""
    of = replace(PROBLEM, demands=(demand("chat", 10, 10), demand("code", 20, 10)), periods=DAY)
    costs = told(of)
    assert costs["support"] == pytest.approx(40.0)
    assert costs["tools"] == pytest.approx(80 * 40 / 192, abs=1e-6)
    assert costs["idle"] == pytest.approx(80 * 56 / 192, abs=1e-6)


def test_a_reservation_is_idle_in_the_hours_in_which_nothing_stands_on_it():
    """Paid for 24 hours at 80 USD; chat takes half of it for 16 hours and nothing at night: a third of 80."""
    kept = replace(NODE, mode=PurchaseMode.RESERVATION, most=1, name="held")
    of = replace(PROBLEM, demands=(demand("chat", 10, 0),), choices=(CHAT,), pools=(kept,), periods=DAY)
    costs = told(of)
    assert costs["support"] == pytest.approx(80 * 4 * 16 / (8 * 24), abs=1e-6)
    assert costs["idle"] == pytest.approx(80 - costs["support"], abs=1e-5)


def test_a_commitment_makes_the_slots_that_it_covers_cheaper_for_all():
    """At 48 USD under commitment: 24, 12 and 12 idle."""
    cheaper = Commitment(machine="p5", region="r", mode=PurchaseMode.COMMITTED_1Y, micro_usd_per_hour=48 * USD)
    assert told(replace(PROBLEM, commitments=(cheaper,))) == {
        "support": 24.0,
        "tools": 12.0,
        "idle": 12.0,
        "shared": 2.0,
    }


def test_what_a_workload_costs_beside_machines_is_its_teams():
    """10 USD for the weights of code in its region."""
    of = replace(PROBLEM, standings=(Standing(workload="code", region="r", micro_usd_per_hour=10 * USD),))
    assert told(of) == {"support": 40.0, "tools": 30.0, "idle": 20.0, "shared": 2.0}


def test_thirds_of_a_micro_dollar_add_up_to_the_whole():
    """Three teams with a slot each of three at 100 micro-USD: 34, 33 and 33."""
    pool = replace(NODE, slots=3, micro_usd_per_hour=100)
    names = ("one", "two", "three")
    choices = tuple(replace(CODE, workload=name) for name in names)
    of = replace(
        PROBLEM,
        demands=tuple(demand(name, 10) for name in names),
        choices=choices,
        pools=(pool,),
        teams=tuple(Team(name=name, workloads=frozenset({name})) for name in names),
    )
    costs = team_costs(of, bought(of))
    assert costs is not None
    assert [team.micro_usd_per_hour for team in costs.teams] == [34, 33, 33]


def test_nothing_bought_is_borne_by_nobody():
    assert team_costs(PROBLEM, Purchase(status=SolverStatus.INFEASIBLE)) is None


@pytest.mark.parametrize("seed", range(30))
def test_all_parts_are_the_cost_of_the_purchase_to_the_micro_dollar(seed: int):
    """Random prices, hours, commitments and modes; the cost is that of the optimiser, held by its check."""
    rng = random.Random(seed)  # noqa: S311
    modes = (PurchaseMode.ON_DEMAND, PurchaseMode.SPOT, PurchaseMode.RESERVATION)
    pools = tuple(
        replace(NODE, zone=zone, mode=mode, micro_usd_per_hour=rng.randint(1, 10**8), name=f"{zone} {mode}")
        for zone in "ab"
        for mode in modes
    )
    periods = tuple(Period(name=str(n), hours=rng.randint(1, 9)) for n in range(rng.randint(1, 3)))
    demands = tuple(
        Demand(
            workload=name,
            total=tuple(rng.randint(1, 60) for _ in periods),
            firm=(0,) * len(periods),
            spot=(0,) * len(periods),
            zone_loss=False,
        )
        for name in ("chat", "code")
    )
    commitments = (
        Commitment(machine="p5", region="r", mode=PurchaseMode.COMMITTED_1Y, micro_usd_per_hour=rng.randint(1, 10**8)),
        Commitment(machine="p5", region="r", mode=PurchaseMode.COMMITTED_3Y, micro_usd_per_hour=0, owned=1, most=0),
    )
    of = replace(PROBLEM, demands=demands, pools=pools, periods=periods, commitments=commitments)
    purchase = bought(of)
    costs = team_costs(of, purchase)
    assert costs is not None
    assert costs.micro_usd_per_hour == purchase.micro_usd_per_hour
    assert all(team.micro_usd_per_hour >= 0 for team in costs.teams)
    assert costs.idle_micro_usd_per_hour >= 0


def test_slots_are_told_on_average_over_the_day():
    """Two for 16 hours and one for 8: 40 / 24."""
    of = replace(PROBLEM, demands=(demand("chat", 10, 10), demand("code", 20, 10)), periods=DAY)
    purchase = Purchase(
        status=SolverStatus.FEASIBLE,
        bought=(Bought(pool=NODE, machines=(1, 1)),),
        stands=(
            Stand(choice=CHAT, pool=NODE, replicas=(1, 1)),
            Stand(choice=CODE, pool=NODE, replicas=(2, 1)),
        ),
        system_machines=(("r", 2),),
        micro_usd_per_hour=82 * USD,
        objective=82.0 * USD,
    )
    costs = team_costs(of, purchase)
    assert costs is not None
    assert [team.slots for team in costs.teams] == [4.0, pytest.approx(40 / 24)]
