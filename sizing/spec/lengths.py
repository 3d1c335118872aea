"""Random lengths: lognormal through a mean and a 95th percentile, through several percentiles, or as in a trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from math import exp, inf, log, sqrt
from statistics import NormalDist, fmean, pvariance
from typing import NamedTuple

from sizing.spec.workload import TokenLengths, Traffic

NORMAL = NormalDist()
Z95 = NORMAL.inv_cdf(0.95)  # 1.645
POINTS = 200  # equally likely lengths that stand for an empirical distribution
LEAST_KEPT = 0.05  # of a distribution that is cut off
ALL = 0.9995  # of it: nothing is cut off
# Shares of requests at which slices of a distribution end. A share that percentiles are asked at lies in the middle of
# a narrow slice, never on an edge: noise would carry requests of the wide slice below over it, more of them the more
# noise there is, and none back. So at both ends, as the longest TPOT is that of short answers.
LOW = (0.0, 0.005, 0.015, 0.045, 0.055)
MIDDLE = tuple(k / 100 for k in range(15, 95, 10))
HIGH = (0.875, 0.895, 0.905, 0.925, 0.945, 0.955, 0.965, 0.975, 0.9875, 0.9925, 0.997, 1.0)
EDGES = (*LOW, *MIDDLE, *HIGH)


class Slice(NamedTuple):
    """Requests of about one length."""

    weight: float  # share of requests
    tokens: float  # their mean length
    variance: float  # of lengths within


@lru_cache(maxsize=1024)
def sigma(lengths: TokenLengths) -> float:
    """
    Standard deviation of the logarithm: the smaller root of sigma^2 / 2 - z95 sigma + ln(p95 / mean) = 0.

    The mean of a lognormal is exp(mu + sigma^2 / 2) and its 95th percentile exp(mu + z95 sigma). Their ratio is at most
    exp(z95^2 / 2) = 3.87, at sigma = z95; a wider pair is taken at that.
    """
    ratio = log(max(1.0, lengths.p95 / lengths.mean))
    return Z95 - sqrt(max(0.0, Z95**2 - 2 * ratio))


@lru_cache(maxsize=1024)
def slices(lengths: TokenLengths) -> tuple[Slice, ...]:
    """
    The distribution in slices between EDGES, each at its own mean, so that the mean over slices is the mean.

    Of a lognormal, the part of E[n^k] below a length at z standard deviations is Phi(z - k sigma).
    """
    if lengths.points:
        return _sliced(lengths.points)
    spread = sigma(lengths)
    if spread == 0:
        return (Slice(1.0, lengths.mean, 0.0),)
    found = []
    for low, high in pairwise(EDGES):
        weight = high - low
        mean = lengths.mean * (_part(high, spread) - _part(low, spread)) / weight
        square = square_mean(lengths) * (_part(high, 2 * spread) - _part(low, 2 * spread)) / weight
        found.append(Slice(weight, mean, max(0.0, square - mean**2)))
    return tuple(found)


def _part(share: float, shift: float) -> float:
    if share <= 0 or share >= 1:
        return float(share >= 1)
    return NORMAL.cdf(NORMAL.inv_cdf(share) - shift)


def _sliced(points: Sequence[float]) -> tuple[Slice, ...]:
    found = []
    for low, high in pairwise(EDGES):
        inside = points[round(low * len(points)) : round(high * len(points))]
        if inside:
            found.append(Slice(len(inside) / len(points), fmean(inside), pvariance(inside)))
    return tuple(found)


@lru_cache(maxsize=1024)
def quantiles(lengths: TokenLengths, points: int) -> tuple[float, ...]:
    """Lengths at the middles of *points* equally likely slices, scaled so that their mean is the mean."""
    raw = [percentile(lengths, (k + 0.5) / points) for k in range(points)]
    scale = lengths.mean * points / sum(raw)
    return tuple(length * scale for length in raw)


def square_mean(lengths: TokenLengths) -> float:
    """E[n^2]: mean^2 x exp(sigma^2) for a lognormal."""
    if lengths.points:
        return fmean(length * length for length in lengths.points)
    return lengths.mean**2 * exp(sigma(lengths) ** 2)


def cube_mean(lengths: TokenLengths) -> float:
    """E[n^3]: mean^3 x exp(3 sigma^2) for a lognormal."""
    if lengths.points:
        return fmean(length**3 for length in lengths.points)
    return lengths.mean**3 * exp(3 * sigma(lengths) ** 2)


def second_moment_over_mean(lengths: TokenLengths) -> float:
    """E[n^2] / E[n]: the mean length as a random token sees it."""
    return square_mean(lengths) / lengths.mean


def percentile(lengths: TokenLengths, share: float) -> float:
    """The length that *share* of requests do not exceed."""
    if lengths.points:
        at = share * len(lengths.points) - 0.5
        low = min(max(int(at), 0), len(lengths.points) - 1)
        high = min(low + 1, len(lengths.points) - 1)
        return lengths.points[low] + min(max(at - low, 0.0), 1.0) * (lengths.points[high] - lengths.points[low])
    spread = sigma(lengths)
    return lengths.mean * exp(spread * NORMAL.inv_cdf(share) - spread**2 / 2)


def measured(samples: Sequence[float]) -> TokenLengths:
    """
    The distribution of lengths as observed, at least one: each POINTS-th of them in order, at its mean.

    Raises:
        ValueError: If there are none.
    """
    ordered = sorted(samples)
    if not ordered:
        raise ValueError("no lengths were observed")
    number = min(POINTS, len(ordered))
    cuts = [round(k * len(ordered) / number) for k in range(number + 1)]
    points = tuple(fmean(ordered[low:high]) for low, high in pairwise(cuts))
    lengths = TokenLengths(mean=fmean(points), p95=0.0, points=points)
    return TokenLengths(mean=lengths.mean, p95=percentile(lengths, 0.95), points=points)


def through(percentiles: Mapping[float, float], *, mean: float | None = None) -> TokenLengths:
    """
    The distribution through several percentiles: lognormal between each two, and beyond the outer ones as between them.

    With a *mean*, the tail above the highest percentile is made longer or shorter until the mean is met.

    Args:
        percentiles: Length by share of requests that do not exceed it, 0 to 1: two or more, rising in both.
        mean: Of all lengths.

    Raises:
        ValueError: If there are fewer than two, if they do not rise, or if no tail meets the mean.
    """
    known = sorted(percentiles.items())
    if len(known) < 2 or any(high[1] < low[1] for low, high in pairwise(known)):
        raise ValueError("percentiles of lengths must be two or more, and rise")
    places = [(NORMAL.inv_cdf(share), log(length)) for share, length in known]
    first, last = _slope(places[0], places[1]), _slope(places[-2], places[-1])
    if mean is not None:
        last = _tail_slope(places, first, mean)
    points = _points(places, first, last)
    return TokenLengths(mean=fmean(points), p95=dict(known).get(0.95, _at(points, 0.95)), points=points)


def _slope(low: tuple[float, float], high: tuple[float, float]) -> float:
    return (high[1] - low[1]) / (high[0] - low[0])


def _tail_slope(places: Sequence[tuple[float, float]], first: float, mean: float) -> float:
    """The slope of the tail that gives the *mean*, by bisection; steeper is longer."""
    least, most = fmean(_points(places, first, 0.0)), fmean(_points(places, first, 3.0))
    if not least <= mean <= most:
        raise ValueError(f"with these percentiles the mean is {least:.0f} to {most:.0f}, not {mean:.0f}")
    low, high = 0.0, 3.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if fmean(_points(places, first, middle)) < mean else (low, middle)
    return high


def _points(places: Sequence[tuple[float, float]], first: float, last: float) -> tuple[float, ...]:
    """Lengths at the middles of POINTS equally likely slices; *first* and *last* are the slopes of the outer tails."""
    found = []
    for k in range(POINTS):
        z = NORMAL.inv_cdf((k + 0.5) / POINTS)
        found.append(exp(_logarithm(places, z, first, last)))
    return tuple(found)


def _logarithm(places: Sequence[tuple[float, float]], z: float, first: float, last: float) -> float:
    if z <= places[0][0]:
        return places[0][1] + first * (z - places[0][0])
    for low, high in zip(places, [*places[1:], (inf, 0.0)], strict=True):
        if z <= high[0]:
            return low[1] + (_slope(low, high) if high[0] < inf else last) * (z - low[0])
    raise AssertionError(z)


def _at(points: tuple[float, ...], share: float) -> float:
    return percentile(TokenLengths(mean=0.0, p95=0.0, points=points), share)


@lru_cache(maxsize=1024)
def up_to(lengths: TokenLengths, most: float) -> TokenLengths:
    """The distribution of those lengths that do not exceed *most*, which at least a twentieth keeps."""
    most = max(most, percentile(lengths, LEAST_KEPT))
    kept = _share_up_to(lengths, most)
    if kept >= ALL:
        return lengths
    points = tuple(min(most, percentile(lengths, kept * (k + 0.5) / POINTS)) for k in range(POINTS))
    return TokenLengths(mean=fmean(points), p95=_at(points, 0.95), points=points)


def _share_up_to(lengths: TokenLengths, most: float) -> float:
    if lengths.points:
        return sum(length <= most for length in lengths.points) / len(lengths.points)
    spread = sigma(lengths)
    if spread == 0:
        return 1.0
    return NORMAL.cdf((log(most / lengths.mean) + spread**2 / 2) / spread)


def within_context(traffic: Traffic, max_context_tokens: int) -> Traffic:
    """
    What is served of *traffic* where a prompt and its answer may take *max_context_tokens* together.

    Longer requests are refused, so they wait for nobody and nobody waits for them. Prompts are cut off where a mean
    answer would not fit any more, answers where a mean prompt would not. The rate stays: of it a little is refused.
    """
    inputs, outputs = traffic.input_tokens, traffic.output_tokens
    return replace(
        traffic,
        input_tokens=up_to(inputs, max_context_tokens - outputs.mean),
        output_tokens=up_to(outputs, max_context_tokens - inputs.mean),
    )


def interarrival_variation(arrivals_s: Sequence[float]) -> float:
    """
    Squared coefficient of variation of the times between arrivals, sorted: the burstiness of a trace.

    1 for a Poisson process, and where there are fewer than three arrivals, or all at one time.
    """
    gaps = [after - before for before, after in pairwise(arrivals_s)]
    average = fmean(gaps) if len(gaps) > 1 else 0.0
    if average <= 0:
        return 1.0
    return fmean((gap - average) ** 2 for gap in gaps) / average**2
