"""
What a workload costs in a region beside its machines: its weights in the region's bucket, their copy, and traffic.

It decides only where a workload can stand in more than one region, so it is worked out there alone; everywhere else the
preview counts what is stored, from the resources. All prices are facts of the catalog. One that is not known is not
zero: what it would be multiplied with is left out of all regions, so that none looks cheaper for it, and told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sizing.allocation.buying.schedule import share_at
from sizing.allocation.ways.storage import OBJECT_STORE
from sizing.catalog.charge import Charge
from sizing.catalog.machine import Cloud
from sizing.catalog.provenance import Provenance
from sizing.optimiser.problem import Standing
from sizing.performance.configuration.shard import published_bytes
from sizing.plan import CostLine, SizingPlan
from sizing.spec.schedule import HOURS_PER_DAY
from sizing.spec.workload import Serving, Spec
from sizing.units import GB, HOURS_PER_MONTH, SECONDS_PER_MONTH, TIB, micro_usd

if TYPE_CHECKING:
    from sizing.catalog import Catalog

# A streamed token is one event: 263 bytes of JSON with the fields that vLLM sends and a name of 33 letters, 6 of HTTP
# chunk, 22 of TLS record, 52 of TCP and IP headers; rounded up. Answers that are not streamed are a fiftieth of it.
ANSWER_BYTES_PER_TOKEN = 350
PROMPT_BYTES_PER_TOKEN = 5  # four letters of English, and what JSON escapes

HOMELESS = "where requests come from is not known before a first plan: what they cost between regions is not counted"

# From one region to another where the facts tell the pair apart.
_PAIRS = {("us-east-1", "us-east-2"): "inter_region_us_east_pair"}
_BETWEEN = "inter_region_other"

# What leaves for the internet, by what has left before in the month: GB of each step; the last has no end.
_AWS_STEPS: tuple[tuple[str, float | None], ...] = (
    ("egress_internet_first_10tb", 10_240),
    ("egress_internet_next_40tb", 40_960),
    ("egress_internet_next_100tb", 102_400),
    ("egress_internet_over_150tb", None),
)
_GCP_STEPS: tuple[tuple[str, float | None], ...] = (
    ("0-1 TiB", TIB / GB),
    ("1-10 TiB", 9 * TIB / GB),
    ("10n TiB", None),
)

Step = tuple[Charge | None, float | None]  # the price of a GB, and how many GB are at it; None: not known, no end


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing that a workload costs in a region: so many GB at so much."""

    workload: str
    region: str
    what: str  # weights in the bucket; copy of the weights; traffic to and from home
    gb: float
    usd_per_gb_hour: float
    provenance: Provenance

    @property
    def usd_per_hour(self) -> float:
        """All of it."""
        return self.gb * self.usd_per_gb_hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """What standing in its regions costs each workload, and what is left out for want of a price or a place."""

    parts: tuple[Part, ...] = ()
    unknown: tuple[str, ...] = ()  # in words
    unknown_of_moves: tuple[str, ...] = ()  # the same, of what counts only for regions in which nothing runs today
    leaving: Mapping[tuple[str, str], str] = field(default_factory=dict)  # by workload and region: what answers are

    @property
    def standings(self) -> tuple[Standing, ...]:
        """As the optimiser counts it, rounded up."""
        places = dict.fromkeys((part.workload, part.region) for part in self.parts)
        return tuple(
            Standing(
                workload=workload,
                region=region,
                micro_usd_per_hour=micro_usd(sum(x.usd_per_hour for x in self.at(workload, region))),
            )
            for workload, region in places
        )

    def at(self, workload: str, region: str) -> tuple[Part, ...]:
        """What *workload* costs in *region*."""
        return tuple(part for part in self.parts if (part.workload, part.region) == (workload, region))

    def lines(self, workload: str, region: str) -> tuple[CostLine, ...]:
        """The lines of a plan in which *workload* stands in *region*."""
        return tuple(
            CostLine(
                item=f"{workload}: {part.what}",
                pool=None,
                quantity=part.gb,
                usd_per_hour=part.usd_per_gb_hour,
                unit="GB",
                source=part.provenance.source,
                as_of=part.provenance.as_of,
            )
            for part in self.at(workload, region)
        )


