"""An operating point whose requests wait a while more before their first token: a prefix is loaded, a cache is sent."""

from __future__ import annotations

from dataclasses import replace

from sizing.performance.certainty.estimate import Estimate
from sizing.performance.serving.operating_point import Latencies, OperatingPoint
from sizing.performance.serving.tails import Percentiles


def delayed(point: OperatingPoint, wait_s: float, *, is_closed: bool) -> OperatingPoint:
    """
    *point* with *wait_s* more of TTFT and end to end; TPOT stays, as nothing is computed meanwhile.

    With a fixed number of requests in flight (*is_closed*) the rate falls by Little's law, X = B / (E2E + wait); an
    arrival rate stays, and X x wait more are in flight.
    """
    slower = point.e2e_mean_s / (point.e2e_mean_s + wait_s) if is_closed else 1.0
    rate = point.requests_per_s * slower
    return replace(
        point,
        requests_per_s=rate,
        concurrency=point.concurrency if is_closed else point.concurrency + rate * wait_s,
        ttft_mean_s=point.ttft_mean_s + wait_s,
        ttft_p95_s=_later(point.ttft_p95_s, wait_s),
        e2e_p95_s=_later(point.e2e_p95_s, wait_s),
        output_tokens_per_s=_times(point.output_tokens_per_s, slower),
        latencies=None if point.latencies is None else _spread_later(point.latencies, wait_s),
    )


def _later(value: Estimate, wait_s: float) -> Estimate:
    return replace(value, value=value.value + wait_s, low=value.low + wait_s, high=value.high + wait_s)


def _spread_later(found: Latencies, wait_s: float) -> Latencies:
    return replace(found, ttft=_each_later(found.ttft, wait_s), e2e=_each_later(found.e2e, wait_s))


def _each_later(found: Percentiles, wait_s: float) -> Percentiles:
    return Percentiles(
        p50_s=found.p50_s + wait_s,
        p90_s=found.p90_s + wait_s,
        p95_s=found.p95_s + wait_s,
        p99_s=found.p99_s + wait_s,
    )


def _times(value: Estimate, factor: float) -> Estimate:
    return replace(value, value=value.value * factor, low=value.low * factor, high=value.high * factor)
