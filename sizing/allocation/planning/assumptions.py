"""What a plan rests on beside what was asked, in words."""

from __future__ import annotations

from collections.abc import Iterator

from sizing.allocation.buying.market import CONTROL_PLANE_ZONES
from sizing.allocation.finding.formulation import Formulation
from sizing.allocation.planning.network import network_text
from sizing.allocation.ways.candidates import Candidate
from sizing.allocation.ways.start import loading_text
from sizing.optimiser.problem import DOUBLE_RUNNING_H
from sizing.optimiser.purchase import Purchase
from sizing.performance.host.processors import OUTPUT_TOKEN_S, PROMPT_TOKEN_S, REQUEST_S
from sizing.spec.schedule import HOURS_PER_DAY
from sizing.spec.workload import Spec, Survive


def _host_text(candidate: Candidate) -> str:
    """What the processors of a replica rest on, in words."""
    return (
        f"{candidate.workload}: a front-end process spends {REQUEST_S * 1e3:g} ms a request, "
        f"{PROMPT_TOKEN_S * 1e6:g} us a prompt token and {OUTPUT_TOKEN_S * 1e6:g} us an answer token of one core"
    )


def assumptions(spec: Spec, formulation: Formulation, bought: Purchase, *, paid_beside: bool) -> tuple[str, ...]:
    """What the plan rests on beside what was asked, in words."""
    workloads = {workload.name: workload for workload in spec.workloads}
    standing = [formulation.candidates[stand.choice] for stand in bought.stands]
    engines = dict.fromkeys(
        f"{one.engine.name} reserves memory as version {one.engine.version} does; its image is the platform's to pin"
        for one in (candidate.replica for candidate in standing)
    )
    said = [
        *spec.assumptions,
        *engines,
        "requests are spread evenly over the replicas of a workload",
        "latencies are at the stated peak with all replicas up; with the headroom used they stay within what is asked",
        "chances are over the error of predictions, at the stated peak; that of requests is of all limits together",
        "cost is that of the machines, each paid whole, 730 hours a month"
        + (", and of what differs by region: storage of weights, traffic between regions" if paid_beside else ""),
        *dict.fromkeys(map(loading_text, standing)),
        *dict.fromkeys(map(_host_text, standing)),
        *dict.fromkeys(network_text(one, workloads[one.workload]) for one in standing),
        *_of_what_is_bought(spec, formulation, bought),
        *_of_places(formulation, bought),
        *formulation.told,
    ]
    days = formulation.problem.payback_h // HOURS_PER_DAY
    said.append(
        f"sizing again starts from this plan: workloads stay in their region, and a machine that it lacks costs "
        f"{DOUBLE_RUNNING_H} h of its price once, which must pay within {days} days; --fresh lets go of both"
    )
    return tuple(said)


def _of_what_is_bought(spec: Spec, formulation: Formulation, bought: Purchase) -> Iterator[str]:
    """What follows from ways to buy, places and hours."""
    if any(workload.survive is Survive.ZONE for workload in spec.workloads):
        yield "after the loss of a zone to be survived, the peak with its headroom is served within what is asked"
    if any(workload.allowed.spot_share > 0 for workload in spec.workloads):
        yield "spot machines may go all at once: on-demand machines alone carry what may not rest on spot"
    if len(formulation.problem.periods) > 1:
        periods = ", ".join(period.name for period in formulation.problem.periods)
        yield f"machines come and go with the hours of the day, in UTC ({periods}), and are paid while they are up"
        yield (
            "replicas follow the load where an adapter serves vllm:num_requests_running to Kubernetes' own autoscaler; "
            "without one all of them, and the machines of the peak, stay up"
        )
    used = {one.pool.name for one in bought.bought}
    for block in spec.capacity_blocks:
        if block.name in used:
            days = f"from {block.window.start} until {block.window.until}"
            yield (
                f"machines of {block.name} are there {days} alone: bring the stack up in these days, and what stands "
                "on them goes with them"
            )
    for sold in formulation.supply.markets:
        yield from sold.unused
    if bought.committed:
        yield "commitments to be bought are bought by people: until then their machines cost the price on demand"
    zones = {zone for region, _ in bought.system_machines for zone in formulation.supply.market(region).zones}
    if spec.zones and len(set(spec.zones) & zones) < CONTROL_PLANE_ZONES:
        yield "a control plane spans more zones than the one allowed: the cluster's own machines stand there too"


def _of_places(formulation: Formulation, bought: Purchase) -> Iterator[str]:
    """What answers are on their way out, and what is not counted of regions."""
    upkeep = formulation.supply.upkeep
    for place in dict.fromkeys((stand.choice.workload, stand.pool.region) for stand in bought.stands):
        yield upkeep.leaving[place]
    yield from upkeep.unknown