def upkeep(
    spec: Spec, catalog: Catalog, *, cloud: Cloud, regions: Iterable[str], current: SizingPlan | None = None
) -> Upkeep:
    """
    What each workload costs in each of *regions* that it may stand in, where it may stand in more than one.

    Home is the region of the current plan: there the checkpoints are, and from there requests are sent. A copy to
    another region is paid once; it is spread over the spec's days of payback, and where the current plan has the model
    in that region already there is none. Before there is a plan no region is home: checkpoints come to each of them
    from outside, which costs nothing, and where requests come from is not known.

    Args:
        spec: What is asked.
        catalog: The prices.
        cloud: Whose regions they are.
        regions: All that any workload may stand in.
        current: The plan that runs today; None: nothing runs.
    """
    named = tuple(sorted(regions))
    running = current if current is not None and current.cloud is cloud else None
    leaving: dict[tuple[str, str], str] = {}
    steps = {region: internet_steps(catalog, cloud, region) for region in named}
    found: list[Part | str] = []
    moving: list[Part | str] = []
    for workload in spec.workloads:
        places = [region for region in named if not workload.regions or region in workload.regions]
        for region in places:
            leaving[workload.name, region] = answers_text(workload, region, steps[region])
        if len(places) < 2:
            continue
        found += _stored(workload, catalog, cloud, places)
        if running is None:
            moving.append(HOMELESS)
            continue
        held = _held(workload, running)
        moving += _copied(workload, catalog, cloud, places, home=running.region, held=held, days=spec.payback_days)
        moving += _travelled(workload, catalog, cloud, places, home=running.region)
    return Upkeep(
        parts=tuple(one for one in (*found, *moving) if isinstance(one, Part)),
        unknown=tuple(dict.fromkeys(one for one in found if isinstance(one, str))),
        unknown_of_moves=tuple(dict.fromkeys(one for one in moving if isinstance(one, str))),
        leaving=leaving,
    )


def answers_text(workload: Serving, region: str, steps: Sequence[Step]) -> str:
    """What the answers of a workload would cost as they leave *region* for the internet: told, and not counted."""
    gb = answer_gb_per_month(workload)
    usd = internet_usd_per_month(steps, gb=gb)
    cost = "at a price that no source tells" if usd is None else f"for {usd:,.2f} USD"
    return (
        f"answers of {workload.name} are {gb:,.0f} GB a month as they are streamed, {ANSWER_BYTES_PER_TOKEN} bytes a "
        f"token; whatever sends them on to the internet from {region} does so {cost}, which is not counted: load "
        f"balancers are inside the network"
    )


def answer_gb_per_month(workload: Serving) -> float:
    """GB of all answers of a month, as they are streamed, at the traffic of each hour of the day."""
    return _tokens_per_month(workload, workload.traffic.output_tokens.mean) * ANSWER_BYTES_PER_TOKEN / GB


def internet_usd_per_month(steps: Sequence[Step], *, gb: float) -> float | None:
    """What so many GB a month cost on their way to the internet, step by step; None where a price is not known."""
    usd, left = 0.0, gb
    for charge, size in steps:
        if left <= 0:
            break
        if charge is None or charge.usd is None:
            return None
        step = left if size is None else min(left, size)
        usd += step * charge.usd
        left -= step
    return usd


def _stored(workload: Serving, catalog: Catalog, cloud: Cloud, places: Sequence[str]) -> Iterator[Part | str]:
    """The checkpoint in the bucket of each region; counted for each workload, though two of one model share it."""
    service, tier = OBJECT_STORE[cloud]
    facts = {region: catalog.storage_tier(cloud, region, service, tier) for region in places}
    priced = [
        (region, fact, fact.usd_per_gb_month)
        for region, fact in facts.items()
        if fact is not None and fact.usd_per_gb_month is not None
    ]
    if len(priced) < len(places):
        lacking = ", ".join(region for region in places if region not in {known for known, _, _ in priced})
        yield f"storage of weights in {service} is in no region's cost: its price in {lacking} is not known"
        return
    for region, fact, usd in priced:
        yield Part(
            workload=workload.name,
            region=region,
            what=f"weights in {service} in {region}",
            gb=published_bytes(workload.model) / GB,
            usd_per_gb_hour=usd / HOURS_PER_MONTH,
            provenance=fact.provenance,
        )


