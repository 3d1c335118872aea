"""
What an interval says about a limit: the probability that a predicted value keeps it, and the value to keep it with.

Measured over predicted values spread like a lognormal whose two halves differ: with z the standard normal,
ln(measured / predicted) = s z, where s = ln(high / value) / 1.2816 above the prediction and ln(value / low) / 1.2816
below it, so that a tenth of the values lies above *high* and a tenth below *low*. The prediction is the median.
"""

from __future__ import annotations

from math import exp, inf, log
from statistics import NormalDist

from sizing.performance.certainty.estimate import Estimate

MEDIAN = 0.5
_NORMAL = NormalDist()
_Z90 = _NORMAL.inv_cdf(0.9)  # 1.2816: an 80 % interval ends at the 10th and the 90th percentile


def quantile(estimate: Estimate, share: float) -> float:
    """The value that *share* of the measured ones do not exceed; 0.5 gives the prediction itself."""
    if share == MEDIAN:
        return estimate.value
    z = _NORMAL.inv_cdf(share)
    return estimate.value * exp(z * (_above(estimate) if z > 0 else _below(estimate)))


def probability_at_most(estimate: Estimate, limit: float) -> float:
    """Probability that the measured value is *limit* or less: 0.9 at the upper end of the interval."""
    if limit <= 0:
        return 0.0
    return _chance(estimate, limit, sign=1)


def probability_at_least(estimate: Estimate, limit: float) -> float:
    """Probability that the measured value is *limit* or more: 0.9 at the lower end of the interval."""
    if limit <= 0:
        return 1.0
    return _chance(estimate, limit, sign=-1)


def _chance(estimate: Estimate, limit: float, *, sign: int) -> float:
    """Probability that the measured value is on this side of *limit*: below it (1) or above it (-1), or there."""
    distance = log(limit / estimate.value)
    spread = _above(estimate) if distance > 0 else _below(estimate)
    if spread == 0:
        return 1.0 if sign * distance >= 0 else 0.0
    return _NORMAL.cdf(sign * distance / spread)


def _above(estimate: Estimate) -> float:
    """Standard deviation of the logarithm above the prediction."""
    return max(0.0, log(estimate.high / estimate.value)) / _Z90


def _below(estimate: Estimate) -> float:
    """Standard deviation of the logarithm below the prediction."""
    return max(0.0, log(estimate.value / estimate.low)) / _Z90 if estimate.low > 0 else inf
