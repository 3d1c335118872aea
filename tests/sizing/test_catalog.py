"""The packaged facts and their lookups: what the issue of facts asks to be there, and that nothing is made up."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import replace
from importlib import resources

import pytest

from sizing.catalog import AcceleratorKind, Charge, Cloud, ModelKind, Precision, PurchaseMode, StorageTier, catalog
from sizing.catalog.check import stale_offers
from sizing.catalog.packaged import FILES
from sizing.catalog.shape import shape_of
from sizing.errors import UnknownFact
from sizing.units import GIB

FACTS = catalog()


RENTED = (
    *("nvidia-t4", "nvidia-l4", "nvidia-a10g", "nvidia-l40s", "nvidia-rtx-pro-6000", "nvidia-a100-40gb"),
    *("nvidia-a100-80gb", "nvidia-h100-80gb", "nvidia-h200-141gb", "nvidia-b200", "nvidia-b300", "nvidia-gb200"),
    *("nvidia-gb300", "tpu-v5e", "tpu-v5p", "tpu-v6e", "tpu-v7x", "aws-inferentia2", "aws-trainium1"),
    "aws-trainium2",
)


@pytest.mark.parametrize("name", RENTED)
def test_accelerators_that_the_clouds_rent_are_sold_in_a_machine(name):
    """From T4 to GB300, TPU v5e to 7x, Inferentia2 and Trainium: each known, and in a machine that has offers."""
    accelerator = FACTS.accelerator(name)
    assert accelerator.rented_on
    machines = {machine.name for machine in FACTS.machines if machine.accelerator == name}
    assert any(offer.machine in machines for offer in FACTS.offers)


@pytest.mark.parametrize(
    "name", ["amd-mi300x", "nvidia-gh200-96gb", "nvidia-h100-pcie", "nvidia-a100-pcie-80gb", "nvidia-rtx-6000-ada"]
)
def test_accelerators_that_no_cloud_rents_are_facts_without_offers(name):
    """Known, so that measurements on them resolve; in no machine, so that none can be chosen."""
    assert FACTS.accelerator(name).rented_on == ()
    assert not any(machine.accelerator == name for machine in FACTS.machines)


def test_every_aws_machine_is_one_that_the_provider_knows():
    """Against the provider's own list of over 1,400 types."""
    from pulumi_aws.ec2 import InstanceType

    known = {one.value for one in InstanceType}
    assert len(known) > 1400
    assert {machine.name for machine in FACTS.machines if machine.cloud is Cloud.AWS} <= known


@pytest.mark.parametrize(
    ("machine", "chips", "vcpus", "memory_gib", "shape"),
    [
        ("ct5lp-hightpu-1t", 1, 24, 48, "1x1"),
        ("ct5lp-hightpu-4t", 4, 112, 192, "2x2"),
        ("ct5lp-hightpu-8t", 8, 224, 384, "2x4"),
        ("ct5p-hightpu-4t", 4, 208, 448, "2x2x1"),
        ("ct6e-standard-1t", 1, 44, 176, "1x1"),
        ("ct6e-standard-4t", 4, 180, 720, "2x2"),
        ("ct6e-standard-8t", 8, 360, 1440, "2x4"),
        ("tpu7x-standard-4t", 4, 224, 960, "2x2x1"),
    ],
)
def test_tpu_machines_are_those_of_the_documentation(machine, chips, vcpus, memory_gib, shape):
    """Google's pages of TPU machine types; the slice of one machine is a legal shape of its chip."""
    found = FACTS.machine(Cloud.GCP, machine)
    assert (found.accelerators, found.vcpus, found.memory_bytes) == (chips, vcpus, memory_gib * GIB)
    assert found.accelerator is not None
    accelerator = FACTS.accelerator(found.accelerator)
    assert accelerator.kind is AcceleratorKind.TPU
    assert shape in accelerator.topologies


def test_topologies_are_shapes():
    """2x4 or 4x4x8: whole numbers and nothing else, as they end in a node selector."""
    for accelerator in FACTS.accelerators:
        for shape in accelerator.topologies:
            assert all(side.isdigit() and int(side) > 0 for side in shape.split("x")), shape
            assert len(shape.split("x")) in {2, 3}


