"""Fits the efficiencies of `sizing/performance/facts/efficiencies.json` to a table of measurements, with strong priors.

    python -m benchmarks.calibrate --table measured.csv --out efficiencies.json

A handful of physical constants per device class and four per engine; none per model, row or source. Each constant is
pulled towards its prior (measured kernels) on a logarithmic scale, so that what the table says nothing about stays.
The search is coordinate descent: small, and exact enough for figures of two digits.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.accuracy import metric_of
from benchmarks.measurements import Measurement, accelerator_named, read_inference
from benchmarks.predictions import Facts, engine_of, engine_version, predict
from sizing.catalog import catalog
from sizing.performance import efficiency, forward, queueing

PRIORS = Path(__file__).parent / "priors.json"  # what the constants are before any fit, with their source
LOOSE, TIGHT = 0.35, 0.15  # one standard deviation of a constant around its prior, in logarithms
PRIOR_WEIGHT = 0.004  # of one squared standard deviation, against the mean error of many rows
FEW_ROWS = 200  # with so few, the prior weighs twice as much; with a tenth, eleven times
INTERVAL = (0.1, 0.9)  # quantiles of measured over predicted
WIDENED = 1.15  # in logarithms: the residuals are those of the rows that were fitted
LEAST_ROWS = 30  # of a device class with an interval of its own
KNEE = 0.1  # errors below count squared, above linearly: medians matter, outliers do not pull
MOST = 0.97  # no share of a peak above
STEPS = (0.25, 0.08, 0.025)  # tried up and down, coarse to fine
METRIC_WEIGHT = {"output_tps": 1.0, "output_tps_per_accel": 1.0, "tpot_ms": 1.0, "ttft_ms": 0.6}

SHARES = ("flops", "bandwidth")
COSTS = ("layer_us", "moe_layer_us", "sequence_us", "step_us")


@dataclass(frozen=True, slots=True)
class Knob:
    """One constant: where it is, its prior, how firmly it is held, and its largest value."""

    path: tuple[str, ...]
    prior: float
    spread: float
    most: float


def knobs_of_class(row: dict[str, Any]) -> Iterator[Knob]:
    """The constants of one device class."""
    for name in SHARES:
        for precision, value in row[name].items():
            yield Knob((name, precision), value, TIGHT, MOST)
    for name in ("attention_flops", "cache_bandwidth"):
        yield Knob((name,), row[name], TIGHT, MOST)
    for name in COSTS:
        yield Knob((name,), row[name], LOOSE, math.inf)
    for ranks, value in row["collective_us"].items():
        yield Knob(("collective_us", ranks), value, LOOSE, math.inf)
    for ranks, value in row["link_share"].items():
        yield Knob(("link_share", ranks), value, LOOSE, MOST)
    yield Knob(("grouped_flops",), row["grouped_flops"], LOOSE, 1.0)
    yield Knob(("expert_imbalance",), row["expert_imbalance"], TIGHT, 2.0)


def knobs_of_engine(row: dict[str, Any]) -> Iterator[Knob]:
    """The constants of one engine."""
    yield Knob(("overhead",), row["overhead"], TIGHT if row["overhead"] == 1.0 else LOOSE, 10.0)
    yield Knob(("sequence",), row["sequence"], LOOSE, 5.0)
    yield Knob(("interference",), row["interference"], TIGHT, 1.0)
    for name in ("clumping", "ttft_floor_ms", "ttft_request_ms"):
        yield Knob((name,), row[name], LOOSE, math.inf)


class Fit:
    """The rows, the constants as they stand, and the loss over a part of the rows."""

    def __init__(self, rows: list[Measurement], facts: Facts, document: dict[str, Any]) -> None:
        """Keep *rows* that count; *document* is changed in place."""
        self.document = document
        self.facts = facts
        self.rows = rows
        sizes = Counter((row.group, row.metric) for row in rows)
        # each group counts by the root of its size: neither the largest alone nor each row of the smallest
        self.weights = {
            row.id: METRIC_WEIGHT.get(row.metric, 0.0) / math.sqrt(sizes[row.group, row.metric]) for row in rows
        }

    def install(self) -> None:
        """Make the library predict with the constants as they stand."""
        efficiency._document = lambda: self.document  # type: ignore[assignment]  # noqa: SLF001  replaces packaged facts
        for cached in (efficiency.efficiency, forward.costs_of, queueing._load):  # noqa: SLF001
            cached.cache_clear()

    def loss(self, rows: list[Measurement]) -> float:
        """Weighted mean of the rows' errors, in logarithms."""
        self.install()
        predicted: dict[object, Any] = {}
        total = weight = 0.0
        for row in rows:
            if row.setup not in predicted:
                predicted[row.setup] = predict(row.setup, self.facts)
            answer = predicted[row.setup]
            if isinstance(answer, str) or row.metric not in answer or not row.value:
                continue
            error = abs(math.log(answer[row.metric].predicted / row.value))
            total += self.weights[row.id] * (error**2 / (2 * KNEE) if error < KNEE else error - KNEE / 2)
            weight += self.weights[row.id]
        return total / weight if weight else 0.0

    def descend(self, target: dict[str, Any], knobs: list[Knob], rows: list[Measurement], step: float) -> None:
        """Move each constant of *target* a step up or down where that lowers the penalised loss."""

        def penalty() -> float:
            return (
                PRIOR_WEIGHT
                * (1 + FEW_ROWS / len(rows))
                * sum((math.log(get(target, k.path) / k.prior) / k.spread) ** 2 for k in knobs)
            )

        best = self.loss(rows) + penalty()
        for knob in knobs:
            for direction in (step, -step):
                before = get(target, knob.path)
                put(target, knob.path, min(knob.most, before * math.exp(direction)))
                now = self.loss(rows) + penalty()
                if now < best - 1e-6:
                    best = now
                    break
                put(target, knob.path, before)


