"""`sizeup predict`: what one configuration of one model achieves, with its error; no prices, no stack."""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from infra.commands import calibration
from infra.commands.answer import answer
from infra.commands.predict_configuration import is_derived, objectives_asked, replica_asked, traffic_asked
from infra.commands.predict_options import check_options
from infra.commands.predict_pools import pools_asked, tiers_asked
from infra.failures import DONE, REFUSED
from sizing.performance import (
    Excuse,
    MemoryBudget,
    OperatingPoint,
    Overloaded,
    Pools,
    Replica,
    closed_loop,
    disaggregated_loop,
    disaggregated_open_loop,
    disaggregation_of,
    highest_rate,
    memory_budget,
    open_loop,
)
from sizing.performance.breakdown.closed import Breakdown, breakdown, static_breakdown
from sizing.performance.breakdown.open import open_breakdown
from sizing.performance.levers.comparison import compare_weights
from sizing.performance.levers.curve import batch_curve
from sizing.performance.memory.budget import max_sequences
from sizing.performance.passes.efficiency import Situation, in_use
from sizing.performance.serving.cache_tiers import TieredCache
from sizing.performance.serving.closed_loop import sequences_held, whole_batch
from sizing.performance.serving.delayed import delayed
from sizing.render_explanation import explanation_lines
from sizing.render_levers import comparison_lines, curve_lines
from sizing.render_pools import pool_lines, tier_lines, worth_lines
from sizing.render_prediction import heading_lines, memory_lines, speed_lines, too_large_lines
from sizing.spec.workload import Traffic

Answer = OperatingPoint | Overloaded | Excuse


class View(NamedTuple):
    """One way to show the configuration."""

    lines: list[str]
    document: dict[str, object]  # the same content
    status: int


def run(arguments: argparse.Namespace) -> int:
    """Show the prediction; 1 where the model does not fit or the load cannot be carried."""
    if arguments.calibrate is not None:
        return calibration.run(arguments)
    check_options(arguments)
    with calibration.constants(arguments.efficiencies):
        return _predict(arguments, replica_asked(arguments))


def _predict(options: argparse.Namespace, replica: Replica) -> int:
    budget = memory_budget(replica)
    view = _view(options, budget)(options, replica, budget)
    document = {"configuration": _configuration(replica), "memory": _memory(budget)} | view.document
    lines = [*heading_lines(replica, is_derived=is_derived(options)), "", *view.lines]
    answer(as_json=options.json, document=lambda: document, text=lambda: "\n".join(lines) + "\n")
    return view.status


def _view(options: argparse.Namespace, budget: MemoryBudget) -> Callable[..., View]:
    """What shows the answer that is asked for; one precision beside others may fit where this one does not."""
    if options.compare_weights:
        return _compared
    if not _fits(budget, options):
        return _too_large
    if options.curve:
        return _curve
    return _explanation if options.explain else _speed


def _fits(budget: MemoryBudget, options: argparse.Namespace) -> bool:
    """Whether the replica can answer a request of the lengths asked for."""
    return budget.fits and max_sequences(budget, options.input_tokens + options.output_tokens) >= 1


def _compared(options: argparse.Namespace, replica: Replica, _: MemoryBudget) -> View:
    tokens = options.input_tokens + options.output_tokens
    found = compare_weights(replica, lambda served: _answer(served, options), request_tokens=tokens)
    return View(comparison_lines(found), {"comparison": [dataclasses.asdict(option) for option in found]}, DONE)


def _too_large(options: argparse.Namespace, _: Replica, budget: MemoryBudget) -> View:
    missing = too_large_lines(budget, options.input_tokens + options.output_tokens)
    return View([*memory_lines(budget), "", *missing], {"prediction": None}, REFUSED)


def _curve(options: argparse.Namespace, replica: Replica, _: MemoryBudget) -> View:
    found = batch_curve(
        replica,
        input_tokens=options.input_tokens,
        output_tokens=options.output_tokens,
        prefix_hit=options.prefix_hit,
    )
    return View(curve_lines(found, plain=_plain()), {"curve": dataclasses.asdict(found)}, DONE)


def _explanation(options: argparse.Namespace, replica: Replica, _: MemoryBudget) -> View:
    found = _explained(replica, options)
    if not isinstance(found, Breakdown):
        told = speed_lines(found, input_tokens=options.input_tokens, output_tokens=options.output_tokens)
        return View(told, {"prediction": _prediction(found)}, REFUSED)
    document = dataclasses.asdict(found) | {
        "roofline_share": {one: getattr(found, one).roofline_share for one in ("decode", "prefill")},
        "constants_from": dataclasses.asdict(in_use()),
    }
    return View(explanation_lines(replica, found, in_use()), {"explanation": document}, DONE)


def _speed(options: argparse.Namespace, replica: Replica, budget: MemoryBudget) -> View:
    document: dict[str, object] = {}
    pools = pools_asked(options, replica)
    if pools is None:
        found, beside = _together(options, replica, document)
    else:
        found, beside = _apart(options, pools, document)
    document["prediction"] = _prediction(found)
    shown = speed_lines(found, input_tokens=options.input_tokens, output_tokens=options.output_tokens)
    status = DONE if isinstance(found, OperatingPoint) else REFUSED
    return View([*memory_lines(budget), "", *beside, *shown], document, status)


