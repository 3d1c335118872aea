"""What one configuration achieves, as text of one screen."""

from __future__ import annotations

from sizing.figures import count, figure, memory, percent, rate, seconds
from sizing.performance import Estimate, MemoryBudget, OperatingPoint, Overloaded, Replica
from sizing.table import table, wrapped


def prediction_lines(
    replica: Replica,
    budget: MemoryBudget,
    answer: OperatingPoint | Overloaded | None,
    *,
    input_tokens: int,
    output_tokens: int,
) -> list[str]:
    """The configuration, its memory and its speed; *answer* is None where the model does not fit."""
    layout = f"{replica.layout.accelerators} x {replica.accelerator.name} ({replica.layout})"
    engine = f"{replica.engine.name} {replica.engine.version}"
    head = f"{replica.model.name} {replica.weights}, {replica.kv} cache, on {layout}, {engine}"
    return [
        *wrapped(head, hanging="  "),
        "",
        *_memory(budget),
        "",
        *_speed(answer, budget, input_tokens, output_tokens),
    ]


def _memory(budget: MemoryBudget) -> list[str]:
    parts = (
        ("usable", budget.usable_bytes),
        ("weights", budget.weight_bytes),
        ("activations", budget.activation_bytes),
        ("overhead", budget.overhead_bytes),
        ("cache", budget.kv_bytes),
    )
    rows = [["memory of each accelerator", ""], *([name, memory(value)] for name, value in parts)]
    cached = f"{memory(budget.kv_bytes_per_token)} of it a token; the replica holds {count(budget.kv_tokens)} tokens"
    return [*table(rows, align="<>"), f"  {cached}"]


def _speed(
    answer: OperatingPoint | Overloaded | None, budget: MemoryBudget, input_tokens: int, output_tokens: int
) -> list[str]:
    if answer is None and budget.fits:
        tokens = f"{count(input_tokens + output_tokens)} tokens"
        return wrapped(f"does not fit: the cache holds no request of {tokens}", hanging="  ")
    if answer is None:
        return [f"does not fit: {memory(-budget.headroom_bytes)} missing on each accelerator"]
    if isinstance(answer, Overloaded):
        most = rate(answer.highest_requests_per_s, "requests")
        return [f"overloaded: it carries at most {most}; binding: {answer.binding}"]
    rows = [
        [f"{count(input_tokens)} tokens in, {count(output_tokens)} out", "", "80 % interval"],
        ["requests", rate(answer.requests_per_s, "requests"), ""],
        ["in flight", figure(answer.concurrency), ""],
        ["output", *_rate_interval(answer.output_tokens_per_s)],
        ["TTFT p95", *_seconds_interval(answer.ttft_p95_s)],
        ["TPOT p95", *_seconds_interval(answer.tpot_p95_s)],
        ["end to end p95", *_seconds_interval(answer.e2e_p95_s)],
        ["utilisation", percent(answer.utilisation), ""],
    ]
    rests = f"binding: {answer.binding}; rests on: {answer.tpot_p95_s.grade.value}"
    return [*table(rows, align="<>>"), f"  {rests}"]


def _seconds_interval(value: Estimate) -> list[str]:
    return [seconds(value.value), f"{seconds(value.low)} to {seconds(value.high)}"]


def _rate_interval(value: Estimate) -> list[str]:
    return [rate(value.value, "tokens"), f"{figure(value.low)} to {figure(value.high)}"]
