"""Random lengths: the lognormal distribution through a mean and a 95th percentile."""

from __future__ import annotations

from functools import lru_cache
from math import exp, log, sqrt
from statistics import NormalDist

from sizing.spec.workload import TokenLengths

Z95 = NormalDist().inv_cdf(0.95)  # 1.645


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
def quantiles(lengths: TokenLengths, points: int) -> tuple[float, ...]:
    """Lengths at the middles of *points* equally likely slices, scaled so that their mean is the mean."""
    spread = sigma(lengths)
    if spread == 0:
        return (lengths.mean,) * points
    raw = [exp(spread * NormalDist().inv_cdf((k + 0.5) / points)) for k in range(points)]
    scale = lengths.mean * points / sum(raw)
    return tuple(length * scale for length in raw)


def second_moment_over_mean(lengths: TokenLengths) -> float:
    """E[n^2] / E[n]: the mean length as a random token sees it; mean x exp(sigma^2) for a lognormal."""
    return lengths.mean * exp(sigma(lengths) ** 2)


def mean_reciprocal(lengths: TokenLengths) -> float:
    """E[1 / n]: exp(sigma^2) / mean for a lognormal."""
    return exp(sigma(lengths) ** 2) / lengths.mean


def percentile(lengths: TokenLengths, share: float) -> float:
    """The length that *share* of requests do not exceed."""
    spread = sigma(lengths)
    return lengths.mean * exp(spread * NormalDist().inv_cdf(share) - spread**2 / 2)
