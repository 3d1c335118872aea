"""Mix cases solved exactly: which accelerators, and how many, serve a distribution of request sizes at least cost.

`python -m benchmarks.allocation --cases F.json [--json]`. A case gives, for each accelerator type, its price and the
requests per second that one of it sustains for each bucket of request sizes; two routing rules are answered:

- whole slices: the load of a bucket is cut into *slice_factor* equal slices, each served by one type. Equal slices are
  interchangeable, so the model counts them (an integer for each bucket and type) instead of naming them: the same
  optimum without the symmetry that makes the slice-by-slice model slow.
- free routing: the load of a bucket may be split at any fraction, which is what a load balancer can do.

Both are solved by SCIP through MathOpt with gap zero; the bound is always printed. A load may exceed the capacity of
the accelerators that serve it by 1e-6 of one accelerator, the tolerance of floating-point solvers.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from ortools.math_opt.python import mathopt

WALL_LIMIT = timedelta(minutes=2)  # for each rule of each case; once reached, cost and bound stay apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """One case: what each type costs, and the share of one accelerator that the whole load of a bucket takes."""

    name: str
    usd_per_hour: Mapping[str, float]
    accelerators_for_bucket: tuple[Mapping[str, float], ...]  # per bucket with load; a type that cannot serve is absent
    slice_factor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Counts of least cost under one rule; cost and counts are None where no mix serves the load."""

    cost: float | None
    bound: float | None
    counts: Mapping[str, int] | None
    seconds: float


def mixes(document: Mapping[str, object]) -> tuple[Mix, ...]:
    """
    The cases of a document in the published form.

    Raises:
        TypeError: If the document has no list of cases.
    """
    cases = document["cases"]
    if not isinstance(cases, list):
        raise TypeError("'cases' must be a list")
    return tuple(_mix(case["name"], case["input"]) for case in cases)


def _mix(name: str, case: Mapping[str, object]) -> Mix:
    """One case: requests per second of each bucket divided by what one accelerator of each type sustains."""
    types: dict[str, dict[str, object]] = case["gpu_info"]  # type: ignore[assignment]  # the published form
    shares: Sequence[Sequence[float]] = case["workload_distribution"]  # type: ignore[assignment]
    rate = float(case["total_request_rate"])  # type: ignore[arg-type]
    loads = []
    for i, row in enumerate(shares):
        for j, share in enumerate(row):
            sustained = {kind: float(info["tputs"][i][j]) for kind, info in types.items()}  # type: ignore[index]
            if share > 0:
                loads.append({kind: share * rate / per_s for kind, per_s in sustained.items() if per_s > 0})
    return Mix(
        name=name,
        usd_per_hour={kind: float(info["cost"]) for kind, info in types.items()},  # type: ignore[arg-type]
        accelerators_for_bucket=tuple(loads),
        slice_factor=int(case.get("slice_factor", 1)),  # type: ignore[call-overload]
    )


def least_cost(mix: Mix, *, whole_slices: bool) -> Answer:
    """The counts of least cost, with the bound that the solver proved; *whole_slices* picks the rule."""
    began = time.perf_counter()
    model = mathopt.Model(name=mix.name)
    count = {kind: model.add_integer_variable(lb=0, name=kind) for kind in mix.usd_per_hour}
    used: dict[str, mathopt.LinearExpression] = {kind: mathopt.LinearExpression() for kind in count}
    pieces = mix.slice_factor if whole_slices else 1
    for loads in mix.accelerators_for_bucket:
        routed = {kind: model.add_variable(lb=0, ub=pieces, is_integer=whole_slices) for kind in loads}
        model.add_linear_constraint(mathopt.fast_sum(routed.values()) == pieces)
        for kind, variable in routed.items():
            used[kind] += loads[kind] / pieces * variable
    for kind, number in count.items():
        model.add_linear_constraint(used[kind] <= number)
    model.minimize(mathopt.fast_sum(mix.usd_per_hour[kind] * number for kind, number in count.items()))
    limits = mathopt.SolveParameters(
        threads=1, relative_gap_tolerance=0.0, absolute_gap_tolerance=0.0, time_limit=WALL_LIMIT
    )
    result = mathopt.solve(model, mathopt.SolverType.GSCIP, params=limits)
    seconds = time.perf_counter() - began
    if not result.has_primal_feasible_solution():
        return Answer(cost=None, bound=None, counts=None, seconds=seconds)
    counts = {kind: round(result.variable_values(number)) for kind, number in count.items()}
    cost = sum(mix.usd_per_hour[kind] * number for kind, number in counts.items())
    return Answer(cost=cost, bound=result.best_objective_bound(), counts=counts, seconds=seconds)


def report(cases: Sequence[Mix]) -> dict[str, list[dict[str, object]]]:
    """The answers under both rules, in the stable form that `--json` prints."""
    return {
        "cases": [
            {
                "name": mix.name,
                "whole_slices": _row(least_cost(mix, whole_slices=True)),
                "free_routing": _row(least_cost(mix, whole_slices=False)),
            }
            for mix in cases
        ]
    }


def _row(answer: Answer) -> dict[str, object]:
    """One answer with money to the micro-dollar."""
    return {
        "cost": None if answer.cost is None else round(answer.cost, 6),
        "bound": None if answer.bound is None else round(answer.bound, 6),
        "counts": answer.counts,
        "seconds": round(answer.seconds, 3),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Solve the cases of a file and print the answers, as a table or as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.allocation", description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=Path, required=True, help="a JSON file of mix cases")
    parser.add_argument("--json", action="store_true", help="print the answers as JSON")
    options = parser.parse_args(arguments)
    answers = report(mixes(json.loads(options.cases.read_text())))
    if options.json:
        print(json.dumps(answers, indent=1))
        return
    for case in answers["cases"]:
        for rule in ("whole_slices", "free_routing"):
            print(f"{case['name']:<32} {rule:<13} {case[rule]}")


if __name__ == "__main__":
    main()
