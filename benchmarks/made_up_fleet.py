"""
Made-up fleets of real models: what a company with one to a thousand models asks, from a seed.

Models are from the packaged catalog, of 1B to 405B parameters, and what a replica of each carries on each machine type
is what the performance model says for one of a few classes of traffic and objectives. Rates are spread evenly over
their logarithm. Half of the models must survive the loss of a zone, a third take spot for up to half of their traffic.
What may be bought is told by `benchmarks.fleet_market`; a few machines are reserved and paid for already.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from benchmarks.fleet_market import Market, market, sellable, with_reservations
from benchmarks.fleet_quotas import quotas_that_bind
from sizing.allocation.ways.candidates import weigh
from sizing.catalog.accelerator import Precision
from sizing.catalog.machine import Cloud
from sizing.catalog.offer import PurchaseMode
from sizing.catalog.packaged import catalog
from sizing.optimiser.problem import Choice, Demand, Pool, Problem
from sizing.spec.workload import Allowed, Objectives, Serving, Survive, TokenLengths, Traffic

MODELS = (  # by parameters; about evenly spread over their logarithm, as small models are most of what is served
    "Llama-3.2-1B",
    "Qwen2.5-1.5B",
    "Gemma-2-2b",
    "Phi-3.5-mini-instruct",
    "Qwen3-4B",
    "Mistral-7B-v0.3",
    "Llama-3.1-8B",
    "Qwen3-8B",
    "Gemma-2-9b",
    "Mistral-Nemo-12B",
    "Qwen3-14B",
    "phi-4",
    "Mistral-Small-22B",
    "Qwen3-30B-A3B",
    "Qwen3-32B",
    "Mixtral-8x7B",
    "Llama-3.3-70B-Instruct",
    "Qwen2.5-72B",
    "GLM-4.5-Air",
    "gpt-oss-120b",
    "Mixtral-8x22B",
    "Qwen3-235B-A22B",
    "Llama-4-Maverick-17B-128E",
    "Llama-3.1-405B",
)
MICRO = 1_000_000
LEAST_PER_S, MOST_PER_S = 0.2, 60.0
MOST_ACCELERATORS = 96  # of one model on the machines that carry most: larger rates are cut to what these carry
SPOT_SHARES = (0.3, 0.5)
MODELS_PER_RESERVATION = 8
RESERVED_SLOTS = 4  # least accelerators of a machine type that anyone reserves


@dataclass(frozen=True, slots=True, kw_only=True)
class Class:
    """What requests of a class look like, and how soon they must be answered."""

    name: str
    prompt: TokenLengths
    answer: TokenLengths
    objectives: Objectives
    max_context_tokens: int


CLASSES = (
    Class(
        name="chat",
        prompt=TokenLengths(mean=900, p95=2700),
        answer=TokenLengths(mean=200, p95=600),
        objectives=Objectives(ttft_p95_s=2.0, tpot_p95_s=0.06, e2e_p95_s=None),
        max_context_tokens=4096,
    ),
    Class(
        name="documents",
        prompt=TokenLengths(mean=6000, p95=14000),
        answer=TokenLengths(mean=300, p95=700),
        objectives=Objectives(ttft_p95_s=8.0, tpot_p95_s=0.1, e2e_p95_s=None),
        max_context_tokens=16384,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to run a replica, without a workload's name."""

    machine: str
    kind: str
    slots: int
    capacity: int  # micro-requests per second


def fleet(models: int, seed: int, *, cloud: Cloud = Cloud.AWS, short: bool = False) -> Problem:
    """
    A fleet as an allocation problem; the same for the same arguments.

    Quotas are in the provider's unit and bind. Demand can be met, unless *short*: then every workload has a priority,
    from 1 to 9, and quotas are so low that some are left out.
    """
    chance = random.Random(f"fleet {cloud} {seed}")  # noqa: S311  a benchmark, not a secret
    sold = market(cloud, seed)
    demands: list[Demand] = []
    choices: list[Choice] = []
    for number in range(models):
        name, ways = _model(chance, cloud)
        workload = f"m{number:04}-{name.lower()}"
        demands.append(_demand(chance, workload, ways, short=short))
        choices += [
            Choice(workload=workload, machine=way.machine, kind=way.kind, slots=way.slots, capacity=way.capacity)
            for way in ways
        ]
    sold = with_reservations(sold, tuple(_reserved(chance, sold, models // MODELS_PER_RESERVATION)))
    problem = Problem(demands=tuple(demands), choices=tuple(choices), pools=sold.pools, sites=sold.sites)
    return replace(problem, quotas=quotas_that_bind(chance, sold, problem, short=short))


def _model(chance: random.Random, cloud: Cloud) -> tuple[str, tuple[Way, ...]]:
    """A model that can be served at all, drawn evenly; every other one of the list reads documents."""
    while True:
        place = chance.randrange(len(MODELS))
        name, asked = MODELS[place], CLASSES[place % len(CLASSES)]
        if ways := _ways(name, asked, cloud):
            return f"{name}-{asked.name}", ways


@cache
def _ways(name: str, asked: Class, cloud: Cloud) -> tuple[Way, ...]:
    """Every way to run a model within a class's objectives, as the performance model says; weighed once."""
    workload = Serving(
        name=name,
        model=catalog().model(name),
        traffic=Traffic(
            requests_per_s=1.0, input_tokens=asked.prompt, output_tokens=asked.answer, prefix_hit=0.0, burstiness=1.0
        ),
        objectives=asked.objectives,
        allowed=Allowed(
            weights=(), kv=(Precision.BF16,), accelerators=(), machines=(), spot_share=0.0, min_spot_share=0.0
        ),
        survive=Survive.NONE,
        max_context_tokens=min(asked.max_context_tokens, catalog().model(name).max_context),
        engine="vllm",
    )
    ways = []
    for candidate in weigh(workload, catalog(), sellable(cloud)).candidates:
        capacity = math.floor(candidate.point.requests_per_s * MICRO)
        if capacity > 0:
            kind = f"{candidate.kind} at {capacity}"
            ways.append(Way(machine=candidate.machine.name, kind=kind, slots=candidate.slots, capacity=capacity))
    return tuple(ways)


def _demand(chance: random.Random, workload: str, ways: Sequence[Way], *, short: bool) -> Demand:
    """A rate, and with which safety it is asked."""
    rate = math.exp(chance.uniform(math.log(LEAST_PER_S), math.log(MOST_PER_S)))
    most = max(way.capacity / way.slots for way in ways) * MOST_ACCELERATORS
    total = math.ceil(min(rate * MICRO, most))
    share = chance.choice(SPOT_SHARES) if chance.random() < 1 / 3 else 0.0
    return Demand(
        workload=workload,
        total=(total,),
        firm=(math.ceil(total * (1 - share)),),
        spot=(0,),
        zone_loss=chance.random() < 1 / 2,
        priority=chance.randint(1, 9) if short else None,
    )


def _reserved(chance: random.Random, sold: Market, number: int) -> Iterator[Pool]:
    """Reservations that are paid for already, of machines that are on demand in the same zone."""
    wide = [pool for pool in sold.pools if pool.mode is PurchaseMode.ON_DEMAND and pool.slots >= RESERVED_SLOTS]
    for place, pool in enumerate(chance.sample(wide, min(number, len(wide)))):
        yield replace(
            pool,
            mode=PurchaseMode.RESERVATION,
            micro_usd_per_hour=0,
            most=chance.randint(1, 3),
            name=f"reserved-{place}",
        )
