"""The allocation benchmark: mix cases worked by hand, and its stable output."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from benchmarks.allocation import both_rules, main, mixes, report
from sizing.optimiser.mixes.cheapest import freed, least_cost
from sizing.optimiser.mixes.integers import MOST_SLICES, cheapest_in_integers, fits_integers
from sizing.optimiser.mixes.loads import reduced
from sizing.optimiser.mixes.mix import Mix, MixAnswer, overloads
from sizing.optimiser.mixes.models import Search
from sizing.optimiser.mixes.nearby import within
from sizing.optimiser.status import SolverStatus
from tests.sizing.nasty_mixes import STYLES, nasty

# Two types: small at 1 USD carries 2/s of bucket 0 and 1/s of bucket 1; large at 3 USD carries 10/s of either.
CASE = {
    "gpu_info": {
        "small": {"cost": 1.0, "tputs": [[2, 1]]},
        "large": {"cost": 3.0, "tputs": [[10, 10]]},
    },
    "workload_distribution": [[0.5, 0.5]],
    "total_request_rate": 6,
    "slice_factor": 1,
}


def mix(**changes: object) -> Mix:
    return mixes({"cases": [{"name": "case", "input": CASE | changes}]})[0]


def test_whole_slices_go_to_one_type_each():
    """3/s of each bucket: two slices take 0.6 of one large (3 USD); on small alone 1.5 + 3 = 4.5, so five of them."""
    answer = least_cost(mix(), whole_slices=True)
    assert answer.counts == {"small": 0, "large": 1}
    assert answer.cost == answer.bound == 3.0


def test_free_routing_splits_a_bucket():
    """
    12/s, all of bucket 0: one large carries 10/s, one small the other 2/s: 4 USD.

    Whole, the slice takes 1.2 large: two of them, 6 USD, or six small, 6 USD.
    """
    split = mix(total_request_rate=12, workload_distribution=[[1.0, 0.0]])
    assert least_cost(split, whole_slices=False).cost == pytest.approx(4.0)
    assert least_cost(split, whole_slices=True).cost == pytest.approx(6.0)


def test_more_slices_never_cost_more_and_free_routing_least():
    """Six slices of 2/s each: five on the large one, one on a small one."""
    split = mix(total_request_rate=12, workload_distribution=[[1.0, 0.0]], slice_factor=6)
    assert least_cost(split, whole_slices=True).counts == {"small": 1, "large": 1}


def test_a_bucket_that_no_type_can_serve_has_no_answer():
    """Rates of zero mean that the objective cannot be kept."""
    none = mix(gpu_info={"small": {"cost": 1.0, "tputs": [[2, 0]]}})
    answer = least_cost(none, whole_slices=True)
    assert answer.cost is None
    assert answer.counts is None


def test_shares_need_not_sum_to_one():
    """A tenth of 6/s in one bucket: 0.6/s, one small type."""
    assert least_cost(mix(workload_distribution=[[0.1, 0.0]]), whole_slices=True).counts == {"small": 1, "large": 0}


def test_the_output_has_the_form_that_others_read(tmp_path, capsys):
    """cases, each with name and both rules; cost, bound, counts, seconds."""
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"cases": [{"name": "case", "input": CASE}]}))
    main(["--cases", str(path), "--json"])
    (case,) = json.loads(capsys.readouterr().out)["cases"]
    assert case["name"] == "case"
    assert set(case["whole_slices"]) == set(case["free_routing"]) == {"cost", "bound", "counts", "seconds"}
    assert case["whole_slices"]["cost"] == 3.0
    assert report([mix()])["cases"][0]["name"] == "case"


def brute_force(asked: Mix, *, whole_slices: bool) -> float:
    """The cheapest of all ways to give each slice to a type (free routing: each sixth, so no less than it)."""
    pieces = asked.slice_factor if whole_slices else 6
    ways = []
    for loads in asked.accelerators_for_bucket:
        splits = [numbers for numbers in product(range(pieces + 1), repeat=len(loads)) if sum(numbers) == pieces]
        ways.append(
            [{kind: n * loads[kind] / pieces for kind, n in zip(loads, numbers, strict=True)} for numbers in splits]
        )
    best = math.inf
    for chosen in product(*ways):
        used = {kind: sum(one.get(kind, 0.0) for one in chosen) for kind in asked.usd_per_hour}
        best = min(best, sum(asked.usd_per_hour[kind] * math.ceil(load - 1e-6) for kind, load in used.items()))
    return best


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("seed", range(6))
def test_small_cases_cost_what_the_best_of_all_routings_does(style, seed):
    case = nasty(
        seed, types=2 + seed % 2, grid=(1, 2 + seed % 2), slices=1 + seed % 3, rate=30 + 40 * seed, style=style
    )
    asked = mix(**case)
    if not all(asked.accelerators_for_bucket):
        assert least_cost(asked, whole_slices=True).status is SolverStatus.INFEASIBLE
        return
    whole, free = least_cost(asked, whole_slices=True), least_cost(asked, whole_slices=False)
    assert whole.status is free.status is SolverStatus.OPTIMAL
    assert whole.cost == pytest.approx(brute_force(asked, whole_slices=True), abs=1e-9)
    assert free.cost is not None
    assert whole.cost is not None
    assert free.cost <= min(whole.cost, brute_force(asked, whole_slices=False) + 1e-9)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("slices", [1, 7, 300_000])
def test_large_cases_are_served_by_what_is_printed(style, slices):
    """Loads are added up exactly; slices are whole; nothing is below the bound; free routing is never dearer."""
    asked = mix(**nasty(slices, types=5, grid=(6, 6), slices=slices, rate=60, style=style))
    free = least_cost(asked, whole_slices=False)
    whole = least_cost(asked, whole_slices=True, free=free)
    if free.cost is None:
        assert not all(asked.accelerators_for_bucket)
        return
    assert overloads(asked, free, whole_slices=False) == overloads(asked, whole, whole_slices=True) == ()
    assert free.bound is not None
    assert whole.bound is not None
    assert whole.cost is not None
    assert whole.counts is not None
    assert free.bound <= free.cost <= whole.cost == float(asked.cost(whole.counts))
    assert free.bound <= whole.bound <= whole.cost


def test_very_many_slices_cost_what_free_routing_does():
    """Three hundred thousand slices of each of 36 buckets are as good as any fraction."""
    asked = mix(**nasty(3, types=6, grid=(6, 6), slices=300_000, rate=60, style="plain"))
    free = least_cost(asked, whole_slices=False)
    assert free.status is SolverStatus.OPTIMAL
    assert least_cost(asked, whole_slices=True, free=free).cost == free.cost


def test_a_load_just_over_an_accelerator_takes_a_second():
    """3/s at 3/s an accelerator: one; a millionth of an accelerator more is within the tolerance, ten are not."""
    exact = {"gpu_info": {"only": {"cost": 1.0, "tputs": [[3]]}}, "workload_distribution": [[1.0]], "slice_factor": 9}
    for more, accelerators in ((0, 1), (0.9e-6, 1), (1e-5, 2)):
        for whole in (True, False):
            asked = mix(**exact, total_request_rate=3 * (1 + more))
            assert least_cost(asked, whole_slices=whole).counts == {"only": accelerators}


def test_the_check_sees_what_is_not_served():
    """One large carries 10/s; 12/s on it are too much, half a slice is none, and 90 % are not all."""
    asked = mix(total_request_rate=12, workload_distribution=[[1.0, 0.0]])

    def wrong(large: Fraction, small: Fraction) -> tuple[str, ...]:
        routes = ({"large": large, "small": small},)
        answer = MixAnswer(status=SolverStatus.FEASIBLE, counts={"small": 1, "large": 1}, routes=routes)
        return overloads(asked, answer, whole_slices=True)

    assert wrong(Fraction(1), Fraction(0)) == ("large: 1.2 accelerators are needed, 1 are there",)
    assert wrong(Fraction(5, 6), Fraction(1, 6)) == (
        "bucket 0: 5/6 is not a number of slices",
        "bucket 0: 1/6 is not a number of slices",
    )
    assert "bucket 0: shares are not of a whole" in wrong(Fraction(9, 10), Fraction(0))


def test_counts_in_a_window_of_cost_are_all_that_are_near():
    """Two types at 1 and 3 USD, some four of each: whatever costs 15 or 16 USD and has no count below zero."""
    loads = reduced(mix(total_request_rate=12), whole_slices=True)
    centre = np.array([4.0, 4.0])
    found = {tuple(counts) for counts in within(loads, centre, 15, 17).tolist()}
    assert found == {(small, large) for small in range(20) for large in range(20) if 15 <= small + 3 * large < 17}


def test_no_load_needs_nothing():
    answer = least_cost(mix(total_request_rate=0), whole_slices=True)
    assert (answer.cost, answer.bound, answer.counts) == (0.0, 0.0, {"small": 0, "large": 0})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"slice_factor": 0}, "cut in 0 slices"),
        ({"gpu_info": {"small": {"cost": 0.0, "tputs": [[2, 1]]}}}, "must cost more than nothing"),
    ],
)
def test_what_is_no_mix_is_refused(changes, says):
    with pytest.raises(ValueError, match=says):
        mix(**changes)


def test_the_same_case_ends_the_same():
    asked = mix(**nasty(8, types=6, grid=(5, 5), slices=3, rate=90, style="ties"))
    assert least_cost(asked, whole_slices=True) == least_cost(asked, whole_slices=True)


@pytest.mark.parametrize("style", STYLES)
def test_a_thread_beside_proves_what_is_proved_in_turn(style):
    asked = mix(**nasty(11, types=3, grid=(2, 3), slices=2, rate=70, style=style))
    if not all(asked.accelerators_for_bucket):
        assert [timed.answer.status for timed in both_rules(asked, seconds=60)] == [SolverStatus.INFEASIBLE] * 2
        return
    whole, free = (timed.answer for timed in both_rules(asked, seconds=60))
    assert whole.status is free.status is SolverStatus.OPTIMAL
    assert whole.cost == least_cost(asked, whole_slices=True).cost
    assert free.cost == least_cost(asked, whole_slices=False).cost
    assert overloads(asked, whole, whole_slices=True) == overloads(asked, free, whole_slices=False) == ()


@pytest.mark.parametrize("by_relaxation", [True, False])
def test_cp_sat_finds_the_mix_worked_by_hand_and_proves_that_none_is_cheaper(by_relaxation):
    """Six slices of 2/s on one large (3 USD) and one small (1 USD); nothing that costs 3 USD serves them."""
    split = mix(total_request_rate=12, workload_distribution=[[1.0, 0.0]], slice_factor=6)
    loads = reduced(split, whole_slices=True)
    found = cheapest_in_integers(loads, Search(floor=0, ceiling=6), by_relaxation=by_relaxation)
    assert found.counts is not None
    assert (found.counts.tolist(), found.bound, found.is_settled) == ([1, 1], 4, True)
    none = cheapest_in_integers(loads, Search(floor=0, ceiling=3), by_relaxation=by_relaxation)
    assert (none.counts, none.bound, none.is_settled) == (None, 4, True)


def test_cp_sat_is_not_asked_where_numbers_are_too_large_for_it():
    few, many = (reduced(mix(slice_factor=slices), whole_slices=True) for slices in (1, MOST_SLICES))
    assert fits_integers(few, 10)
    assert not fits_integers(few, 2**50)
    assert not fits_integers(many, 10)


def test_whole_slices_are_an_answer_under_free_routing_too():
    """The cheaper of the two is told, with what is proved of free routing."""
    free = MixAnswer(status=SolverStatus.FEASIBLE, cost=5.0, bound=3.0)
    assert freed(free, MixAnswer(status=SolverStatus.OPTIMAL, cost=5.0, bound=5.0)) is free
    cheaper = freed(free, MixAnswer(status=SolverStatus.OPTIMAL, cost=4.0, bound=4.0))
    assert (cheaper.status, cheaper.cost, cheaper.bound) == (SolverStatus.FEASIBLE, 4.0, 3.0)
    assert freed(free, MixAnswer(status=SolverStatus.OPTIMAL, cost=3.0, bound=3.0)).status is SolverStatus.OPTIMAL