def get(row: dict[str, Any], path: tuple[str, ...]) -> float:
    """The constant at *path*."""
    value: Any = row
    for name in path:
        value = value[name]
    return float(value)


def put(row: dict[str, Any], path: tuple[str, ...], value: float) -> None:
    """Set the constant at *path*, to three digits."""
    for name in path[:-1]:
        row = row[name]
    row[path[-1]] = float(f"{value:.3g}")


def fit(
    rows: list[Measurement],
    facts: Facts,
    document: dict[str, Any],
    priors: dict[str, Any],
    *,
    rounds: int,
    say: Callable[[str], None],
) -> None:
    """Descend over all classes and engines in turn, *rounds* times for each step size."""
    work = Fit(rows, facts, document)
    by_class: dict[str, list[Measurement]] = {}
    by_engine: dict[tuple[str, str | None], list[Measurement]] = {}
    for row in rows:
        accelerator = accelerator_named(row.setup.accelerator, facts.accelerators)
        if accelerator is not None:
            by_class.setdefault(efficiency.device_class(accelerator), []).append(row)
            engine = engine_of(row.setup.software), engine_version(row.setup.software)
            by_engine.setdefault(engine, []).append(row)
    for step in STEPS:
        for _ in range(rounds):
            for target, prior in zip(document["classes"], priors["classes"], strict=True):
                if target["name"] in by_class:
                    work.descend(target, list(knobs_of_class(prior)), by_class[target["name"]], step)
            for target, prior in zip(document["engines"], priors["engines"], strict=True):
                part = by_engine.get((target["name"], target.get("version")))
                if part:
                    work.descend(target, list(knobs_of_engine(prior)), part, step)
            say(f"step {step}: loss {work.loss(rows):.4f}")


def intervals(
    rows: list[Measurement], facts: Facts, document: dict[str, Any]
) -> dict[str, dict[str, dict[str, float]]]:
    """
    Factors of an 80 % interval by metric and device class: quantiles of measured over predicted, slightly widened.

    A group of measurements weighs as the root of its size, as in the fit. Classes with few rows take the interval over
    all classes.
    """
    Fit(rows, facts, document).install()
    predicted: dict[object, Any] = {}
    residuals: dict[str, dict[str, list[tuple[str, float]]]] = {}
    for row in rows:
        accelerator = accelerator_named(row.setup.accelerator, facts.accelerators)
        if row.setup not in predicted:
            predicted[row.setup] = predict(row.setup, facts)
        answer = predicted[row.setup]
        if accelerator is None or isinstance(answer, str) or not row.value:
            continue
        residual = row.group, math.log(row.value / answer[row.metric].predicted)
        classes = residuals.setdefault(metric_of(row), {})
        for name in ("default", efficiency.device_class(accelerator)):
            classes.setdefault(name, []).append(residual)
    return {
        metric: {name: _interval(part) for name, part in classes.items() if len(part) >= LEAST_ROWS}
        for metric, classes in residuals.items()
    }


def _interval(residuals: list[tuple[str, float]]) -> dict[str, float]:
    sizes = Counter(group for group, _ in residuals)
    whole = sum(math.sqrt(size) for size in sizes.values())
    ordered = sorted(residuals, key=lambda residual: residual[1])
    bounds, passed = [], 0.0
    for quantile in INTERVAL:
        passed = 0.0
        for group, value in ordered:
            passed += 1 / math.sqrt(sizes[group]) / whole
            if passed >= quantile:
                bounds.append(value)
                break
    low, high = (math.exp(value * WIDENED) for value in bounds)
    return {"low": float(f"{min(low, 0.95):.3g}"), "high": float(f"{max(high, 1.05):.3g}")}


def main() -> None:
    """Read a table and priors, fit, write the constants."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--priors", type=Path, default=PRIORS)
    parser.add_argument("--start", type=Path, help="constants to start from; the priors unless given")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    priors = json.loads(arguments.priors.read_text(encoding="utf-8"))
    document = json.loads((arguments.start or arguments.priors).read_text(encoding="utf-8"))
    rows = [row for row in read_inference(arguments.table).measurements if row.counts]
    fit(rows, catalog(), document, priors, rounds=arguments.rounds, say=print)
    document["intervals"] = intervals(rows, catalog(), document)
    arguments.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