def _together(options: argparse.Namespace, replica: Replica, document: dict[str, object]) -> tuple[Answer, list[str]]:
    """One replica under its load, its prefixes in tiers where that is asked."""
    tiers = tiers_asked(options, replica, sequences=_in_flight(replica, options))
    if tiers is None:
        return _answer(replica, options), []
    document["tiers"] = _tiers(tiers)
    options.prefix_hit = tiers.prefix_hit
    found, lines = _answer(replica, options), [*tier_lines(tiers), ""]
    if isinstance(found, OperatingPoint):
        closed = options.requests_per_s is None and objectives_asked(options) is None
        found = delayed(found, tiers.load_s, is_closed=closed)
    return found, lines


def _apart(options: argparse.Namespace, pools: Pools, document: dict[str, object]) -> tuple[Answer, list[str]]:
    """Pools for prefill and decode under the load; with limits, beside decode replicas that do both."""
    inputs, outputs, objectives = options.input_tokens, options.output_tokens, objectives_asked(options)
    lines = [*pool_lines(pools, input_tokens=inputs), ""]
    document["pools"] = {"prefill": _configuration(pools.prefill), "accelerators": pools.accelerators}
    if objectives is not None:
        worth = disaggregation_of(
            pools,
            pools.decode,
            traffic=traffic_asked(options),
            objectives=objectives,
            max_context_tokens=inputs + outputs,
        )
        document["pools_pay"] = dataclasses.asdict(worth)
        return worth.pools, [*lines[:-1], *worth_lines(worth), ""]
    if options.requests_per_s is not None:
        return disaggregated_open_loop(pools, traffic=traffic_asked(options)), lines
    point = disaggregated_loop(
        pools,
        input_tokens=inputs,
        output_tokens=outputs,
        concurrency=options.concurrency or 1,
        prefix_hit=options.prefix_hit,
    )
    return point, lines


def _answer(replica: Replica, options: argparse.Namespace) -> Answer:
    """What the replica does under the load that is asked for."""
    inputs, outputs = options.input_tokens, options.output_tokens
    objectives = objectives_asked(options)
    if objectives is not None:
        best = highest_rate(
            replica, traffic=traffic_asked(options), objectives=objectives, max_context_tokens=inputs + outputs
        )
        return best if isinstance(best, Excuse) else _with_percentiles(best, replica, traffic_asked(options))
    if options.requests_per_s is not None:
        return open_loop(replica, traffic=traffic_asked(options))
    if options.static_batch is not None:
        return whole_batch(replica, input_tokens=inputs, output_tokens=outputs, batch=options.static_batch)
    return closed_loop(
        replica,
        input_tokens=inputs,
        output_tokens=outputs,
        concurrency=_in_flight(replica, options),
        prefix_hit=options.prefix_hit,
        situation=Situation.SATURATED if options.offline else Situation.LOOP,
    )


def _with_percentiles(best: OperatingPoint, replica: Replica, traffic: Traffic) -> OperatingPoint:
    """The highest rate with all the percentiles that random arrivals at that rate have."""
    there = open_loop(replica, traffic=replace(traffic, requests_per_s=best.requests_per_s))
    return replace(best, latencies=there.latencies) if isinstance(there, OperatingPoint) else best


def _in_flight(replica: Replica, options: argparse.Namespace) -> float:
    """Requests in flight of a closed loop: those asked for, or all that the replica holds."""
    if not options.offline:
        return options.concurrency or 1
    return sequences_held(replica, options.input_tokens + options.output_tokens / 2)


def _explained(replica: Replica, options: argparse.Namespace) -> Breakdown | Overloaded | Excuse:
    inputs, outputs = options.input_tokens, options.output_tokens
    if objectives_asked(options) is not None:
        best = _answer(replica, options)
        if not isinstance(best, OperatingPoint):
            return best
        return open_breakdown(replica, traffic=replace(traffic_asked(options), requests_per_s=best.requests_per_s))
    if options.requests_per_s is not None:
        return open_breakdown(replica, traffic=traffic_asked(options))
    if options.static_batch is not None:
        return static_breakdown(replica, input_tokens=inputs, output_tokens=outputs, batch=options.static_batch)
    return breakdown(
        replica,
        input_tokens=inputs,
        output_tokens=outputs,
        concurrency=_in_flight(replica, options),
        prefix_hit=options.prefix_hit,
    )


def _prediction(found: Answer) -> dict[str, object]:
    document = dataclasses.asdict(found)
    if isinstance(found, OperatingPoint):
        document["e2e_mean_s"] = found.e2e_mean_s
        document["e2e_per_output_token_s"] = found.e2e_per_token_s
    return document


def _plain() -> bool:
    """Whether the output cannot show block characters."""
    try:
        "█".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return True
    return False


def _tiers(found: TieredCache) -> dict[str, object]:
    """JSON has no infinity: a tier that loads nothing has no rate."""
    document = dataclasses.asdict(found)
    for hit in document["tiers"]:
        if hit["tier"]["bytes_per_s"] == math.inf:
            hit["tier"]["bytes_per_s"] = None
    return document


def _memory(budget: MemoryBudget) -> dict[str, object]:
    return dataclasses.asdict(budget) | {"fits": budget.fits, "kv_tokens": budget.kv_tokens}


def _configuration(replica: Replica) -> dict[str, object]:
    return {
        "model": replica.model.name,
        "parameters": replica.model.parameters,
        "derived_from": replica.model.provenance.source,
        "accelerator": replica.accelerator.name,
        "layout": dataclasses.asdict(replica.layout),
        "weights": replica.weights.value,
        "kv": replica.kv.value,
        "engine": f"{replica.engine.name} {replica.engine.version}",
    }
