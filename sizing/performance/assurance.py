"""
The highest rate of a replica with a stated confidence, and the probability that a load is served within its limits.

A limit is kept with confidence q where the q quantile of the predicted value keeps it: so the search for the highest
rate is made with each limit divided by its quantile's factor, and stays within the capacity that the replica has with
probability q. How far values spread belongs to metric and device (`efficiency`), not to load, so one factor holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from sizing.performance.confidence import MEDIAN, probability_at_least, probability_at_most, quantile
from sizing.performance.estimate import Estimate
from sizing.performance.operating_point import Excuse, OperatingPoint
from sizing.performance.queueing import highest_rate, open_loop
from sizing.performance.replica import Replica
from sizing.spec.workload import Objectives, Traffic

LATENCIES = {"ttft_p95_s": "TTFT", "tpot_p95_s": "TPOT", "e2e_p95_s": "end to end"}
NO_LIMITS = Objectives(ttft_p95_s=None, tpot_p95_s=None, e2e_p95_s=None)
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
    if objectives.confidence == MEDIAN:
        return highest_rate(replica, traffic=traffic, objectives=objectives, max_context_tokens=max_context_tokens)
    most = _at_capacity(replica, traffic, max_context_tokens)
    if isinstance(most, Excuse):
        return most
    found = highest_rate(
        replica, traffic=traffic, objectives=_tightened(objectives, most), max_context_tokens=max_context_tokens
    )
    if isinstance(found, Excuse):
        return _as_asked(found, objectives, most)
    sure = quantile(_rate(most), 1 - objectives.confidence)
    if found.requests_per_s <= sure:
        return found
    held = open_loop(replica, traffic=replace(traffic, requests_per_s=sure))
    return held if isinstance(held, OperatingPoint) else found


def capacity(replica: Replica, *, traffic: Traffic, max_context_tokens: int) -> Estimate | Excuse:
    """Requests per second that the replica can carry, whatever the latency, with the interval of throughput."""
    most = _at_capacity(replica, traffic, max_context_tokens)
    return most if isinstance(most, Excuse) else _rate(most)


def rate_within(
    replica: Replica, *, traffic: Traffic, objectives: Objectives, max_context_tokens: int
) -> Estimate | Excuse:
    """
    Requests per second that one replica carries within the objectives: as predicted, and between which rates in 80 %.

    The ends are the rates that are kept with probabilities of 0.9 and 0.1, the errors of latencies and of throughput
    taken to go together: a device that is slower than predicted is slower in all.
    """
    most = _at_capacity(replica, traffic, max_context_tokens)
    if isinstance(most, Excuse):
        return most
    found = highest_rate(replica, traffic=traffic, objectives=objectives, max_context_tokens=max_context_tokens)
    if isinstance(found, Excuse):
        return found

    def kept_with(confidence: float) -> float:
        limits = _tightened(replace(objectives, confidence=confidence), most)
        point = highest_rate(replica, traffic=traffic, objectives=limits, max_context_tokens=max_context_tokens)
        if isinstance(point, Excuse):
            return 0.0
        within = quantile(_rate(most), 1 - confidence)
        limited = point.requests_per_s < AT_CAPACITY * most.requests_per_s
        return min(point.requests_per_s, within) if limited else within

    value = found.requests_per_s
    return Estimate(
        value=value,
        low=min(value, kept_with(0.9)),
        high=max(value, kept_with(0.1)),
        grade=found.output_tokens_per_s.grade,
    )


def assured(point: OperatingPoint, objectives: Objectives, *, most: Estimate) -> Assured:
    """
    With which probability *point*, a load of one replica that can carry *most*, is served within the objectives.

    Errors of latencies and of throughput are taken to go together, so all are kept as often as the least likely is.
    """
    kept = {metric: probability_at_most(latency(point, metric), limit) for metric, limit in asked_latencies(objectives)}
    carried = probability_at_least(most, point.requests_per_s)
    return Assured(latencies=kept, everything=min([carried, *kept.values()]))


@lru_cache(maxsize=16384)
def _at_capacity(replica: Replica, traffic: Traffic, max_context_tokens: int) -> OperatingPoint | Excuse:
    """The highest rate without limits on latency."""
    return highest_rate(replica, traffic=traffic, objectives=NO_LIMITS, max_context_tokens=max_context_tokens)


def _rate(point: OperatingPoint) -> Estimate:
    """The rate of *point* with the interval of its throughput."""
    tokens = point.output_tokens_per_s
    per_token = point.requests_per_s / tokens.value
    return Estimate(
        value=point.requests_per_s, low=tokens.low * per_token, high=tokens.high * per_token, grade=tokens.grade
    )


def _tightened(objectives: Objectives, most: OperatingPoint) -> Objectives:
    """The limits that the predicted values must keep for the measured ones to keep the objectives with confidence."""
    limits = {metric: limit / _factor(objectives, most, metric) for metric, limit in asked_latencies(objectives)}
    return replace(objectives, **limits)


def _factor(objectives: Objectives, most: OperatingPoint, metric: str) -> float:
    """The quantile of a latency over its predicted value."""
    predicted = latency(most, metric)
    return quantile(predicted, objectives.confidence) / predicted.value


def _as_asked(missed: Excuse, objectives: Objectives, most: OperatingPoint) -> Excuse:
    """A missed limit in the user's own terms: what is asked, and what is reached with confidence."""
    if missed.metric not in LATENCIES:
        return missed
    asked = getattr(objectives, missed.metric)
    reached = missed.reached * _factor(objectives, most, missed.metric)
    text = (
        f"{LATENCIES[missed.metric]} p95 {_duration(reached)} > {_duration(asked)} "
        f"with {objectives.confidence:.0%} confidence even at one request in flight"
    )
    return Excuse(metric=missed.metric, asked=asked, reached=reached, text=text.replace("% ", " % ", 1))


def _duration(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
