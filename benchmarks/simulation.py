"""The closed forms beside the simulation of the same passes, over a grid of replicas, traffics and loads.

    python -m benchmarks.simulation [--requests 3000] [--seeds 3] [--json]

Open loop: each percentile of TTFT, TPOT and end to end that `open_loop` gives, over the simulated one, at shares of the
highest rate that queues and memory carry. Closed loop: throughput, TPOT and TTFT of `closed_loop` over the simulated.
Both sides share the time of a pass; scheduling, queueing, memory and what crowds do to each other are apart.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from random import Random

from sizing.catalog import catalog
from sizing.catalog.accelerator import Precision
from sizing.performance.configuration.layout import Layout
from sizing.performance.configuration.replica import Replica, replica_on
from sizing.performance.serving.closed_loop import closed_loop, sequences_held
from sizing.performance.serving.operating_point import OperatingPoint
from sizing.performance.serving.queueing import NO_OBJECTIVES, highest_rate, open_loop
from sizing.simulation import (
    Outcome,
    Request,
    gap_percentile,
    mean,
    percentile,
    requests_of,
    server_of,
    simulate,
    steady,
    together,
)
from sizing.spec.workload import TokenLengths, Traffic

LOADS = (0.1, 0.3, 0.5, 0.7, 0.85, 0.95)
CONCURRENCIES = (1, 4, 16, 64, 128, 256)
LENGTHS = ((1000, 100), (1000, 1000), (8000, 1000), (128, 2048))  # closed loop: prompt, answer
CONTEXT_TOKENS = 32_768


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One operating point: closed form over simulated, by metric; and what was simulated, in seconds."""

    replica: str
    traffic: str
    load: float  # share of the highest rate, or requests in flight
    simulated: Mapping[str, float]
    ratio: Mapping[str, float]
    preemptions: int


def replicas() -> dict[str, Replica]:
    """One device, several, cards on a bus, a small token budget, a mixture of experts, another engine's policies."""
    facts = catalog()

    def replica(model: str, device: str, weights: Precision, engine: str = "vllm", **degrees: int) -> Replica:
        return replica_on(
            facts.model(model), facts.accelerator(device), layout=Layout(**degrees), weights=weights, engine=engine
        )

    return {
        "8B bf16, H100": replica("Llama-3.1-8B", "nvidia-h100-80gb", Precision.BF16),
        "8B fp8, L40S": replica("Llama-3.1-8B", "nvidia-l40s", Precision.FP8),
        "70B fp8, 4 x H100": replica("Llama-3.3-70B-Instruct", "nvidia-h100-80gb", Precision.FP8, tp=4),
        "70B bf16, 8 x A100": replica("Llama-3.3-70B-Instruct", "nvidia-a100-80gb", Precision.BF16, tp=8),
        "70B fp8, 4 x H100, TensorRT": replica(
            "Llama-3.3-70B-Instruct", "nvidia-h100-80gb", Precision.FP8, "tensorrt-llm", tp=4
        ),
    }


def traffics() -> dict[str, Traffic]:
    """Chat, equal lengths, long prompts, long answers, and bursts."""

    def traffic(inputs: tuple[float, float], outputs: tuple[float, float], hit: float, burstiness: float) -> Traffic:
        return Traffic(
            requests_per_s=1.0,
            input_tokens=TokenLengths(mean=inputs[0], p95=inputs[1]),
            output_tokens=TokenLengths(mean=outputs[0], p95=outputs[1]),
            prefix_hit=hit,
            burstiness=burstiness,
        )

    return {
        "chat": traffic((1800, 6000), (320, 900), 0.3, 1.0),
        "equal lengths": traffic((1000, 1000), (100, 100), 0.0, 1.0),
        "documents": traffic((6000, 12_000), (250, 600), 0.2, 1.0),
        "reasoning": traffic((800, 2400), (2000, 6000), 0.0, 1.0),
        "bursts": traffic((1800, 6000), (320, 900), 0.3, 4.0),
    }


def compare_open(
    name: str, replica: Replica, kind: str, traffic: Traffic, *, loads: Sequence[float], requests: int, seeds: int
) -> Iterator[Comparison]:
    """The open loop at each of *loads*, shares of the highest rate without latency limits."""
    top = highest_rate(replica, traffic=traffic, objectives=NO_OBJECTIVES, max_context_tokens=CONTEXT_TOKENS)
    if not isinstance(top, OperatingPoint):
        return
    ranks = replica.layout.dp
    for load in loads:
        here = replace(traffic, requests_per_s=load * top.requests_per_s)
        point = open_loop(replica, traffic=here)
        if not isinstance(point, OperatingPoint) or point.latencies is None:
            continue
        each = replace(here, requests_per_s=here.requests_per_s / ranks)
        server = server_of(replica, prefix_hit=traffic.prefix_hit)
        outcome = together(
            steady(simulate(server, requests_of(each, number=requests, seed=seed))) for seed in range(seeds)
        )
        told = {"TTFT mean": point.ttft_mean_s, "TPOT mean": point.tpot_mean_s}
        for metric, spread in (
            ("TTFT", point.latencies.ttft),
            ("TPOT", point.latencies.tpot),
            ("E2E", point.latencies.e2e),
        ):
            told |= {f"{metric} p{share}": getattr(spread, f"p{share}_s") for share in (50, 90, 95, 99)}
        told["gap p99"] = point.latencies.gap_p99_s
        yield _compared(name, kind, load, told, _open_metrics(outcome), outcome)


