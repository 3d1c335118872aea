"""Command line of vLLM's OpenAI-compatible server, from the plan's engine settings and layout, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from sizing.errors import SizingError
from sizing.plan import Deployment

PORT = 8000
MODEL_VARIABLE = "MODEL"  # environment variable of the container: where the weights are, a bucket URI or a Hub id

# First version (major, minor) that knows the flag as it is written here, where that is not the oldest supported.
# Names: vllm engine/arg_utils.py and entrypoints/openai/cli_args.py of 0.33.0, read 2026-11.
OLDEST = (0, 11)
_SINCE = {
    "--shutdown-timeout": (0, 18),  # vllm-project/vllm#34730; without it SIGTERM aborts what is in flight
}


class UnsupportedEngine(SizingError):
    """The plan asks for an engine, or a version of one, whose flags are not known."""

    def __init__(self, *, engine: str, version: str) -> None:
        """Tell which *engine* at which *version* cannot be started."""
        self.engine, self.version = engine, version
        super().__init__(
            f"sizeup:platform.versions.{engine}: {version} cannot be started, its flags are not known"
            f"\n    hint: use vllm {OLDEST[0]}.{OLDEST[1]} or later"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Streaming:
    """How weights come from an object store (`s3://`, `gs://`): past the node's disk, through memory."""

    buffer_bytes: int  # of each rank; without a limit the streamer takes as much memory as the files are large
    distributed: bool  # each rank reads a part and they exchange them, instead of each reading all; CUDA only


def vllm_args(
    deployment: Deployment, *, version: str, shutdown_timeout_s: int, streaming: Streaming | None
) -> tuple[str, ...]:
    """
    Arguments of `vllm serve`, in a fixed order; flags that say what is the default anyway are left out.

    The model is `$(MODEL)`, which Kubernetes replaces by the variable of that name: so the arguments are known before
    a bucket has a name.

    Args:
        deployment: What the plan decided.
        version: Of vLLM: 0.27.1.
        shutdown_timeout_s: How long requests in flight may still take after SIGTERM.
        streaming: How weights come from a bucket; None: the server fetches them from the Hub itself.

    Raises:
        UnsupportedEngine: For another engine than vLLM, or a version whose flags are not known.
    """
    release = _release(deployment.engine.name, version)
    layout, engine = deployment.layout, deployment.engine
    flags: list[tuple[str, str | None]] = [
        ("--served-model-name", deployment.hub_id),
        ("--host", "0.0.0.0"),  # noqa: S104  inside a pod, behind a network policy
        ("--port", str(PORT)),
        ("--tensor-parallel-size", str(layout.tp)),
    ]
    if layout.pp > 1:
        flags.append(("--pipeline-parallel-size", str(layout.pp)))
    if layout.cp > 1:
        flags.append(("--prefill-context-parallel-size", str(layout.cp)))
    if layout.dcp > 1:
        flags.append(("--decode-context-parallel-size", str(layout.dcp)))
    if layout.dp > 1:
        flags.append(("--data-parallel-size", str(layout.dp)))
    if layout.ep > 1:
        flags.append(("--enable-expert-parallel", None))
    if engine.front_ends != layout.dp:  # as many as ranks are started anyway
        flags.append(("--api-server-count", str(engine.front_ends)))
    flags += [
        ("--max-model-len", str(engine.max_model_len)),
        ("--max-num-seqs", str(engine.max_num_seqs)),
        ("--max-num-batched-tokens", str(engine.max_num_batched_tokens)),
        ("--gpu-memory-utilization", f"{engine.gpu_memory_utilization:g}"),
        ("--kv-cache-dtype", engine.kv_cache_dtype),
    ]
    if engine.quantization is not None:
        flags.append(("--quantization", engine.quantization))
    if streaming is not None:
        loader: dict[str, object] = {"memory_limit": streaming.buffer_bytes}
        if streaming.distributed and layout.accelerators > 1:
            loader["distributed"] = True
        flags += [("--load-format", "runai_streamer"), ("--model-loader-extra-config", json.dumps(loader))]
    flags.append(("--shutdown-timeout", str(shutdown_timeout_s)))
    return ("serve", f"$({MODEL_VARIABLE})", *_flat(flag for flag in flags if _SINCE.get(flag[0], OLDEST) <= release))


def _release(engine: str, version: str) -> tuple[int, int]:
    """Major and minor number of a version of vLLM that is known."""
    parts = version.split(".")
    if engine != "vllm" or len(parts) < 2 or not all(part.isdigit() for part in parts[:2]):
        raise UnsupportedEngine(engine=engine, version=version)
    release = (int(parts[0]), int(parts[1]))
    if release < OLDEST:
        raise UnsupportedEngine(engine=engine, version=version)
    return release


def _flat(flags: Iterable[tuple[str, str | None]]) -> tuple[str, ...]:
    """Flags and their values in one row."""
    return tuple(part for flag in flags for part in flag if part is not None)
