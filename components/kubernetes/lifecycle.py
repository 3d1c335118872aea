"""Times of a replica's life, worked out from the plan: how long it may start and drain, and when another is added."""

from __future__ import annotations

import math

from sizing.performance.host.loading import load_tier
from sizing.plan import Deployment
from sizing.units import GIB

PROBE_PERIOD_S = 10

# A predicted start can be off by a factor of two: a cold object store, a busy host, a model that compiles for longer
# (the prediction was 233 s where 277 s were seen, and 300 s where 205 s were: vLLM issues 44881 and 19824). Too short a
# budget kills a replica that would have come up and starts it anew, for ever; too long a one only finds a broken
# replica later.
STARTUP_MARGIN = 2.0
LEAST_STARTUP_BUDGET_S = 300
# XLA compiles every shape of batch before the first answer, and a new pod has no cache of it: llm-d gives a 32B model
# on v6e an hour (guides/optimized-baseline modelserver/tpu/v6, startupProbe of 120 x 30 s).
LEAST_STARTUP_BUDGET_BY_XLA_S = 3600
COMPILED_BY_XLA = ("tpu-", "aws-")  # accelerators whose names start so

# Before the first container starts: a node joins, measured by KAITO#2325 at 284 s + 126 s = 410 s, and pulls the image,
# which the plan predicts; both with the margin of a start.
NODE_S = 410

PRE_STOP_S = 15  # until every proxy has taken the pod out of its list; KServe waits as long (kserve#5485)
AFTER_DRAIN_S = 15  # from the end of the last answer to the end of the process

# Requests last about as long as their answers are, spread lognormally; four means lie beyond the 99th percentile of a
# lognormal with a coefficient of variation of 0.75 (3.8 means).
DRAIN_MEANS = 4.0
LEAST_DRAIN_S = 30

# The autoscaler acts at 1.1 of its target, and the new replica takes its start-up time; at 0.8 it acts at 0.88 of what
# a replica sustains within its promises.
TARGET_UTILISATION = 0.8

# Room for NCCL and the engine's own messages: llm-d gives 20 GiB as its baseline. It counts against the pod's memory,
# which the plan worked out for staging weights, so it takes no more than a quarter of that.
SHARED_MEMORY_BYTES = 20 * GIB

# A streamed tensor has to fit the buffer: the largest of the usual models are embeddings of 2.1 GB (Llama 70B, bf16)
# to 2.8 GB (Gemma 27B).
LEAST_STREAMING_BUFFER_BYTES = 3 * GIB


def startup_failures(deployment: Deployment, *, from_hub: bool = False) -> int:
    """
    Failed startup probes, one each ten seconds, until a replica counts as broken.

    The predicted start with its margin; weights that come *from_hub* are fetched on to the disk before they are read.
    """
    fetched_s = deployment.checkpoint_bytes / (load_tier("hub").bytes_per_s or math.inf) if from_hub else 0.0
    by_xla = deployment.accelerator.startswith(COMPILED_BY_XLA)
    least = LEAST_STARTUP_BUDGET_BY_XLA_S if by_xla else LEAST_STARTUP_BUDGET_S
    return math.ceil(max(least, STARTUP_MARGIN * (deployment.startup_s + fetched_s)) / PROBE_PERIOD_S)


def progress_deadline_s(deployment: Deployment, *, from_hub: bool = False) -> int:
    """Seconds for a new replica to be ready, with a new node and a cold image: then a rollout counts as stuck."""
    before = STARTUP_MARGIN * (NODE_S + deployment.cold_start.image_s)
    return math.ceil(before) + startup_failures(deployment, from_hub=from_hub) * PROBE_PERIOD_S


def drain_s(deployment: Deployment) -> int:
    """
    Seconds that requests in flight may still take after SIGTERM.

    By Little's law a request takes concurrency / rate on average.
    """
    mean_s = deployment.concurrency / deployment.requests_per_s
    return max(LEAST_DRAIN_S, math.ceil(DRAIN_MEANS * mean_s))


def termination_grace_s(deployment: Deployment) -> int:
    """Seconds from the decision to stop a pod to its kill: longer than waiting and draining together."""
    return PRE_STOP_S + drain_s(deployment) + AFTER_DRAIN_S


def target_running_requests(deployment: Deployment) -> int:
    """Requests in flight per replica that the autoscaler aims at."""
    return max(1, math.floor(TARGET_UTILISATION * deployment.concurrency))


def shared_memory_bytes(deployment: Deployment) -> int:
    """Size of /dev/shm, part of the memory that the replica asks for."""
    return min(SHARED_MEMORY_BYTES, deployment.host_memory_bytes // 4)


def streaming_buffer_bytes(deployment: Deployment) -> int:
    """Memory that each rank may stream weights through: together a quarter of what the plan asks for, or the least."""
    share = deployment.host_memory_bytes // 4 // deployment.layout.accelerators
    return max(LEAST_STREAMING_BUFFER_BYTES, share)
