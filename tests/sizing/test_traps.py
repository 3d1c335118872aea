"""Known traps in the raw material about clouds and models, each once fallen into by a published tool.

What stands here is from the vendors' documentation, not from our tables.
"""

from __future__ import annotations

import pytest

from sizing.catalog import Cloud, ModelKind, PurchaseMode, catalog
from sizing.units import GB, GIB, MIB, TERA

FACTS = catalog()


def price(cloud: Cloud, region: str, machine: str, mode: PurchaseMode) -> float | None:
    """The price of one offer; fails where there is no such offer."""
    [offer] = [offer for offer in FACTS.offers_for(cloud, region, machine) if offer.mode is mode]
    return offer.usd_per_hour


def test_trainium2_has_96_gib():
    """Trap 1: the EC2 API says 524,288 MiB a device; the Neuron documentation 96 GiB a chip, 16 chips a machine."""
    assert FACTS.accelerator("aws-trainium2").memory_bytes == 96 * GIB
    assert FACTS.machine(Cloud.AWS, "trn2.48xlarge").accelerators == 16


@pytest.mark.parametrize(
    ("machine", "gbit_per_s"),
    [
        ("p5.48xlarge", 3200),  # its first card alone: 100
        ("p6-b200.48xlarge", 3200),  # its cards sum to 1,600
        ("g6e.48xlarge", 400),  # its cards sum to 1,600
        ("g6e.24xlarge", 200),  # its cards sum to 400
        ("trn2.3xlarge", 200),  # its card says 50
    ],
)
def test_the_network_rate_is_the_stated_one(machine, gbit_per_s):
    """Trap 2: the cards of a machine neither sum to its rate nor is one of them all of it."""
    assert FACTS.machine(Cloud.AWS, machine).network_bytes_per_s == gbit_per_s * GB / 8


@pytest.mark.parametrize(
    ("machine", "share"),
    [("g6f.large", 1 / 8), ("g6f.2xlarge", 1 / 4), ("g6f.4xlarge", 1 / 2), ("gr6f.4xlarge", 1 / 2)],
)
def test_a_fraction_of_a_gpu_is_a_fraction(machine, share):
    """Trap 3: the API counts no GPU there; it is one, of which the machine has a share."""
    found = FACTS.machine(Cloud.AWS, machine)
    assert (found.accelerator, found.accelerators, found.accelerator_fraction) == ("nvidia-l4", 1, share)


@pytest.mark.parametrize(
    ("accelerator", "allocatable_gib", "shown_mib", "api_mib"),
    [
        ("nvidia-t4", 14.56, 15_360, 16_384),
        ("nvidia-l4", 22.03, 23_034, 22_888),
        ("nvidia-h100-80gb", 79.18, 81_559, 81_920),
        ("nvidia-h200-141gb", 139.80, 143_771, 144_384),
    ],
)
def test_memory_is_what_programs_can_allocate(accelerator, allocatable_gib, shown_mib, api_mib):
    """
    Trap 4: three figures for one device. vLLM takes its share of the least of them: H100 of 79.18 GiB in its logs.

    nvidia-smi shows up to 5 % more, and the API more still, but less than nvidia-smi for an L4.
    """
    memory_bytes = FACTS.accelerator(accelerator).memory_bytes
    assert memory_bytes == pytest.approx(allocatable_gib * GIB)
    assert 0.94 * shown_mib * MIB < memory_bytes < min(shown_mib, api_mib) * MIB


def test_what_xla_keeps_is_off_the_memory_of_a_tpu():
    """16 GiB of which programs get 15.75, 32 of which they get 31.25, as XLA prints when it runs out."""
    for name, nominal_gib, left_gib in (("tpu-v5e", 16, 15.75), ("tpu-v6e", 32, 31.25)):
        found = FACTS.accelerator(name)
        assert (found.nominal_memory_bytes, found.memory_bytes) == (nominal_gib * GIB, left_gib * GIB)


def test_a_google_price_is_the_whole_machine_at_its_on_demand_rate():
    """Trap 5: a3-highgpu-8g in us-central1 is 88.49 USD/h; commitment and DWS SKUs make it 33.61 for the GPUs."""
    assert price(Cloud.GCP, "us-central1", "a3-highgpu-8g", PurchaseMode.ON_DEMAND) == pytest.approx(88.49)


