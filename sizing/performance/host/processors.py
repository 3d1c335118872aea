"""
Processors that a replica asks of its machine: one core for each process of the server, and as many front ends as the
HTTP, tokenising and streaming of its traffic take.
"""

from __future__ import annotations

import math

from sizing.performance.configuration.replica import Replica
from sizing.spec.workload import Traffic

# Time of one core of an EPYC at 2.6 GHz, measured on 2026-11-21 with tokenizers 0.23 (65k-token byte-pair vocabulary,
# English and code), FastAPI 0.165 and uvicorn 0.54 streaming chat chunks: 0.67 ms a request, 2.9 us a prompt token,
# 55 us an answer token (1.3 of them detokenising, 9.5 the chunk); the engine's own messages come on top, so a little
# more is taken. As a check: one front end of vLLM 0.8 ended at 76.5 requests/s of 221 prompt tokens and some 200 of
# answer (vLLM PR 17546, 2025-05, two A100, 120/s asked), which these figures make 1.0 core.
REQUEST_S = 0.7e-3
PROMPT_TOKEN_S = 3e-6
OUTPUT_TOKEN_S = 60e-6

# Share of its core that a front end is kept under: it is one event loop, and while it works, all its streams wait.
MOST_BUSY = 0.6

VCPUS_PER_CORE = 2  # a vCPU is a hardware thread; where it is a whole core (arm64), this asks for too many, not too few


def front_end_cores(traffic: Traffic) -> float:
    """Cores that HTTP, tokenising and streaming of *traffic* keep busy: lambda (request + I x prompt + O x answer)."""
    tokens_s = traffic.input_tokens.mean * PROMPT_TOKEN_S + traffic.output_tokens.mean * OUTPUT_TOKEN_S
    return traffic.requests_per_s * (REQUEST_S + tokens_s)


def front_ends(replica: Replica, traffic: Traffic) -> int:
    """Front-end processes (`--api-server-count`): as many as data-parallel ranks, as vLLM starts, or as it takes."""
    return max(replica.layout.dp, math.ceil(front_end_cores(traffic) / MOST_BUSY))


def vcpus(replica: Replica, traffic: Traffic) -> float:
    """
    Virtual processors that one replica asks for while it serves *traffic*, whose rate is that of this replica.

    One core for each front end, scheduler (one a data-parallel rank), worker (one an accelerator), and for the
    coordinator of ranks: with fewer cores than processes the schedulers, which never sleep, starve. Source: vLLM docs,
    "CPU Resources for GPU Deployments", 2026-02. On a TPU one worker drives all chips, so this is more than it takes.
    """
    ranks = replica.layout.dp
    processes = front_ends(replica, traffic) + ranks + replica.layout.accelerators + (1 if ranks > 1 else 0)
    return float(VCPUS_PER_CORE * processes)
