"""A stack with ten workloads on the packaged facts, half of which survive the loss of a zone."""

from __future__ import annotations

from benchmarks.waiting import MODELS
from sizing import catalog, read_spec
from sizing.spec.workload import Spec

MACHINES = ("g6e.2xlarge", "g6e.12xlarge", "g6e.48xlarge", "p5.4xlarge", "p5.48xlarge", "g6.12xlarge", "g5.12xlarge")


def ten_workloads() -> Spec:
    """Models of five sizes at rates that do not divide each other, in three zones of one region."""
    return read_spec(
        {
            "cloud": "aws",
            "regions": ["us-east-1"],
            "zones": ["use1-az1", "use1-az2", "use1-az4"],
            "workloads": [_workload(number) for number in range(10)],
        },
        catalog=catalog(),
    )


def _workload(number: int) -> dict[str, object]:
    return {
        "name": f"work-{number}",
        "kind": "serving",
        "model": MODELS[number % len(MODELS)],
        "traffic": {"requests_per_s": 1 + number * 37 % 17, "input_tokens": 800, "output_tokens": 200},
        "objectives": {"ttft_p95_s": 1.5, "tpot_p95_s": 0.06},
        "allow": {"machines": list(MACHINES)},
        "survive": "none" if number % 2 else "zone",
    }
