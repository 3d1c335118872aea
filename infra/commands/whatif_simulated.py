"""`sizeup whatif STACK`: other traffic, or a trace, on the deployments of the locked plan, simulated."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from infra.commands.answer import answer
from infra.failures import DONE, WrongInput
from infra.interruption import interruptible
from infra.project import project_root
from infra.stack import check_fresh, load_plan, load_stack
from infra.staleness import facts_note
from infra.terminal import progress
from infra.trace import read_trace
from sizing.allocation.planning.deployed import deployed_replica
from sizing.catalog import Catalog, catalog
from sizing.performance import Replica
from sizing.plan import Deployment, SizingPlan
from sizing.render_whatif import whatif_document, whatif_lines
from sizing.simulation import Request
from sizing.simulation.whatif import WhatIf, random_traffic, replayed
from sizing.spec.wording import did_you_mean
from sizing.spec.workload import Serving, Spec

OPTIONS = ("trace", "rate", "scale", "replicas", "workload", "requests", "seed")  # that only this way of asking has
DEFAULTS: Mapping[str, float] = {"scale": 1.0, "requests": 2000, "seed": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One workload and what serves it."""

    workload: Serving
    deployment: Deployment
    replica: Replica
    replicas: int


def run(arguments: argparse.Namespace) -> int:
    """Show what would happen to each workload."""
    _check(arguments)
    given = {name: value for name, value in DEFAULTS.items() if getattr(arguments, name) is None}
    arguments = argparse.Namespace(**{**vars(arguments), **given})
    root, stack = project_root(arguments.directory), arguments.stack
    facts = catalog()
    spec = load_stack(root, stack, facts).spec
    plan = load_plan(root, stack)
    check_fresh(plan, spec, stack=stack)
    note = facts_note(plan, facts, stack=stack)
    if note is not None:
        sys.stderr.write(f"note: {note}\n")
    asked = [_asked(workload, plan, facts, arguments.replicas) for workload in _workloads(spec, arguments)]
    trace = None if arguments.trace is None else _scaled(read_trace(arguments.trace), arguments.scale)
    with progress(f"simulating {stack}"):
        found = interruptible(lambda: [(one, _simulated(one, trace, arguments)) for one in asked])
    answer(
        as_json=arguments.json,
        document=lambda: {
            "stack": stack,
            "workloads": [whatif_document(one.workload.name, result, one.workload.objectives) for one, result in found],
        },
        text=lambda: "\n".join(
            line
            for one, result in found
            for line in whatif_lines(one.workload.name, _on(one), result, one.workload.objectives)
        ),
    )
    return DONE


def _check(arguments: argparse.Namespace) -> None:
    """Every option that cannot be, at once."""
    wrong = [
        f"--{name} is {value:g}, but must be above 0 and finite\n    hint: give a number above 0"
        for name in ("rate", "scale", "replicas", "requests")
        if (value := getattr(arguments, name)) is not None and not 0 < value < float("inf")
    ]
    if wrong:
        raise WrongInput("\n  ".join(wrong))


def _workloads(spec: Spec, arguments: argparse.Namespace) -> Sequence[Serving]:
    """The workloads that are asked about: all, or the one named; a trace or a rate is of one."""
    names = [workload.name for workload in spec.workloads]
    if arguments.workload is not None:
        named = [workload for workload in spec.workloads if workload.name == arguments.workload]
        if not named:
            hint = did_you_mean(arguments.workload, names, otherwise=f"workloads: {', '.join(names)}")
            raise WrongInput(f"no workload {arguments.workload!r} in the stack\n    hint: {hint}")
        return named
    if len(names) > 1 and (arguments.trace is not None or arguments.rate is not None or arguments.replicas is not None):
        raise WrongInput(
            "the stack has several workloads, and --trace, --rate and --replicas are of one\n"
            f"    hint: add --workload, one of {', '.join(names)}"
        )
    return spec.workloads


def _asked(workload: Serving, plan: SizingPlan, facts: Catalog, replicas: int | None) -> _Asked:
    """The workload with a replica as the plan deploys it, under the limits that its engine is started with."""
    own = [deployment for deployment in plan.deployments if deployment.workload == workload.name]
    first = own[0]
    replica = deployed_replica(workload, first, facts, cloud=plan.cloud)
    limited = replace(
        replica,
        max_num_seqs=first.engine.max_num_seqs,
        max_num_batched_tokens=first.engine.max_num_batched_tokens,
    )
    return _Asked(
        workload=workload,
        deployment=first,
        replica=limited,
        replicas=sum(deployment.replicas for deployment in own) if replicas is None else replicas,
    )


def _scaled(trace: tuple[Request, ...], scale: float) -> tuple[Request, ...]:
    """The same requests, arriving *scale* times as fast."""
    return tuple(replace(request, arrival_s=request.arrival_s / scale) for request in trace)


def _simulated(one: _Asked, trace: tuple[Request, ...] | None, arguments: argparse.Namespace) -> WhatIf:
    workload, longest = one.workload, one.deployment.engine.max_model_len
    if trace is not None:
        return replayed(
            one.replica,
            trace=trace,
            prefix_hit=workload.traffic.prefix_hit,
            objectives=workload.objectives,
            replicas=one.replicas,
            max_context_tokens=longest,
            seed=arguments.seed,
        )
    rate = (workload.traffic.requests_per_s if arguments.rate is None else arguments.rate) * arguments.scale
    return random_traffic(
        one.replica,
        traffic=replace(workload.traffic, requests_per_s=rate),
        objectives=workload.objectives,
        replicas=one.replicas,
        max_context_tokens=longest,
        requests=arguments.requests,
        seed=arguments.seed,
    )


def _on(one: _Asked) -> str:
    deployment = one.deployment
    return f"{deployment.model} {deployment.weights} on {deployment.accelerator} {deployment.layout}"
