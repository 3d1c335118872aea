"""The allocation benchmark: mix cases worked by hand, and its stable output."""

from __future__ import annotations

import json

import pytest

from benchmarks.allocation import main, mixes, report
from sizing.optimiser.mix import Mix
from sizing.optimiser.mixes import least_cost

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
