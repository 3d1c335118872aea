"""Time of the collectives inside one replica, over n accelerators that share one link domain."""

from __future__ import annotations

from collections.abc import Mapping


def by_ranks(table: Mapping[int, float], ranks: int) -> float:
    """The entry of *table* for *ranks*: the smallest group measured that is at least as large, else the largest."""
    return table[min((n for n in table if n >= ranks), default=max(table))]


def all_reduce_s(message_bytes: float, *, ranks: int, start_s: float, bytes_per_s: float) -> float:
    """
    Time for *ranks* accelerators to sum a buffer of *message_bytes* that each holds; 0 for one.

    A ring sends each byte 2 (n - 1) / n times over each link. *bytes_per_s* is what the link reaches, one direction.
    """
    if ranks == 1:
        return 0.0
    return start_s + 2 * (ranks - 1) / ranks * message_bytes / bytes_per_s


def all_to_all_s(message_bytes: float, *, ranks: int, start_s: float, bytes_per_s: float) -> float:
    """Time to exchange *message_bytes* from each rank evenly with all others; the share (n - 1) / n leaves it."""
    if ranks == 1:
        return 0.0
    return start_s + (ranks - 1) / ranks * message_bytes / bytes_per_s


def point_to_point_s(message_bytes: float, *, start_s: float, bytes_per_s: float) -> float:
    """Time to hand *message_bytes* to the next pipeline stage."""
    return start_s + message_bytes / bytes_per_s


def distinct_ranks(choices: int, ranks: int) -> float:
    """Expected number of different ranks that *choices* independent, uniform picks of a rank fall on."""
    return float(ranks * (1 - (1 - 1 / ranks) ** choices))
