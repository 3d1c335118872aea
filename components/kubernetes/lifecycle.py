"""Times of a replica's life, worked out from the plan: how long it may start and drain, and when another is added."""

from __future__ import annotations

import math

from sizing.plan import Deployment
from sizing.units import GIB

PROBE_PERIOD_S = 10

# A predicted start can be off by a factor of two: a cold object store, a compile cache that is empty, a busy host
# (KAITO#2325 measured 62 s of weights and 195 s of compile and warm-up for 52 GiB). Too short a budget kills a replica
# that would have come up and starts it anew, for ever; too long a one only finds a broken replica later.
STARTUP_MARGIN = 2.0
LEAST_STARTUP_BUDGET_S = 300
# XLA compiles every shape of batch before the first answer, and a new pod has no cache of it: llm-d gives a 32B model
# on v6e an hour (guides/optimized-baseline modelserver/tpu/v6, startupProbe of 120 x 30 s).
LEAST_STARTUP_BUDGET_ON_TPU_S = 3600

# Before the first container starts: a node joins (284 s + 126 s) and pulls the image (101 s for 5.6 GB), measured by
# KAITO#2325 at 511 s together; 900 s leaves room for images of 10 GB.
NODE_AND_IMAGE_S = 900

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


def startup_failures(deployment: Deployment) -> int:
    """Failed startup probes, one each ten seconds, until a replica counts as broken."""
    is_tpu = deployment.accelerator.startswith("tpu-")
    least = LEAST_STARTUP_BUDGET_ON_TPU_S if is_tpu else LEAST_STARTUP_BUDGET_S
    return math.ceil(max(least, STARTUP_MARGIN * deployment.startup_s) / PROBE_PERIOD_S)


def progress_deadline_s(deployment: Deployment) -> int:
    """Seconds for a new replica to be ready, with a new node and a cold image: then a rollout counts as stuck."""
    return NODE_AND_IMAGE_S + startup_failures(deployment) * PROBE_PERIOD_S


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