def test_no_fact_is_from_a_share_alike_source():
    """Spare Cores data carries a share-alike licence; what only it tells (ct5p-hightpu-1t and -2t) is left out."""
    for name in FILES:
        text = resources.files("sizing.catalog").joinpath("facts", f"{name}.json").read_text(encoding="utf-8")
        assert "sparecores" not in text.lower().replace(" ", "").replace("-", "")
    assert not any(machine.name in {"ct5p-hightpu-1t", "ct5p-hightpu-2t"} for machine in FACTS.machines)


def test_every_fact_has_a_source_and_a_date():
    """Where a date is not known, that is said."""
    provenances = {
        *(fact.provenance for fact in FACTS.accelerators),
        *(fact.provenance for fact in FACTS.machines),
        *(fact.provenance for fact in FACTS.offers),
        *(fact.provenance for fact in FACTS.storage),
        *(fact.provenance for fact in FACTS.charges),
        *(fact.provenance for fact in FACTS.models),
        *(fact.provenance for fact in FACTS.quotas),
    }
    for provenance in provenances:
        assert provenance.source
        assert provenance.as_of == "undated" or provenance.as_of.startswith("20"), provenance


def test_an_unverified_price_is_no_price():
    """A price that no source confirms is unknown, and the field says so."""
    charge = FACTS.charge(Cloud.GCP, "us-central1", "inter_zone_egress")
    assert charge is not None
    assert (charge.usd, charge.provenance.unverified) == (None, ("usd",))
    priced: list[Charge | StorageTier] = [*FACTS.charges, *FACTS.storage]
    for fact in priced:
        for field in fact.provenance.unverified:
            assert not field.startswith("usd") or getattr(fact, field) is None, fact


def test_an_offer_without_a_price_is_listed():
    """No source prices TPU7x or A4X: they are there, with None for a price, and so never free."""
    for machine in ("tpu7x-standard-4t", "a4x-highgpu-4g"):
        offers = [offer for offer in FACTS.offers if offer.machine == machine]
        assert offers
        assert all(offer.usd_per_hour is None for offer in offers)


@pytest.mark.parametrize(
    ("mode", "usd_per_hour", "word", "as_of"),
    [
        (PurchaseMode.ON_DEMAND, 55.04, "karpenter", "2026-07-20"),
        (PurchaseMode.CAPACITY_BLOCK, 31.464, "ec2-capacity-blocks", "2026-01-31"),
    ],
)
def test_each_purchase_mode_has_its_own_source_and_date(mode, usd_per_hour, word, as_of):
    """p5.48xlarge in us-east-1: the list price of July, the Capacity Block rate (8 x 3.933) of January."""
    offers = {offer.mode: offer for offer in FACTS.offers_for(Cloud.AWS, "us-east-1", "p5.48xlarge")}
    assert offers[mode].usd_per_hour == pytest.approx(usd_per_hour)
    assert word in offers[mode].provenance.source
    assert offers[mode].provenance.as_of == as_of


def test_zones_of_a_region():
    """AWS by zone id, as zone names differ by account; Google by name, with the letters that its regions have."""
    assert FACTS.zones(Cloud.AWS, "us-east-1") == tuple(f"use1-az{number}" for number in range(1, 7))
    assert FACTS.zones(Cloud.GCP, "us-central1") == ("us-central1-a", "us-central1-b", "us-central1-c", "us-central1-f")
    assert FACTS.zones(Cloud.GCP, "us-east1") == ("us-east1-b", "us-east1-c", "us-east1-d")
    assert FACTS.zones(Cloud.GCP, "us-nowhere1") == ()
    assert {"europe-west12", "us-central1"} <= set(FACTS.regions(Cloud.GCP))
    assert "us-east-1-dfw-2a" not in FACTS.regions(Cloud.AWS)


def test_every_gpu_offer_on_aws_names_its_zones():
    """A machine is placed in a zone: where it is sold, the zones are known."""
    for offer in FACTS.offers:
        if offer.cloud is Cloud.AWS and offer.usd_per_hour is not None and offer.machine.startswith(("g5", "g6", "p4")):
            assert set(offer.zones) <= set(FACTS.zones(Cloud.AWS, offer.region))


