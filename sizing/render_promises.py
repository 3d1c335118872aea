"""Promises as text: names and units of metrics, intervals, margins, chances, and the table of one workload."""

from __future__ import annotations

from collections.abc import Sequence

from sizing.figures import figure, memory, money, percent, rate, seconds, span
from sizing.plan import Promise
from sizing.table import table

_METRICS = {
    "ttft_p95_s": "TTFT p95",
    "tpot_p95_s": "TPOT p95",
    "e2e_p95_s": "E2E p95",
    "requests_per_s": "requests",
    "hbm_bytes_per_accelerator": "HBM",
    "ready_s": "ready",
}
_PER_SECOND = {"ms": 1000, "s": 1}
SUREST = 0.99  # an 80 % interval says nothing of what lies further out


def metric_name(metric: str) -> str:
    """The name of a metric as the field spells it: TTFT p95."""
    return _METRICS.get(metric, metric.replace("_", " "))


def metric_value(metric: str, value: float) -> str:
    """A value of *metric* with its unit: 310 ms, 12 /s, 71.2 GiB."""
    if metric.endswith("_per_s"):
        return rate(value)
    if metric.endswith("_s"):
        return seconds(value)
    if "bytes" in metric:
        return memory(value)
    return f"{money(value)} USD/h" if metric == "usd_per_hour" else figure(value)


def margin(promise: Promise) -> float | None:
    """Share of what was asked that is left over; negative where the promise is broken, None where nothing is asked."""
    if promise.asked == 0:
        return None
    left = promise.asked - promise.planned if promise.at_most else promise.planned - promise.asked
    return left / promise.asked


def chance(promise: Promise) -> str:
    """The probability that what is asked is kept, in whole percent, never none or all; nothing where it is exact."""
    if promise.low == promise.high:
        return ""
    if promise.probability > SUREST:
        return f"> {percent(SUREST)}"
    return f"< {percent(1 - SUREST)}" if promise.probability < 1 - SUREST else percent(round(promise.probability, 2))


def promise_table(promises: Sequence[Promise], *, title: str) -> list[str]:
    """Asked, planned with its 80 % interval, margin, chance, and what binds."""
    limits = [metric_value(x.metric, x.asked) for x in promises]
    width = max(map(len, limits))
    rows = [
        [
            title,
            "asked",
            "planned",
            "80 % range",
            "margin",
            "chance",
            "binds first" if any(x.binding for x in promises) else "",
        ]
    ]
    rows += [
        [
            metric_name(promise.metric),
            f"{'<=' if promise.at_most else '>='} {limit:>{width}}",
            metric_value(promise.metric, promise.planned),
            _interval(promise),
            "" if (left := margin(promise)) is None else percent(left),
            chance(promise),
            promise.binding or "",
        ]
        for promise, limit in zip(promises, limits, strict=True)
    ]
    return table(rows, align="<>>>>><", elastic=6)


def _interval(promise: Promise) -> str:
    """The 80 % interval, in the unit of the planned value as far as that is milliseconds or seconds; or nothing."""
    if promise.low == promise.high:
        return ""
    low, planned, high = (metric_value(promise.metric, x) for x in (promise.low, promise.planned, promise.high))
    unit = planned.rpartition(" ")[2]
    if unit in _PER_SECOND:
        low, high = (f"{figure(x * _PER_SECOND[unit])} {unit}" for x in (promise.low, promise.high))
    return span(low, planned, high)
