"""What a simulated run came to: latencies of each request, gaps between tokens, queue, cache, preemptions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sizing.simulation.request import Request, Served
from sizing.spec.workload import Objectives


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """So many tokens that each came *gap_s* after the one before it in the same answer."""

    gap_s: float
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One run of one server, or of several put together by `together`."""

    served: tuple[Served, ...]  # in the order in which they ended
    rejected: tuple[Request, ...]  # too long for the cache
    span_s: float  # from the first arrival to the last token
    gaps: tuple[Gaps, ...]
    preemptions: int
    queue_mean: float  # requests that wait for admission, over time
    queue_peak: int
    decoding_mean: float  # over time
    cache_mean: float  # share of the cache that is held, over time
    cache_peak: float

    @property
    def requests_per_s(self) -> float:
        """Answered in full, over the whole span: ramp-up and drain count."""
        return len(self.served) / self.span_s if self.span_s > 0 else 0.0

    @property
    def output_tokens_per_s(self) -> float:
        """Answer tokens over the whole span."""
        tokens = sum(one.request.output_tokens for one in self.served)
        return tokens / self.span_s if self.span_s > 0 else 0.0

    @property
    def ttft_s(self) -> tuple[float, ...]:
        """TTFT of every request, sorted."""
        return tuple(sorted(one.ttft_s for one in self.served))

    @property
    def tpot_s(self) -> tuple[float, ...]:
        """TPOT of every request that answers more than one token, sorted."""
        return tuple(sorted(tpot for one in self.served if (tpot := one.tpot_s) is not None))

    @property
    def e2e_s(self) -> tuple[float, ...]:
        """Arrival to last token of every request, sorted."""
        return tuple(sorted(one.e2e_s for one in self.served))


def mean(values: Sequence[float]) -> float:
    """The mean; 0 where there are none."""
    return sum(values) / len(values) if values else 0.0


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that *share* of sorted values do not exceed, between the two nearest ranks; 0 where there are none."""
    if not ordered:
        return 0.0
    at = share * (len(ordered) - 1)
    below = int(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (at - below) * (ordered[above] - ordered[below])


def gap_percentile(outcome: Outcome, share: float) -> float:
    """The time between two tokens of an answer that *share* of them do not exceed."""
    gaps = sorted(outcome.gaps, key=lambda one: one.gap_s)
    left = share * sum(one.tokens for one in gaps)
    for one in gaps:
        left -= one.tokens
        if left <= 0:
            return one.gap_s
    return gaps[-1].gap_s if gaps else 0.0


def meets(one: Served, objectives: Objectives) -> bool:
    """Whether this request alone stayed within every limit."""
    asked = (
        (objectives.ttft_p95_s, one.ttft_s),
        (objectives.tpot_p95_s, one.tpot_s),
        (objectives.e2e_p95_s, one.e2e_s),
    )
    return all(limit is None or reached is None or reached <= limit for limit, reached in asked)


def goodput_share(outcome: Outcome, objectives: Objectives) -> float:
    """Share of all requests that were answered within every limit; those too long for the cache were not."""
    total = len(outcome.served) + len(outcome.rejected)
    return sum(meets(one, objectives) for one in outcome.served) / total if total else 1.0


def steady(outcome: Outcome, *, warm_up: float = 0.1, drain: float = 0.1) -> Outcome:
    """The outcome without requests that arrived in the first and last shares of the run, when it fills and empties."""
    arrivals = sorted(one.request.arrival_s for one in outcome.served)
    low, high = percentile(arrivals, warm_up), percentile(arrivals, 1 - drain)
    return _of(outcome, lambda one: low <= one.request.arrival_s <= high)


def together(outcomes: Iterable[Outcome]) -> Outcome:
    """Several servers side by side, as one: requests joined, levels over time averaged, peaks of the worst server."""
    parts = tuple(outcomes)
    whole = sum(part.span_s for part in parts)

    def level(of: Callable[[Outcome], float]) -> float:
        return sum(of(part) * part.span_s for part in parts) / whole if whole > 0 else 0.0

    return Outcome(
        served=tuple(one for part in parts for one in part.served),
        rejected=tuple(one for part in parts for one in part.rejected),
        span_s=max((part.span_s for part in parts), default=0.0),
        gaps=tuple(one for part in parts for one in part.gaps),
        preemptions=sum(part.preemptions for part in parts),
        queue_mean=level(lambda part: part.queue_mean),
        queue_peak=max((part.queue_peak for part in parts), default=0),
        decoding_mean=level(lambda part: part.decoding_mean),
        cache_mean=level(lambda part: part.cache_mean),
        cache_peak=max((part.cache_peak for part in parts), default=0.0),
    )


def _of(outcome: Outcome, keep: Callable[[Served], bool]) -> Outcome:
    return Outcome(
        served=tuple(one for one in outcome.served if keep(one)),
        rejected=outcome.rejected,
        span_s=outcome.span_s,
        gaps=outcome.gaps,
        preemptions=outcome.preemptions,
        queue_mean=outcome.queue_mean,
        queue_peak=outcome.queue_peak,
        decoding_mean=outcome.decoding_mean,
        cache_mean=outcome.cache_mean,
        cache_peak=outcome.cache_peak,
    )
