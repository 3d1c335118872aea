"""What a plan promises each workload, worked out from the performance model at the load that replicas will see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sizing.performance import Excuse, OperatingPoint, Overloaded, Replica, memory_budget, open_loop
from sizing.performance.certainty.confidence import probability_at_most, quantile
from sizing.performance.certainty.estimate import Estimate
from sizing.performance.host.cold_start import ColdStart
from sizing.performance.memory.budget import sequence_bytes
from sizing.performance.serving.assurance import Assured, asked_latencies, assured, capacity, latency, rate_within
from sizing.plan import Promise
from sizing.spec.lengths import within_context
from sizing.spec.workload import Objectives, Serving


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Replicas of one workload, all alike, and what one of them does at its highest rate."""

    replica: Replica
    replicas: int
    at_most: OperatingPoint
    start: ColdStart  # on a new machine, its weights read from where the plan has them


def at_load(replica: Replica, workload: Serving, *, requests_per_s: float) -> OperatingPoint | Overloaded:
    """One replica of *workload* at its share of the traffic."""
    traffic = within_context(workload.traffic, workload.max_context_tokens)
    return open_loop(replica, traffic=replace(traffic, requests_per_s=requests_per_s), spread=False)


def capacity_of(replica: Replica, workload: Serving) -> Estimate | Excuse:
    """Requests per second that one replica of *workload* can carry, whatever the latency."""
    # the rate is not read: one answer for all rates
    any_rate = replace(within_context(workload.traffic, workload.max_context_tokens), requests_per_s=1.0)
    return capacity(replica, traffic=any_rate, max_context_tokens=workload.max_context_tokens)


def worst_share(point: OperatingPoint, objectives: Objectives) -> float:
    """
    The largest share of its limit that any asked latency takes, with the confidence that is asked.

    At most 1 where every objective is kept.
    """
    return max(
        (
            quantile(latency(point, metric), objectives.confidence) / limit
            for metric, limit in asked_latencies(objectives)
        ),
        default=latency(point, "e2e_p95_s").value,
    )


def promises_of(workload: Serving, served: Sequence[Served]) -> tuple[Promise, ...]:
    """
    The promises of one workload: each asked latency, the rate, the memory of an accelerator, and the asked start.

    Latencies are those at the stated peak with every replica up, spread evenly. The rate is what all replicas together
    are predicted to carry within the objectives, and its probability is that the stated peak is served within all of
    them. One promise is marked as binding: the one that is nearest its limit at the highest rate.
    """
    replicas = sum(one.replicas for one in served)
    at_peak, slowest = _slowest(workload, served, workload.traffic.requests_per_s / replicas)
    reference = served[0]
    binding = _binding_metric(reference.at_most, workload.objectives)
    mark = reference.at_most.binding
    kept = _kept(workload, slowest, at_peak)
    promises = [
        Promise(
            workload=workload.name,
            metric=metric,
            asked=limit,
            planned=latency(at_peak, metric).value,
            at_most=True,
            low=latency(at_peak, metric).low,
            high=latency(at_peak, metric).high,
            probability=kept.latencies[metric],
            binding=mark if metric == binding else None,
        )
        for metric, limit in asked_latencies(workload.objectives)
    ]
    rates = [(one.replicas, _rate(workload, one)) for one in served]
    promises.append(
        Promise(
            workload=workload.name,
            metric="requests_per_s",
            asked=workload.traffic.requests_per_s,
            planned=sum(number * rate.value for number, rate in rates),
            at_most=False,
            low=sum(number * rate.low for number, rate in rates),
            high=sum(number * rate.high for number, rate in rates),
            probability=kept.everything,
            binding=mark if binding == "requests_per_s" else None,
        )
    )
    return (*promises, _memory(workload, reference), *_ready(workload, served))


def _ready(workload: Serving, served: Sequence[Served]) -> Iterator[Promise]:
    """How soon the slowest replica is ready, where that is asked."""
    asked = workload.objectives.ready_s
    if asked is None:
        return
    ready = max((one.start.ready for one in served), key=lambda one: one.value)
    yield Promise(
        workload=workload.name,
        metric="ready_s",
        asked=asked,
        planned=ready.value,
        at_most=True,
        low=ready.low,
        high=ready.high,
        probability=probability_at_most(ready, asked),
        binding=None,
    )


def _rate(workload: Serving, served: Served) -> Estimate:
    """Requests per second that one replica is predicted to carry within the objectives, with the interval of it."""
    # the rate is not read: one answer for all rates
    any_rate = replace(within_context(workload.traffic, workload.max_context_tokens), requests_per_s=1.0)
    rate = rate_within(
        served.replica,
        traffic=any_rate,
        objectives=workload.objectives,
        max_context_tokens=workload.max_context_tokens,
    )
    if isinstance(rate, Excuse):
        raise TypeError(f"{workload.name} is served by a replica that cannot: {rate.text}")
    return rate


def _kept(workload: Serving, served: Served, point: OperatingPoint) -> Assured:
    """With which probability *point* keeps the objectives of *workload*."""
    most = capacity_of(served.replica, workload)
    if isinstance(most, Excuse):
        raise TypeError(f"{workload.name} is served by a replica that cannot: {most.text}")
    return assured(point, workload.objectives, most=most)


def _slowest(workload: Serving, served: Sequence[Served], requests_per_s: float) -> tuple[OperatingPoint, Served]:
    """The point of the replica that keeps least of its limits at the load that each gets, and which that is."""
    points = []
    for one in served:
        point = at_load(one.replica, workload, requests_per_s=requests_per_s)
        points.append((one.at_most if isinstance(point, Overloaded) else point, one))
    return max(points, key=lambda found: worst_share(found[0], workload.objectives))


def _binding_metric(point: OperatingPoint, objectives: Objectives) -> str:
    """The latency that takes most of its limit at the highest rate, or the rate itself where none comes near."""
    shares = {
        metric: quantile(latency(point, metric), objectives.confidence) / limit
        for metric, limit in asked_latencies(objectives)
    }
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
        probability=1.0 if planned <= budget.usable_bytes else 0.0,  # what an engine reserves is a rule, not a guess
        binding=None,
    )
