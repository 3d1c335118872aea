"""Mix cases solved exactly: which accelerators, and how many, serve a distribution of request sizes at least cost.

`python -m benchmarks.allocation --cases F.json [--json]`. A case gives, for each accelerator type, its price and the
requests per second that one of it sustains for each bucket of request sizes; two routing rules are answered:

- whole slices: the load of a bucket is cut into *slice_factor* equal slices, each served by one type;
- free routing: the load of a bucket may be split at any fraction, which is what a load balancer can do.

`sizing.optimiser.mixes.cheapest` solves them, a thread of CP-SAT beside; here they are read, timed and printed. The
bound is always printed: where it is the cost, nothing cheaper exists. A load may exceed the capacity of the
accelerators that serve it by 1e-6 of one accelerator, the tolerance of floating-point solvers. `--seconds` limits each
case, both rules together; cost and bound of a case that is proved within it are always the same.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sizing.optimiser.mixes.beside import Beside
from sizing.optimiser.mixes.cheapest import freed, least_cost
from sizing.optimiser.mixes.mix import Mix, MixAnswer

SECONDS = 1.3  # for both rules of a case, start-up not included; once reached, cost and bound stay apart
SHARE_OF_FREE = 0.5  # of the seconds, unless whole slices, the harder question, are answered before


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """The answer under one rule, and how long it took; that of whole slices starts from that of free routing."""

    answer: MixAnswer
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
            if share * rate > 0:
                loads.append({kind: share * rate / per_s for kind, per_s in sustained.items() if per_s > 0})
    return Mix(
        name=name,
        usd_per_hour={kind: float(info["cost"]) for kind, info in types.items()},  # type: ignore[arg-type]
        accelerators_for_bucket=tuple(loads),
        slice_factor=int(case.get("slice_factor", 1)),  # type: ignore[call-overload]
    )


def both_rules(mix: Mix, *, seconds: float = SECONDS) -> tuple[Timed, Timed]:
    """The answers for whole slices and for free routing, within so many seconds together."""
    began = time.perf_counter()

    def left() -> float:
        return began + seconds - time.perf_counter()

    with Beside(mix, left) as beside:

        def left_for_free() -> float:
            return left() - (0.0 if beside.proved.interrupted else seconds * (1 - SHARE_OF_FREE))

        free = least_cost(mix, whole_slices=False, seconds_left=left_for_free)
        then = time.perf_counter()
        whole = least_cost(mix, whole_slices=True, free=free, beside=beside, seconds_left=left)
    timed_free = Timed(answer=freed(free, whole), seconds=then - began)
    return Timed(answer=whole, seconds=time.perf_counter() - then), timed_free


def report(cases: Sequence[Mix], *, seconds: float = SECONDS) -> dict[str, list[dict[str, object]]]:
    """The answers under both rules, in the stable form that `--json` prints."""
    rows: list[dict[str, object]] = []
    for mix in cases:
        whole, free = both_rules(mix, seconds=seconds)
        rows.append({"name": mix.name, "whole_slices": _row(whole), "free_routing": _row(free)})
    return {"cases": rows}


def _row(timed: Timed) -> dict[str, object]:
    """One answer with money to the micro-dollar."""
    answer = timed.answer
    return {
        "cost": None if answer.cost is None else round(answer.cost, 6),
        "bound": None if answer.bound is None else round(answer.bound, 6),
        "counts": answer.counts,
        "seconds": round(timed.seconds, 3),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Solve the cases of a file and print the answers, as a table or as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.allocation", description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=Path, required=True, help="a JSON file of mix cases")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"for each case, both rules (default {SECONDS})")
    parser.add_argument("--json", action="store_true", help="print the answers as JSON")
    options = parser.parse_args(arguments)
    answers = report(mixes(json.loads(options.cases.read_text())), seconds=options.seconds)
    if options.json:
        print(json.dumps(answers, indent=1))
        return
    for case in answers["cases"]:
        for rule in ("whole_slices", "free_routing"):
            print(f"{case['name']:<32} {rule:<13} {case[rule]}")


if __name__ == "__main__":
    main()
