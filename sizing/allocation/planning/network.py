"""
What a replica needs of the links that its machine brings, and what these are: told, and weighed elsewhere.

Speed of collectives is in the latencies that a candidate keeps, that of weights in its start; a replica is never spread
over machines, so none of its collectives passes the network between them.
"""

from __future__ import annotations

from dataclasses import dataclass

from sizing.allocation.buying.standing import ANSWER_BYTES_PER_TOKEN, PROMPT_BYTES_PER_TOKEN
from sizing.allocation.ways.candidates import Candidate
from sizing.allocation.ways.storage import object_rate
from sizing.performance.configuration.shard import shard_of
from sizing.performance.passes.communication import communication, levels_of
from sizing.performance.passes.efficiency import efficiency_of
from sizing.spec.workload import Serving
from sizing.units import GB, MB


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkNeed:
    """Bytes per second that one replica moves at its highest rate, one direction, beside what there is."""

    between_accelerators: float  # of each accelerator; 0 where the replica has one
    link: str  # NVLink, ...
    link_bytes_per_s: float  # of each accelerator
    requests: float  # prompts and answers together
    weights: float  # while it starts
    machine_bytes_per_s: float | None  # of the whole machine; None: no source tells


def network_need(candidate: Candidate, workload: Serving) -> NetworkNeed:
    """
    What one replica of *candidate* moves at the highest rate within the objectives of *workload*.

    Tokens a second of a data-parallel rank, times the seconds that one is on the wire, is the share of the time that a
    link is busy; times what the link reaches, that is what it carries.
    """
    replica, traffic = candidate.replica, workload.traffic
    share, rate = efficiency_of(replica), candidate.point.requests_per_s
    tokens = traffic.input_tokens.mean * (1 - traffic.prefix_hit) + traffic.output_tokens.mean
    levels = levels_of(replica, share, ranks=replica.layout.stage)
    on_wire_s = communication(replica, shard_of(replica), share).token_s
    prompts = rate * traffic.input_tokens.mean * PROMPT_BYTES_PER_TOKEN
    answers = rate * traffic.output_tokens.mean * ANSWER_BYTES_PER_TOKEN
    return NetworkNeed(
        between_accelerators=rate * tokens / replica.layout.dp * on_wire_s * levels[0].bytes_per_s if levels else 0.0,
        link=replica.link.links[0].name,
        link_bytes_per_s=replica.link.bytes_per_s,
        requests=prompts + answers,
        weights=object_rate(candidate.machine),
        machine_bytes_per_s=candidate.machine.network_bytes_per_s,
    )


def network_text(candidate: Candidate, workload: Serving) -> str:
    """What is needed of the network of a machine and of the links in it, in words."""
    need = network_need(candidate, workload)
    whole = "a network that no source tells the rate of"
    if need.machine_bytes_per_s is not None:
        whole = f"{need.machine_bytes_per_s / GB:.3g} GB/s that it has"
    text = (
        f"{workload.name} on {candidate.machine.name}: a replica moves {need.requests / MB:.3g} MB/s of requests and "
        f"answers at its highest rate, and {need.weights / GB:.3g} GB/s of weights while it starts, of {whole}"
    )
    if not need.between_accelerators:
        return text
    return text + (
        f"; its accelerators exchange {need.between_accelerators / GB:.3g} GB/s each over {need.link}, "
        f"of {need.link_bytes_per_s / GB:.3g} GB/s"
    )
