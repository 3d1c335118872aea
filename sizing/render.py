"""Plans, and answers without one, as text of one screen: values in, text out; nothing is decided here.

The first line is the answer; every number has its unit; a line has at most 80 columns, and the same bytes go to a
terminal and to a pipe (colour is added by whoever owns the terminal).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sizing.catalog.machine import Cloud
from sizing.figures import cents, figure, memory, money, percent, plural, rate, seconds, storage
from sizing.outcome import NoPlan, RunnerUp, Sized, SolverOutcome, SolverStatus
from sizing.performance.host.loading import load_tiers
from sizing.plan import Deployment, SizingPlan
from sizing.render_fleet import binding_text, is_fleet, left_out_lines, move_lines, team_lines, workload_lines
from sizing.render_machines import bought_text, commitment_lines, machine_lines, where_text
from sizing.render_promises import promise_table
from sizing.table import WIDTH, elided, wrapped

_STATUS = {
    SolverStatus.OPTIMAL: "optimal",
    SolverStatus.FEASIBLE: "a plan, not proved cheapest: the search was stopped by its limit",
    SolverStatus.INFEASIBLE: "infeasible: proved that no plan meets every requirement",
    SolverStatus.UNKNOWN: "unknown: the search ended without a plan and without a proof",
    SolverStatus.OUT_OF_TIME: "out of time: the limit came before any plan; there may be one",
}
_MOST_RUNNERS_UP = 12  # a screen's worth; the rest is counted
_MOST_STARTS = 8
_MOST_ASSUMED = 40


def render_plan(
    plan: SizingPlan,
    *,
    name: str,
    outcome: SolverOutcome | None = None,
    next_best: RunnerUp | None = None,
    moves: Sequence[str] = (),
) -> str:
    """
    The whole plan of stack *name*: answer, requirements, deployments, machines, who bears what, what was assumed.

    Beside it are told, where they are known, how near to the cheapest it is proved to be (*outcome*), the *next_best*
    and *moves*: what changed from the current plan.
    """
    return _blocks(
        [headline(plan, name=name), *([] if outcome is None else _outcome_lines(outcome))],
        left_out_lines(plan.left_out),
        requirement_lines(plan, next_best=next_best),
        _deployment_lines(plan),
        [*machine_lines(plan), *_bucket_lines(plan)],
        commitment_lines(plan.commitments),
        team_lines(plan.cost_shares),
        move_lines(moves),
        _assumption_lines(plan.assumptions),
    )


def render_explain(sized: Sized, *, name: str, beside: Sequence[str] = ()) -> str:
    """Why *sized* is the answer: what the solver proved, what binds, why each alternative lost, and lines *beside*."""
    plan = sized.plan
    binding = f"binds first as load grows: {binding_text(plan)}"
    return _blocks(
        [headline(plan, name=name)],
        [*_outcome_lines(sized.outcome), *wrapped(binding, indent="  ", hanging="    ")],
        left_out_lines(plan.left_out),
        requirement_lines(plan),
        _start_lines(plan),
        _runner_up_lines(sized.runners_up, title="alternatives, and why each lost", than=plan.usd_per_hour),
        _runner_up_lines(sized.storage, title="storage of weights, and why it was not taken", than=plan.usd_per_hour),
        _surer_lines(sized.surer, than=plan.usd_per_hour),
        list(beside),
        move_lines(sized.moves),
        _assumption_lines(plan.assumptions),
    )


def render_no_plan(answer: NoPlan, *, name: str) -> str:
    """That there is no plan for stack *name*: why, what came closest, what conflicts, and the ways out."""
    mends = [line for mend in answer.mends for line in wrapped(mend, indent="  - ", hanging="    ")]
    return _text(
        [
            *wrapped(f"no plan for {name}: {answer.reason}", hanging="  "),
            "",
            *_outcome_lines(answer.outcome),
            *([""] if answer.nearest else []),
            *_runner_up_lines(answer.nearest, title="closest, and what each misses", than=None),
            *_conflict_lines(answer),
            *(["", "ways out, the cheapest first", *mends] if mends else []),
        ]
    )


def _conflict_lines(answer: NoPlan) -> list[str]:
    """The requirements that conflict, as they are written; where there are several conflicts, each by itself."""
    conflicts = [conflict for conflict in (answer.conflict, *answer.conflicts_beside) if conflict]
    lines = []
    for place, conflict in enumerate(conflicts):
        if len(conflicts) == 1:
            title = "in the way, with all the rest as it is: without any one of these there is a plan"
        else:
            title = f"conflict {place + 1} of {len(conflicts)}: one of each has to give"
        lines += ["", title, *(line for one in conflict for line in wrapped(one.text, indent="  - ", hanging="    "))]
    return lines


def answer(plan: SizingPlan, *, name: str, usd_per_hour: float | None = None) -> str:
    """What runs where, and what it costs; without *usd_per_hour*, what its machines cost."""
    costs = plan.usd_per_hour if usd_per_hour is None else usd_per_hour
    lacking = f"; {plural(len(plan.left_out), 'workload')} left out" if plan.left_out else ""
    return f"{name} on {plan.cloud} {where_text(plan)}: {bought_text(plan)}, {money(costs)} USD/h{lacking}"


def headline(plan: SizingPlan, *, name: str, usd_per_hour: float | None = None) -> str:
    """The answer in one line, with the date of the facts at its end."""
    left = answer(plan, name=name, usd_per_hour=usd_per_hour)
    right = f"facts of {plan.facts_as_of}"
    if len(left) + 2 + len(right) <= WIDTH:
        return f"{left}{right:>{WIDTH - len(left)}}"
    return "\n".join([*wrapped(left, hanging="  "), f"  {right}"])


def requirement_lines(plan: SizingPlan, *, next_best: RunnerUp | None = None) -> list[str]:
    """
    The table of every promise: asked, planned with its 80 % interval, margin, chance, what binds; one a workload.

    Of many workloads, one row of each, the tightest first.
    """
    workloads = list(dict.fromkeys(promise.workload for promise in plan.promises))
    lines = workload_lines(plan) if is_fleet(plan) else []
    for workload in workloads if not is_fleet(plan) else ():
        title = "requirement" if len(workloads) == 1 else elided(workload, 16)
        lines += promise_table([x for x in plan.promises if x.workload == workload], title=title)
    if next_best is not None:
        price = "no price" if next_best.usd_per_hour is None else f"{money(next_best.usd_per_hour)} USD/h"
        why = _why_lost(next_best, than=plan.usd_per_hour)
        lines += wrapped(f"next best: {next_best.what}, {price}; {why}", indent="  ", hanging="    ")
    return lines


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
    if more is None or more <= 0:
        return "meets all"
    return f"meets all, {money(more)} USD/h dearer" if cents(more) else "meets all, less than a cent an hour dearer"


def _deployment_lines(plan: SizingPlan) -> list[str]:
    """Replicas, engine, host and start of each deployment; of many workloads, where these are told."""
    if is_fleet(plan):
        told = f"engine, host and cold start of all {plural(len(plan.deployments), 'deployment')}: --json tells them"
        return [f"  {told}"]
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
    for one in plan.deployments[:_MOST_STARTS]:
        lines += wrapped(f"{one.name}: {cold_start_text(one)}; {host_text(one)}", indent="  ", hanging="      ")
        elsewhere = ", ".join(f"{name} {seconds(one.checkpoint_bytes / rate)}" for name, rate in _rates(plan.cloud))
        lines += wrapped(f"the same weights at best from {elsewhere}", indent="      ")
    rest = len(plan.deployments) - _MOST_STARTS
    return [*lines, f"  and {plural(rest, 'deployment')} more: --json lists them"] if rest > 0 else lines


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
    return [
        f"  bucket {x.name}{f' in {x.region}' if plan.elsewhere else ''}: {x.tier}, {storage(x.bytes)}"
        for x in plan.buckets
    ]


def _assumption_lines(assumptions: Sequence[str]) -> list[str]:
    if not assumptions:
        return []
    lines = [line for x in assumptions[:_MOST_ASSUMED] for line in wrapped(x, indent="  - ", hanging="    ")]
    rest = len(assumptions) - _MOST_ASSUMED
    return ["assumed", *lines, *([f"  and {rest:,} more: --json lists them"] if rest > 0 else [])]


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


def _blocks(*blocks: Sequence[str]) -> str:
    """The blocks that hold anything, with an empty line between them."""
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _text(lines: Iterable[str]) -> str:
    return "\n".join(lines).rstrip("\n") + "\n"
