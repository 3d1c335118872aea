"""What a reader can move, as text: the batch, with a bar for throughput, and the precision of the weights."""

from __future__ import annotations

from collections.abc import Sequence

from sizing.figures import count, figure, memory, percent, seconds
from sizing.performance.levers.comparison import WeightsOption
from sizing.performance.levers.curve import Curve, CurvePoint
from sizing.performance.levers.quality import Quality
from sizing.performance.serving.operating_point import Excuse, OperatingPoint, Overloaded
from sizing.table import WIDTH, table, wrapped

BAR = 18  # columns of the longest bar
EIGHTHS = "▏▎▍▌▋▊▉█"
PLAIN = "#"


def curve_lines(curve: Curve, *, plain: bool = False) -> list[str]:
    """Throughput by batch as bars, beside latencies and memory, the knee marked; *plain*: without block characters."""
    top = max(point.output_tokens_per_s for point in curve.points)
    rows = [["in flight", "output tokens/s", "", "TPOT", "TTFT", "end to end", "cache"]]
    rows += [
        [
            f"knee {count(point.batch)}" if point in (curve.knee, curve.second_knee) else count(point.batch),
            bar(point.output_tokens_per_s / top, plain=plain),
            figure(point.output_tokens_per_s),
            seconds(point.tpot_s),
            seconds(point.ttft_s),
            seconds(point.e2e_s),
            memory(point.cache_bytes),
        ]
        for point in curve.points
    ]
    return [*table(rows, align="><>>>>>", width=WIDTH), "", *_read(curve)]


def bar(share: float, *, plain: bool = False) -> str:
    """A bar of *share* of the longest, to an eighth of a column."""
    if plain:
        return PLAIN * max(1, round(share * BAR))
    eighths = max(1, round(share * BAR * 8))
    return EIGHTHS[-1] * (eighths // 8) + (EIGHTHS[eighths % 8 - 1] if eighths % 8 else "")


def _read(curve: Curve) -> list[str]:
    """What the curve says, in sentences."""
    first, last, knee = curve.points[0], curve.points[-1], curve.knee
    bought = (
        f"knee at {count(knee.batch)} in flight, where throughput over response time is highest: "
        f"{_of(knee, last)} of the most throughput at {_times(knee.e2e_s, first.e2e_s)} the response time of one "
        f"request alone; the most takes {_times(last.e2e_s, first.e2e_s)}"
    )
    if curve.second_knee is not None:
        second = curve.second_knee
        bought += (
            f"; nearly as good at {count(second.batch)}: {_of(second, last)} at {_times(second.e2e_s, first.e2e_s)}"
        )
    bound = f"no more than {count(curve.most)} are decoded together: {curve.limit}"
    tokens = figure(curve.roofline_tokens)
    reached = (
        "which decoding alone does not reach"
        if curve.most_tokens < curve.roofline_tokens
        else "so larger batches compute longer"
    )
    roofline = f"a pass of {tokens} tokens takes as long to compute as to read the weights, {reached}"
    return [line for text in (bought, bound, roofline) for line in wrapped(text, indent="  ", hanging="  ")]


def _of(part: CurvePoint, whole: CurvePoint) -> str:
    return percent(part.output_tokens_per_s / whole.output_tokens_per_s)


def _times(value: float, base: float) -> str:
    return f"{figure(value / base)} x"


def comparison_lines(options: Sequence[WeightsOption]) -> list[str]:
    """One line a precision, then what is published of each one's quality, with its source."""
    rows = [["format", "weights", "cache tokens", "TPOT", "TTFT", "tokens/s", "quality kept"]]
    rows += [
        [
            option.weights.value,
            memory(option.budget.weight_bytes),
            count(option.budget.kv_tokens) if option.answer is not None else "",
            *_speed(option),
            _quality(option),
        ]
        for option in options
    ]
    notes = [line for option in options for fact in option.quality for line in _published(option, fact)]
    return [*table(rows, align="<>>>>>>"), *(["", *notes] if notes else [])]


def _speed(option: WeightsOption) -> list[str]:
    match option.answer:
        case None:
            return ["does not fit", "", ""]
        case OperatingPoint() as point:
            rate = figure(point.output_tokens_per_s.value)
            return [seconds(point.tpot_mean_s), seconds(point.ttft_mean_s), rate]
        case Overloaded():
            return ["overloaded", "", ""]
        case Excuse():
            return ["misses its limits", "", ""]


def _quality(option: WeightsOption) -> str:
    if option.is_native:
        return "as published"
    kept = [fact.kept for fact in option.quality]
    if not kept:
        return "unknown"
    low, high = _percent(min(kept)), _percent(max(kept))
    return low if low == high else f"{low.removesuffix(' %')}-{high}"


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"


def _published(option: WeightsOption, fact: Quality) -> list[str]:
    scores = "" if fact.score is None else f", {figure(fact.score)} against {figure(fact.baseline_score or 0.0)}"
    text = (
        f"{option.weights}: {_percent(fact.kept)} of {fact.baseline} on {fact.benchmark}{scores} "
        f"({fact.provenance.source}, {fact.provenance.as_of})"
    )
    return wrapped(text, indent="  ", hanging="    ")