def test_a_name_that_is_not_there_is_told_with_the_nearest():
    """A typo costs one look."""
    with pytest.raises(UnknownFact, match=r"p5\.48xlarge") as told:
        FACTS.machine(Cloud.AWS, "p5.48xlarg")
    assert told.value.nearest[0] == "p5.48xlarge"
    with pytest.raises(UnknownFact, match="did you mean"):
        FACTS.accelerator("nvidia-h100")
    with pytest.raises(UnknownFact, match=r"Llama-3\.3-70B"):
        FACTS.model("meta-llama/Llama-3.3-70B-Instrukt")


@pytest.mark.parametrize("name", ["meta-llama/Llama-3.3-70B-Instruct", "META-LLAMA/llama-3.3-70b-instruct"])
def test_a_model_goes_by_its_hub_id_in_any_case(name):
    """80 layers, 8 KV heads of 128."""
    model = FACTS.model(name)
    assert (model.layers, model.kv_heads, model.head_dim, model.kind) == (80, 8, 128, ModelKind.DECODER)
    assert model.hub_id == "meta-llama/Llama-3.3-70B-Instruct"


def test_models_that_are_no_decoders_are_known_by_name():
    """Encoders, diffusion and speech: known, not taken for decoders."""
    for name in ("BERT-base", "SDXL-base-1.0", "Whisper-large-v3", "FLUX.1-dev", "BGE-M3"):
        assert FACTS.model(name).kind is ModelKind.OTHER


@pytest.mark.parametrize(
    ("name", "gated"), [("phi-2", False), ("phi-4", True), ("falcon-40b", False), ("Falcon3-7B-Base", True)]
)
def test_a_family_may_mix_gated_and_plain_feed_forwards(name, gated):
    """phi-2 and Falcon have two matrices, phi-4 and Falcon3 three, by their published code."""
    assert FACTS.model(name).gated_ffn is gated


def test_shared_experts_are_counted_once():
    """DeepSeek-V2-Lite has two shared experts of 1,408, and Qwen1.5-MoE four of 1,408 (5,632 together)."""
    for name, experts in (("DeepSeek-V2-Lite", 2), ("Qwen1.5-MoE-A2.7B", 4)):
        moe = FACTS.model(name).moe
        assert moe is not None
        assert (moe.shared_experts, moe.shared_intermediate) == (experts, 1408)


def test_native_precisions():
    """DeepSeek-R1 ships in fp8, gpt-oss in mxfp4, Llama in bf16."""
    assert FACTS.model("DeepSeek-R1").native_precision is Precision.FP8
    assert FACTS.model("gpt-oss-20b").native_precision is Precision.MXFP4
    assert FACTS.model("Llama-3.1-8B").native_precision is Precision.BF16


def test_old_prices_are_found_against_a_date_that_is_handed_in():
    """A price of 2026-07-20 is 180 days old on 2027-01-16 and stale the day after; without a date it always is."""
    [offer] = [
        offer
        for offer in FACTS.offers_for(Cloud.AWS, "us-east-1", "p5.48xlarge")
        if offer.mode is PurchaseMode.ON_DEMAND
    ]
    only = replace(FACTS, offers=(offer,))
    assert stale_offers(only, dt.date(2027, 1, 16)) == ()
    assert stale_offers(only, dt.date(2027, 1, 17)) == (offer,)
    undated = replace(offer, provenance=replace(offer.provenance, as_of="undated"))
    assert stale_offers(replace(FACTS, offers=(undated,)), dt.date(2026, 7, 20)) == (undated,)


def test_the_dates_of_the_facts_are_those_of_their_prices():
    """Newest and oldest day of any priced offer; the hash is of the files' bytes."""
    days = [o.provenance.as_of for o in FACTS.offers if o.usd_per_hour is not None and len(o.provenance.as_of) == 10]
    assert (FACTS.as_of, FACTS.oldest_price_as_of) == (max(days), min(days))
    assert len(FACTS.hash) == 64


def test_the_facts_are_small_and_quick_to_read():
    """Under 1.5 MB; a quarter of a second even on a busy machine (a tenth on an idle one)."""
    sizes = [len(resources.files("sizing.catalog").joinpath("facts", f"{name}.json").read_bytes()) for name in FILES]
    assert sum(sizes) < 1_500_000
    least = min(_seconds_to_read() for _ in range(3))
    assert least < 0.25