def _copied(
    workload: Serving,
    catalog: Catalog,
    cloud: Cloud,
    places: Sequence[str],
    *,
    home: str,
    held: frozenset[str],
    days: int,
) -> Iterator[Part | str]:
    """The copy of the checkpoint from home to each other region that does not have it."""
    for region in places:
        if region == home or region in held:
            continue
        charge = _between(catalog, cloud, home, region)
        if charge is None or charge.usd is None:
            yield f"copies of weights from {home} to {region} are not counted: the price of a GB is not known"
            continue
        yield Part(
            workload=workload.name,
            region=region,
            what=f"copy of the weights from {home} to {region}, spread over {days} days",
            gb=published_bytes(workload.model) / GB,
            usd_per_gb_hour=charge.usd / (days * HOURS_PER_DAY),
            provenance=charge.provenance,
        )


def _travelled(
    workload: Serving, catalog: Catalog, cloud: Cloud, places: Sequence[str], *, home: str
) -> Iterator[Part | str]:
    """Requests from home to each other region, and answers back."""
    prompts = _tokens_per_month(workload, workload.traffic.input_tokens.mean) * PROMPT_BYTES_PER_TOKEN / GB
    for region in places:
        if region == home:
            continue
        for what, source, target, gb in (
            ("answers", region, home, answer_gb_per_month(workload)),
            ("requests", home, region, prompts),
        ):
            charge = _between(catalog, cloud, source, target)
            if charge is None or charge.usd is None:
                yield f"{what} from {source} to {target} are not counted: the price of a GB is not known"
                continue
            yield Part(
                workload=workload.name,
                region=region,
                what=f"{what} from {source} to {target}, a month",
                gb=gb,
                usd_per_gb_hour=charge.usd / HOURS_PER_MONTH,
                provenance=charge.provenance,
            )


def _tokens_per_month(workload: Serving, each: float) -> float:
    """Tokens of a month: those of one request, at the requests of each hour of the day."""
    share = sum(share_at(workload, hour) for hour in range(HOURS_PER_DAY)) / HOURS_PER_DAY
    return workload.traffic.requests_per_s * share * SECONDS_PER_MONTH * each


def _held(workload: Serving, running: SizingPlan | None) -> frozenset[str]:
    """Regions where the current plan has the model of *workload* in its bucket."""
    if running is None:
        return frozenset()
    return frozenset(one.region for one in running.deployments if one.hub_id == workload.model.hub_id)


def _between(catalog: Catalog, cloud: Cloud, source: str, target: str) -> Charge | None:
    """What a GB costs from one region to another; None where no source tells."""
    pair = _PAIRS.get((source, target))
    apart = catalog.charge(cloud, source, pair) if pair is not None else None
    return _known(apart or catalog.charge(cloud, source, _BETWEEN))


def internet_steps(catalog: Catalog, cloud: Cloud, region: str) -> tuple[Step, ...]:
    """The steps of what leaves for the internet, each with its size in GB; the first is paid first."""
    if cloud is Cloud.AWS:
        return tuple((_known(catalog.charge(cloud, region, item)), size) for item, size in _AWS_STEPS)
    rows = {
        charge.tier: charge
        for charge in catalog.charges
        if (charge.cloud, charge.region, charge.item) == (cloud, region, "egress_internet_to_worldwide")
    }
    return tuple((_known(rows.get(tier)), size) for tier, size in _GCP_STEPS)


def _known(charge: Charge | None) -> Charge | None:
    """A charge that its own row does not call unverified."""
    return None if charge is None or "usd" in charge.provenance.unverified else charge
