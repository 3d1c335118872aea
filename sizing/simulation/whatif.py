"""What if: given requests on equal replicas, simulated, beside what the closed form says of the same load."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

from sizing.performance.configuration.replica import Replica
from sizing.performance.serving.operating_point import Excuse, OperatingPoint, Overloaded
from sizing.performance.serving.queueing import highest_rate, open_loop
from sizing.simulation.arrivals import requests_of, split
from sizing.simulation.batching import simulate
from sizing.simulation.outcome import Outcome, goodput_share, steady, together
from sizing.simulation.request import Request
from sizing.simulation.server import server_of
from sizing.spec.lengths import interarrival_variation, measured, within_context
from sizing.spec.workload import Objectives, TokenLengths, Traffic

WINDOW_S = 60.0  # in which arrivals are counted for the replicas that they need
MOST_ALIKE = 4  # servers that are simulated where all get the same random traffic


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicasNeeded:
    """Replicas that arrivals take within the objectives, window by window: ceil(lambda(t) / mu)."""

    rate_per_replica: float  # mu: the highest rate of one within the objectives; 0: none keeps them
    peak: int
    peak_at_s: float
    mean: float
    window_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """One workload under one load."""

    traffic: Traffic  # of all replicas together: as asked, or as the trace has it
    requests: int  # that were simulated
    refused: int  # longer than the server takes
    replicas: int
    simulated: Outcome  # of all replicas; of random traffic, without the fill and the drain
    within: float  # share of requests that keep every objective by themselves; those refused do not
    closed_form: OperatingPoint | Overloaded  # of one replica
    needed: ReplicasNeeded


def random_traffic(
    replica: Replica,
    *,
    traffic: Traffic,
    objectives: Objectives,
    replicas: int,
    max_context_tokens: int,
    requests: int,
    seed: int,
) -> WhatIf:
    """
    *requests* of the *traffic* on each of *replicas*, which share its rate evenly.

    Servers that get the same random traffic are alike, so at most four are simulated. The closed form sees what they
    see: the rate and the lengths of requests that are not refused.
    """
    servers = replicas * replica.layout.dp
    each = replace(traffic, requests_per_s=traffic.requests_per_s / servers)
    server = server_of(replica, prefix_hit=traffic.prefix_hit)
    drawn = [requests_of(each, number=requests, seed=seed + number) for number in range(min(servers, MOST_ALIKE))]
    taken = [_taken(one, max_context_tokens) for one in drawn]
    outcomes = [steady(simulate(server, one)) for one in taken]
    everything = [request for one in taken for request in one]
    refused = requests * len(drawn) - len(everything)
    share = replace(
        traffic,
        requests_per_s=traffic.requests_per_s / replicas * len(everything) / (requests * len(drawn)),
        input_tokens=_lengths([request.input_tokens for request in everything]),
        output_tokens=_lengths([request.output_tokens for request in everything]),
    )
    rate = _rate_within(replica, traffic, objectives, max_context_tokens)
    needed = ceil(traffic.requests_per_s / rate) if rate > 0 else 0
    return WhatIf(
        traffic=traffic,
        requests=requests * len(outcomes),
        refused=refused,
        replicas=replicas,
        simulated=together(outcomes),
        within=_within(together(outcomes), refused, objectives),
        closed_form=open_loop(replica, traffic=share),
        needed=ReplicasNeeded(rate_per_replica=rate, peak=needed, peak_at_s=0.0, mean=needed, window_s=0.0),
    )


def replayed(
    replica: Replica,
    *,
    trace: Sequence[Request],
    prefix_hit: float,
    objectives: Objectives,
    replicas: int,
    max_context_tokens: int,
    seed: int,
) -> WhatIf:
    """
    The *trace*, in order of arrival, on *replicas* that each get a request at random; all of it counts.

    The closed form sees the trace's mean rate, its lengths as they are, and the burstiness that the random split
    leaves: of one request in n, 1 + (c^2 - 1) / n.
    """
    servers = replicas * replica.layout.dp
    taken = _taken(trace, max_context_tokens)
    server = server_of(replica, prefix_hit=prefix_hit)
    outcome = together(simulate(server, part) for part in split(tuple(taken), servers=servers, seed=seed))
    traffic = traffic_of(taken or trace, prefix_hit=prefix_hit)
    share = replace(
        traffic,
        requests_per_s=traffic.requests_per_s / replicas,
        burstiness=1 + (traffic.burstiness - 1) / servers,
    )
    rate = _rate_within(replica, share, objectives, max_context_tokens)
    refused = len(trace) - len(taken)
    return WhatIf(
        traffic=traffic,
        requests=len(taken),
        refused=refused,
        replicas=replicas,
        simulated=outcome,
        within=_within(outcome, refused, objectives),
        closed_form=open_loop(replica, traffic=share),
        needed=needed_over_time(taken, rate),
    )


def traffic_of(trace: Sequence[Request], *, prefix_hit: float) -> Traffic:
    """The traffic that a trace of at least one request is: mean rate, lengths as observed, and burstiness."""
    arrivals = [request.arrival_s for request in trace]
    span = arrivals[-1] - arrivals[0]
    return Traffic(
        requests_per_s=(len(trace) - 1) / span if span > 0 else float(len(trace)),
        input_tokens=_lengths([request.input_tokens for request in trace]),
        output_tokens=_lengths([request.output_tokens for request in trace]),
        prefix_hit=prefix_hit,
        burstiness=interarrival_variation(arrivals),
    )


def _lengths(tokens: Sequence[int]) -> TokenLengths:
    return measured([float(one) for one in tokens])


def needed_over_time(
    trace: Sequence[Request], rate_per_replica: float, *, window_s: float = WINDOW_S
) -> ReplicasNeeded:
    """Replicas that each window of the trace takes: the peak, when it is, and the mean over time."""
    if rate_per_replica <= 0 or not trace:
        return ReplicasNeeded(rate_per_replica=rate_per_replica, peak=0, peak_at_s=0.0, mean=0.0, window_s=window_s)
    first = trace[0].arrival_s
    arrived = Counter(int((request.arrival_s - first) // window_s) for request in trace)
    windows = max(arrived) + 1
    needed = {window: ceil(number / window_s / rate_per_replica) for window, number in arrived.items()}
    busiest = max(sorted(needed), key=lambda window: needed[window])
    return ReplicasNeeded(
        rate_per_replica=rate_per_replica,
        peak=needed[busiest],
        peak_at_s=first + busiest * window_s,
        mean=sum(needed.values()) / windows,
        window_s=window_s,
    )


def _taken(requests: Sequence[Request], max_context_tokens: int) -> list[Request]:
    return [one for one in requests if one.input_tokens + one.output_tokens <= max_context_tokens]


def _within(outcome: Outcome, refused: int, objectives: Objectives) -> float:
    total = len(outcome.served) + len(outcome.rejected)
    return goodput_share(outcome, objectives) * total / (total + refused) if total + refused else 1.0


def _rate_within(replica: Replica, traffic: Traffic, objectives: Objectives, max_context_tokens: int) -> float:
    traffic = within_context(traffic, max_context_tokens)
    found = highest_rate(replica, traffic=traffic, objectives=objectives, max_context_tokens=max_context_tokens)
    return 0.0 if isinstance(found, Excuse) else found.requests_per_s
