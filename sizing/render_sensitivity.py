"""How firmly a plan stands, as text of half a screen and as plain values; what is said was worked out elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from sizing.allocation.why.sensitivity import MOST_GROWTH, Growth, PriceTurn, Relief, Sensitivity
from sizing.figures import money, percent, signed_money, unit_price
from sizing.spec.workload import Spec
from sizing.table import table, wrapped


def sensitivity_lines(found: Sensitivity, spec: Spec) -> list[str]:
    """What a little more of each limit saves; then prices; then traffic."""
    return [
        *_reliefs(found.reliefs),
        *_prices(found.rises, found.falls),
        "",
        "more traffic",
        *wrapped(_same_machines(found.same_machines_up_to, spec), indent="  ", hanging="    "),
        *table([_growth(one, found.usd_per_hour) for one in found.growths], align="<>><", elastic=3),
    ]


def sensitivity_document(found: Sensitivity) -> dict[str, object]:
    """The same as plain values, and the price at which each plan turns."""
    turns = {
        name: [dataclasses.asdict(one) | {"turns_at_usd_per_hour": one.turns_at_usd_per_hour} for one in prices]
        for name, prices in (("rises", found.rises), ("falls", found.falls))
    }
    return dataclasses.asdict(found) | turns


def _reliefs(reliefs: Sequence[Relief]) -> list[str]:
    """Those that help, with what they are worth; the rest in one sentence."""
    if not reliefs:
        return []
    rows = [[one.what, _worth(one)] for one in reliefs if one.helps]
    idle = [one.what for one in reliefs if not one.helps]
    lines = ["what binds: the best plan with a little more of each limit", *table(rows, align="<<")]
    if idle:
        lines += wrapped(f"saves nothing: {'; '.join(idle)}", indent="  ", hanging="    ")
    return lines


def _worth(relief: Relief) -> str:
    if relief.serves:
        return f"serves {', '.join(relief.serves)}"
    return f"saves {money(relief.saves_usd_per_hour)} USD/h"


def _prices(rises: Sequence[PriceTurn], falls: Sequence[PriceTurn]) -> list[str]:
    if not rises and not falls:
        return []
    lines = ["", "prices"]
    for one in rises:
        if one.factor is None:
            lines += wrapped(f"{one.machine}: the plan stays even at ten times its price", indent="  ", hanging="    ")
        else:
            text = f"{one.machine} may rise by {percent(one.factor - 1)}{_to(one)}; then {one.becomes} costs no more"
            lines += wrapped(text, indent="  ", hanging="    ")
    for one in falls:
        if one.factor is not None:
            lines += wrapped(_fall(one), indent="  ", hanging="    ")
    far = [one.machine for one in falls if one.factor is None]
    if far:
        text = f"{', '.join(far)}: not even at a tenth of the price"
        lines += wrapped(text, indent="  ", hanging="    ")
    return lines


def _fall(one: PriceTurn) -> str:
    fallen = percent(1 - (one.factor or 0.0))
    return f"{one.machine} would have to fall by {fallen}{_to(one)}; then {one.becomes} costs no more"


def _to(one: PriceTurn) -> str:
    at, today = one.turns_at_usd_per_hour, one.usd_per_hour
    return "" if at is None or today is None else f", from {unit_price(today)} to {money(at)} USD/h"


def _same_machines(factor: float, spec: Spec) -> str:
    """Up to what traffic the machines that are bought do: in requests per second where there is one workload."""
    more = percent(factor - 1)
    if factor >= MOST_GROWTH:
        return f"the same machines carry {MOST_GROWTH:g} times the traffic and more"
    if len(spec.workloads) > 1:
        return f"the same machines carry {more} more of all traffic, each workload as it may best"
    rate = spec.workloads[0].traffic.requests_per_s
    return f"the same machines carry up to {rate * factor:.3g} requests/s, {more} more than is stated"


def _growth(one: Growth, today: float) -> list[str]:
    share = f"{percent(one.factor - 1)} more"
    if one.usd_per_hour is None:
        return [share, "no plan", "", ""]
    return [share, f"{money(one.usd_per_hour)} USD/h", signed_money(one.usd_per_hour - today), one.what]
