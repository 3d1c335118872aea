"""What a what-if tried, as charts: cost along what was swept, or the front of cost against something."""

from __future__ import annotations

from itertools import count as counting

from infra.render.chart import Chart, Line, Mark
from sizing.allocation.whatif.tried import Tried, Tries, neighbours
from sizing.figures import money, percent
from sizing.outcome import Sized
from sizing.render_sweep import plan_text, title
from sizing.spec.change_values import Times, Value, value_text

COST = "USD per hour"


def charts_of(tries: Tries) -> tuple[Chart, ...]:
    """The one chart of a sweep or a front; none of a single point."""
    if tries.axis is not None:
        return (_front(tries),)
    return (_sweep(tries),) if tries.moving else ()


def _front(tries: Tries) -> Chart:
    on_front = tries.front
    beaten = [one for one in tries.tried if one.plan is not None and not any(one is other for other in on_front)]
    beaten_marks = tuple(_mark(one, tries.at(one), is_beaten=True) for one in beaten)
    return Chart(
        title=title(tries),
        x_label=tries.axis.label if tries.axis is not None else "",
        y_label=COST,
        lines=(Line(name="", marks=tuple(_mark(one, tries.at(one)) for one in on_front)), *_alone(beaten_marks)),
        is_front=True,
    )


def _alone(marks: tuple[Mark | None, ...]) -> tuple[Line, ...]:
    """Each point by itself, without a line to the next."""
    return tuple(Line(name="", marks=(mark,)) for mark in marks)


def _sweep(tries: Tries) -> Chart:
    """A line for each combination of what varies more slowly, along the last change that takes several values."""
    along = tries.moving[-1]
    names = () if all(_is_number(value) for value in along.values) else tuple(map(value_text, along.values))
    places = dict(zip(along.values, counting(), strict=False))
    lines = []
    for row in neighbours(tries):
        values = [dict(one.point.settings)[along] for one in row]
        at = [float(places[value]) if names else _number(value) for value in values]
        marks = sorted(zip(at, row, strict=True), key=lambda one: one[0])
        lines.append(Line(name=_row_name(row[0], tries), marks=tuple(_mark(one, x) for x, one in marks)))
    times = ", times what is written" if isinstance(along.values[0], Times) and not names else ""
    return Chart(title=title(tries), x_label=f"{along.key}{times}", y_label=COST, lines=tuple(lines), x_names=names)


def _row_name(one: Tried, tries: Tries) -> str:
    slower = {change.key for change in tries.moving[:-1]}
    return ", ".join(
        f"{change.key}={value_text(value)}" for change, value in one.point.settings if change.key in slower
    )


def _mark(one: Tried, x: float, *, is_beaten: bool = False) -> Mark | None:
    if not isinstance(one.answer, Sized):
        return None
    plan, gap = one.answer.plan, one.answer.outcome.gap
    proved = "" if gap is None else f", gap {percent(gap)}"
    label = f"{one.point}: {money(plan.usd_per_hour)} USD/h, {plan_text(one)} in {plan.region}{proved}"
    return Mark(x=x, y=plan.usd_per_hour, label=label, group=plan_text_types(one), is_beaten=is_beaten)


def plan_text_types(one: Tried) -> str:
    """The types of machines of a plan, without their numbers: p5.48xlarge + g6e.12xlarge spot."""
    return " + ".join(part.split(" x ", maxsplit=1)[-1] for part in plan_text(one).split(" + "))


def _is_number(value: Value) -> bool:
    return isinstance(value, Times | int | float) and not isinstance(value, bool)


def _number(value: Value) -> float:
    if isinstance(value, Times):
        return value.factor
    return float(value) if isinstance(value, int | float) else 0.0