def _seconds_to_read() -> float:
    started = time.process_time()
    catalog.__wrapped__()
    return time.process_time() - started


def test_a_model_loads_what_its_publisher_published():
    """Repositories that others quantised are aliases: the bare name must not serve four bits where eight are meant."""
    found = {name: catalog().model(name).hub_id for name in ("DeepSeek-V3.1", "Kimi-K2.6", "Qwen3.6-27B")}
    assert found == {
        "DeepSeek-V3.1": "deepseek-ai/DeepSeek-V3.1",
        "Kimi-K2.6": "moonshotai/Kimi-K2.6",
        "Qwen3.6-27B": "Qwen/Qwen3.6-27B",
    }


def test_totals_follow_from_the_shapes():
    """Every packaged decoder without linear layers within 1.3 % of its total, worked out from its dimensions alone."""
    for model in FACTS.models:
        if model.kind is ModelKind.DECODER and not model.linear_layers and model.attention_parameters is None:
            assert shape_of(model).parameters(0, active=False) == pytest.approx(model.parameters, rel=0.013), model.name


@pytest.mark.parametrize(
    ("cloud", "machine", "mode", "counted"),
    [
        (Cloud.AWS, "p5.48xlarge", PurchaseMode.ON_DEMAND, {"L-417A185B": 192}),
        (Cloud.AWS, "p5.48xlarge", PurchaseMode.RESERVATION, {"L-417A185B": 192}),
        (Cloud.AWS, "p5.48xlarge", PurchaseMode.SPOT, {"L-C4BD4855": 192}),
        (Cloud.AWS, "p5.48xlarge", PurchaseMode.CAPACITY_BLOCK, {}),  # counted in machines, by another quota
        (Cloud.AWS, "g6e.48xlarge", PurchaseMode.SPOT, {"L-3819A6DF": 192}),
        (Cloud.AWS, "p6-b200.48xlarge", PurchaseMode.SPOT, {}),  # sources disagree, so nothing is told
        (Cloud.GCP, "g2-standard-96", PurchaseMode.ON_DEMAND, {"NVIDIA_L4_GPUS": 8, "GPUS_ALL_REGIONS": 8}),
        (
            Cloud.GCP,
            "a3-megagpu-8g",
            PurchaseMode.FLEX_START,
            {"PREEMPTIBLE-NVIDIA-H100-MEGA-GPUS-per-project-region": 8},
        ),
        (Cloud.GCP, "ct6e-standard-4t", PurchaseMode.SPOT, {"PREEMPTIBLE-TPU-V6E-per-project-region": 4}),
    ],
)
def test_a_machine_counts_against_the_quotas_of_its_family_in_their_own_unit(
    cloud: Cloud, machine: str, mode: PurchaseMode, counted: dict[str, int]
):
    """AWS counts vCPUs: a p5.48xlarge has 192; Google counts accelerators, each generation on its own."""
    of = FACTS.machine(cloud, machine)
    assert {quota.id: quota.units_of(of) for quota in FACTS.quotas_of(of, mode)} == counted


def test_a_quota_is_found_by_its_id_or_by_the_name_that_the_console_shows():
    by_name = FACTS.quota(Cloud.AWS, "running on-demand p instances")
    assert by_name == FACTS.quota(Cloud.AWS, "L-417A185B")
    with pytest.raises(UnknownFact, match="L-417A185B"):
        FACTS.quota(Cloud.AWS, "L-417A185C")


def test_every_machine_with_accelerators_counts_against_a_quota_but_for_what_no_source_tells():
    """On demand and on spot, by family; of old TPUs and the newest machines no source was found."""
    told = {
        mode: {
            machine.family for machine in FACTS.machines if machine.accelerators and not FACTS.quotas_of(machine, mode)
        }
        for mode in (PurchaseMode.ON_DEMAND, PurchaseMode.SPOT)
    }
    old = {"ct3-hightpu", "ct3p-hightpu"}
    assert told[PurchaseMode.ON_DEMAND] == old
    newest = {"a4x-highgpu", "a4x-maxgpu", "tpu7x-standard", "p6-b200", "p6-b300"}
    assert told[PurchaseMode.SPOT] == old | newest