def test_google_machines_without_an_on_demand_rate_have_none():
    """Trap 5: 64.44 and 154.66 for B200, and 36.60 for H200, are commitment or DWS rates, and 700 is a sentinel."""
    for offer in FACTS.offers:
        if offer.cloud is Cloud.GCP and offer.mode is PurchaseMode.ON_DEMAND:
            assert offer.usd_per_hour not in {64.44, 90.216, 154.656, 700.0}, offer
            if offer.machine == "a4-highgpu-8g":
                assert offer.usd_per_hour is None


def test_spot_never_costs_more_than_on_demand():
    """Trap 5: pod spot prices above on-demand, in one of the sources, are those of another SKU."""
    for offer in FACTS.offers:
        if offer.mode is PurchaseMode.SPOT and offer.usd_per_hour is not None:
            listed = [
                other.usd_per_hour
                for other in FACTS.offers_for(offer.cloud, offer.region, offer.machine)
                if other.mode is PurchaseMode.ON_DEMAND and other.usd_per_hour is not None
            ]
            assert all(offer.usd_per_hour <= usd for usd in listed), offer


def test_bundled_local_disks_are_in_the_price():
    """Trap 6: a3-highgpu-8g in us-east4 is 88.56 USD/h with its 16 disks of 375 GB; 87.83 leaves them out."""
    assert price(Cloud.GCP, "us-east4", "a3-highgpu-8g", PurchaseMode.ON_DEMAND) == pytest.approx(88.56, abs=0.005)
    machine = FACTS.machine(Cloud.GCP, "a3-highgpu-8g")
    assert (machine.local_disks, machine.local_disk_bytes) == (16, 6000 * GB)


@pytest.mark.parametrize(
    "machine", ["a3-ultragpu-8g", "a4-highgpu-8g", "a4x-highgpu-4g", "a3-highgpu-1g", "a3-highgpu-2g", "a3-highgpu-4g"]
)
def test_a_list_price_is_not_a_sale(machine):
    """Trap 7: these have no plain on-demand option on Google Cloud, whatever the list says."""
    offers = [offer for offer in FACTS.offers if offer.machine == machine and offer.mode is PurchaseMode.ON_DEMAND]
    assert offers
    assert not any(offer.orderable for offer in offers)


@pytest.mark.parametrize(
    ("accelerator", "dense_tflop_per_s"),
    [("nvidia-h100-80gb", 989.4), ("nvidia-h200-141gb", 989.4), ("nvidia-a10g", 70), ("nvidia-l40s", 362)],
)
def test_peaks_are_dense(accelerator, dense_tflop_per_s):
    """Trap 8: some tables list H200 with structured sparsity (2.0e15), and the A10 for the A10G (125)."""
    assert FACTS.accelerator(accelerator).bf16_flop_per_s == pytest.approx(dense_tflop_per_s * TERA)


def test_gb200_has_8_tb_per_s_and_b300_hardly_any_int8():
    """Trap 8: 13.4 TB is the memory of a rack; B300's int8 is 3 % of its fp8."""
    assert FACTS.accelerator("nvidia-gb200").memory_bytes_per_s == 8000 * GB
    b300 = FACTS.accelerator("nvidia-b300")
    assert b300.int8_op_per_s is not None
    assert b300.fp8_flop_per_s is not None
    assert b300.int8_op_per_s < 0.05 * b300.fp8_flop_per_s


@pytest.mark.parametrize(
    ("accelerator", "hbm_gb_per_s", "ici_gb_per_s_both_ways"),
    [("tpu-v5e", (800, 819), 400), ("tpu-v6e", (1600, 1640), 800), ("tpu-v5p", (2765, 2765), 1200)],
)
def test_tpu_rates_are_within_what_google_has_stated(accelerator, hbm_gb_per_s, ici_gb_per_s_both_ways):
    """Trap 9: the documentation changed its figures; links count one direction here, half of what it states."""
    found = FACTS.accelerator(accelerator)
    assert found.memory_bytes_per_s is not None
    assert hbm_gb_per_s[0] * GB <= found.memory_bytes_per_s <= hbm_gb_per_s[1] * GB
    assert found.link_bytes_per_s == ici_gb_per_s_both_ways * GB / 2


def test_most_layers_of_a_hybrid_cache_nothing():
    """
    Trap 10: Qwen3.5-397B-A17B has full attention in 15 of 60 layers, 2 heads of 256: 15 x 2 x 2 x 256 = 15,360.

    gpt-oss slides in half of its layers, Gemma 3 in five of six.
    """
    qwen = FACTS.model("Qwen3.5-397B-A17B")
    assert (qwen.layers, qwen.full_attention_layers, qwen.linear_layers) == (60, 15, 45)
    assert qwen.kv_elements_per_token_full == 15_360
    assert qwen.state_elements_per_sequence > 0
    assert FACTS.model("gpt-oss-120b").sliding_layers == 18
    assert FACTS.model("gemma-3-27b-it").sliding_layers == 52


