"""What more requests in flight buy and cost: throughput, latency and memory by batch, and the knee between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from sizing.performance.configuration.replica import Replica
from sizing.performance.memory.budget import memory_budget, sequence_bytes
from sizing.performance.passes.efficiency import Efficiency, efficiency_of
from sizing.performance.passes.forward import costs_of
from sizing.performance.serving.closed_loop import capacity_binding, closed_loop, sequences_held

SEARCHED = 256  # batches between two doublings at which a knee is looked for
NEARLY = 0.9  # of the highest power: another top that is worth telling


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """The replica with this many requests in flight."""

    batch: int
    output_tokens_per_s: float
    tpot_s: float
    ttft_s: float
    e2e_s: float
    cache_bytes: float  # in use on each accelerator

    @property
    def power(self) -> float:
        """Throughput over response time, in tokens/s^2."""
        return self.output_tokens_per_s / self.e2e_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Throughput against latency and memory, up to what the replica holds."""

    points: tuple[CurvePoint, ...]  # 1, 2, 4, ... and the most; the knee among them
    knee: CurvePoint
    second_knee: CurvePoint | None  # another top of power, nearly as high: experts are all read before it, not after
    most: int
    limit: str  # what keeps more from being decoded together
    most_tokens: float  # of a decode step of them on one rank, those that verify drafts included
    roofline_tokens: float  # a pass of more is bound by arithmetic, of less by memory


def batch_curve(replica: Replica, *, input_tokens: float, output_tokens: float, prefix_hit: float = 0.0) -> Curve:
    """
    The closed loop at every doubling of the requests in flight, and its knee.

    The knee is where power, throughput over response time, is highest: there a ray from the origin touches the curve of
    response time over throughput, and one per cent more throughput costs one per cent more time. Before it, throughput
    is cheap; beyond it, latency is what is bought. With X = B / R (Little) it lies where R grows as the root of B.
    Source: L. Kleinrock, Power and deterministic rules of thumb for probabilistic problems in computer communications,
    ICC 1979.
    """
    most = sequences_held(replica, input_tokens + output_tokens / 2)
    at = partial(curve_point, replica, input_tokens=input_tokens, output_tokens=output_tokens, prefix_hit=prefix_hit)
    points = {batch: at(batch) for batch in (*doublings(most), most)}
    tops = knees(at, sorted(points))
    second = next((top for top in tops[1:] if top.power >= NEARLY * tops[0].power), None)
    points |= {top.batch: top for top in (tops[0], second) if top is not None}
    tokens_each = 1 if replica.speculation is None else replica.speculation.draft_tokens + 1
    return Curve(
        points=tuple(points[batch] for batch in sorted(points)),
        knee=tops[0],
        second_knee=second,
        most=most,
        limit=capacity_binding(replica, most),
        most_tokens=most / replica.layout.dp * tokens_each,
        roofline_tokens=roofline_tokens(replica, efficiency_of(replica)),
    )


def curve_point(
    replica: Replica, batch: int, *, input_tokens: float, output_tokens: float, prefix_hit: float
) -> CurvePoint:
    """The closed loop with *batch* requests in flight, and the cache that they hold."""
    point = closed_loop(
        replica, input_tokens=input_tokens, output_tokens=output_tokens, concurrency=batch, prefix_hit=prefix_hit
    )
    each = sequence_bytes(memory_budget(replica), input_tokens + output_tokens / 2)
    return CurvePoint(
        batch=batch,
        output_tokens_per_s=point.requests_per_s * output_tokens,
        tpot_s=point.tpot_mean_s,
        ttft_s=point.ttft_mean_s,
        e2e_s=batch / point.requests_per_s,
        cache_bytes=batch / replica.layout.dp * each,
    )


def knees(at: Callable[[int], CurvePoint], batches: Sequence[int]) -> list[CurvePoint]:
    """Every top of power over *batches* and what lies between them, the highest first."""
    points = [at(batch) for batch in batches]
    powers = [0.0, *(point.power for point in points), 0.0]
    places = [place for place in range(len(points)) if powers[place] < powers[place + 1] >= powers[place + 2]]
    return sorted((_top(at, points, place) for place in places), key=lambda point: -point.power)


def _top(at: Callable[[int], CurvePoint], points: Sequence[CurvePoint], place: int) -> CurvePoint:
    """The point of most power between the neighbours of *place*."""
    low, high = points[max(0, place - 1)].batch, points[min(len(points) - 1, place + 1)].batch
    stride = max(1, (high - low) // SEARCHED)
    return max((at(batch) for batch in (*range(low, high, stride), high)), key=lambda point: point.power)


def doublings(most: int) -> tuple[int, ...]:
    """1, 2, 4 and so on, as far as *most*."""
    return tuple(2**n for n in range(most.bit_length()) if 2**n <= most)


def roofline_tokens(replica: Replica, share: Efficiency) -> float:
    """
    Tokens of a pass at which reading all weights once takes as long as multiplying by them.

    For one format M* = eta_f F b / (2 eta_w W), with b bytes per element. Source: performance model section 1.10.
    """
    costs = costs_of(replica, share)
    groups = (costs.attention, costs.dense, costs.routed)
    return sum(group.stream_s for group in groups) / sum(group.token_s for group in groups)
