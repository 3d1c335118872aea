"""Percentiles of mixtures of shifted gamma variables: what remains of a queue's distribution when moments are known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import erfc, sqrt
from typing import NamedTuple

ITERATIONS = 60
HALVINGS = 4  # of the bracket of a percentile, before false position
RELATIVE = 1e-4  # of a percentile: far finer than the model
MOST_VARIATION = 3.0  # squared coefficient of variation of a gamma variable; above, its cube root is far from normal
THIRD = 1 / 3
FAR = 6.0  # erfc of it is 2e-17


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """Of one latency over requests, in seconds."""

    p50_s: float
    p90_s: float
    p95_s: float
    p99_s: float


class Part(NamedTuple):
    """One kind of request: a constant time, and on top a gamma variable of given mean and variance."""

    weight: float  # share of requests
    shift_s: float
    mean_s: float
    variance: float


def gamma_exceeds(limit: float, mean: float, variance: float) -> float:
    """
    Probability that a gamma variable exceeds *limit*.

    Wilson and Hilferty's transformation: its cube root is nearly normal, within 0.01 of probability for shapes from 0.5
    (Proceedings of the National Academy of Sciences 17, 1931).
    """
    return exceeds((Part(1.0, 0.0, mean, variance),), limit)


def exceeds(parts: Iterable[Part], limit: float) -> float:
    """Share of requests that take longer than *limit*."""
    total = 0.0
    for weight, shift, mean, variance in parts:
        left = limit - shift
        if left <= 0:
            total += weight
        elif variance <= 0 or mean <= 0:
            total += weight if left < mean else 0.0
        else:
            spread = min(variance / (mean * mean), MOST_VARIATION) / 9
            distance = ((left / mean) ** THIRD - 1 + spread) / sqrt(2 * spread)
            if distance < FAR:
                total += weight * 0.5 * erfc(distance)
    return total


def percentile(parts: Sequence[Part], share: float) -> float:
    """The time that *share* of requests do not exceed: halvings of its bracket, then false position (Illinois)."""
    target = 1 - share
    low, high = 0.0, max(part.shift_s + part.mean_s + sqrt(part.variance) for part in parts)
    above, below = share, exceeds(parts, high) - target
    while below > 0:
        low, above = high, below
        high *= 2
        below = exceeds(parts, high) - target
    side = 0  # which end of the bracket the last step moved: moved twice, the other end counts half
    for step in range(ITERATIONS):
        if high - low <= RELATIVE * high:
            break
        false_position = step >= HALVINGS and step % 4 > 0  # now and then a halving, past steps of the tail
        middle = high - below * (high - low) / (below - above) if false_position else (low + high) / 2
        value = exceeds(parts, middle) - target
        if value > 0:
            low, above, below, side = middle, value, below / 2 if side > 0 else below, 1
        else:
            high, below, above, side = middle, value, above / 2 if side < 0 else above, -1
    return high


def percentiles(parts: Sequence[Part]) -> Percentiles:
    """The percentiles that people ask for."""
    return Percentiles(
        p50_s=percentile(parts, 0.5),
        p90_s=percentile(parts, 0.9),
        p95_s=percentile(parts, 0.95),
        p99_s=percentile(parts, 0.99),
    )


def mean(parts: Sequence[Part]) -> float:
    """The mean over requests."""
    return sum(part.weight * (part.shift_s + part.mean_s) for part in parts)


def variance(parts: Sequence[Part]) -> float:
    """The variance over requests: within the parts and between them."""
    whole = mean(parts)
    return sum(part.weight * (part.variance + (part.shift_s + part.mean_s - whole) ** 2) for part in parts)