def test_compressed_attention_and_latent_experts_follow_formulas_of_their_own():
    """
    Trap 10: shapes that no table tells are worked out from the files.

    DeepSeek-V4-Pro: 30 layers with an entry of 512 for 4 tokens, 31 with one for 128, the last 128 tokens in all 61.
    """
    deepseek, kimi, nemotron = (FACTS.model(n) for n in ("DeepSeek-V4-Pro", "Kimi-K3", "Nemotron-3-Ultra-550B-A55B"))
    assert deepseek.kv_elements_per_token_full == 30 * 512 // 4 + 31 * 512 // 128
    assert deepseek.state_elements_per_sequence == 61 * 128 * 512
    assert deepseek.sparse is not None
    assert deepseek.sparse.attended_tokens == 4 * 1024
    assert kimi.moe is not None
    assert nemotron.moe is not None
    assert (kimi.moe.latent, nemotron.moe.latent) == (3584, 2048)


def test_every_decoder_that_is_known_by_name_is_sized():
    """None of the packaged decoders lacks a layer, a cache or a total."""
    decoders = [model for model in FACTS.models if model.kind is ModelKind.DECODER]
    assert len(decoders) > 190
    for model in decoders:
        held = model.kv_elements_per_token_full + model.kv_elements_per_token_sliding
        assert min(model.layers, model.hidden, model.vocab, model.parameters, held) > 0, model.name
        assert model.active_parameters <= model.parameters, model.name


def test_a_domain_is_not_the_accelerators_of_one_machine():
    """Trap 11: sixteen A100s of a2-megagpu-16g share one NVSwitch; 72 GB200s over 18 machines of four do."""
    assert FACTS.accelerator("nvidia-a100-40gb").link_domain == 16
    assert FACTS.machine(Cloud.GCP, "a2-megagpu-16g").accelerators == 16
    assert FACTS.accelerator("nvidia-gb200").link_domain == 72
    assert FACTS.machine(Cloud.GCP, "a4x-highgpu-4g").accelerators == 4


def test_a_price_in_a_region_is_not_a_machine_in_it():
    """Trap 12: a3-highgpu has a price in 40 regions and is sold in 20, each with a zone or none named."""
    regions = {offer.region for offer in FACTS.offers if offer.machine == "a3-highgpu-8g"}
    assert len(regions) <= 20
    assert "africa-south1" not in regions
    assert "us-central1" in regions


@pytest.mark.parametrize(
    ("machine", "zones"),
    [
        ("ct6e-standard-8t", {"us-central1-b", "us-east1-d", "us-east5-a", "us-east5-b", "europe-west4-a"}),
        ("ct5lp-hightpu-8t", {"us-central1-a", "us-south1-a", "us-west1-c", "us-west4-a"}),
        ("ct5p-hightpu-4t", {"us-central1-a", "us-east5-a"}),
    ],
)
def test_tpus_are_sold_where_google_supports_them(machine, zones):
    """Trap 12: the Compute API lists more zones than Google's page of supported ones; none of those is orderable."""
    sold = {zone for o in FACTS.offers if o.machine == machine and o.orderable for zone in o.zones}
    assert sold
    assert sold <= zones
    assert not any(o.orderable and not o.zones for o in FACTS.offers if o.machine == machine)


def test_a_spot_price_is_expected_and_not_the_least_of_its_zones():
    """P5 spot in us-east-1 lay between 17.0 and 55.0 USD/h over zones in that snapshot: a median is inside."""
    usd = price(Cloud.AWS, "us-east-1", "p5.48xlarge", PurchaseMode.SPOT)
    assert usd is not None
    assert 17.0 < usd < 55.04


def test_a_tenth_of_on_demand_is_no_spot_price():
    """AWS pins the spot price of a market without trades at 10 % of on-demand: nobody can expect to pay that."""
    for offer in FACTS.offers:
        if offer.cloud is Cloud.AWS and offer.mode is PurchaseMode.SPOT and offer.usd_per_hour is not None:
            listed = price(offer.cloud, offer.region, offer.machine, PurchaseMode.ON_DEMAND)
            assert listed is None or offer.usd_per_hour / listed > 0.101, offer
