"""The breakdown of one configuration as text that can be checked by hand, eighty columns wide."""

from __future__ import annotations

import math

from sizing.catalog.provenance import Provenance
from sizing.figures import bandwidth, count, figure, memory, parameters, percent, seconds
from sizing.performance.breakdown.closed import Breakdown, Factor, Term
from sizing.performance.breakdown.constants import Constant
from sizing.performance.breakdown.explanation import MATRICES, Part, Pass
from sizing.performance.certainty.estimate import Grade
from sizing.performance.configuration.replica import Replica
from sizing.render_prediction import percentile_lines
from sizing.table import WIDTH, table, wrapped
from sizing.units import GB

_MS, _US = 1e3, 1e6


def explanation_lines(replica: Replica, found: Breakdown, provenance: Provenance) -> list[str]:
    """Memory, a decode step, a prefill, how the latencies follow, and the constants with their *provenance*."""
    lengths = f"{count(found.input_tokens)} tokens in, {count(found.output_tokens)} out"
    return [
        *_memory(found),
        "",
        *wrapped(_decode_title(replica, found.decode), hanging="  "),
        *_pass(replica, found.decode),
        "",
        *wrapped(_prefill_title(replica, found.prefill), hanging="  "),
        *_pass(replica, found.prefill),
        "",
        f"{lengths}, {count(found.requests)} in flight",
        *_latencies(found),
        "",
        *wrapped(_rests(replica, found), hanging="  "),
        *_constants(found.constants),
        *wrapped(f"as of {provenance.as_of}: {provenance.source}", indent="  ", hanging="  "),
    ]


def _rests(replica: Replica, found: Breakdown) -> str:
    """What the constants of the device's class are worth for this device."""
    device = replica.accelerator.name
    if found.grade is Grade.SPECIFICATION:
        return f"constants of {found.device_class}: {found.grade}"
    among = (
        f"{device} is among what was measured"
        if found.is_measured
        else f"no measurement is of {device} with such a model"
    )
    return f"constants of {found.device_class}: {found.grade}; {among}"


def _memory(found: Breakdown) -> list[str]:
    budget = found.budget
    rows = [["memory of each accelerator", "format", "elements", "bytes each", "in all"]]
    for part in found.weights:
        each = figure(part.bytes / part.elements) if part.elements else ""
        elements = parameters(part.elements) if part.elements else ""
        rows.append([part.name, part.stored or "", elements, each, memory(part.bytes)])
    rows += [
        [name, "", "", "", memory(value)]
        for name, value in (
            ("weights", budget.weight_bytes),
            ("activations", budget.activation_bytes),
            ("overhead", budget.overhead_bytes),
            ("cache", budget.kv_bytes),
            ("usable", budget.usable_bytes),
        )
    ]
    tokens = f"cache of one token: {count(round(budget.kv_bytes_per_token))} bytes"
    if budget.sliding_window is not None:
        inside = f"{count(round(budget.sliding_bytes_per_token))} bytes"
        tokens += f", {inside} of it in windows of {count(budget.sliding_window)} tokens"
    if budget.state_bytes_per_sequence:
        tokens += f"; state of a sequence: {memory(budget.state_bytes_per_sequence)}"
    held = f"; of one request: {memory(found.sequence_bytes)}"
    return [*table(rows, align="<<>>>"), *wrapped(tokens + held, indent="  ", hanging="  ")]


def _decode_title(replica: Replica, found: Pass) -> str:
    step = "one decode step"
    if replica.speculation is not None:
        drafted, tokens = replica.speculation.draft_tokens, replica.speculation.tokens_per_step
        step = f"one token of a step that verifies {drafted} drafted tokens and yields {figure(tokens)}"
    return (
        f"{step}: {_sequences(found.sequences)}{_each_rank(replica)}, "
        f"{count(found.context_tokens)} tokens cached for each in the mean{_stages(replica, 'through all')}"
    )


def _prefill_title(replica: Replica, found: Pass) -> str:
    new = found.tokens / found.sequences
    prompts = "one prompt" if found.sequences == 1 else f"{figure(found.sequences)} prompts"
    before = f" after {count(found.context_tokens)} cached" if found.context_tokens else ""
    passes = "in one pass" if found.passes == 1 else f"in {count(found.passes)} passes"
    together = passes if found.sequences == 1 else f"together, {passes}"
    return (
        f"prefill: {prompts} of {count(new)} new tokens{before}, {together}{_each_rank(replica)}"
        f"{_stages(replica, 'on each of')}"
    )


def _sequences(number: float) -> str:
    return "1 sequence" if number == 1 else f"{figure(number)} sequences"


def _each_rank(replica: Replica) -> str:
    return f" on each of {replica.layout.dp} ranks" if replica.layout.dp > 1 else ""


def _stages(replica: Replica, how: str) -> str:
    return f", {how} {replica.layout.pp} stages" if replica.layout.pp > 1 else ""


