"""A small market that the allocation is tried on: a few machine types of hand-checked accelerators, round prices."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sizing.catalog import (
    AccountQuota,
    Catalog,
    Cloud,
    Machine,
    Offer,
    Precision,
    Provenance,
    PurchaseMode,
    QuotaScope,
    QuotaUnit,
    StorageTier,
)
from sizing.catalog.accelerator import Accelerator
from sizing.spec.capacity import CapacityBlock, Reservation
from sizing.spec.schedule import Window
from sizing.spec.workload import Allowed, Objectives, Serving, Spec, Survive, TokenLengths, Traffic
from sizing.units import GIB
from tests.examples import A100, CHAT, CHAT_OBJECTIVES, H100, L40S, LLAMA_8B, LLAMA_70B, TPU_V6E

SOURCE = Provenance(source="made up for tests", as_of="2026-07-20")
REGION = "us-east-1"
ZONES = ("use1-az1", "use1-az2", "use1-az4")


def machine(
    name: str,
    accelerator: Accelerator | None = None,
    accelerators: int = 0,
    *,
    cloud: Cloud = Cloud.AWS,
    vcpus: int = 192,
    memory_gib: int = 2048,
    local_disks: int = 0,
    fraction: float = 1.0,
) -> Machine:
    """A machine type with round figures."""
    return Machine(
        cloud=cloud,
        name=name,
        family=name.partition(".")[0],
        arch="x86_64",
        vcpus=vcpus,
        memory_bytes=memory_gib * GIB,
        accelerator=None if accelerator is None else accelerator.name,
        accelerators=accelerators,
        accelerator_fraction=fraction,
        network_bytes_per_s=50e9,
        fabric=None,
        fabric_interfaces=0,
        network_cards=1,
        local_disks=local_disks,
        local_disk_bytes=0,
        usage_classes=("on-demand", "spot"),
        provenance=SOURCE,
    )


H100_NODE = machine("p5.48xlarge", H100, 8, local_disks=8)
H100_SINGLE = machine("p5.4xlarge", H100, 1, vcpus=16, memory_gib=256)
A100_NODE = machine("p4de.24xlarge", A100, 8, vcpus=96, memory_gib=1152)
L40S_SINGLE = machine("g6e.2xlarge", L40S, 1, vcpus=8, memory_gib=64)
L40S_NODE = machine("g6e.48xlarge", L40S, 8, vcpus=192, memory_gib=1536)
SYSTEM = machine("m7i.xlarge", vcpus=4, memory_gib=16)
TPU_NODE = machine("ct6e-standard-8t", TPU_V6E, 8, cloud=Cloud.GCP)

# What an account has of it: a quota in vCPUs, a machine that is reserved, and one bought for a week at 10 USD/h.
G_QUOTA = AccountQuota(
    cloud=Cloud.AWS,
    id="L-G",
    name="Running On-Demand G instances",
    scope=QuotaScope.REGION,
    unit=QuotaUnit.VCPU,
    families=("g6e",),
    modes=(PurchaseMode.ON_DEMAND,),
    provenance=SOURCE,
)
RESERVED_NODE = Reservation(
    name="cr-1", cloud=Cloud.AWS, machine="p5.48xlarge", region=REGION, zone="use1-az4", machines=1
)
WEEK_BLOCK = CapacityBlock(
    name="cb-1",
    cloud=Cloud.AWS,
    machine="p5.48xlarge",
    region=REGION,
    zone="use1-az1",
    machines=1,
    window=Window(start=date(2026, 12, 1), until=date(2026, 12, 8)),
    upfront_usd=1680,
)


def offer(
    of: Machine,
    usd_per_hour: float | None,
    *,
    spot: bool = False,
    zones: tuple[str, ...] = ZONES,
    region: str = REGION,
    orderable: bool = True,
) -> Offer:
    """An offer of a machine type."""
    return Offer(
        cloud=of.cloud,
        machine=of.name,
        region=region,
        mode=PurchaseMode.SPOT if spot else PurchaseMode.ON_DEMAND,
        usd_per_hour=usd_per_hour,
        orderable=orderable,
        zones=zones,
        price_basis="listed",
        provenance=SOURCE,
    )


def catalog_of(machines: Iterable[Machine], offers: Iterable[Offer]) -> Catalog:
    """The machine types and offers, with a system machine at 0.20 USD/h in every region of an offer."""
    offers = tuple(offers)
    regions: dict[tuple[Cloud, str], tuple[str, ...]] = {(one.cloud, one.region): ZONES for one in offers}
    regions |= {(one.cloud, one.region): one.zones for one in offers if not set(one.zones) <= set(ZONES)}
    system = [machine("m7i.xlarge", cloud=cloud, vcpus=4, memory_gib=16) for cloud in {one.cloud for one in offers}]
    return Catalog(
        accelerators=(H100, A100, L40S, TPU_V6E),
        machines=(*machines, *system),
        offers=(
            *offers,
            *(
                offer(one, 0.2, region=region, zones=zones)
                for one in system
                for (cloud, region), zones in regions.items()
                if cloud is one.cloud
            ),
        ),
        storage=(
            StorageTier(
                cloud=Cloud.AWS,
                region=REGION,
                service="s3",
                tier="STANDARD",
                usd_per_gb_month=0.023,
                included_iops=None,
                usd_per_iops_month=None,
                included_bytes_per_s=None,
                max_bytes_per_s=None,
                usd_per_mb_per_s_month=None,
                provenance=SOURCE,
            ),
        ),
        charges=(),
        models=(LLAMA_70B, LLAMA_8B),
        zones_by_region=regions,
        as_of="2026-07-20",
        hash="c" * 64,
    )


SMALL_MARKET = catalog_of(
    [H100_NODE, H100_SINGLE, A100_NODE, L40S_SINGLE, L40S_NODE],
    [
        offer(H100_NODE, 55.04),
        offer(H100_SINGLE, 6.88),
        offer(A100_NODE, 27.45),
        offer(L40S_SINGLE, 2.24),
        offer(L40S_NODE, 30.13),
        offer(H100_NODE, 22.0, spot=True),
        offer(L40S_SINGLE, 1.0, spot=True),
    ],
)

ANYTHING = Allowed(
    weights=(Precision.BF16, Precision.FP8),
    kv=(Precision.BF16,),
    accelerators=(),
    machines=(),
    spot_share=0.0,
    min_spot_share=0.0,
)
CHAT_70B = Serving(
    name="chat",
    model=LLAMA_70B,
    traffic=CHAT,
    objectives=CHAT_OBJECTIVES,
    allowed=ANYTHING,
    survive=Survive.NONE,
    max_context_tokens=8192,
    engine="vllm",
)
ASSIST_8B = Serving(
    name="assist",
    model=LLAMA_8B,
    traffic=Traffic(
        requests_per_s=20,
        input_tokens=TokenLengths(mean=900, p95=2700),
        output_tokens=TokenLengths(mean=200, p95=600),
        prefix_hit=0.0,
        burstiness=1.0,
    ),
    objectives=Objectives(ttft_p95_s=1.5, tpot_p95_s=0.08, e2e_p95_s=None),
    allowed=ANYTHING,
    survive=Survive.NONE,
    max_context_tokens=4096,
    engine="vllm",
)


def spec_of(
    *workloads: Serving,
    regions: tuple[str, ...] = (REGION,),
    clouds: tuple[Cloud, ...] = (Cloud.AWS,),
    zones: tuple[str, ...] = (),
    budget_usd_per_month: float | None = None,
    headroom: float = 0.2,
) -> Spec:
    """A spec of *workloads*."""
    return Spec(
        clouds=clouds,
        regions=regions,
        zones=zones,
        budget_usd_per_month=budget_usd_per_month,
        headroom=headroom,
        workloads=workloads,
        hash="a" * 64,
        assumptions=(),
    )
