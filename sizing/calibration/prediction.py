"""What the performance model says of a published run: its setup in, throughput and latencies out, never its outcome."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from sizing.calibration.measurement import Setup, accelerator_named, cache_precision, weight_precision
from sizing.catalog.accelerator import Accelerator, AcceleratorKind, Precision
from sizing.catalog.model import Model, ModelKind
from sizing.errors import UnknownFact
from sizing.performance.configuration.engine import engine_named
from sizing.performance.configuration.layout import Layout
from sizing.performance.configuration.legal import legal_layouts
from sizing.performance.configuration.replica import Replica, replica_on
from sizing.performance.configuration.speculation import Speculation
from sizing.performance.memory.budget import memory_budget
from sizing.performance.passes.efficiency import PERFECT
from sizing.performance.passes.forward import costs_of, decode_step
from sizing.performance.serving.closed_loop import closed_loop, saturated, whole_batch
from sizing.performance.serving.operating_point import Excuse, OperatingPoint
from sizing.performance.serving.pools import Pools, disaggregated_loop
from sizing.performance.serving.queueing import highest_rate
from sizing.spec.workload import Objectives, TokenLengths, Traffic

MEAN_LENGTH = 0.9  # of nominal, where lengths are drawn evenly from 0.8 to 1.0
NETWORK_BYTES_PER_S = 50e9  # one 400 Gbit/s port an accelerator, as the machines of the disaggregated runs have

# MLPerf Inference latency limits at the 99th percentile (TTFT s, TPOT s); from memory, unverified (data/README.md).
MLPERF_LIMITS = {
    ("Llama-2-70B", "mlperf-server"): Objectives(ttft_p95_s=2.0, tpot_p95_s=0.2, e2e_p95_s=None),
    ("Llama-2-70B", "mlperf-interactive"): Objectives(ttft_p95_s=0.45, tpot_p95_s=0.04, e2e_p95_s=None),
    ("Llama-3.1-405B", "mlperf-server"): Objectives(ttft_p95_s=6.0, tpot_p95_s=0.175, e2e_p95_s=None),
    ("Mixtral-8x7B", "mlperf-server"): Objectives(ttft_p95_s=2.0, tpot_p95_s=0.2, e2e_p95_s=None),
    ("Llama-3.1-8B", "mlperf-server"): Objectives(ttft_p95_s=2.0, tpot_p95_s=0.1, e2e_p95_s=None),
    ("Llama-3.1-8B", "mlperf-interactive"): Objectives(ttft_p95_s=0.5, tpot_p95_s=0.03, e2e_p95_s=None),
    ("DeepSeek-R1", "mlperf-server"): Objectives(ttft_p95_s=2.0, tpot_p95_s=0.08, e2e_p95_s=None),
    ("GPT-J-6B", "mlperf-server"): Objectives(ttft_p95_s=None, tpot_p95_s=None, e2e_p95_s=20.0),
}
MLPERF_SHARE = 0.99  # of requests must keep them
QUEUED = frozenset({"offline-max", "mlperf-offline"})  # all requests queued at once; a number is the most in flight
# GPT-J is benchmarked with four beams (mlcommons/inference, language/gpt-j, README: num_beams 4): each answer token is
# decoded on four of them, and counted once: what a draft of three more tokens costs of which none is taken.
MLPERF_BEAMS = {"GPT-J-6B": Speculation(draft_tokens=3, acceptance=0.0, head_layers=0)}
# Cards that some cloud machines have on half a bus, at the full one that published servers have: PCIe 4.0 x16.
FULL_HOST_LINK_BYTES_PER_S = {"nvidia-l4": 32e9, "nvidia-a10g": 32e9}
WIDE_CACHE = frozenset({"sglang"})  # engines whose recipes leave the cache in bf16
MLPERF_P95_OVER_MEAN = 2.0  # of prompt and answer lengths in its data sets; a guess


class Facts(Protocol):
    """What of the catalog a prediction needs."""

    @property
    def accelerators(self) -> tuple[Accelerator, ...]:
        """All devices."""
        ...

    def model(self, name: str) -> Model:
        """The model of that name or alias; raises UnknownFact."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One metric of one run in the table's own unit, with its 80 % interval and the physical limit."""

    predicted: float
    low: float
    high: float
    limit: float  # no throughput above, no latency below
    layouts: float = 1.0  # middle legal layout over the best, where none is told: by so much the lower end is lowered

    @property
    def possible(self) -> bool:
        """Whether the prediction respects the limit; *limit* is told as the bound that a metric's direction has."""
        return self.limit <= 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A setup resolved to values of the library: equal replicas of one layout."""

    replica: Replica
    replicas: float


def predict(setup: Setup, facts: Facts) -> dict[str, Prediction] | str:
    """The metrics of the run by name (output_tps, ttft_ms, ...), or why it cannot be predicted."""
    accelerator = accelerator_named(setup.accelerator, facts.accelerators)
    weights = weight_precision(setup.weights)
    if accelerator is None:
        return f"no accelerator {setup.accelerator} in the catalog"
    if weights is None:
        return f"unknown weight format {setup.weights}"
    return _predict(setup, facts, accelerator, weights)


def _predict(setup: Setup, facts: Facts, accelerator: Accelerator, weights: Precision) -> dict[str, Prediction] | str:
    bus = FULL_HOST_LINK_BYTES_PER_S.get(accelerator.name)
    if bus is not None:
        accelerator = replace(accelerator, host_link_bytes_per_s=bus)
    try:
        model = facts.model(setup.model)
        if model.kind is not ModelKind.DECODER:
            return f"{model.name} is not a decoder"
        if setup.mode == "disagg":
            return _disaggregated(setup, model, accelerator, weights)
        runs = tuple(_runs(setup, model, accelerator, weights))
        points = [(run, _point(setup, run)) for run in runs]
    except UnknownFact as error:
        return str(error)
    reached = [(run, point) for run, point in points if point is not None]
    if not reached:
        return "no layout can run it"
    rates = sorted(point.requests_per_s * run.replicas for run, point in reached)
    run, point = max(reached, key=lambda pair: pair[1].requests_per_s * pair[0].replicas)
    layouts = rates[len(rates) // 2] / rates[-1]  # who ran it may not have found the best one
    metrics = _metrics(setup, run, point)
    return {
        name: replace(one, low=one.low * layouts, layouts=layouts) if name.startswith("output") else one
        for name, one in metrics.items()
    }


def engine_of(software: str) -> str:
    """The engine of the facts that a table's name of the software means; vLLM stands for those without facts."""
    name = software.lower()
    if "tensorrt" in name or "trtllm" in name or "trt-llm" in name:
        return "tensorrt-llm"
    return "sglang" if "sglang" in name else "vllm"


