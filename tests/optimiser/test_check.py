"""The check of purchases: one right purchase, and one broken purchase for each rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser.check import violations
from sizing.optimiser.problem import Choice, Commitment, Demand, Period, Pool, Problem, Quota, Site, Standing, Team
from sizing.optimiser.purchase import Bought, Purchase, Stand
from sizing.optimiser.status import SolverStatus

DAY = Period(name="day", hours=16)
NIGHT = Period(name="night", hours=8)


def node(zone: str, mode: PurchaseMode = PurchaseMode.ON_DEMAND, *, region: str = "east", price: int = 900) -> Pool:
    """A machine of eight accelerators."""
    return Pool(machine="node", region=region, zone=zone, mode=mode, slots=8, micro_usd_per_hour=price)


NODE_A, NODE_B, SPOT_C = node("east-a"), node("east-b"), node("east-c", PurchaseMode.SPOT, price=300)
KEPT_A = replace(node("east-a", PurchaseMode.RESERVATION, price=100), name="kept", most=2)
WEST = node("west-a", region="west")
POOLS = (NODE_A, NODE_B, SPOT_C, KEPT_A, WEST)

CHAT_4 = Choice(workload="chat", machine="node", kind="h100 TP4", slots=4, capacity=10)
CHAT_8 = Choice(workload="chat", machine="node", kind="h100 TP8", slots=8, capacity=20)
ASSIST_1 = Choice(workload="assist", machine="node", kind="h100 TP1", slots=1, capacity=5)

# 40 by day and 20 by night, half of it on spot if need be, all of it after the loss of a zone
CHAT = Demand(workload="chat", total=(40, 20), firm=(20, 10), spot=(0, 0), zone_loss=True)
ASSIST = Demand(workload="assist", total=(20, 10), firm=(20, 10), spot=(0, 0), zone_loss=False, priority=1)

PROBLEM = Problem(
    demands=(CHAT, ASSIST),
    choices=(CHAT_4, CHAT_8, ASSIST_1),
    pools=POOLS,
    sites=(
        Site(region="east", system_micro_usd_per_hour=10, least_system_machines=2),
        Site(region="west", system_micro_usd_per_hour=10, least_system_machines=2),
    ),
    periods=(DAY, NIGHT),
    standings=(
        Standing(workload="chat", region="east", micro_usd_per_hour=7),
        Standing(workload="chat", region="west", micro_usd_per_hour=9),
    ),
)

# By day a machine in each zone carries two replicas of 20 together, and what any two of the three carry is 40; by night
# one replica of 10 stands in each zone. Assist has 4 replicas by day and 2 by night, beside the last of chat.
GOOD = Purchase(
    status=SolverStatus.OPTIMAL,
    bought=(
        Bought(pool=NODE_A, machines=(1, 1)),
        Bought(pool=NODE_B, machines=(2, 1)),
        Bought(pool=SPOT_C, machines=(1, 1)),
    ),
    stands=(
        Stand(choice=CHAT_4, pool=NODE_A, replicas=(2, 1)),
        Stand(choice=CHAT_4, pool=NODE_B, replicas=(2, 1)),
        Stand(choice=CHAT_4, pool=SPOT_C, replicas=(2, 1)),
        Stand(choice=ASSIST_1, pool=NODE_B, replicas=(4, 2)),
    ),
    system_machines=(("east", 3),),
    # 900 + (2 x 900 x 16 + 900 x 8) / 24 + 300 for machines, 3 x 10 for system machines, 7 for weights
    micro_usd_per_hour=900 + 1500 + 300 + 30 + 7,
    objective=2737.0,
    bound=2737.0,
)


def broken(problem: Problem = PROBLEM, /, **parts: Any) -> tuple[str, ...]:
    """What the check says once parts of the purchase are replaced."""
    return violations(problem, replace(GOOD, **parts))


def says(found: tuple[str, ...], *words: str) -> bool:
    """Whether a sentence has all the words."""
    return any(all(word in sentence for word in words) for sentence in found)


def stands(*rows: tuple[Choice, Pool, tuple[int, int]]) -> tuple[Stand, ...]:
    return tuple(Stand(choice=choice, pool=pool, replicas=replicas) for choice, pool, replicas in rows)


def with_cost(cost: int, *, moves: float = 0.0) -> dict[str, Any]:
    return {"micro_usd_per_hour": cost, "objective": cost + moves, "bound": cost + moves}


def test_a_right_purchase_breaks_nothing():
    assert violations(PROBLEM, GOOD) == ()


def test_an_answer_without_a_purchase_breaks_nothing():
    assert violations(PROBLEM, Purchase(status=SolverStatus.INFEASIBLE)) == ()


def test_an_answer_without_a_cost_may_not_say_that_it_found_something():
    assert says(violations(PROBLEM, Purchase(status=SolverStatus.OPTIMAL)), "no cost")
    assert says(broken(micro_usd_per_hour=None, objective=None), "no cost", "bought")
    assert says(violations(PROBLEM, Purchase(status=SolverStatus.UNKNOWN, objective=1.0)), "objective")


def test_a_cost_without_success_is_told():
    assert says(broken(status=SolverStatus.INFEASIBLE), "there is a cost", "infeasible")


def test_a_demand_that_is_not_carried_is_told():
    """Night has one replica of 10 on each of three pools: 20 after a loss. Without that of B, 20 in all and 10 left."""
    rows = (GOOD.stands[0], replace(GOOD.stands[1], replicas=(2, 0)), *GOOD.stands[2:])
    assert broken(stands=rows) == (
        "chat, night: 10 of 20 is carried without east-a",
        "chat, night: 0 of 10 is carried by machines that are not on spot without east-a",
        "chat, night: 10 of 20 is carried without east-c",
    )
    assert says(broken(stands=GOOD.stands[:3]), "assist, day", "0 of 20")


def test_a_loss_of_any_one_zone_is_counted_again():
    """All six replicas in B: 60 are carried, and none without it."""
    rows = stands((CHAT_4, NODE_B, (6, 3)), (ASSIST_1, NODE_B, (4, 2)))
    assert says(broken(stands=rows), "chat, day", "0 of 40", "without east-b")


def test_what_may_not_be_on_spot_is_counted_without_it():
    """A and C carry 40 of 40, and without A nothing firm is left."""
    rows = stands((CHAT_4, NODE_A, (4, 2)), (CHAT_4, SPOT_C, (4, 2)), (ASSIST_1, NODE_B, (4, 2)))
    assert says(broken(stands=rows), "0 of 20", "not on spot", "without east-a")


def test_a_least_share_of_spot_is_held():
    chat = replace(CHAT, spot=(20, 11))
    assert broken(replace(PROBLEM, demands=(chat, ASSIST))) == ("chat, night: 10 of 11 is carried on spot",)


def test_a_workload_stands_in_one_region():
    rows = (*GOOD.stands[:3], *stands((ASSIST_1, NODE_B, (4, 0)), (ASSIST_1, WEST, (0, 2))))
    assert says(broken(stands=rows), "assist stands in 2 regions: east, west")


def test_a_workload_has_replicas_of_one_kind():
    rows = (GOOD.stands[0], *stands((CHAT_4, NODE_B, (2, 1)), (CHAT_8, SPOT_C, (1, 1))), GOOD.stands[3])
    assert says(broken(stands=rows), "chat has replicas of 2 kinds: h100 TP4, h100 TP8")


def test_a_workload_stays_in_its_regions():
    demands = (replace(CHAT, regions=frozenset({"west"})), ASSIST)
    assert says(broken(replace(PROBLEM, demands=demands)), "east is not among its regions")


def test_a_workload_keeps_to_its_ways_to_buy():
    demands = (replace(CHAT, modes=frozenset({PurchaseMode.ON_DEMAND})), ASSIST)
    assert says(broken(replace(PROBLEM, demands=demands)), "spot is not among its ways to buy")


def test_a_workload_without_spot_stays_off_it():
    demands = (CHAT, ASSIST)
    rows = (*GOOD.stands[:3], *stands((ASSIST_1, SPOT_C, (4, 2))))
    assert says(broken(replace(PROBLEM, demands=demands), stands=rows), "assist may not stand", "it takes no spot")


def test_a_pool_that_is_kept_for_others_is_not_used():
    only = replace(NODE_B, only_for=frozenset({"chat"}))
    problem = replace(PROBLEM, pools=(NODE_A, only, *POOLS[2:]))
    bought = (GOOD.bought[0], replace(GOOD.bought[1], pool=only), GOOD.bought[2])
    rows = (GOOD.stands[0], replace(GOOD.stands[1], pool=only), GOOD.stands[2], replace(GOOD.stands[3], pool=only))
    found = broken(problem, bought=bought, stands=rows)
    assert found == ("assist may not stand on node on_demand in east-b: the pool is kept for others",)


def test_a_replica_is_made_for_its_machine():
    other = replace(ASSIST_1, machine="other")
    problem = replace(PROBLEM, choices=(*PROBLEM.choices, other))
    rows = (*GOOD.stands[:3], *stands((other, NODE_B, (4, 2))))
    assert says(broken(problem, stands=rows), "assist", "its replica is one for other")


def test_replicas_are_packed_into_machines_one_by_one():
    """Two of four slots fill one machine of eight; the four of one slot need another."""
    bought = (GOOD.bought[0], Bought(pool=NODE_B, machines=(1, 1)), GOOD.bought[2])
    found = broken(bought=bought, **with_cost(900 + 900 + 300 + 37))
    assert found == ("node on_demand in east-b, day: 2 of 4, 4 of 1 slots do not go into 1 machines",)


def test_a_replica_wider_than_a_machine_takes_whole_machines():
    """One of 16 slots needs two machines of 8, so a third has room for the others: two machines do not do."""
    wide = Choice(workload="chat", machine="node", kind="h100 TP16", slots=16, capacity=40)
    demands = (replace(CHAT, zone_loss=False, firm=(40, 20)), ASSIST)
    problem = replace(PROBLEM, demands=demands, choices=(*PROBLEM.choices, wide))
    rows = stands((ASSIST_1, NODE_B, (4, 2)), (wide, NODE_B, (1, 1)))
    parts: dict[str, Any] = {"stands": rows, "system_machines": (("east", 2),)}
    three = (Bought(pool=NODE_B, machines=(3, 3)),)
    assert broken(problem, bought=three, **parts, **with_cost(2700 + 27)) == ()
    two = (Bought(pool=NODE_B, machines=(2, 2)),)
    assert says(broken(problem, bought=two, **parts, **with_cost(1800 + 27)), "1 of 16", "do not go into 2 machines")


def test_replicas_on_a_pool_without_machines_do_not_fit():
    assert says(broken(bought=GOOD.bought[:2]), "east-c", "do not go into 0 machines")


def test_no_more_machines_are_bought_than_there_are():
    bought = (*GOOD.bought, Bought(pool=KEPT_A, machines=(3, 3)))
    assert broken(bought=bought, **with_cost(2737 + 300)) == (
        "node reservation in east-a (kept) has 3 machines, and there are 2",
    )


def test_reserved_machines_do_not_come_and_go():
    bought = (*GOOD.bought, Bought(pool=KEPT_A, machines=(2, 1)))
    found = broken(bought=bought, **with_cost(2737 + 200))
    assert found == ("node reservation in east-a (kept) is paid for all hours, and its machines change: 2, 1",)


def test_reserved_machines_are_paid_for_all_hours():
    bought = (*GOOD.bought, Bought(pool=KEPT_A, machines=(2, 2)))
    assert broken(bought=bought, **with_cost(2737 + 200)) == ()


def test_a_quota_holds_in_the_period_that_takes_most():
    """192 vCPU a machine: A and B have three by day and two by night."""
    units = ((NODE_A, 192), (NODE_B, 192))
    for limit, expected in ((576, ()), (575, ("L-1 in east allows 575, and 576 is taken",))):
        assert broken(replace(PROBLEM, quotas=(Quota(name="L-1 in east", limit=limit, units=units),))) == expected


def test_a_team_has_its_slots_at_a_time():
    """Six replicas of four slots by day."""
    for slots, expected in ((24, ()), (23, ("ours may have 23 slots, and has 24",))):
        team = Team(name="ours", workloads=frozenset({"chat"}), slots=slots)
        assert broken(replace(PROBLEM, teams=(team,))) == expected


def test_a_team_pays_its_share_of_machines_while_its_replicas_are_up():
    """An eighth of 900 for 4 replicas over 16 hours and 2 over 8: 112.5 x 80 / 24 = 375."""
    for limit in (375, 374):
        team = Team(name="ours", workloads=frozenset({"assist"}), micro_usd_per_hour=limit)
        found = broken(replace(PROBLEM, teams=(team,)))
        assert found == (() if limit == 375 else ("ours may spend 374 micro-USD an hour, and spends 375.00",))


def test_a_team_pays_for_reserved_machines_all_hours():
    """Eight of eight slots of 100 by day, and half of it by night: 100 nevertheless."""
    rows = (*GOOD.stands[:3], *stands((ASSIST_1, KEPT_A, (8, 4))))
    bought = (*GOOD.bought, Bought(pool=KEPT_A, machines=(1, 1)))
    for limit in (100, 99):
        team = Team(name="ours", workloads=frozenset({"assist"}), micro_usd_per_hour=limit)
        problem = replace(PROBLEM, teams=(team,))
        found = broken(problem, bought=bought, stands=rows, **with_cost(2737 + 100))
        assert found == (() if limit == 100 else ("ours may spend 99 micro-USD an hour, and spends 100.00",))


COMMITTED = Commitment(
    machine="node", region="east", mode=PurchaseMode.COMMITTED_1Y, micro_usd_per_hour=600, owned=1, most=2
)


def test_commitments_cover_machines_in_any_zone_for_all_hours():
    """One owned and two bought cover the three of the day; 2 x 600 are paid, and nothing on demand."""
    problem = replace(PROBLEM, commitments=(COMMITTED,))
    assert broken(problem, committed=((COMMITTED, 2),), **with_cost(1200 + 300 + 37)) == ()


def test_what_a_commitment_leaves_over_is_paid_on_demand():
    """Of three by day and two by night one is owned: 2 x 900 for 16 of 24 hours and 1 x 900 for 8 are left."""
    assert broken(replace(PROBLEM, commitments=(COMMITTED,)), **with_cost(1200 + 300 + 300 + 37)) == ()


def test_no_more_commitments_are_bought_than_may_be():
    problem = replace(PROBLEM, commitments=(COMMITTED,))
    found = broken(problem, committed=((COMMITTED, 3),), **with_cost(1800 + 300 + 37))
    assert found == ("3 x node in east are committed, and 2 may be",)
    assert says(broken(problem, committed=((COMMITTED, 0),), **with_cost(1537 + 300)), "0 x node")


def test_a_cost_that_is_not_the_sum_of_its_parts_is_told():
    assert broken(micro_usd_per_hour=2736) == ("the cost is told as 2736 micro-USD an hour, and is 2737",)


def test_a_cost_is_rounded_up():
    """Over 23 hours: 900 + (1800 x 16 + 900 x 7) / 23 + (300 x 16 + 600 x 7) / 23 + 37 = 2854.39."""
    bought = (GOOD.bought[0], Bought(pool=NODE_B, machines=(2, 1)), Bought(pool=SPOT_C, machines=(1, 2)))
    problem = replace(PROBLEM, pools=(NODE_A, NODE_B, SPOT_C, KEPT_A, WEST), periods=(DAY, replace(NIGHT, hours=7)))
    assert broken(problem, bought=bought, **with_cost(2855)) == ()
    assert says(broken(problem, bought=bought, **with_cost(2854)), "2854", "is 2855")


def test_an_objective_is_the_cost_and_the_moves():
    """One of A runs, B and C are new: (2 x 900 + 300) x 24 / 720 = 70."""
    running = replace(NODE_A, running=1)
    problem = replace(PROBLEM, pools=(running, *POOLS[1:]))
    bought = (replace(GOOD.bought[0], pool=running), *GOOD.bought[1:])
    rows = (replace(GOOD.stands[0], pool=running), *GOOD.stands[1:])
    assert broken(problem, bought=bought, stands=rows, **with_cost(2737, moves=70)) == ()
    found = broken(problem, bought=bought, stands=rows, **with_cost(2737))
    assert says(found, "the objective is told as 2737", "is 2807.00")


def test_a_bound_above_the_objective_is_told():
    assert broken(bound=2739.0) == ("the bound of 2739.00 is above the objective of 2737.00",)


def test_what_is_called_optimal_has_its_proof():
    assert says(broken(bound=2700.0), "called optimal")
    assert says(broken(bound=None), "called optimal")
    assert broken(bound=2700.0, status=SolverStatus.FEASIBLE) == ()


def test_a_budget_is_kept():
    assert broken(replace(PROBLEM, budget_micro_usd_per_hour=2737)) == ()
    found = broken(replace(PROBLEM, budget_micro_usd_per_hour=2736))
    assert found == ("2737 micro-USD an hour is over the budget of 2736",)


def test_each_zone_in_use_has_a_system_machine():
    assert says(broken(system_machines=(("east", 2),)), "2 in east", "must be 3 in east")
    assert says(broken(system_machines=(("east", 3), ("west", 2))), "must be 3 in east")


def test_a_region_in_use_has_its_least_system_machines():
    """Assist alone in the west: one zone, two machines."""
    bought = (
        *GOOD.bought[:1],
        Bought(pool=NODE_B, machines=(1, 1)),
        GOOD.bought[2],
        Bought(pool=WEST, machines=(1, 1)),
    )
    rows = (*GOOD.stands[:3], *stands((ASSIST_1, WEST, (4, 2))))
    parts: dict[str, Any] = {"bought": bought, "stands": rows, **with_cost(900 + 900 + 300 + 900 + 30 + 20 + 7)}
    assert broken(system_machines=(("east", 3), ("west", 2)), **parts) == ()
    assert says(broken(system_machines=(("east", 3), ("west", 1)), **parts), "must be 3 in east, 2 in west")


def test_weights_are_paid_for_in_the_region_where_a_workload_stands():
    standings = (replace(PROBLEM.standings[0], micro_usd_per_hour=8), PROBLEM.standings[1])
    assert says(broken(replace(PROBLEM, standings=standings)), "2737", "is 2738")


def test_a_workload_that_must_be_served_is_not_left_out():
    rows, bought = GOOD.stands[3:], GOOD.bought[1:2]
    parts: dict[str, Any] = {"stands": rows, "bought": bought, "system_machines": (("east", 2),)}
    assert broken(unserved=("chat",), **parts, **with_cost(1520)) == ("chat must be served and is left out",)


def test_a_workload_that_may_be_left_out_is_left_out():
    bought = (GOOD.bought[0], Bought(pool=NODE_B, machines=(1, 1)), GOOD.bought[2])
    assert broken(unserved=("assist",), stands=GOOD.stands[:3], bought=bought, **with_cost(2137)) == ()


def test_a_workload_that_is_left_out_holds_nothing():
    assert broken(unserved=("assist",)) == ("assist is left out and yet has replicas",)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"bought": (*GOOD.bought, Bought(pool=node("east-z"), machines=(1, 1)))}, "east-z is not in the problem"),
        ({"stands": (*GOOD.stands, *stands((CHAT_4, node("east-z"), (1, 1))))}, "which is not in the problem"),
        ({"stands": (*GOOD.stands, *stands((replace(CHAT_4, slots=2), NODE_A, (1, 1))))}, "h100 TP4 on node is not in"),
        ({"unserved": ("nobody",)}, "nobody is not a workload"),
        ({"committed": ((COMMITTED, 1),)}, "a commitment of node in east is not in the problem"),
        ({"bought": (*GOOD.bought, GOOD.bought[0])}, "pool is bought twice"),
        ({"stands": (*GOOD.stands, GOOD.stands[0])}, "placement is told twice"),
        ({"unserved": ("assist", "assist")}, "workload is left out twice"),
        ({"bought": (*GOOD.bought[:2], Bought(pool=SPOT_C, machines=(1,)))}, "told for 1 periods"),
        ({"bought": (*GOOD.bought, Bought(pool=WEST, machines=(0, 0)))}, "are 0, 0"),
        ({"stands": (*GOOD.stands, *stands((CHAT_4, WEST, (1, -1))))}, "are 1, -1"),
    ],
)
def test_what_is_not_of_the_problem_is_told(parts, words):
    assert says(broken(**parts), words)


def test_an_answer_comes_in_the_order_of_the_problem():
    assert broken(bought=GOOD.bought[::-1]) == ("the pools are not in the order of the problem",)
    assert broken(stands=GOOD.stands[::-1]) == ("the placements are not in the order of the problem",)
