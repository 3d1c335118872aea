"""Fits the few constants of the performance model to measurements, with strong physical priors.

A handful of constants per device class and per engine; none per model, row or source. Each is pulled towards its prior
(measured kernels) on a logarithmic scale, so that what the measurements say nothing about stays where physics put it.
The search is Gauss and Newton's, damped, on the logarithms of the constants, a class or an engine at a time. Errors
count as in Cauchy's distribution: squared while small, hardly more beyond. Some runs had what their collections do not
tell (speculative decoding, another layout), and are far off together; these must not pull the others.
"""

from __future__ import annotations

import copy
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sizing.calibration.measurement import Measurement, accelerator_named
from sizing.calibration.prediction import Facts, engine_of, engine_version, predict
from sizing.performance.passes.efficiency import device_class, using

LOOSE, TIGHT = 0.35, 0.15  # one standard deviation of a constant around its prior, in logarithms
PRIOR_WEIGHT = 0.0012  # of one squared standard deviation, against the mean error of many rows
FEW_ROWS = 200  # with so few, the prior weighs twice as much; with a tenth, eleven times
KNEE = 0.2  # errors below count squared, far above hardly more
MOST = 0.97  # no share of a peak above
STEP = 0.04  # of a constant, for its slope
LONGEST = 0.4  # that a constant moves at once
ROUNDS = 3
RUNS_PER_CELL = 24  # of one collection, model, device, engine, format and mode: more say the same again
METRIC_WEIGHT = {"output_tps": 1.0, "output_tps_per_accel": 1.0, "tpot_ms": 1.0, "ttft_ms": 0.6}

SHARES = ("flops", "bandwidth")
COSTS = ("layer_us", "moe_layer_us", "sequence_us", "step_us")


@dataclass(frozen=True, slots=True)
class Knob:
    """One constant: where it is, its prior, how firmly it is held (in logarithms), and its largest value."""

    path: tuple[str, ...]
    prior: float
    spread: float
    most: float


def knobs_of_class(row: Mapping[str, Any]) -> Iterator[Knob]:
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
    for name in ("grouped_flops", "unpacked_flops"):
        yield Knob((name,), row[name], LOOSE, 1.0)


def knobs_of_engine(row: Mapping[str, Any]) -> Iterator[Knob]:
    """The constants of one engine."""
    yield Knob(("overhead",), row["overhead"], TIGHT if row["overhead"] == 1.0 else LOOSE, 10.0)
    yield Knob(("sequence",), row["sequence"], LOOSE, 5.0)
    yield Knob(("interference",), row["interference"], TIGHT, 1.0)
    for name in ("clumping", "ttft_floor_ms", "ttft_steps", "prefill_layer_us"):
        yield Knob((name,), row[name], LOOSE, math.inf)


