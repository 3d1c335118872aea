"""What a replica asks of its machine beside accelerators and processors: memory, disk, and the time of its start."""

from __future__ import annotations

from collections.abc import Mapping

from sizing.catalog.accelerator import AcceleratorKind
from sizing.performance.configuration.replica import Replica
from sizing.performance.configuration.shard import published_bytes, shard_of
from sizing.performance.host.cold_start import ColdStart
from sizing.units import GB, GIB

# Measured cold start of a 27B bf16 model on one A100 with vLLM 0.25.1 (KAITO issue 2325, 2026): an image of 5.6 GB
# pulled in 101 s, framework bootstrap 74 s, engine pre-load 21 s, 62 s of weights, 195 s of compile and warm-up.
IMAGE_BYTES_PER_S = 5.6 * GB / 101
BOOTSTRAP_S = 74 + 21

# What is pulled of vLLM's own image, compressed (vLLM issue 27154, 2025-10); unpacked it takes 28.6 GB of the disk
# (vLLM PR 22377, 2025-12).
IMAGE_BYTES = 12.6 * GB

# Compilation, captured graphs and warm-up grow with the layers: 195 s of the same source, whose 27B has 62 to 64. The
# same rule gives 240 s where 145 s were seen for 80 layers in fp8 (vLLM issue 19824, 2025-06), and 120 s where 253 s
# were for 40 layers of experts in nvfp4 (vLLM issue 44881, 2026-06): right within a factor of two.
COMPILE_PER_LAYER_S = 3.0

# Each pair of accelerators is tried for peer access, and a new pod has no cache of it: 60 s with 8 (vLLM issue 19824).
PEER_CHECK_S = 60 / (8 * 7)

# XLA compiles every shape of batch: "20~30 minutes in the first run" on TPU (vLLM docs, installation, 2025). Neuron's
# compiler is XLA's as well and no published figure was found: taken as alike, unverified.
COMPILE_BY_XLA_S = 25 * 60.0

# Of these no published figure was found that tells them apart: engineering estimates, unverified.
HOST_MEMORY_PER_PROCESS_BYTES = 8 * GIB  # for each accelerator: Python, its libraries, a buffer of streamed weights
HOST_MEMORY_OF_SERVER_BYTES = 8 * GIB  # scheduler and first front end
HOST_MEMORY_PER_FRONT_END_BYTES = 2 * GIB  # each further one: Python, tokeniser, streams

# Of the checkpoint, resident while loading. Safetensors are mapped file by file, and streamed weights pass through a
# bounded buffer; but on a TPU the one process holds the model whole before it shards it: 131 GiB resident for a 70B
# model in bf16, killed under a limit of 32 GiB (marin-community/marin issue 3768, 2026-03), and llm-d took its limit of
# 64 GiB away (llm-d PR 1102, 2026-04).
STAGED_SHARE = 0.25
STAGED_SHARES: Mapping[AcceleratorKind, float] = {AcceleratorKind.TPU: 1.0}

CACHE_BYTES = 10 * GIB  # on disk: compiled kernels and graphs, logs, the tokenizer's files
WEIGHTS_ON_DISK = 1.2  # times the checkpoint, where it is kept on the machine: files that are still being written


def weight_bytes(replica: Replica) -> int:
    """Bytes of the weights of one whole replica, as loaded on all its accelerators."""
    return shard_of(replica).weight_bytes * replica.layout.accelerators


def checkpoint_bytes(replica: Replica) -> int:
    """
    Bytes that are read to load one replica: the published weights, in the precision that they were published in.

    Where the engine lowers the precision itself it reads all of the original: 141 GB for 70.6 GB of fp8.
    """
    return max(weight_bytes(replica), published_bytes(replica.model))


def cold_start(replica: Replica, load_bytes_per_s: float) -> ColdStart:
    """The start of one replica on a new machine, its checkpoint read at *load_bytes_per_s*, with nothing cached."""
    return ColdStart(
        image_s=IMAGE_BYTES / IMAGE_BYTES_PER_S,
        bootstrap_s=BOOTSTRAP_S,
        weights_s=checkpoint_bytes(replica) / load_bytes_per_s,
        compile_s=compile_s(replica),
    )


def compile_s(replica: Replica) -> float:
    """Seconds of compilation, captured graphs and warm-up; of GPUs also of trying each pair for peer access."""
    if replica.accelerator.kind is not AcceleratorKind.GPU:
        return COMPILE_BY_XLA_S
    ranks = replica.layout.accelerators
    return replica.model.layers / replica.layout.pp * COMPILE_PER_LAYER_S + ranks * (ranks - 1) * PEER_CHECK_S


def host_memory_bytes(replica: Replica, *, front_ends: int = 1) -> int:
    """Host memory that one replica asks for: its processes, and the share of the checkpoint that loading holds."""
    workers = replica.layout.accelerators * HOST_MEMORY_PER_PROCESS_BYTES
    more = (front_ends - 1) * HOST_MEMORY_PER_FRONT_END_BYTES
    staged = STAGED_SHARES.get(replica.accelerator.kind, STAGED_SHARE) * checkpoint_bytes(replica)
    return round(workers + HOST_MEMORY_OF_SERVER_BYTES + more + staged)


def disk_bytes(checkpoint: int) -> int:
    """
    Disk of its machine that a replica of a *checkpoint* of so many bytes may fill: caches, and the files themselves.

    Weights that are streamed from object storage never touch it; room is kept for them all the same, so that they may
    come from a hub without another plan.
    """
    return round(CACHE_BYTES + WEIGHTS_ON_DISK * checkpoint)
