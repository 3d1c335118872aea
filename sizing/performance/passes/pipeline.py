"""What a pipeline loses where its passes are not equally long."""

from __future__ import annotations

from functools import lru_cache
from math import exp, sqrt
from statistics import NormalDist

LARGE = 100.0  # prompts of a pass beyond which their number is taken as normal
NEGLIGIBLE = 1e-6  # of a prompt: where the sum over larger numbers ends
RARE = 1e-4  # prompts of a pass below which no two ever meet


def stalled_stages(stages: int, prompts: float) -> float:
    """
    Pipeline stages that a prompt keeps busy or waiting, in the mean, where a pass has *prompts* of them.

    As many passes as stages are under way, each in a stage of its own, and they move on together: when the longest is
    done. A pass has a Poisson distributed number of prompts, so a round costs the largest of p such numbers in place of
    the mean: all p stages for prompts that come one by one, near one for passes that all have many.
    """
    if stages == 1:
        return 1.0
    return most_of(stages, prompts) / prompts if prompts > RARE else float(stages)


@lru_cache(maxsize=8192)
def most_of(numbers: int, mean: float) -> float:
    """
    Expected largest of *numbers* independent Poisson distributed ones: the sum over k of 1 - P(X <= k)^n.

    Of large ones, which are nearly normal, the mean and Blom's expected largest of so many standard deviations.
    """
    if mean > LARGE:
        return mean + sqrt(mean) * NormalDist().inv_cdf((numbers - 0.375) / (numbers + 0.25))
    chance = reached = exp(-mean)
    total, k = 0.0, 0
    while k <= mean or 1 - reached**numbers > NEGLIGIBLE:
        total += 1 - reached**numbers
        k += 1
        chance *= mean / k
        reached += chance
    return total
