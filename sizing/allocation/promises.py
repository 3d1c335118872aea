"""What a plan promises each workload, worked out from the performance model at the load that replicas will see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sizing.allocation.candidates import LATENCIES
from sizing.performance import Estimate, OperatingPoint, Overloaded, Replica, memory_budget, open_loop
from sizing.performance.memory import sequence_bytes
from sizing.plan import Promise
from sizing.spec.workload import Objectives, Serving


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Replicas of one workload, all alike, and what one of them does at its highest rate."""

    replica: Replica
    replicas: int
    at_most: OperatingPoint


def at_load(replica: Replica, workload: Serving, *, requests_per_s: float) -> OperatingPoint | Overloaded:
    """One replica of *workload* at its share of the traffic."""
    return open_loop(replica, traffic=replace(workload.traffic, requests_per_s=requests_per_s))


def worst_share(point: OperatingPoint, objectives: Objectives) -> float:
    """The largest share of its limit that any asked latency takes; at most 1 where every objective is kept."""
    return max(
        (latency(point, metric).value / limit for metric, limit in asked_latencies(objectives)),
        default=latency(point, "e2e_p95_s").value,
    )


def asked_latencies(objectives: Objectives) -> Iterator[tuple[str, float]]:
    """Each latency that is asked, with its limit in seconds."""
    for metric, limit in zip(
        LATENCIES, (objectives.ttft_p95_s, objectives.tpot_p95_s, objectives.e2e_p95_s), strict=True
    ):
        if limit is not None:
            yield metric, limit


def latency(point: OperatingPoint, metric: str) -> Estimate:
    """One of the three latencies of a point."""
    return {"ttft_p95_s": point.ttft_p95_s, "tpot_p95_s": point.tpot_p95_s, "e2e_p95_s": point.e2e_p95_s}[metric]


def promises_of(workload: Serving, served: Sequence[Served]) -> tuple[Promise, ...]:
    """
    The promises of one workload: each asked latency, the rate, and the memory of an accelerator.

    Latencies are those at the stated peak with every replica up, spread evenly. The rate is what all replicas together
    carry within the objectives. One promise is marked as binding: the one that is nearest its limit at that rate.
    """
    replicas = sum(one.replicas for one in served)
    slowest = _slowest(workload, served, workload.traffic.requests_per_s / replicas)
    reference = served[0]
    binding = _binding_metric(reference.at_most, workload.objectives)
    mark = reference.at_most.binding
    promises = [
        Promise(
            workload=workload.name,
            metric=metric,
            asked=limit,
            planned=latency(slowest, metric).value,
            at_most=True,
            low=latency(slowest, metric).low,
            high=latency(slowest, metric).high,
            binding=mark if metric == binding else None,
        )
        for metric, limit in asked_latencies(workload.objectives)
    ]
    planned = sum(one.replicas * one.at_most.requests_per_s for one in served)
    throughput = reference.at_most.output_tokens_per_s
    promises.append(
        Promise(
            workload=workload.name,
            metric="requests_per_s",
            asked=workload.traffic.requests_per_s,
            planned=planned,
            at_most=False,
            low=planned * throughput.low / throughput.value,
            high=planned * throughput.high / throughput.value,
            binding=mark if binding == "requests_per_s" else None,
        )
    )
    return (*promises, _memory(workload, reference))


def _slowest(workload: Serving, served: Sequence[Served], requests_per_s: float) -> OperatingPoint:
    """The point of the replica that keeps least of its limits at the load that each gets."""
    points = []
    for one in served:
        point = at_load(one.replica, workload, requests_per_s=requests_per_s)
        points.append(one.at_most if isinstance(point, Overloaded) else point)
    return max(points, key=lambda point: worst_share(point, workload.objectives))


def _binding_metric(point: OperatingPoint, objectives: Objectives) -> str:
    """The latency that takes most of its limit at the highest rate, or the rate itself where none comes near."""
    shares = {metric: latency(point, metric).value / limit for metric, limit in asked_latencies(objectives)}
    nearest = max(shares, key=lambda metric: shares[metric], default=None)
    return nearest if nearest is not None and shares[nearest] >= 0.98 else "requests_per_s"


def _memory(workload: Serving, served: Served) -> Promise:
    """Memory of one accelerator at the highest rate: weights, activations, overhead, and cache of what is in flight."""
    budget = memory_budget(served.replica)
    lengths = workload.traffic.input_tokens.mean + workload.traffic.output_tokens.mean
    in_flight = served.at_most.max_concurrency / budget.ranks * sequence_bytes(budget, lengths)
    fixed = budget.weight_bytes + budget.activation_bytes + budget.overhead_bytes
    planned = fixed + min(float(budget.kv_bytes), in_flight)
    return Promise(
        workload=workload.name,
        metric="hbm_bytes_per_accelerator",
        asked=budget.usable_bytes,
        planned=planned,
        at_most=True,
        low=planned,
        high=planned,
        binding=None,
    )
