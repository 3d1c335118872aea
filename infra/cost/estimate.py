"""What a recorded graph costs, and what a change of graphs changes in it.

Computed from the recorded resources, which are the truth, not from the plan. Every resource that the cloud or the
cluster keeps has at least one line: paid by the hour, paid by use, known to be free, or of a price that is not known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from components.graph import Graph, Resource, sealed
from components.surroundings import package, surroundings
from infra.cost import pricing_aws, pricing_gcp, pricing_kubernetes
from infra.cost.bill import Cost, CostChange, CostGroup, CostKind, CostLine, LineChange
from infra.cost.line import Pricer, Pricing, fixed, free, not_priced
from infra.cost.planned import content_of, planned_pools
from infra.cost.pools import machine_pools
from infra.cost.workloads import workload_shares
from sizing.catalog.catalog import Catalog
from sizing.plan import SizingPlan

UNLISTED = "not in the price tables"


def cost(
    graph: Graph,
    catalog: Catalog,
    *,
    plan: SizingPlan | None = None,
    content_bytes: Mapping[str, int] | None = None,
) -> Cost:
    """
    What *graph* costs, line by line, in the order the resources were registered.

    A quantity that is secret is not known here: a bill would tell it.

    Args:
        graph: The recorded resources.
        catalog: Prices.
        plan: What the graph was built from, for what no resource tells: hours, commitments, content of buckets. Without
            it machines run all hours on demand.
        content_bytes: Expected content by bucket name where there is no plan; what it does not name is paid by use.
    """
    graph = sealed(graph)
    pools = machine_pools(graph)
    pricing = Pricing(
        catalog=catalog,
        among=surroundings(graph),
        pools=pools,
        content_bytes=content_of(plan) if plan is not None else content_bytes or {},
        planned=planned_pools(plan) if plan is not None else {},
    )
    shares = workload_shares(graph, pools)
    lines = (line for resource in graph.resources for line in _lines(resource, pricing))
    return Cost(lines=tuple(replace(line, shares=shares.get(line.urn, ())) for line in lines))


def machine_lines(bill: Cost) -> tuple[CostLine, ...]:
    """The lines that pay machines; their sum equals the cost of the plan that the graph was built from."""
    return tuple(line for line in bill.lines if line.group is CostGroup.MACHINE)


def cost_change(before: Cost | None, after: Cost, *, renamed: Mapping[str, str] | None = None) -> CostChange:
    """
    Two costs joined by resource and item; free resources are left out, as they cost nothing on either side.

    *renamed* maps the URNs that resources had before to those that they have now: a new name costs nothing.
    """
    old, new = _by_key(before.lines if before else (), renamed or {}), _by_key(after.lines, {})
    keys = [*new, *(key for key in old if key not in new)]
    lines = [LineChange(urn=key[0], item=key[1], before=old.get(key), after=new.get(key)) for key in keys]
    return CostChange(before=before, after=after, lines=tuple(_compared(lines)))


def renames(before: Graph, after: Graph) -> Mapping[str, str]:
    """URNs of *before* that resources of *after* take over by an alias, with their URNs now."""
    old, new = {x.urn for x in before.resources}, {x.urn for x in after.resources}
    return {
        alias: resource.urn
        for resource in after.resources
        if resource.urn not in old
        for alias in resource.aliases
        if alias in old and alias not in new
    }


def _by_key(lines: Iterable[CostLine], renamed: Mapping[str, str]) -> Mapping[tuple[str, str, int], CostLine]:
    """Lines by resource, item and place among equal items (two equal disks of one pool)."""
    seen: Counter[tuple[str, str]] = Counter()
    found = {}
    for line in lines:
        if line.kind is CostKind.FREE:
            continue
        key = (renamed.get(line.urn, line.urn), line.item)
        found[(*key, seen[key])] = line
        seen[key] += 1
    return found


def _compared(lines: Iterable[LineChange]) -> Iterable[LineChange]:
    """
    *lines*, of which those are not comparable that a resource exchanges for something of a price that is not known.

    Otherwise a machine whose price nobody tells would look like a saving of the whole machine that it replaces.
    """
    found = tuple(lines)
    sides: dict[tuple[str, CostGroup], list[LineChange]] = {}
    for line in found:
        if not line.is_same and not _is_by_use(line):
            sides.setdefault((line.urn, _group(line)), []).append(line)
    for line in found:
        moved = sides.get((line.urn, _group(line)), []) if not line.is_same else []
        has_both = any(x.before for x in moved) and any(x.after for x in moved)
        is_open = any(x.difference_usd_per_hour is None for x in moved)
        yield replace(line, is_comparable=False) if has_both and is_open and line in moved else line


def _is_by_use(line: LineChange) -> bool:
    return all(side is None or side.kind is CostKind.USAGE for side in (line.before, line.after))


def _group(change: LineChange) -> CostGroup:
    line = change.after or change.before
    return line.group if line is not None else CostGroup.OTHER


def _lines(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    """
    Lines of one resource; none for what exists in the program only (components, providers, the stack itself), nor for
    what the program looks up and others pay for.
    """
    if not resource.custom or resource.external or package(resource) == "pulumi":
        return ()
    priced, costless = _tables(resource)
    pricer = priced.get(_kind(resource))
    if pricer is not None:
        return pricer(resource, pricing)
    reason = costless.get(_kind(resource))
    if reason is not None:
        return (free(resource, reason),)
    unknown = not_priced("resource", UNLISTED)
    return (fixed(resource, resource.type, CostGroup.OTHER, unknown),)


def _tables(resource: Resource) -> tuple[Mapping[str, Pricer], Mapping[str, str]]:
    match package(resource):
        case "aws":
            return pricing_aws.PRICED, pricing_aws.FREE
        case "gcp":
            return pricing_gcp.PRICED, pricing_gcp.FREE
        case "kubernetes":
            return pricing_kubernetes.PRICED, pricing_kubernetes.FREE
        case _:
            return {}, {}


def _kind(resource: Resource) -> str:
    if package(resource) == "kubernetes":
        return pricing_kubernetes.kind_of(resource.type)
    return resource.type