def _open_metrics(outcome: Outcome) -> dict[str, float]:
    found = {"TTFT mean": mean(outcome.ttft_s), "TPOT mean": mean(outcome.tpot_s)}
    for metric, values in (("TTFT", outcome.ttft_s), ("TPOT", outcome.tpot_s), ("E2E", outcome.e2e_s)):
        found |= {f"{metric} p{share}": percentile(values, share / 100) for share in (50, 90, 95, 99)}
    return found | {"gap p99": gap_percentile(outcome, 0.99)}


def compare_closed(
    name: str, replica: Replica, lengths: tuple[int, int], *, concurrencies: Sequence[int], seed: int = 0
) -> Iterator[Comparison]:
    """The closed loop at each of *concurrencies* that memory holds, lengths within a tenth of *lengths*."""
    inputs, outputs = lengths
    for concurrency in concurrencies:
        if concurrency > sequences_held(replica, inputs + outputs):
            return
        point = closed_loop(replica, input_tokens=inputs, output_tokens=outputs, concurrency=concurrency)
        random = Random(seed)  # noqa: S311  lengths, not a secret
        requests = [
            Request(
                arrival_s=0.0,
                input_tokens=round(inputs * random.uniform(0.9, 1.1)),
                output_tokens=round(outputs * random.uniform(0.9, 1.1)),
            )
            for _ in range(max(60, 8 * concurrency // replica.layout.dp))
        ]
        outcome = simulate(server_of(replica), requests, in_flight=max(1, concurrency // replica.layout.dp))
        part = steady(outcome, warm_up=0.25, drain=0.25)
        rate = concurrency / mean(part.e2e_s)  # Little
        told = {"rate": point.requests_per_s, "TPOT mean": point.tpot_mean_s, "TTFT mean": point.ttft_mean_s}
        found = {"rate": rate, "TPOT mean": mean(part.tpot_s), "TTFT mean": mean(part.ttft_s)}
        yield _compared(name, f"{inputs} in, {outputs} out", float(concurrency), told, found, outcome)


def _compared(  # noqa: PLR0917
    name: str, kind: str, load: float, told: Mapping[str, float], found: Mapping[str, float], outcome: Outcome
) -> Comparison:
    return Comparison(
        replica=name,
        traffic=kind,
        load=load,
        simulated=found,
        ratio={metric: told[metric] / value for metric, value in found.items() if value > 0},
        preemptions=outcome.preemptions,
    )


def open_loops(*, requests: int, seeds: int) -> Iterator[Comparison]:
    """The whole grid of open loops."""
    for name, replica in replicas().items():
        for kind, traffic in traffics().items():
            yield from compare_open(name, replica, kind, traffic, loads=LOADS, requests=requests, seeds=seeds)


def closed_loops() -> Iterator[Comparison]:
    """The whole grid of closed loops."""
    for name, replica in replicas().items():
        for lengths in LENGTHS:
            yield from compare_closed(name, replica, lengths, concurrencies=CONCURRENCIES)


def summary(found: Iterable[Comparison]) -> dict[float, dict[str, tuple[float, float, float]]]:
    """By load and metric: lowest, median and highest ratio of closed form to simulated."""
    by_load: dict[float, dict[str, list[float]]] = {}
    for one in found:
        for metric, ratio in one.ratio.items():
            by_load.setdefault(one.load, {}).setdefault(metric, []).append(ratio)
    return {
        load: {metric: (min(ratios), statistics.median(ratios), max(ratios)) for metric, ratios in metrics.items()}
        for load, metrics in sorted(by_load.items())
    }


def render(title: str, found: Sequence[Comparison], metrics: Sequence[str]) -> list[str]:
    """A table of medians with the range in brackets, a line for each load."""
    rows = [f"{'':6}" + "".join(f"{metric:>18}" for metric in metrics)]
    for load, by_metric in summary(found).items():
        cells = [
            f"{by_metric[metric][1]:.2f} ({by_metric[metric][0]:.2f}-{by_metric[metric][2]:.2f})" for metric in metrics
        ]
        rows.append(f"{load:<6g}" + "".join(f"{cell:>18}" for cell in cells))
    return [f"{title}: closed form / simulated, median (range) over {len(found)} points", *rows, ""]


def main(argv: Sequence[str] | None = None) -> int:
    """Compare and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulation", description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=3000, help="of each simulated run (default 3000)")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each point (default 3)")
    parser.add_argument("--json", action="store_true", help="every point")
    arguments = parser.parse_args(argv)
    opened = list(open_loops(requests=arguments.requests, seeds=arguments.seeds))
    closed = list(closed_loops())
    if arguments.json:
        sys.stdout.write(
            json.dumps({"open": [*map(asdict, opened)], "closed": [*map(asdict, closed)]}, indent=1) + "\n"
        )
        return 0
    lines = [
        *render("open loop, TTFT", opened, [f"TTFT {part}" for part in ("mean", "p50", "p90", "p95", "p99")]),
        *render("open loop, TPOT", opened, [f"TPOT {part}" for part in ("mean", "p50", "p90", "p95", "p99")]),
        *render("open loop, end to end", opened, [*(f"E2E p{share}" for share in (50, 90, 95, 99)), "gap p99"]),
        *render("closed loop", closed, ["rate", "TPOT mean", "TTFT mean"]),
    ]
    sys.stdout.write("\n".join(lines))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
