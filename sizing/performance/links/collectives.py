"""Time of the collectives inside one replica: over n accelerators of one link, or of several, one beyond the other.

Source: performance model section 1.7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One link of a group whose ranks several links join: the ranks that it joins, or the groups of the level below."""

    ranks: int
    start_s: float  # of one collective
    bytes_per_s: float  # one direction, of each accelerator


def all_reduced_s(message_bytes: float, levels: Sequence[Level]) -> float:
    """
    Time to sum a buffer of *message_bytes* over all ranks of *levels*, nearest first.

    The nearest ranks reduce and scatter, each then sums its part with its peers in the other groups over the next link,
    and the nearest gather again: a byte crosses the far link once for each group of g, not once for each rank.
    """
    if not levels:
        return 0.0
    near, far = levels[0], levels[1:]
    if not far:
        return all_reduce_s(message_bytes, ranks=near.ranks, start_s=near.start_s, bytes_per_s=near.bytes_per_s)
    halves = 2 * gather_s(message_bytes, ranks=near.ranks, start_s=near.start_s, bytes_per_s=near.bytes_per_s)
    return halves + all_reduced_s(message_bytes / near.ranks, far)


def gather_s(message_bytes: float, *, ranks: int, start_s: float, bytes_per_s: float) -> float:
    """Time for each of *ranks* to have all of *message_bytes*, of which it held 1 / n; the same to scatter sums."""
    if ranks == 1:
        return 0.0
    return start_s + (ranks - 1) / ranks * message_bytes / bytes_per_s


def all_gathered_s(message_bytes: float, levels: Sequence[Level]) -> float:
    """
    Time to gather *message_bytes* over all ranks of *levels*, nearest first.

    Peers in different groups exchange first what they hold, so that only the nearest link carries whole messages.
    """
    if not levels:
        return 0.0
    near, far = levels[0], levels[1:]
    inside = gather_s(message_bytes, ranks=near.ranks, start_s=near.start_s, bytes_per_s=near.bytes_per_s)
    return inside + all_gathered_s(message_bytes / near.ranks, far)


def all_exchanged_s(message_bytes: float, levels: Sequence[Level]) -> float:
    """
    Time for each rank to send *message_bytes* evenly to all ranks of *levels*.

    Of n ranks in groups of g the share (n - g) / n leaves the group and (g - 1) / n stays on the nearest link. Both
    links work at once, so the slower one counts; the starts add up.
    """
    ranks = prod(level.ranks for level in levels)
    starts = longest = 0.0
    inside = 1
    for level in levels:
        starts += level.start_s
        reached = inside * level.ranks
        longest = max(longest, message_bytes * (reached - inside) / ranks / level.bytes_per_s)
        inside = reached
    return starts + longest if ranks > 1 else 0.0
