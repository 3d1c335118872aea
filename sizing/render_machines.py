"""Machines of a plan as text: what is rented where and how, for how long, what is committed, and all that it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sizing.catalog.offer import PurchaseMode
from sizing.figures import CENTS_PER_USD, cents, figure, money, plural, unit_price, whole_cents
from sizing.plan import Commitment, CostLine, NodePool, PoolRole, SizingPlan
from sizing.table import table, wrapped

MOST_KINDS = 16  # rows of machines; the dearest stay, the rest is summed up
MOST_OTHERS = 8  # rows of what is paid beside machines
MOST_NAMED = 3  # kinds of machines, and regions, that the first line of a plan names
_WAYS = {
    PurchaseMode.SPOT: " spot",
    PurchaseMode.RESERVATION: " reserved",
    PurchaseMode.CAPACITY_BLOCK: " of a block",
    PurchaseMode.FLEX_START: " flex-start",
}
_TERMS = {PurchaseMode.COMMITTED_1Y: "one year", PurchaseMode.COMMITTED_3Y: "three years"}


def bought_text(plan: SizingPlan) -> str:
    """Accelerator machines in one clause: 2 x p5.48xlarge + 1 x g6e.12xlarge spot; of many kinds the dearest."""
    machines, cost = Counter[str](), dict[str, float]()
    for pool in plan.node_pools:
        if pool.role is PoolRole.ACCELERATOR:
            kind = f"{pool.machine}{_WAYS.get(pool.mode, '')}"
            machines[kind] += pool.nodes
            cost[kind] = cost.get(kind, 0.0) + usd_per_hour_of(pool, plan)
    shown = list(machines)
    if len(machines) > MOST_NAMED + 1:
        shown = sorted(machines, key=lambda kind: (-cost[kind], kind))[:MOST_NAMED]
    text = " + ".join(f"{machines[kind]:,} x {kind}" for kind in shown) or "no accelerators"
    hidden = [number for kind, number in machines.items() if kind not in shown]
    return f"{text} + {sum(hidden):,} of {len(hidden)} more kinds" if hidden else text


def where_text(plan: SizingPlan) -> str:
    """The regions of the plan: us-east-1; us-east-1 and us-west-2; us-east-1 and 5 more regions."""
    regions = [site.region for site in plan.sites]
    if len(regions) > MOST_NAMED:
        return f"{regions[0]} and {len(regions) - 1} more regions"
    return " and ".join([", ".join(regions[:-1]), regions[-1]] if len(regions) > 1 else regions)


def usd_per_hour_of(pool: NodePool, plan: SizingPlan) -> float:
    """What the machines of one pool cost an hour, on average; in the plan's own lines where hours or terms differ."""
    if pool.committed == 0 and pool.least_nodes == pool.nodes:
        return pool.nodes * pool.usd_per_hour
    return sum(line.usd_per_hour_on_average for line in plan.cost_lines if line.pool == pool.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One line of the table, and what is said below it."""

    cells: tuple[str, str, str]
    usd_per_hour: float | None = None  # None: of a region, which costs what its rows cost
    region: str | None = None
    below: tuple[str, ...] = ()


def machine_lines(plan: SizingPlan) -> list[str]:
    """
    Pools of equal machines with unit price and cost, below each its zones, hours and terms; then the total.

    Of several regions each has its own cost. What is paid beside machines follows them. The cents of all add up.
    """
    rows: list[_Row] = []
    sites = [(site.region, _kinds(plan, site.region)) for site in plan.sites]
    costs = sorted((kind.usd_per_hour for _, kinds in sites for kind in kinds), reverse=True)
    is_many = len(costs) > MOST_KINDS
    least = costs[MOST_KINDS - 1] if is_many else 0.0
    for region, kinds in sites:
        indent = "  " if plan.elsewhere else ""
        if plan.elsewhere:
            rows.append(_Row(cells=(f"in {region}", "", ""), region=region))
        shown = [kind for kind in kinds if kind.usd_per_hour >= least]
        rows += [_machine_row(kind, indent=indent, has_zones=not is_many) for kind in shown]
        rest = [kind.usd_per_hour for kind in kinds if kind.usd_per_hour < least]
        if rest:
            more = (f"{indent}and {plural(len(rest), 'kind')} more", "", "")
            rows.append(_Row(cells=more, usd_per_hour=sum(rest), region=region))
    rows += _other_rows([line for line in plan.cost_lines if line.pool is None])
    cells = [(*row.cells, text) for row, text in zip(rows, _costs(rows, plan.usd_per_hour), strict=True)]
    head, *lines, total = table(
        [("machines", "", "USD/h each", "USD/h"), *cells, ("total", "", "", money(plan.usd_per_hour))],
        align="<<>>",
        elastic=1,
    )
    told = [head, *(each for row, line in zip(rows, lines, strict=True) for each in (line, *row.below)), total]
    return [*told, "  zones, and what is not shown: --json lists them"] if is_many else told


def _costs(rows: Sequence[_Row], total: float) -> list[str]:
    """What each row costs, to the cent: those of all machines, and of what is beside them, add up to the total."""
    parts = [row.usd_per_hour for row in rows if row.usd_per_hour is not None]
    settled = iter(whole_cents(parts, cents(total)))
    found = [None if row.usd_per_hour is None else next(settled) for row in rows]
    of_region = Counter[str | None]()
    for row, number in zip(rows, found, strict=True):
        of_region[row.region] += number or 0
    return [
        money((of_region[row.region] if number is None else number) / CENTS_PER_USD)
        for row, number in zip(rows, found, strict=True)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """Pools of one region that are alike but for their zones."""

    pools: tuple[NodePool, ...]
    usd_per_hour: float


def _kinds(plan: SizingPlan, region: str) -> list[_Kind]:
    """Machines of one type, role, purchase mode, price and reservation, in the order of the first pool of each."""
    groups: dict[tuple[str, str, str, float, str | None], list[NodePool]] = {}
    for pool in plan.node_pools:
        if pool.region == region:
            key = (pool.role, pool.machine, pool.mode, pool.usd_per_hour, pool.reservation)
            groups.setdefault(key, []).append(pool)
    return [
        _Kind(pools=tuple(pools), usd_per_hour=sum(usd_per_hour_of(pool, plan) for pool in pools))
        for pools in groups.values()
    ]


def _machine_row(kind: _Kind, *, indent: str, has_zones: bool) -> _Row:
    first, nodes = kind.pools[0], sum(pool.nodes for pool in kind.pools)
    what = first.accelerator or first.role.value
    said = [*([_zones(kind.pools)] if has_zones else []), *_terms(kind.pools)]
    return _Row(
        cells=(
            f"{indent}{nodes:,} x {first.machine} {first.mode.value.replace('_', ' ')}",
            f"{first.accelerators_per_node} x {what}" if first.accelerator else what,
            unit_price(first.usd_per_hour),
        ),
        usd_per_hour=kind.usd_per_hour,
        region=first.region,
        below=tuple(
            line for text in said for line in wrapped(text, indent=f"{indent}      ", hanging=f"{indent}        ")
        ),
    )


def _zones(pools: Sequence[NodePool]) -> str:
    """In which zones machines of one kind stand: in use1-az4, or 3 in use1-az1, 1 in use1-az2."""
    nodes = Counter[str]()
    for pool in pools:
        nodes[pool.zone] += pool.nodes
    zones = ", ".join(zone if len(nodes) == 1 else f"{number:,} in {zone}" for zone, number in nodes.items())
    return f"in {zones}" if len(nodes) == 1 else zones


def _terms(pools: Sequence[NodePool]) -> list[str]:
    """When machines of one kind are up, what reserves them, and which are committed."""
    said = []
    most, least = sum(pool.nodes for pool in pools), sum(pool.least_nodes for pool in pools)
    if least < most:
        said.append(f"{least:,} to {most:,} of them up, by the hours of the day")
    if pools[0].reservation is not None:
        said.append(f"from {pools[0].reservation}, which is paid whether they run or not")
    number = sum(pool.committed for pool in pools)
    if number:
        each = sum(pool.committed * (pool.committed_usd_per_hour or 0.0) for pool in pools) / number
        said.append(f"{number:,} of them committed, at {unit_price(each)} USD/h each for all hours")
    return said


def _other_rows(lines: Sequence[CostLine]) -> list[_Row]:
    """What is paid beside machines: the dearest, and the sum of the rest."""
    dearest = sorted(lines, key=lambda line: -line.usd_per_hour_on_average)
    rows = [
        _Row(
            cells=(line.item, f"{figure(line.quantity)} {line.unit}", unit_price(line.usd_per_hour)),
            usd_per_hour=line.usd_per_hour_on_average,
        )
        for line in dearest[:MOST_OTHERS]
    ]
    rest = dearest[MOST_OTHERS:]
    if rest:
        cost = sum(line.usd_per_hour_on_average for line in rest)
        rows.append(_Row(cells=(f"and {len(rest):,} more of these", "", ""), usd_per_hour=cost))
    return rows


def commitment_lines(commitments: Sequence[Commitment]) -> list[str]:
    """What is committed already and what is worth buying, each with its price; that nothing here buys it."""
    if not commitments:
        return []
    rows = [["commitments", "owned", "to buy", "USD/h each"]]
    rows += [
        [
            f"{_TERMS.get(one.mode, one.mode.value)} of {one.machine} in {one.region}",
            f"{one.owned:,}",
            f"{one.to_buy:,}",
            unit_price(one.usd_per_hour) if one.to_buy else "",
        ]
        for one in commitments
    ]
    by_hand = "to be bought by hand, in the cloud's own console: no program commits an account for years"
    return [
        *table(rows, align="<>>>"),
        *(wrapped(by_hand, indent="      ") if any(x.to_buy for x in commitments) else []),
    ]
