"""What a load would do to a plan, as text of one screen and as a document; decides nothing."""

from __future__ import annotations

from collections.abc import Sequence

from sizing.figures import count, figure, percent, plural, rate, seconds
from sizing.performance import Latencies, OperatingPoint, Overloaded, Percentiles
from sizing.simulation import Outcome, gap_percentile, mean, percentile
from sizing.simulation.whatif import WhatIf
from sizing.spec.workload import Objectives
from sizing.table import table, wrapped

SHARES = (50, 90, 95, 99)


def whatif_lines(name: str, on: str, found: WhatIf, objectives: Objectives) -> list[str]:
    """One workload: the load, simulated latencies beside the closed form's and the limits, queue, cache, replicas."""
    head = (
        f"{name}: {rate(found.traffic.requests_per_s, 'requests')} on {plural(found.replicas, 'replica')} of {on}; "
        f"{percent(found.within)} of requests within every limit"
    )
    return [*wrapped(head, hanging="  "), "", *_latencies(found, objectives), "", *_levels(found), *_needed(found), ""]


def _latencies(found: WhatIf, objectives: Objectives) -> list[str]:
    simulated, told = found.simulated, _told(found)
    rows = [["", "simulated", "closed form", "limit"]]
    for label, values, spread, limit in (
        ("TTFT", simulated.ttft_s, None if told is None else told.ttft, objectives.ttft_p95_s),
        ("TPOT", simulated.tpot_s, None if told is None else told.tpot, objectives.tpot_p95_s),
        ("end to end", simulated.e2e_s, None if told is None else told.e2e, objectives.e2e_p95_s),
    ):
        for share in SHARES:
            closed = seconds(_at(spread, share)) if spread is not None else "-"
            asked = f"<= {seconds(limit)}" if share == 95 and limit is not None else ""
            value = percentile(values, share / 100)
            missed = share == 95 and limit is not None and value > limit
            rows.append([f"{label} p{share}", seconds(value), closed, asked + (" missed" if missed else "")])
    gap = seconds(told.gap_p99_s) if told is not None else "-"
    rows.append(["between tokens p99", seconds(gap_percentile(simulated, 0.99)), gap, ""])
    return table(rows, align="<>><")


def _told(found: WhatIf) -> Latencies | None:
    return found.closed_form.latencies if isinstance(found.closed_form, OperatingPoint) else None


def _at(spread: Percentiles, share: int) -> float:
    return {50: spread.p50_s, 90: spread.p90_s, 95: spread.p95_s, 99: spread.p99_s}[share]


def _levels(found: WhatIf) -> list[str]:
    one = found.simulated
    rows = [
        ["", "mean", "most"],
        ["waiting, each replica", figure(one.queue_mean), count(one.queue_peak)],
        ["decoding together", figure(one.decoding_mean), ""],
        ["cache held", percent(one.cache_mean), percent(one.cache_peak)],
    ]
    notes = [f"{plural(found.requests, 'request')} simulated, {count(one.preemptions)} preempted"]
    if found.refused or one.rejected:
        notes.append(f"{count(found.refused + len(one.rejected))} refused as too long")
    if isinstance(found.closed_form, Overloaded):
        most = rate(found.closed_form.highest_requests_per_s, "requests")
        notes.append(f"closed form: overloaded, a replica carries at most {most}; binding: {found.closed_form.binding}")
    return [*table(rows, align="<>>"), *wrapped("; ".join(notes), indent="  ")]


def _needed(found: WhatIf) -> list[str]:
    needed = found.needed
    if needed.rate_per_replica <= 0:
        return wrapped("no rate of a replica keeps every limit", indent="  ")
    text = f"a replica keeps the limits up to {rate(needed.rate_per_replica, 'requests')}: "
    if needed.window_s > 0:
        text += f"the busiest {seconds(needed.window_s)}, at {seconds(needed.peak_at_s)}, take "
        text += f"{plural(needed.peak, 'replica')}, all of it {figure(needed.mean)} in the mean"
    else:
        text += f"this load takes {plural(needed.peak, 'replica')}"
    return wrapped(text, indent="  ")


def whatif_document(name: str, found: WhatIf, objectives: Objectives) -> dict[str, object]:
    """The same as plain values, in seconds."""
    told = _told(found)
    closed = found.closed_form
    return {
        "workload": name,
        "requests_per_s": found.traffic.requests_per_s,
        "burstiness": found.traffic.burstiness,
        "input_tokens_mean": found.traffic.input_tokens.mean,
        "output_tokens_mean": found.traffic.output_tokens.mean,
        "replicas": found.replicas,
        "requests": found.requests,
        "refused": found.refused + len(found.simulated.rejected),
        "within_limits": found.within,
        "limits": {
            "ttft_p95_s": objectives.ttft_p95_s,
            "tpot_p95_s": objectives.tpot_p95_s,
            "e2e_p95_s": objectives.e2e_p95_s,
        },
        "simulated": _outcome(found.simulated),
        "closed_form": None
        if told is None
        else {
            **{
                metric: {f"p{share}_s": _at(spread, share) for share in SHARES}
                for metric, spread in (("ttft", told.ttft), ("tpot", told.tpot), ("e2e", told.e2e))
            },
            "gap_p99_s": told.gap_p99_s,
        },
        "overloaded": {"highest_requests_per_s": closed.highest_requests_per_s, "binding": closed.binding}
        if isinstance(closed, Overloaded)
        else None,
        "replicas_needed": {
            "rate_per_replica": found.needed.rate_per_replica,
            "peak": found.needed.peak,
            "peak_at_s": found.needed.peak_at_s,
            "mean": found.needed.mean,
            "window_s": found.needed.window_s,
        },
    }


def _outcome(one: Outcome) -> dict[str, object]:
    def spread(values: Sequence[float]) -> dict[str, float]:
        return {"mean_s": mean(values)} | {f"p{share}_s": percentile(values, share / 100) for share in SHARES}

    return {
        "ttft": spread(one.ttft_s),
        "tpot": spread(one.tpot_s),
        "e2e": spread(one.e2e_s),
        "gap_p99_s": gap_percentile(one, 0.99),
        "queue_mean": one.queue_mean,
        "queue_peak": one.queue_peak,
        "decoding_mean": one.decoding_mean,
        "cache_mean": one.cache_mean,
        "cache_peak": one.cache_peak,
        "preemptions": one.preemptions,
    }
