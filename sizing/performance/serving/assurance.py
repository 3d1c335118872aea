"""
The highest rate of a replica with a stated confidence, and the probability that a load is served within its limits.

A limit is kept with confidence q where the q quantile of the predicted value keeps it: so the search for the highest
rate is made with each limit divided by its quantile's factor, and stays within the capacity that the replica has with
probability q. How far values spread belongs to metric and device (`efficiency`), not to load, so one factor holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sizing.performance.certainty.confidence import MEDIAN, probability_at_least, probability_at_most, quantile
from sizing.performance.certainty.estimate import Estimate
from sizing.performance.configuration.replica import Replica
from sizing.performance.passes.efficiency import Situation, efficiency_of
from sizing.performance.serving.closed_loop import estimate
from sizing.performance.serving.operating_point import Excuse, OperatingPoint
from sizing.performance.serving.queueing import capacity_per_s, duration, highest_rate, misses
from sizing.spec.workload import Objectives, Traffic

LATENCIES = {"ttft_p95_s": "TTFT", "tpot_p95_s": "TPOT", "e2e_p95_s": "end to end"}
AT_CAPACITY = 1 - 1e-3  # of the capacity: where a search within limits ends there, no limit binds


@dataclass(frozen=True, slots=True, kw_only=True)
class Assured:
    """Probability that a load is served within its limits, over the error of the prediction."""

    latencies: dict[str, float]  # of each limit that is asked, by metric
    everything: float  # all limits and the rate itself


def latency(point: OperatingPoint, metric: str) -> Estimate:
    """One of the three latencies of a point."""
    return {"ttft_p95_s": point.ttft_p95_s, "tpot_p95_s": point.tpot_p95_s, "e2e_p95_s": point.e2e_p95_s}[metric]


def asked_latencies(objectives: Objectives) -> Iterator[tuple[str, float]]:
    """Each latency that is asked, with its limit in seconds."""
    for metric in LATENCIES:
        limit = getattr(objectives, metric)
        if limit is not None:
            yield metric, limit


def assured_rate(
    replica: Replica, *, traffic: Traffic, objectives: Objectives, max_context_tokens: int
) -> OperatingPoint | Excuse:
    """
    The highest rate at which every objective is kept with the confidence that the objectives ask for.

    *traffic* gives lengths, prefix hits and burstiness; its rate is not read. With a confidence of 0.5 this is
    `highest_rate`.
    """
    factors = _factors(replica, objectives.confidence)
    found = highest_rate(
        replica,
        traffic=traffic,
        objectives=_within(objectives, factors),
        max_context_tokens=max_context_tokens,
        used=min(1.0, factors["throughput"]),
    )
    return _as_asked(found, objectives, factors) if isinstance(found, Excuse) else found


def surely_missed(
    replica: Replica, *, traffic: Traffic, objectives: Objectives, max_context_tokens: int
) -> tuple[Excuse, ...]:
    """All that is missed with the asked confidence however little arrives: memory alone, or each latency by itself."""
    factors = _factors(replica, objectives.confidence)
    limits = _within(objectives, factors)
    missed = misses(replica, traffic=traffic, objectives=limits, max_context_tokens=max_context_tokens)
    return tuple(_as_asked(one, objectives, factors) for one in missed)


def _within(objectives: Objectives, factors: Mapping[str, float]) -> Objectives:
    """The limits that predicted values must keep, so that measured ones keep those that are asked with confidence."""
    limits: dict[str, Any] = {metric: limit / factors[metric] for metric, limit in asked_latencies(objectives)}
    return replace(objectives, **limits)


def capacity(replica: Replica, *, traffic: Traffic, max_context_tokens: int) -> Estimate | Excuse:
    """Requests per second that the replica can carry, whatever the latency, with the interval of throughput."""
    most = capacity_per_s(replica, traffic=traffic, max_context_tokens=max_context_tokens)
    return most if isinstance(most, Excuse) else _estimates(replica, most)["throughput"]


def rate_within(
    replica: Replica, *, traffic: Traffic, objectives: Objectives, max_context_tokens: int
) -> Estimate | Excuse:
    """
    Requests per second that one replica carries within the objectives: as predicted, and between which rates in 80 %.

    The ends are the rates that are kept with probabilities of 0.9 and 0.1, the errors of latencies and of throughput
    taken to go together: a device that is slower than predicted is slower in all.
    """
    most = capacity(replica, traffic=traffic, max_context_tokens=max_context_tokens)
    if isinstance(most, Excuse):
        return most

    def kept_with(confidence: float) -> OperatingPoint | Excuse:
        limits = replace(objectives, confidence=confidence)
        return assured_rate(replica, traffic=traffic, objectives=limits, max_context_tokens=max_context_tokens)

    found, surely, hardly = (kept_with(confidence) for confidence in (MEDIAN, 0.9, 0.1))
    if isinstance(found, Excuse):
        return found
    best = found.requests_per_s if isinstance(hardly, Excuse) else hardly.requests_per_s
    value = found.requests_per_s
    return Estimate(
        value=value,
        low=0.0 if isinstance(surely, Excuse) else min(value, surely.requests_per_s),
        high=max(value, most.high if best >= AT_CAPACITY * most.value else best),
        grade=most.grade,
    )


def assured(point: OperatingPoint, objectives: Objectives, *, most: Estimate) -> Assured:
    """
    With which probability *point*, a load of one replica that can carry *most*, is served within the objectives.

    Errors of latencies and of throughput are taken to go together, so all are kept as often as the least likely is.
    """
    kept = {metric: probability_at_most(latency(point, metric), limit) for metric, limit in asked_latencies(objectives)}
    carried = probability_at_least(most, point.requests_per_s)
    return Assured(latencies=kept, everything=min([carried, *kept.values()]))


def _estimates(replica: Replica, value: float) -> dict[str, Estimate]:
    """*value* as any of what is predicted of a replica under random arrivals, with the interval of each."""
    share = efficiency_of(replica)
    metrics = {"ttft_p95_s": "ttft", "tpot_p95_s": "tpot", "e2e_p95_s": "tpot", "throughput": "throughput"}
    return {name: estimate(metric, value, share, Situation.OPEN) for name, metric in metrics.items()}


def _factors(replica: Replica, confidence: float) -> dict[str, float]:
    """What *confidence* of measured values are within, over the predicted one: latencies at most, rates at least."""
    return {
        name: quantile(one, 1 - confidence if name == "throughput" else confidence)
        for name, one in _estimates(replica, 1.0).items()
    }


def _as_asked(missed: Excuse, objectives: Objectives, factors: Mapping[str, float]) -> Excuse:
    """A missed limit in the user's own terms: what is asked, and what is reached with confidence."""
    if missed.metric not in LATENCIES or objectives.confidence == MEDIAN:
        return missed
    asked = getattr(objectives, missed.metric)
    reached = missed.reached * factors[missed.metric]
    text = (
        f"{LATENCIES[missed.metric]} p95 {duration(reached)} > {duration(asked)} "
        f"with {objectives.confidence:.0%} confidence even at one request in flight"
    )
    return Excuse(metric=missed.metric, asked=asked, reached=reached, text=text.replace("% ", " % ", 1))
