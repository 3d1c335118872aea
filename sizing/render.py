"""Plans, and answers without one, as text of one screen: values in, text out; nothing is decided here.

The first line is the answer; every number has its unit; a line has at most 80 columns, and the same bytes go to a
terminal and to a pipe (colour is added by whoever owns the terminal).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from sizing.catalog.machine import Cloud
from sizing.figures import figure, memory, money, percent, plural, rate, seconds, span, storage, unit_price
from sizing.outcome import NoPlan, RunnerUp, Sized, SolverOutcome, SolverStatus
from sizing.performance.host.loading import load_tiers
from sizing.plan import Deployment, NodePool, PoolRole, Promise, SizingPlan
from sizing.table import WIDTH, elided, table, wrapped

_METRICS = {
    "ttft_p95_s": "TTFT p95",
    "tpot_p95_s": "TPOT p95",
    "e2e_p95_s": "E2E p95",
    "requests_per_s": "requests",
    "hbm_bytes_per_accelerator": "HBM",
}
_STATUS = {
    SolverStatus.OPTIMAL: "optimal",
    SolverStatus.FEASIBLE: "a plan, not proved cheapest: the search was stopped by its limit",
    SolverStatus.INFEASIBLE: "infeasible: proved that no plan meets every requirement",
    SolverStatus.UNKNOWN: "unknown: the search ended without a plan and without a proof",
    SolverStatus.OUT_OF_TIME: "out of time: the limit came before any plan; there may be one",
}
_PER_SECOND = {"ms": 1000, "s": 1}
SUREST = 0.99  # an 80 % interval says nothing of what lies further out
_MOST_RUNNERS_UP = 12  # a screen's worth; the rest is counted


def render_plan(plan: SizingPlan, *, name: str, next_best: RunnerUp | None = None) -> str:
    """The whole plan of stack *name*: answer, requirements, deployments, machines and what was assumed."""
    return _text(
        [
            headline(plan, name=name),
            "",
            *requirement_lines(plan, next_best=next_best),
            "",
            *_deployment_lines(plan),
            "",
            *machine_lines(plan),
            *_bucket_lines(plan),
            *_assumption_lines(plan.assumptions),
        ]
    )


def render_explain(sized: Sized, *, name: str) -> str:
    """Why *sized* is the answer: what the solver proved, what binds, and why each alternative lost."""
    plan = sized.plan
    binding = [f"{x.workload}: {metric_name(x.metric)} by {x.binding}" for x in plan.promises if x.binding]
    return _text(
        [
            headline(plan, name=name),
            "",
            *_outcome_lines(sized.outcome),
            *wrapped(f"binds first as load grows: {'; '.join(binding) or 'nothing'}", indent="  ", hanging="    "),
            "",
            *requirement_lines(plan),
            "",
            *_start_lines(plan),
            "",
            *_runner_up_lines(sized.runners_up, title="alternatives, and why each lost", than=plan.usd_per_hour),
            *([""] if sized.surer else []),
            *_surer_lines(sized.surer, than=plan.usd_per_hour),
            *_assumption_lines(plan.assumptions),
        ]
    )


def render_no_plan(answer: NoPlan, *, name: str) -> str:
    """That there is no plan for stack *name*: why, what came closest and what each misses, and the ways out."""
    mends = [line for mend in answer.mends for line in wrapped(mend, indent="  - ", hanging="    ")]
    return _text(
        [
            *wrapped(f"no plan for {name}: {answer.reason}", hanging="  "),
            "",
            *_outcome_lines(answer.outcome),
            *([""] if answer.nearest else []),
            *_runner_up_lines(answer.nearest, title="closest, and what each misses", than=None),
            *(["", "ways out, the cheapest first", *mends] if mends else []),
        ]
    )


def answer(plan: SizingPlan, *, name: str, usd_per_hour: float | None = None) -> str:
    """What runs where, and what it costs; without *usd_per_hour*, what its machines cost."""
    machines = Counter[str]()
    for pool in plan.node_pools:
        if pool.role is PoolRole.ACCELERATOR:
            machines[f"{pool.machine}{' spot' if pool.mode.value == 'spot' else ''}"] += pool.nodes
    bought = " + ".join(f"{nodes:,} x {machine}" for machine, nodes in machines.items()) or "no accelerators"
    costs = plan.usd_per_hour if usd_per_hour is None else usd_per_hour
    return f"{name} on {plan.cloud} {plan.region}: {bought}, {money(costs)} USD/h"


def headline(plan: SizingPlan, *, name: str, usd_per_hour: float | None = None) -> str:
    """The answer in one line, with the date of the facts at its end."""
    left = answer(plan, name=name, usd_per_hour=usd_per_hour)
    right = f"facts of {plan.facts_as_of}"
    if len(left) + 2 + len(right) <= WIDTH:
        return f"{left}{right:>{WIDTH - len(left)}}"
    return "\n".join([*wrapped(left, hanging="  "), f"  {right}"])


def requirement_lines(plan: SizingPlan, *, next_best: RunnerUp | None = None) -> list[str]:
    """The table of every promise: asked, planned with its 80 % interval, margin, chance, what binds; one a workload."""
    workloads = list(dict.fromkeys(promise.workload for promise in plan.promises))
    lines = []
    for workload in workloads:
        title = "requirement" if len(workloads) == 1 else elided(workload, 16)
        lines += _promise_table([x for x in plan.promises if x.workload == workload], title=title)
    if next_best is not None:
        price = "no price" if next_best.usd_per_hour is None else f"{money(next_best.usd_per_hour)} USD/h"
        why = _why_lost(next_best, than=plan.usd_per_hour)
        lines += wrapped(f"next best: {next_best.what}, {price}; {why}", indent="  ", hanging="    ")
    return lines


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


def machine_lines(plan: SizingPlan) -> list[str]:
    """Pools of equal machines with unit price and cost; the zones of each below it, with how many stand in each."""
    groups = _alike(plan.node_pools)
    rows = [["machines", "", "USD/h each", "USD/h"]]
    for pools in groups:
        first = pools[0]
        nodes = sum(pool.nodes for pool in pools)
        what = first.accelerator or first.role.value
        rows.append(
            [
                f"{nodes:,} x {first.machine} {first.mode.value.replace('_', ' ')}",
                f"{first.accelerators_per_node} x {what}" if first.accelerator else what,
                unit_price(first.usd_per_hour),
                money(nodes * first.usd_per_hour),
            ]
        )
    rows.append(["total", "", "", money(plan.usd_per_hour)])
    head, *priced, total = table(rows, align="<<>>", elastic=1)
    below = [_zone_lines(pools) for pools in groups]
    return [head, *(line for row, zones in zip(priced, below, strict=True) for line in (row, *zones)), total]


def _zone_lines(pools: Sequence[NodePool]) -> list[str]:
    """In which zones machines of one kind stand: in use1-az4, or 3 in use1-az1, 1 in use1-az2."""
    nodes = Counter[str]()
    for pool in pools:
        nodes[pool.zone] += pool.nodes
    zones = ", ".join(zone if len(nodes) == 1 else f"{number:,} in {zone}" for zone, number in nodes.items())
    return wrapped(f"in {zones}" if len(nodes) == 1 else zones, indent="      ")


def runner_up_text(runner: RunnerUp, *, than: float | None) -> list[str]:
    """One alternative in a line or two: what, its price, and what it misses, or by how much it is dearer."""
    price = "no price" if runner.usd_per_hour is None else f"{money(runner.usd_per_hour)} USD/h"
    why = _why_lost(runner, than=than)
    room = WIDTH - len(price) - 4
    first, *rest = wrapped(runner.what, width=room + 2, indent="  ", hanging="    ")
    return [f"{first:<{room + 2}}  {price}", *rest, *wrapped(why, indent="      ")]


def _why_lost(runner: RunnerUp, *, than: float | None) -> str:
    """What an alternative misses, or by how much it is dearer."""
    if runner.misses:
        return "; ".join(miss.text for miss in runner.misses)
    more = None if than is None or runner.usd_per_hour is None else runner.usd_per_hour - than
    return f"meets all, {money(more)} USD/h dearer" if more is not None and more > 0 else "meets all"


def _promise_table(promises: Sequence[Promise], *, title: str) -> list[str]:
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


def chance(promise: Promise) -> str:
    """The probability that what is asked is kept, in whole percent, never none or all; nothing where it is exact."""
    if promise.low == promise.high:
        return ""
    if promise.probability > SUREST:
        return f"> {percent(SUREST)}"
    return f"< {percent(1 - SUREST)}" if promise.probability < 1 - SUREST else percent(round(promise.probability, 2))


def _interval(promise: Promise) -> str:
    """The 80 % interval, in the unit of the planned value as far as that is milliseconds or seconds; or nothing."""
    if promise.low == promise.high:
        return ""
    low, planned, high = (metric_value(promise.metric, x) for x in (promise.low, promise.planned, promise.high))
    unit = planned.rpartition(" ")[2]
    if unit in _PER_SECOND:
        low, high = (f"{figure(x * _PER_SECOND[unit])} {unit}" for x in (promise.low, promise.high))
    return span(low, planned, high)


def _deployment_lines(plan: SizingPlan) -> list[str]:
    lines = []
    for deployment in plan.deployments:
        lines += wrapped(_deployment_text(deployment), indent="  ", hanging="      ")
        engine = deployment.engine
        settings = (
            f"{engine.name}: {engine.max_model_len:,} tokens of context, "
            f"{plural(engine.max_num_seqs, 'sequence')} at once, "
            f"{engine.max_num_batched_tokens:,} batched tokens, {percent(engine.gpu_memory_utilization)} of memory, "
            f"{plural(engine.front_ends, 'front end')}"
        )
        lines += wrapped(settings, indent="      ")
        lines += wrapped(host_text(deployment), indent="      ")
        lines += wrapped(cold_start_text(deployment), indent="      ")
    return lines


def _start_lines(plan: SizingPlan) -> list[str]:
    """Cold start and host of each deployment, as `explain` tells them, and weights read from other storage."""
    lines = []
    for one in plan.deployments:
        lines += wrapped(f"{one.name}: {cold_start_text(one)}; {host_text(one)}", indent="  ", hanging="      ")
        elsewhere = ", ".join(f"{name} {seconds(one.checkpoint_bytes / rate)}" for name, rate in _rates(plan.cloud))
        lines += wrapped(f"the same weights at best from {elsewhere}", indent="      ")
    return lines


def _rates(cloud: Cloud) -> list[tuple[str, float]]:
    """Storage of *cloud* with a rate that one machine was seen to read at, the fastest first."""
    known = [(tier.name, tier.bytes_per_s) for tier in load_tiers() if tier.cloud in {None, cloud}]
    return sorted(((name, rate) for name, rate in known if rate is not None), key=lambda one: -one[1])


def host_text(deployment: Deployment) -> str:
    """What each replica asks of its machine beside accelerators."""
    return f"each asks for {figure(deployment.vcpus)} vCPU and {memory(deployment.host_memory_bytes)} of host memory"


def cold_start_text(deployment: Deployment) -> str:
    """The start of a replica on a new machine, by part."""
    start = deployment.cold_start
    return (
        f"cold start {seconds(start.total_s)}: image {seconds(start.image_s)}, bootstrap {seconds(start.bootstrap_s)}, "
        f"weights {seconds(start.weights_s)} of {storage(deployment.checkpoint_bytes)}, "
        f"compile and warm-up {seconds(start.compile_s)}"
    )


def _deployment_text(deployment: Deployment) -> str:
    return (
        f"{deployment.name}: {plural(deployment.replicas, 'replica')} of {deployment.model}, "
        f"{deployment.weights} weights, {deployment.kv} KV, {deployment.layout} on {deployment.accelerator}, "
        f"{rate(deployment.requests_per_s)} and {deployment.concurrency} in flight each"
    )


def _bucket_lines(plan: SizingPlan) -> list[str]:
    return [f"  bucket {x.name}: {x.tier}, {storage(x.bytes)}" for x in plan.buckets]


def _assumption_lines(assumptions: Sequence[str]) -> list[str]:
    if not assumptions:
        return []
    return ["", "assumed", *(line for x in assumptions for line in wrapped(x, indent="  - ", hanging="    "))]


def _outcome_lines(outcome: SolverOutcome) -> list[str]:
    parts = [_STATUS[outcome.status]]
    if outcome.usd_per_hour is not None:
        parts.append(f"{money(outcome.usd_per_hour)} USD/h")
    if outcome.bound_usd_per_hour is not None:
        parts.append(f"at least {money(outcome.bound_usd_per_hour)} USD/h is necessary")
    if outcome.gap is not None:
        parts.append(f"gap {percent(outcome.gap)}")
    return wrapped(f"solver: {'; '.join(parts)}", indent="  ", hanging="    ")


def _runner_up_lines(runners: Sequence[RunnerUp], *, title: str, than: float | None) -> list[str]:
    if not runners:
        return []
    lines = [title]
    workloads = {runner.workload for runner in runners}
    last = None
    for runner in runners[:_MOST_RUNNERS_UP]:
        if len(workloads) > 1 and runner.workload != last:
            lines.append(f"  for {runner.workload}")
        last = runner.workload
        lines += runner_up_text(runner, than=than)
    rest = len(runners) - _MOST_RUNNERS_UP
    return [*lines, f"  and {rest} more: --json lists them"] if rest > 0 else lines


def _surer_lines(runners: Sequence[RunnerUp], *, than: float) -> list[str]:
    """What it costs to keep every limit more surely."""
    if not runners:
        return []
    title = "to keep every limit more surely, set objectives.confidence"
    return [title, *(line for runner in runners for line in runner_up_text(runner, than=than))]


def _alike(pools: Iterable[NodePool]) -> list[list[NodePool]]:
    """Pools of one machine, role and purchase mode, in the order of the first of each."""
    groups: dict[tuple[str, str, str, float], list[NodePool]] = {}
    for pool in pools:
        groups.setdefault((pool.role, pool.machine, pool.mode, pool.usd_per_hour), []).append(pool)
    return list(groups.values())


def _text(lines: Iterable[str]) -> str:
    return "\n".join(lines).rstrip("\n") + "\n"
