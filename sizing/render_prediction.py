"""What one configuration achieves, as text of one screen."""

from __future__ import annotations

from sizing.figures import count, figure, memory, percent, rate, seconds
from sizing.performance import Estimate, Excuse, MemoryBudget, OperatingPoint, Overloaded, Replica
from sizing.performance.serving.operating_point import Latencies
from sizing.table import table, wrapped


def heading_lines(replica: Replica, *, is_derived: bool = False) -> list[str]:
    """The configuration in one sentence; of a model that *is_derived* from another, also from which and how."""
    layout = f"{replica.layout.accelerators} x {replica.accelerator.name} ({replica.layout})"
    engine = f"{replica.engine.name} {replica.engine.version}"
    head = f"{replica.model.name} {replica.weights}, {replica.kv} cache, on {layout}, {engine}"
    if replica.speculation is not None:
        ahead = replica.speculation
        by = "a head" if ahead.draft is None else ahead.draft.name
        head += f", {ahead.draft_tokens} tokens drafted by {by}, {percent(ahead.acceptance)} of them right"
    made = f"it is {replica.model.provenance.source}; nothing is known of its quality"
    return [*wrapped(head, hanging="  "), *(wrapped(made, indent="  ", hanging="  ") if is_derived else [])]


def memory_lines(budget: MemoryBudget) -> list[str]:
    """How the memory of each accelerator is divided, and what the cache holds."""
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


def too_large_lines(budget: MemoryBudget, request_tokens: int) -> list[str]:
    """What is missing where a request of *request_tokens* cannot be served."""
    if budget.fits:
        tokens = f"{count(request_tokens)} tokens"
        return wrapped(f"does not fit: the cache holds no request of {tokens}", hanging="  ")
    return [f"does not fit: {memory(-budget.headroom_bytes)} missing on each accelerator"]


def speed_lines(answer: OperatingPoint | Overloaded | Excuse, *, input_tokens: int, output_tokens: int) -> list[str]:
    """Rates and latencies with their intervals, or why there are none."""
    match answer:
        case Overloaded():
            most = rate(answer.highest_requests_per_s, "requests")
            return [f"overloaded: it carries at most {most}; binding: {answer.binding}"]
        case Excuse():
            return wrapped(f"no rate keeps the limits: {answer.text}", hanging="  ")
        case OperatingPoint():
            return _point_lines(answer, input_tokens, output_tokens)


def _point_lines(point: OperatingPoint, input_tokens: int, output_tokens: int) -> list[str]:
    rows = [
        [f"{count(input_tokens)} tokens in, {count(output_tokens)} out", "", "80 % interval"],
        ["requests", rate(point.requests_per_s, "requests"), ""],
        ["in flight", figure(point.concurrency), ""],
        ["output", *_rate_interval(point.output_tokens_per_s)],
        *_latency("TTFT", point.ttft_mean_s, point.ttft_p95_s),
        *_latency("TPOT", point.tpot_mean_s, point.tpot_p95_s),
        *_latency("end to end", point.e2e_mean_s, point.e2e_p95_s),
        ["end to end / output token", seconds(point.e2e_per_token_s), ""],
        ["utilisation", percent(point.utilisation), ""],
    ]
    rests = f"binding: {point.binding}; rests on: {point.tpot_p95_s.grade.value}"
    tpot = "TPOT is (end to end - TTFT) / (tokens out - 1)"
    spread = [] if point.latencies is None else ["", *percentile_lines(point.latencies), ""]
    return [*table(rows, align="<>>"), *spread, f"  {tpot}", f"  {rests}"]


def percentile_lines(found: Latencies) -> list[str]:
    """How latencies are spread over requests that arrive at random."""
    rows = [["percentiles over requests", "p50", "p90", "p95", "p99"]]
    rows += [
        [name, *(seconds(value) for value in (one.p50_s, one.p90_s, one.p95_s, one.p99_s))]
        for name, one in (("TTFT", found.ttft), ("TPOT", found.tpot), ("end to end", found.e2e))
    ]
    rows.append(["between two tokens", "", "", "", seconds(found.gap_p99_s)])
    return table(rows, align="<>>>>")


def _latency(name: str, mean_s: float, p95: Estimate) -> list[list[str]]:
    """One line where all requests are alike, else the mean and the 95th percentile."""
    if abs(p95.value - mean_s) <= 1e-9 * mean_s:
        return [[name, *_seconds_interval(p95)]]
    return [[f"{name} mean", seconds(mean_s), ""], [f"{name} p95", *_seconds_interval(p95)]]


def _seconds_interval(value: Estimate) -> list[str]:
    return [seconds(value.value), f"{seconds(value.low)} to {seconds(value.high)}"]


def _rate_interval(value: Estimate) -> list[str]:
    return [rate(value.value, "tokens"), f"{figure(value.low)} to {figure(value.high)}"]
