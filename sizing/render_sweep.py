"""Plans of a changed spec, one or a sweep, beside the plan as it is; as text of one screen and as a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sizing import lockfile
from sizing.allocation.whatif.sweep import Machines, machines_of
from sizing.allocation.whatif.tried import Tried, Tries, Turn
from sizing.catalog.offer import PurchaseMode
from sizing.diff import diff
from sizing.figures import count, money, percent, plural, signed_money
from sizing.outcome import NoPlan, Sized
from sizing.plan import SizingPlan
from sizing.render import answer, render_no_plan, requirement_lines
from sizing.render_changes import plan_change_document, plan_change_lines
from sizing.render_outcome import no_plan_document, outcome_document
from sizing.spec.change_values import Times, Value, value_text
from sizing.spec.changes import Point
from sizing.table import WIDTH, elided, table, wrapped
from sizing.units import usd_per_month

_MOST_REASONS = 3  # why points have no plan: the first tell where it begins, all are in the JSON
NOTHING_WRITTEN = "nothing is written: to keep it, change the stack file and run sizeup size"


def render_tries(tries: Tries) -> str:
    """A front, a table of all points, or the one point that there is."""
    if tries.axis is not None:
        lines = _front_lines(tries)
    elif tries.moving:
        lines = _sweep_lines(tries)
    else:
        return _one_text(tries.stack, tries.tried[0], tries.today)
    if tries.missing:
        lines.append(f"  interrupted: {plural(tries.missing, 'more point')} not tried")
    return "\n".join([*lines, f"  {NOTHING_WRITTEN}"]) + "\n"


def tries_document(tries: Tries) -> dict[str, object]:
    """The same as plain values, with the whole plan of each point."""
    front = {id(one) for one in tries.front}
    return {
        "stack": tries.stack,
        "today": None if tries.today is None else _summary(tries.today),
        "points": [
            _document(one, tries.today)
            | ({} if tries.axis is None else {"at": tries.at(one), "is_on_front": id(one) in front})
            for one in tries.tried
        ],
        "turns": [
            {
                "from": {"values": _values(turn.before.point), "machines": _machines(turn.before)},
                "to": {"values": _values(turn.after.point), "machines": _machines(turn.after)},
            }
            for turn in tries.turns
        ],
        "front": None if tries.axis is None else tries.axis.name,
        "not_tried": tries.missing,
    }


def machines_text(machines: Sequence[Machines]) -> str:
    """Machines in words: 2 x p5.48xlarge + 1 x p5.48xlarge spot."""
    return " + ".join(f"{one.nodes:,} x {one.machine}{_bought(one.mode)}" for one in machines) or "no accelerators"


def plan_text(tried: Tried) -> str:
    """What a point buys, or why it has no plan."""
    if isinstance(tried.answer, NoPlan):
        return tried.answer.reason
    return machines_text(machines_of(tried.answer.plan))


def title(tries: Tries) -> str:
    """What is asked, in one sentence."""
    fixed = " ".join(f"{change.key}={value_text(change.values[0])}" for change in tries.fixed)
    along = " and ".join(change.key for change in tries.moving)
    if tries.axis is not None:
        text = f"{tries.stack}: cost against {tries.axis.label}"
    else:
        text = f"{tries.stack}: the plan along {along}" if along else f"{tries.stack} with {fixed}"
    return f"{text}, with {fixed}" if fixed and along else text


def _one_text(name: str, tried: Tried, today: SizingPlan | None) -> str:
    """One point: the answer, what changes from *today*, the promises, and what was proved."""
    if isinstance(tried.answer, NoPlan):
        return render_no_plan(tried.answer, name=f"{name} with {tried.point}")
    plan = tried.answer.plan
    lines = wrapped(f"{answer(plan, name=name)} with {tried.point}", hanging="  ")
    if today is not None:
        changes = plan_change_lines(diff(today, plan)) or ["  the plan does not change"]
        lines += ["", *wrapped(_against(today, plan), indent="  ", hanging="    "), *changes]
    lines += ["", *requirement_lines(plan), "", *wrapped(_proof(tried.answer), indent="  "), f"  {NOTHING_WRITTEN}"]
    return "\n".join(lines) + "\n"


def _sweep_lines(tries: Tries) -> list[str]:
    """All points as a table, one line each; where the plan changes machine, and why some points have none."""
    columns = ["USD/h", *(["change"] if tries.today else []), "gap", "machines"]
    rows = [[*(elided(change.key, WIDTH // 3) for change in tries.moving), *columns]]
    rows += [
        [*(_text(one, change.key) for change in tries.moving), *_cells(one, tries.today), _bought_where(one, tries)]
        for one in tries.tried
    ]
    align = ">" * (len(rows[0]) - 1) + "<"
    return [
        *_head(tries),
        *table(rows, align=align, elastic=len(align) - 1),
        "",
        *_turn_lines(tries),
        *_refusal_lines(tries),
    ]


def _front_lines(tries: Tries) -> list[str]:
    """The plans of the front, and how many others were found."""
    front = tries.front
    if tries.axis is None or not front:
        return [*_head(tries), "  no point has a plan"]
    rows = [[tries.axis.name, "USD/h", *(["change"] if tries.today else []), "gap", "machines"]]
    rows += [[count(tries.at(one)), *_cells(one, tries.today), _bought_where(one, tries)] for one in front]
    align = ">" * (len(rows[0]) - 1) + "<"
    planned = sum(one.plan is not None for one in tries.tried)
    beaten = f"{plural(len(tries.tried), 'point')} tried, {planned} with a plan, {len(front)} that no other beats"
    return [*_head(tries), *table(rows, align=align, elastic=len(align) - 1), "", f"  {beaten}"]


def _head(tries: Tries) -> list[str]:
    head = title(tries)
    if tries.today is not None:
        head += f"; today {machines_text(machines_of(tries.today))}, {money(tries.today.usd_per_hour)} USD/h"
    return [*wrapped(head, hanging="  "), ""]


def _text(tried: Tried, key: str) -> str:
    return next(value_text(value) for change, value in tried.point.settings if change.key == key)


def _cells(tried: Tried, today: SizingPlan | None) -> list[str]:
    """Cost, its change, and the gap."""
    if isinstance(tried.answer, NoPlan):
        return ["no plan", *([""] if today else []), ""]
    plan, gap = tried.answer.plan, tried.answer.outcome.gap
    change = [] if today is None else [signed_money(plan.usd_per_hour - today.usd_per_hour)]
    return [money(plan.usd_per_hour), *change, "" if gap is None else percent(gap)]


def _bought_where(tried: Tried, tries: Tries) -> str:
    """What a point buys, and the region where that is another than today's; empty without a plan."""
    plan = tried.plan
    if plan is None:
        return ""
    if tries.today is None or plan.region == tries.today.region:
        return plan_text(tried)
    return f"{plan_text(tried)} in {plan.region}"


