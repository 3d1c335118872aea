"""What came closest and was not taken, with what it misses: rejected candidates and what no region sells."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from sizing.allocation.finding.formulation import Formulation
from sizing.allocation.finding.search import Search
from sizing.allocation.ways.candidates import Rejected
from sizing.optimiser.problem import Pool
from sizing.optimiser.purchase import Purchase
from sizing.outcome import Miss, RunnerUp
from sizing.units import MICRO_USD_PER_USD

MOST_TOLD = 8  # machine types, or kinds of replicas, of one purchase
MOST_REJECTED = 8  # of each workload, one an accelerator: enough to see the pattern

# How near a miss is, before its size: a latency can be asked for differently, a device cannot be made another.
STAGES = (
    ("ready_s",),  # which is asked after everything else is kept
    ("ttft_p95_s", "tpot_p95_s", "e2e_p95_s"),
    ("kv_tokens", "hbm_bytes"),
    ("host_memory_bytes", "vcpus", "local_disk_bytes"),
    ("weights", "kv"),
)


def purchase_text(formulation: Formulation, bought: Purchase) -> str:
    """A purchase in words: 2 x p5.48xlarge on demand, nvidia-h100-80gb TP4 fp8."""
    counts: dict[str, int] = {}
    for one in bought.bought:
        what = f"{one.pool.machine} {mode_text(one.pool)}"
        counts[what] = counts.get(what, 0) + one.most
    machines = [f"{nodes:,} x {what}" for what, nodes in counts.items()]
    kinds = list(dict.fromkeys(formulation.candidates[stand.choice].kind for stand in bought.stands))
    more = f" + {len(machines) - MOST_TOLD} more" if len(machines) > MOST_TOLD else ""
    others = f" and {len(kinds) - MOST_TOLD} more" if len(kinds) > MOST_TOLD else ""
    return f"{' + '.join(machines[:MOST_TOLD])}{more}, {', '.join(kinds[:MOST_TOLD])}{others}"


def mode_text(pool: Pool) -> str:
    """How the machines of a pool are bought, in words: on demand, spot, in reservation main-h100."""
    words = pool.mode.value.replace("_", " ")
    return words if pool.name is None else f"in {words} {pool.name}"


def usd(micro_usd_per_hour: float) -> float:
    """USD per hour of micro-dollars."""
    return micro_usd_per_hour / MICRO_USD_PER_USD


def rejected(search: Search) -> list[RunnerUp]:
    """The rejected candidates of each workload that miss least, one an accelerator, the nearest first."""
    found = []
    for one in search.weighed:
        served = {candidate.replica.accelerator.name for candidate in one.candidates}
        nearest: dict[str, Rejected] = {}
        for reject in sorted(one.rejected, key=lambda reject: (*distance(reject.misses), reject.what, reject.machines)):
            accelerator = reject.what.split()[0]
            if accelerator not in served:
                nearest.setdefault(accelerator, reject)
        found += [_runner(reject) for reject in list(nearest.values())[:MOST_REJECTED]]
    return found


def distance(misses: Iterable[Miss]) -> tuple[int, float]:
    """How far off: the latest stage that is missed, and the logarithms of what is asked over what is reached."""
    stage, total = 0, 0.0
    for miss in misses:
        stage = max(stage, next((place for place, of in enumerate(STAGES) if miss.metric in of), len(STAGES)))
        known = miss.asked is not None and miss.reached is not None and min(miss.asked, miss.reached) > 0
        total += abs(math.log(miss.asked / miss.reached)) if known and miss.asked and miss.reached else math.inf
    return stage, total


def unsold(search: Search) -> list[RunnerUp]:
    """Machine types that would serve a workload, but that no region of the spec sells on demand at a known price."""
    sold = {machine.name for market in search.markets for machine, _ in market.offers}
    found = []
    for one in search.weighed:
        for machine in dict.fromkeys(candidate.machine for candidate in one.candidates):
            misses = dict.fromkeys(
                missing.miss
                for market in search.markets
                if market.cloud is machine.cloud
                for missing in market.unsold
                if missing.machine == machine.name
            )
            if machine.name not in sold and misses:
                what = f"{machine.name}, {machine.accelerators} x {machine.accelerator}"
                workload = one.candidates[0].workload
                found.append(RunnerUp(workload=workload, what=what, usd_per_hour=None, misses=tuple(misses)))
    return found


def machines_text(machines: Sequence[str]) -> str:
    """Machine types in few words: p5e.48xlarge, p5en.48xlarge and 3 more."""
    return ", ".join(machines[:2]) + (f" and {len(machines) - 2} more" * (len(machines) > 2))


def _runner(reject: Rejected) -> RunnerUp:
    what = f"{reject.what} on {machines_text(reject.machines)}"
    return RunnerUp(workload=reject.workload, what=what, usd_per_hour=None, misses=reject.misses)