def engine_version(software: str) -> str | None:
    """The version of the facts that a table's name of the software means, where it is not the default one."""
    return "0.2" if "early vllm" in software.lower() else None


def _runs(setup: Setup, model: Model, accelerator: Accelerator, weights: Precision) -> Iterable[Run]:
    """The layouts that the setup may mean: the one it tells, or all legal ones that fit."""
    if setup.tp is not None:
        layout = _told_layout(setup, model, accelerator)
        replica = _replica(setup, model, accelerator, weights, layout)
        yield Run(replica=replica, replicas=max(1.0, setup.accelerators / layout.accelerators))
        return
    per_node = max(1, setup.accelerators // setup.nodes)
    for layout in legal_layouts(model, accelerator, accelerators_in_machine=per_node, weights=weights):
        replica = _replica(setup, model, accelerator, weights, layout)
        if memory_budget(replica).fits:
            yield Run(replica=replica, replicas=setup.accelerators // layout.accelerators)


def _told_layout(setup: Setup, model: Model, accelerator: Accelerator) -> Layout:
    """The layout in accelerators: Neuron and TPU v7x tables count two cores a chip; dp is what the count leaves."""
    two_cores = accelerator.kind is AcceleratorKind.NEURON or accelerator.name == "tpu-v7x"
    tp = setup.tp or 1
    if two_cores:
        tp = min(max(1, tp // 2), setup.accelerators)
    pp = setup.pp or 1
    spread = setup.accelerators // (tp * pp)
    if model.moe is not None and (setup.dp or 1) > 1 and spread == 1:  # told as ranks of both: attention is not split
        return Layout(pp=pp, dp=tp, ep=setup.ep or 1)
    data_parallel = model.moe is not None and spread > 1 and ((setup.dp or 1) > 1 or (setup.ep or 1) > 1)
    return Layout(tp=tp, pp=pp, dp=spread if data_parallel else 1, ep=setup.ep or 1)


def _replica(setup: Setup, model: Model, accelerator: Accelerator, weights: Precision, layout: Layout) -> Replica:
    replica = replica_on(
        model,
        accelerator,
        layout=layout,
        weights=weights,
        kv=cache_precision(setup.kv, weights, recipe=_narrow_cache(setup, accelerator, weights)),
        engine=engine_named(engine_of(setup.software), engine_version(setup.software)),
        accelerators_in_machine=max(1, setup.accelerators // setup.nodes),
    )
    beams = MLPERF_BEAMS.get(setup.model) if setup.mode.startswith("mlperf") else None
    return replica if beams is None else replace(replica, speculation=beams)


def _narrow_cache(setup: Setup, accelerator: Accelerator, weights: Precision) -> bool:
    """
    Whether a run of narrow weights that tells no cache format had an fp8 cache.

    SGLang keeps the format of the activations unless told otherwise, and so do the published recipes of gpt-oss where
    the device has no fp4 unit (Hopper); NVIDIA's fp8 and fp4 checkpoints ask TensorRT-LLM for fp8.
    """
    unpacked = weights is Precision.MXFP4 and accelerator.fp4_flop_per_s is None
    return engine_of(setup.software) not in WIDE_CACHE and not unpacked


def _lengths(setup: Setup) -> tuple[float, float]:
    """Mean tokens read and decoded for one request."""
    share = MEAN_LENGTH if setup.random_lengths else 1.0
    return setup.input_tokens * share, max(1.0, setup.output_tokens * share)


def _point(setup: Setup, run: Run) -> OperatingPoint | None:
    """The operating point of one replica of *run* in the benchmark's mode; None where it cannot run."""
    inputs, outputs = _lengths(setup)
    each = None if setup.concurrency is None else max(1, round(setup.concurrency / run.replicas))
    match setup.mode:
        case "static-batch" | "single-stream":
            return whole_batch(run.replica, input_tokens=inputs, output_tokens=outputs, batch=each or 1)
        case "mlperf-server" | "mlperf-interactive":
            return _within_limits(setup, run)
        case _ if setup.concurrency is not None and setup.mode not in QUEUED:
            return closed_loop(run.replica, input_tokens=inputs, output_tokens=outputs, concurrency=each or 1)
        case _:
            full = saturated(run.replica, input_tokens=inputs, output_tokens=outputs)
            if each is not None and each < full.concurrency:
                return closed_loop(run.replica, input_tokens=inputs, output_tokens=outputs, concurrency=each)
            return full


def _within_limits(setup: Setup, run: Run) -> OperatingPoint | None:
    objectives = MLPERF_LIMITS.get(
        (run.replica.model.name, setup.mode), Objectives(ttft_p95_s=2.0, tpot_p95_s=0.2, e2e_p95_s=None)
    )
    _, outputs = _lengths(setup)
    traffic = Traffic(
        requests_per_s=0.0,
        input_tokens=TokenLengths(mean=setup.input_tokens, p95=MLPERF_P95_OVER_MEAN * setup.input_tokens),
        output_tokens=TokenLengths(mean=outputs, p95=MLPERF_P95_OVER_MEAN * outputs),
        prefix_hit=0.0,
        burstiness=1.0,
    )
    context = round(setup.input_tokens + outputs)
    point = highest_rate(
        run.replica, traffic=traffic, objectives=objectives, max_context_tokens=context, share=MLPERF_SHARE
    )
    return None if isinstance(point, Excuse) else point


def _disaggregated(
    setup: Setup, model: Model, accelerator: Accelerator, weights: Precision
) -> dict[str, Prediction] | str:
    """Prefill and decode pools of the told sizes, each in its best layout."""
    topology = setup.topology
    if topology is None:
        return "the topology of the pools is not told"
    inputs, outputs = _lengths(setup)

    def layouts(accelerators: int) -> list[Replica]:
        degrees = [Layout(tp=accelerators)] if accelerators <= 16 else []
        if model.moe is not None:
            degrees += [
                Layout(tp=tp, dp=accelerators // tp, ep=accelerators) for tp in (1, 4) if accelerators % tp == 0
            ]
        replicas = [_replica(setup, model, accelerator, weights, layout) for layout in degrees]
        return [replica for replica in replicas if memory_budget(replica).fits] or replicas

    points = []
    for prefill in layouts(topology.prefill_accelerators):
        for decode in layouts(topology.decode_accelerators):
            pools = Pools(
                prefill=prefill,
                prefill_replicas=topology.prefill_workers,
                decode=decode,
                decode_replicas=topology.decode_workers,
                transfer_bytes_per_s=NETWORK_BYTES_PER_S,
            )
            point = disaggregated_loop(
                pools, input_tokens=inputs, output_tokens=outputs, concurrency=setup.concurrency or 1
            )
            points.append((Run(replica=decode, replicas=topology.decode_workers), point))
    run, point = max(points, key=lambda pair: pair[1].requests_per_s)
    return _metrics(setup, replace(run, replicas=1), point)


def _metrics(setup: Setup, run: Run, point: OperatingPoint) -> dict[str, Prediction]:
    """Every metric that a table may ask of the run."""
    _, outputs = _lengths(setup)
    rate = point.requests_per_s * outputs
    if setup.random_lengths and setup.concurrency is not None:
        # as the collections work it out: requests in flight x nominal answer / time of a nominal answer
        nominal_s = point.ttft_mean_s + (setup.output_tokens - 1) * point.tpot_mean_s
        rate = point.concurrency * setup.output_tokens / nominal_s
    throughput = rate * run.replicas
    estimate = point.output_tokens_per_s
    top = peak_output_tokens_per_s(setup, run.replica)
    wide = {"low": estimate.low / estimate.value, "high": estimate.high / estimate.value}
    fastest_step = decode_step(
        costs_of(run.replica, PERFECT),
        sequences=1.0,
        context_tokens=setup.input_tokens,
    ).total_s

    def throughput_of(value: float, limit: float) -> Prediction:
        return Prediction(predicted=value, low=value * wide["low"], high=value * wide["high"], limit=value / limit)

    def latency_of(value: float, low: float, high: float, limit: float) -> Prediction:
        return Prediction(predicted=value * 1e3, low=low * 1e3, high=high * 1e3, limit=limit / value)

    ttft, tpot = point.ttft_p95_s, point.tpot_p95_s
    ttft_low, ttft_high = ttft.low / ttft.value, ttft.high / ttft.value
    tpot_low, tpot_high = tpot.low / tpot.value, tpot.high / tpot.value
    total_s = point.ttft_mean_s + (outputs - 1) * point.tpot_mean_s
    return {
        "output_tps": throughput_of(throughput, top),
        "output_tps_per_accel": throughput_of(throughput / setup.accelerators, top / setup.accelerators),
        "ttft_ms": latency_of(
            point.ttft_mean_s, point.ttft_mean_s * ttft_low, point.ttft_mean_s * ttft_high, fastest_step
        ),
        "tpot_ms": latency_of(
            point.tpot_mean_s, point.tpot_mean_s * tpot_low, point.tpot_mean_s * tpot_high, fastest_step
        ),
        "e2e_latency_ms": latency_of(total_s, total_s * tpot_low, total_s * tpot_high, fastest_step),
    }


def peak_output_tokens_per_s(setup: Setup, replica: Replica) -> float:
    """
    Output tokens per second of the whole system that arithmetic allows, every unit at its dense peak.

    Each answer token and each prompt token costs two operations per active parameter (the input table is looked up, not
    multiplied; prompts need no output table).
    """
    model, device = replica.model, replica.accelerator
    peaks = (device.bf16_flop_per_s, device.fp8_flop_per_s, device.int8_op_per_s, device.fp4_flop_per_s)
    peak = max(value for value in peaks if value is not None) * setup.accelerators
    table = model.vocab * model.hidden
    inner = model.active_parameters - (table if model.tied_embeddings else 2 * table)
    inputs, outputs = _lengths(setup)
    return peak / (2 * (inner + table) + 2 * inner * inputs / outputs)