def _bought(mode: PurchaseMode) -> str:
    return "" if mode is PurchaseMode.ON_DEMAND else f" {mode.value.replace('_', ' ')}"


def _against(today: SizingPlan, plan: SizingPlan) -> str:
    more = plan.usd_per_hour - today.usd_per_hour
    share = f" ({'+' if more > 0 else ''}{percent(more / today.usd_per_hour)})" if today.usd_per_hour else ""
    return (
        f"today {machines_text(machines_of(today))}, {money(today.usd_per_hour)} USD/h: "
        f"{signed_money(more)} USD/h{share}, {signed_money(usd_per_month(more))} USD a month"
    )


def _proof(found: Sized) -> str:
    gap = found.outcome.gap
    return f"solver: {found.outcome.status}" + (f", gap {percent(gap)}" if gap is not None else "")


def _turn_lines(tries: Tries) -> list[str]:
    if not tries.turns:
        return ["  the same types of machines wherever there is a plan"]
    return ["  the plan changes machine", *(line for turn in tries.turns for line in _turn(turn))]


def _refusal_lines(tries: Tries) -> list[str]:
    """Why points have no plan, with the first of them that each reason stands at."""
    reasons: dict[str, Tried] = {}
    for one in tries.tried:
        if isinstance(one.answer, NoPlan):
            reasons.setdefault(one.answer.reason, one)
    if not reasons:
        return []
    first = list(reasons.items())[:_MOST_REASONS]
    lines = ["  no plan"]
    for reason, one in first:
        at = ", ".join(
            f"{change.key} {value_text(value)}" for change, value in one.point.settings if change in tries.moving
        )
        lines += wrapped(f"{at}: {reason}", indent="    ", hanging="      ")
    rest = len(reasons) - len(first)
    return [*lines, f"    and {plural(rest, 'more reason')}: --json lists them"] if rest else lines


def _turn(turn: Turn) -> list[str]:
    return wrapped(turn_text(turn), indent="    ", hanging="      ")


def turn_text(turn: Turn) -> str:
    """Between which values, and from what machines to what."""
    pairs = zip(turn.before.point.settings, turn.after.point.settings, strict=True)
    at = ", ".join(
        f"{change.key} {_step(before, after)}" for (change, before), (_, after) in pairs if len(change.values) > 1
    )
    return f"{at}: {plan_text(turn.before)} -> {plan_text(turn.after)}"


def _step(before: Value, after: Value) -> str:
    return value_text(before) if before == after else f"{value_text(before)} -> {value_text(after)}"


def _document(tried: Tried, today: SizingPlan | None) -> dict[str, object]:
    values = {"values": _values(tried.point)}
    if isinstance(tried.answer, NoPlan):
        return values | no_plan_document(tried.answer)
    plan = tried.answer.plan
    return {
        **values,
        **_summary(plan),
        "plan": lockfile.to_dict(plan),
        "solver": outcome_document(tried.answer.outcome),
        "change_usd_per_hour": None if today is None else plan.usd_per_hour - today.usd_per_hour,
        "changes": [] if today is None else [plan_change_document(change) for change in diff(today, plan)],
    }


def _summary(plan: SizingPlan) -> dict[str, object]:
    return {
        "cloud": plan.cloud,
        "region": plan.region,
        "usd_per_hour": plan.usd_per_hour,
        "usd_per_month": usd_per_month(plan.usd_per_hour),
        "machines": [_machine(one) for one in machines_of(plan)],
    }


def _machines(tried: Tried) -> list[Mapping[str, object]]:
    return [_machine(one) for one in machines_of(tried.plan)] if tried.plan else []


def _machine(one: Machines) -> dict[str, object]:
    return {"machine": one.machine, "mode": one.mode.value, "nodes": one.nodes}


def _values(point: Point) -> dict[str, object]:
    """Values as JSON holds them; a factor as it is written."""
    return {change.key: _plain(value) for change, value in point.settings}


def _plain(value: Value) -> object:
    if isinstance(value, Times):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
