"""Which experts the tokens of a pass choose: how many different ones, and how unevenly over the ranks.

Experts are not equally popular. Popularity is taken as gamma distributed around its mean, with *variation* its standard
deviation over the mean: 0 is uniform routing, infinity all tokens at the same experts.
"""

from __future__ import annotations

from math import isinf, sqrt
from statistics import NormalDist


def experts_hit(experts: int, per_token: int, tokens: float, variation: float = 0.0) -> float:
    """
    Expected number of different experts that *tokens* choose, each *per_token* different ones.

    The first token hits k; each other expert stays untouched by the M - 1 that follow with probability
    (1 - k / E)^(M - 1) where all are equally popular, and with (1 + v^2 (M - 1) k / E)^(-1 / v^2) where popularity is
    gamma distributed (the mean over it of the Poisson probability of no choice).
    """
    others = max(0.0, tokens - 1)
    if isinf(variation):
        missed = 1.0
    elif variation == 0:
        missed = (1 - per_token / experts) ** others
    else:
        missed = (1 + variation**2 * others * per_token / experts) ** (-1 / variation**2)
    return per_token + (experts - per_token) * (1 - missed)


def busiest_rank(experts: int, ranks: int, variation: float) -> float:
    """
    Work of the busiest of *ranks* that share the experts evenly, over the mean.

    The popularity of E / n experts varies by v sqrt(n / E) of its mean; the largest of n such sums lies where Blom's
    normal score puts it, at the quantile (n - 3/8) / (n + 1/4).
    """
    if ranks == 1 or isinf(variation):
        return 1.0
    return 1 + variation * sqrt(ranks / experts) * NormalDist().inv_cdf((ranks - 0.375) / (ranks + 0.25))
