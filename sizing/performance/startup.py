"""What a replica asks of its machine beside accelerators: start-up time, host memory, processors."""

from __future__ import annotations

from collections.abc import Mapping

from sizing.catalog.accelerator import AcceleratorKind
from sizing.performance.precision import BYTES_PER_ELEMENT
from sizing.performance.replica import Replica
from sizing.performance.shard import shard_of
from sizing.units import GIB

# Measured cold start of a 27B bf16 model on one A100 with vLLM 0.25.1: framework bootstrap 74 s, engine pre-load 21 s,
# compile and warm-up 195 s, beside 62 s of weights. Source: KAITO issue 2325, 2026.
BOOTSTRAP_S = 74 + 21
COMPILE_S = 195

# Processors: one feeds each accelerator, one runs the engine, one the HTTP server and tokeniser.
VCPUS_PER_ACCELERATOR = 2.0  # a core is two vCPUs
VCPUS_PER_REPLICA = 4.0

HOST_MEMORY_PER_PROCESS_BYTES = 8 * GIB  # for each accelerator: Python, its libraries, a buffer of streamed weights
HOST_MEMORY_OF_SERVER_BYTES = 8 * GIB

# Of the checkpoint, resident while loading. Safetensors are mapped file by file, and streamed weights pass through a
# bounded buffer; but on a TPU the one process holds the model whole before it shards it: 131 GiB resident for a 70B
# model in bf16, killed under a limit of 32 GiB (marin-community/marin issue 3768, 2026-03), and llm-d took its limit of
# 64 GiB away (llm-d PR 1102, 2026-04).
STAGED_SHARE = 0.25
STAGED_SHARES: Mapping[AcceleratorKind, float] = {AcceleratorKind.TPU: 1.0}


def weight_bytes(replica: Replica) -> int:
    """Bytes of the weights of one whole replica, as loaded on all its accelerators."""
    return shard_of(replica).weight_bytes * replica.layout.accelerators


def checkpoint_bytes(replica: Replica) -> int:
    """
    Bytes that are read to load one replica: the published weights, in the precision that they were published in.

    Where the engine lowers the precision itself it reads all of the original: 141 GB for 70.6 GB of fp8.
    """
    published = round(replica.model.parameters * BYTES_PER_ELEMENT[replica.model.native_precision])
    return max(weight_bytes(replica), published)


def startup_s(replica: Replica, load_bytes_per_s: float) -> float:
    """
    Seconds from container start to ready: bootstrap, load of the checkpoint at *load_bytes_per_s*, compile, warm-up.

    The image pull is not in it. Compile time is measured for one model only, so it is a guess of the right size.
    """
    return BOOTSTRAP_S + checkpoint_bytes(replica) / load_bytes_per_s + COMPILE_S


def host_memory_bytes(replica: Replica) -> int:
    """Host memory that one replica asks for: processes, server, and the share of the checkpoint that loading holds."""
    processes = replica.layout.accelerators * HOST_MEMORY_PER_PROCESS_BYTES
    staged = STAGED_SHARES.get(replica.accelerator.kind, STAGED_SHARE) * checkpoint_bytes(replica)
    return round(processes + HOST_MEMORY_OF_SERVER_BYTES + staged)


def vcpus(replica: Replica) -> float:
    """Virtual processors that one replica asks for: two for each accelerator, four for engine, server and tokeniser."""
    return replica.layout.accelerators * VCPUS_PER_ACCELERATOR + VCPUS_PER_REPLICA
