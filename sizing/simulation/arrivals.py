"""Synthetic requests from a traffic's distributions. Random numbers are those of the seed: same seed, same requests."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from sizing.simulation.request import Request
from sizing.spec.lengths import percentile
from sizing.spec.workload import TokenLengths, Traffic


def requests_of(traffic: Traffic, *, number: int, seed: int) -> tuple[Request, ...]:
    """
    *number* requests at the traffic's rate, with its lengths and burstiness.

    Times between arrivals are gamma distributed with the traffic's squared coefficient of variation c^2, shape 1 / c^2:
    at 1 exponential, that is Poisson arrivals. Prompt and answer lengths are drawn independently.
    """
    random = Random(seed)  # noqa: S311  traffic, not a secret
    gaps = _gaps(random, rate_per_s=traffic.requests_per_s, burstiness=traffic.burstiness)
    found, now = [], 0.0
    for _ in range(number):
        now += next(gaps)
        found.append(
            Request(
                arrival_s=now,
                input_tokens=_length(random, traffic.input_tokens),
                output_tokens=_length(random, traffic.output_tokens),
            )
        )
    return tuple(found)


def _gaps(random: Random, *, rate_per_s: float, burstiness: float) -> Iterator[float]:
    while True:
        yield random.gammavariate(1 / burstiness, burstiness / rate_per_s) if burstiness > 0 else 1 / rate_per_s


def _length(random: Random, lengths: TokenLengths) -> int:
    share = min(max(random.random(), 1e-9), 1 - 1e-9)
    return max(1, round(percentile(lengths, share)))


def split(requests: tuple[Request, ...], *, servers: int, seed: int) -> tuple[tuple[Request, ...], ...]:
    """The requests that each of *servers* gets where each goes to one at random, as a Kubernetes service does it."""
    random = Random(seed)  # noqa: S311  traffic, not a secret
    parts: list[list[Request]] = [[] for _ in range(servers)]
    for request in requests:
        parts[random.randrange(servers)].append(request)
    return tuple(tuple(part) for part in parts)