def _pass(replica: Replica, found: Pass) -> list[str]:
    """The parts with bytes and operations, those with neither, the sum, and the physical limit."""
    worked = [part for part in found.parts if part.memory_s or part.arithmetic_s]
    timed = [part for part in found.parts if part not in worked]
    rows = [["", "", "GB", "share", "ms", "GFLOP", "share", "ms", "time ms"], *map(_row, worked)]
    rows.append(
        [
            *("sum", "", _gigabytes(sum(part.bytes for part in worked)), ""),
            _milliseconds(sum(part.memory_s for part in worked)),
            *(_digits(sum(part.flop for part in worked) / GB), ""),
            _milliseconds(sum(part.arithmetic_s for part in worked)),
            _milliseconds(sum(part.seconds for part in worked)),
        ]
    )
    lines = table(rows, align="<<>>>>>>>")
    end = max(map(len, lines))
    lines += [_ending(part.name, _how(replica, part), part.seconds, end) for part in timed]
    lines.append(_ending("whole pass" if found.passes == 1 else "all passes", "", found.seconds, end))
    reached = (
        f"physical limit {seconds(found.limit_s)} / {seconds(found.seconds)}"
        f" = {percent(found.roofline_share)} of the roofline; binding: {found.binding}"
    )
    return [*lines, *wrapped(reached + _unpacked(worked), indent="  ", hanging="  ")]


def _unpacked(parts: list[Part]) -> str:
    """Formats that the device has no unit for."""
    formats = {(p.stored, p.computed) for p in parts if p.name in MATRICES and p.stored is not p.computed}
    return "".join(f"; {stored} is multiplied in {computed}" for stored, computed in sorted(formats, key=str))


def _row(part: Part) -> list[str]:
    moved = [_gigabytes(part.bytes), _share(part.bandwidth_share), _milliseconds(part.memory_s)]
    computed = [_digits(part.flop / GB), _share(part.flops_share), _milliseconds(part.arithmetic_s)]
    return [
        part.name,
        part.stored or "",
        *(moved if part.memory_s else ["", "", ""]),
        *(computed if part.arithmetic_s else ["", "", ""]),
        _milliseconds(part.seconds),
    ]


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _how(replica: Replica, part: Part) -> str:
    """What the seconds of a part without bytes and operations are made of."""
    if part.link_share is not None:
        return f"{_gigabytes(part.link_bytes)} GB at {_share(part.link_share)} of {bandwidth(replica.link.bytes_per_s)}"
    return f"{figure(part.seconds / part.each_s)} x {_short(part.each_s)}" if part.each_s else ""


def _ending(name: str, how: str, value_s: float, end: int) -> str:
    start = f"  {name:<19} {how}"
    return f"{start}{_milliseconds(value_s):>{max(1, end - len(start))}}"


def _milliseconds(value_s: float) -> str:
    return _digits(value_s * _MS)


def _gigabytes(value_bytes: float) -> str:
    return _digits(value_bytes / GB)


def _digits(value: float) -> str:
    """Three significant digits with their noughts, and at most three decimals: 0.063, 1.00, 12.4, 11,300."""
    if value <= 0:
        return "0"
    decimals = min(3, max(0, 2 - math.floor(math.log10(value))))
    return figure(value) if value >= 100 else f"{value:.{decimals}f}"


def _latencies(found: Breakdown) -> list[str]:
    point, outputs = found.point, found.output_tokens
    rows = []
    for name, value, terms in (("TPOT", point.tpot_mean_s, found.tpot), ("TTFT", point.ttft_mean_s, found.ttft)):
        rows.append([name, seconds(value), "mean; the sum of"])
        rows += [[f"  {term.name}", seconds(term.seconds), _product(term)] for term in terms]
    e2e = seconds(point.e2e_mean_s)
    arrivals = "as they arrive" if found.queue_load is not None else f"{count(found.requests)} / {e2e}"
    rows += [
        ["end to end", e2e, f"TTFT + {count(outputs - 1)} x TPOT"],
        ["end to end / token", seconds(point.e2e_per_token_s), f"{e2e} / {count(outputs)}, the first token included"],
        ["requests/s", figure(point.requests_per_s), arrivals],
        [
            "output tokens/s",
            figure(point.requests_per_s * outputs),
            f"{figure(point.requests_per_s)} x {count(outputs)}",
        ],
    ]
    if found.queue_load is not None:
        rows.append(["prompts occupy", percent(found.queue_load), "of the passes that can take them"])
    spread = [] if point.latencies is None else ["", *percentile_lines(point.latencies)]
    return [*table(rows, align="<><"), *spread]


def _product(term: Term) -> str:
    text = ""
    for factor in term.factors:
        sign = "" if not text else " / " if factor.divides else " x "
        text += sign + _factor(factor)
    return f"= {text}" if text else ""


def _factor(factor: Factor) -> str:
    return _short(factor.value) if factor.is_seconds else figure(factor.value)


def _constants(constants: tuple[Constant, ...]) -> list[str]:
    """Each constant with its unit, and what it was before it was fitted."""
    rows = []
    for one in constants:
        value, unit = _with_unit(one.value, one.unit)
        prior = "" if one.prior is None else " ".join(_with_unit(one.prior, one.unit))
        rows.append([one.name, value, unit, prior if one.unit == "s" else prior.split(" ")[0]])
    if any(row[3] for row in rows):
        rows.insert(0, ["", "fitted", "", "prior"])
    return table(rows, align="<>u>", width=WIDTH)


def _with_unit(value: float, unit: str) -> tuple[str, str]:
    if unit != "s":
        return figure(value), unit
    number, _, unit = _short(value).partition(" ")
    return number, unit


def _short(value_s: float) -> str:
    """A duration, down to microseconds: 15.6 us, 27 ms."""
    return f"{figure(value_s * _US)} us" if value_s < 1e-3 else seconds(value_s)