def fitted(
    rows: Sequence[Measurement],
    facts: Facts,
    priors: Mapping[str, Any],
    *,
    rounds: int = ROUNDS,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """
    The constants that *rows* speak for, starting from *priors*, in the form of `facts/efficiencies.json`.

    Args:
        rows: Measurements; only those that count (`Measurement.counts`) take part.
        facts: The catalog that names devices and models.
        priors: Constants before any fit; the packaged ones where a user adds measurements to them.
        rounds: Times that every class and engine is gone over.
        say: Told the loss after each round.
    """
    document = copy.deepcopy(dict(priors))
    fit = Fit(spread_out([row for row in rows if row.counts]), facts, document)
    blocks = list(fit.blocks(priors))
    for number in range(rounds):
        for target, knobs, part in blocks:
            fit.descend(target, knobs, part)
        say(f"round {number + 1} of {rounds}: loss {fit.loss(fit.rows):.4f}")
    return document


def describe(
    document: dict[str, Any], rows: Sequence[Measurement], facts: Facts, *, priors: Mapping[str, Any], source: str
) -> None:
    """Write into *document* what it was fitted to: source, priors, and the devices and models that *rows* are of."""
    counted = [row for row in rows if row.counts]
    devices = [accelerator_named(name, facts.accelerators) for name in {row.setup.accelerator for row in counted}]
    models = {facts.model(row.setup.model).name for row in counted}
    document["source"] = source
    document["priors"] = {part: priors[part] for part in ("classes", "engines")}
    document["measured_models"] = sorted(models.union(document.get("measured_models", ())))
    for target in document["classes"]:
        own = {one.name for one in devices if one is not None and device_class(one) == target["name"]}
        target["measured"] = sorted(own.union(target.get("measured", ())))


def spread_out(rows: Sequence[Measurement]) -> list[Measurement]:
    """At most `RUNS_PER_CELL` runs of each cell, evenly over its table order, with all their metrics."""
    cells: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for row in rows:
        run = row.setup
        names = cells[row.group, run.model, run.accelerator, engine_of(run.software), run.weights, run.mode]
        if not names or names[-1] != row.scenario:
            names.append(row.scenario)
    kept: set[str] = set()
    for names in cells.values():
        stride = max(1.0, len(names) / RUNS_PER_CELL)
        kept.update(names[int(n * stride)] for n in range(min(len(names), RUNS_PER_CELL)))
    return [row for row in rows if row.scenario in kept]


class Fit:
    """The rows, the constants as they stand, and the loss over a part of the rows."""

    def __init__(self, rows: Sequence[Measurement], facts: Facts, document: dict[str, Any]) -> None:
        """Keep *rows* that count; *document* is changed in place."""
        self.document = document
        self.facts = facts
        self.rows = list(rows)
        self.idle: set[tuple[int, tuple[str, ...]]] = set()  # constants that no row depends on, by block
        sizes = Counter((row.group, row.metric) for row in rows)
        # each group counts by the root of its size: neither the largest alone nor each row of the smallest
        self.weights = {
            row.id: METRIC_WEIGHT.get(row.metric, 0.0) / math.sqrt(sizes[row.group, row.metric]) for row in rows
        }

    def blocks(self, priors: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], list[Knob], list[Measurement]]]:
        """Each device class and each engine that has rows: its constants, its knobs, its rows."""
        by_class: dict[str, list[Measurement]] = defaultdict(list)
        by_engine: dict[tuple[str, str | None], list[Measurement]] = defaultdict(list)
        for row in self.rows:
            accelerator = accelerator_named(row.setup.accelerator, self.facts.accelerators)
            if accelerator is not None:
                by_class[device_class(accelerator)].append(row)
                by_engine[engine_of(row.setup.software), engine_version(row.setup.software)].append(row)
        for target, prior in zip(self.document["classes"], priors["classes"], strict=True):
            if target["name"] in by_class:
                yield target, list(knobs_of_class(prior)), by_class[target["name"]]
        sparse = [row for row in self.rows if self.facts.model(row.setup.model).moe is not None]
        if sparse:
            prior = float(priors["routing_variation"])
            yield self.document, [Knob(("routing_variation",), prior, LOOSE, 10.0)], sparse
        for target, prior in zip(self.document["engines"], priors["engines"], strict=True):
            part = by_engine.get((target["name"], target.get("version")))
            if part:
                yield target, list(knobs_of_engine(prior)), part

    def residuals(self, rows: Sequence[Measurement]) -> list[float]:
        """ln(predicted / measured) of each row; 0 where there is no prediction."""
        answers: dict[object, Any] = {}
        found = []
        with using(self.document):
            for row in rows:
                if row.setup not in answers:
                    answers[row.setup] = predict(row.setup, self.facts)
                answer = answers[row.setup]
                known = not isinstance(answer, str) and row.metric in answer and bool(row.value)
                found.append(math.log(answer[row.metric].predicted / row.value) if known else 0.0)
        return found

    def loss(self, rows: Sequence[Measurement]) -> float:
        """Weighted mean of the rows' errors, in logarithms."""
        return self._loss(rows, self.residuals(rows))

    def _loss(self, rows: Sequence[Measurement], residuals: Sequence[float]) -> float:
        weights = [self.weights[row.id] for row in rows]
        whole = sum(weights)
        return sum(w * _cost(r) for w, r in zip(weights, residuals, strict=True)) / whole if whole else 0.0

    def descend(self, target: dict[str, Any], knobs: Sequence[Knob], rows: Sequence[Measurement]) -> None:
        """One damped step of Gauss and Newton for the constants of *target*, kept only where the loss falls."""
        import numpy as np  # noqa: PLC0415  0.1 s that no other part of sizing needs

        knobs = [knob for knob in knobs if (id(target), knob.path) not in self.idle]
        if not knobs:
            return
        weight = PRIOR_WEIGHT * (1 + FEW_ROWS / len(rows))
        at = np.array([math.log(get(target, knob.path)) for knob in knobs])
        prior = np.array([math.log(knob.prior) for knob in knobs])
        firm = 2 * weight / np.array([knob.spread for knob in knobs]) ** 2
        before = np.array(self.residuals(rows))
        slopes = np.stack([self._slope(target, knob, rows, before) for knob in knobs], axis=1)
        moves = np.any(slopes, axis=0)
        self.idle.update((id(target), knob.path) for knob, used in zip(knobs, moves, strict=True) if not used)
        each = np.array([self.weights[row.id] for row in rows])
        each = each / each.sum() / (1 + (before / KNEE) ** 2) / KNEE
        hessian = slopes.T @ (slopes * each[:, None]) + np.diag(firm)
        gradient = slopes.T @ (each * before) + firm * (at - prior)
        step = np.clip(-np.linalg.solve(hessian, gradient), -LONGEST, LONGEST)
        best = self._loss(rows, before.tolist()) + float(firm @ (at - prior) ** 2) / 2
        for damping in (1.0, 0.5, 0.2):
            to = at + damping * step
            for knob, value in zip(knobs, to, strict=True):
                put(target, knob.path, min(knob.most, math.exp(value)))
            if self.loss(rows) + float(firm @ (to - prior) ** 2) / 2 < best:
                return
        for knob, value in zip(knobs, at, strict=True):
            put(target, knob.path, math.exp(value))

    def _slope(self, target: dict[str, Any], knob: Knob, rows: Sequence[Measurement], before: Any) -> Any:
        """Change of every residual for a unit change of the logarithm of one constant."""
        value = get(target, knob.path)
        moved = value * math.exp(-STEP)  # downwards, where no bound is
        _set(target, knob.path, moved)
        after = self.residuals(rows)
        _set(target, knob.path, value)
        return (before - after) / STEP


def _cost(residual: float) -> float:
    return KNEE / 2 * math.log1p((residual / KNEE) ** 2)


def get(row: Mapping[str, Any], path: tuple[str, ...]) -> float:
    """The constant at *path*."""
    value: Any = row
    for name in path:
        value = value[name]
    return float(value)


def put(row: dict[str, Any], path: tuple[str, ...], value: float) -> None:
    """Set the constant at *path*, to three digits."""
    _set(row, path, float(f"{value:.3g}"))


def _set(row: dict[str, Any], path: tuple[str, ...], value: float) -> None:
    for name in path[:-1]:
        row = row[name]
    row[path[-1]] = value
