"""The self-check of the catalog: silent on the packaged facts, and each rule fires on a fact that cannot be true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sizing.catalog import Catalog, Cloud, PurchaseMode, catalog
from sizing.catalog.check import Severity, check
from sizing.units import GB, GIB, TERA

FACTS = catalog()


def test_no_packaged_fact_is_in_error():
    """What ships has passed every rule; a warning is worth a look, and there is at most a handful."""
    doubts = check(FACTS)
    assert [doubt for doubt in doubts if doubt.severity is Severity.ERROR] == []
    assert len(doubts) < 5


def accelerator(name: str, **changes: Any) -> Catalog:
    """The facts with one accelerator changed."""
    changed = [replace(one, **changes) if one.name == name else one for one in FACTS.accelerators]
    return replace(FACTS, accelerators=tuple(changed))


def machine(name: str, **changes: Any) -> Catalog:
    """The facts with one machine changed."""
    return replace(FACTS, machines=tuple(replace(m, **changes) if m.name == name else m for m in FACTS.machines))


def offer(name: str, region: str, mode: PurchaseMode, **changes: Any) -> Catalog:
    """The facts with one offer changed."""
    key = (name, region, mode)
    changed = [replace(o, **changes) if (o.machine, o.region, o.mode) == key else o for o in FACTS.offers]
    return replace(FACTS, offers=tuple(changed))


def model(name: str, **changes: Any) -> Catalog:
    """The facts with one model changed."""
    return replace(FACTS, models=tuple(replace(m, **changes) if m.name == name else m for m in FACTS.models))


ON_DEMAND, SPOT = PurchaseMode.ON_DEMAND, PurchaseMode.SPOT
P5 = FACTS.offers_for(Cloud.AWS, "us-east-1", "p5.48xlarge")[0]
ZONES = dict(FACTS.zones_by_region)

# rule, subject it names, the facts with one broken
BROKEN: list[tuple[str, str, Callable[[], Catalog]]] = [
    ("memory-range", "aws-trainium2", lambda: accelerator("aws-trainium2", memory_bytes=524_288 * 1024**2 * 16)),
    ("memory-driver", "nvidia-h100-80gb", lambda: accelerator("nvidia-h100-80gb", memory_bytes=81 * GIB)),
    ("bandwidth-range", "nvidia-l4", lambda: accelerator("nvidia-l4", memory_bytes_per_s=300.0)),
    ("dense-peak", "nvidia-h200-141gb", lambda: accelerator("nvidia-h200-141gb", bf16_flop_per_s=1979 * TERA)),
    ("dense-peak", "nvidia-l40s", lambda: accelerator("nvidia-l40s", fp8_flop_per_s=1466 * TERA)),
    ("link-domain", "nvidia-b200", lambda: accelerator("nvidia-b200", link_domain=0)),
    ("machine-accelerator", "p5.48xlarge", lambda: machine("p5.48xlarge", accelerator="nvidia-h100")),
    ("machine-accelerator", "g6f.large", lambda: machine("g6f.large", accelerators=0)),
    ("machine-size", "p5.48xlarge", lambda: machine("p5.48xlarge", memory_bytes=2048)),
    ("machine-fraction", "g6f.large", lambda: machine("g6f.large", accelerator_fraction=8.0)),
    ("machine-network", "m7i.large", lambda: machine("m7i.large", network_bytes_per_s=12.5)),
    ("network-cards", "p5.48xlarge", lambda: machine("p5.48xlarge", network_bytes_per_s=100 * GB / 8)),
    ("network-cards", "g6e.48xlarge", lambda: machine("g6e.48xlarge", network_bytes_per_s=1600 * GB / 8)),
    (
        "zone-region",
        "us-east1-b",
        lambda: replace(FACTS, zones_by_region=ZONES | {(Cloud.GCP, "us-east4"): ("us-east1-b",)}),
    ),
    ("unique", "aws p5.48xlarge us-east-1", lambda: replace(FACTS, offers=(*FACTS.offers, P5))),
    ("alias", "llama-2-7b", lambda: model("Llama-2-13B", aliases=("llama-2-7b",))),
    (
        "offer-machine",
        "p9.48xlarge us-east-1",
        lambda: offer("p5.48xlarge", "us-east-1", ON_DEMAND, machine="p9.48xlarge"),
    ),
    ("offer-zone", "p5.48xlarge us-east-1", lambda: offer("p5.48xlarge", "us-east-1", ON_DEMAND, zones=("use2-az1",))),
    ("price-range", "p5.48xlarge us-east-1", lambda: offer("p5.48xlarge", "us-east-1", ON_DEMAND, usd_per_hour=0.0)),
    (
        "price-range",
        "ct6e-standard-1t us-east1",
        lambda: offer("ct6e-standard-1t", "us-east1", ON_DEMAND, usd_per_hour=700.0),
    ),
    (
        "price-dated",
        "p5.48xlarge us-east-1",
        lambda: offer("p5.48xlarge", "us-east-1", ON_DEMAND, provenance=replace(P5.provenance, as_of="undated")),
    ),
    (
        "dearer-than-on-demand",
        "aws p5.48xlarge us-east-1 spot",
        lambda: offer("p5.48xlarge", "us-east-1", SPOT, usd_per_hour=55.05),
    ),
    ("size-ratio", "g6e.12xlarge us-east-1", lambda: offer("g6e.12xlarge", "us-east-1", ON_DEMAND, usd_per_hour=7.0)),
    (
        "charge-range",
        "nat_gateway_hour us-east-1",
        lambda: replace(
            FACTS, charges=tuple(replace(c, usd=-0.045) if c.item == "nat_gateway_hour" else c for c in FACTS.charges)
        ),
    ),
    (
        "storage-range",
        "s3 STANDARD us-east-1",
        lambda: replace(
            FACTS,
            storage=tuple(replace(t, usd_per_gb_month=23.0) if t.tier == "STANDARD" else t for t in FACTS.storage),
        ),
    ),
    ("model-layers", "Qwen3-32B", lambda: model("Qwen3-32B", sliding_layers=1)),
    ("model-shape", "Qwen3-32B", lambda: model("Qwen3-32B", vocab=0)),
    ("model-heads", "Qwen3-32B", lambda: model("Qwen3-32B", kv_heads=7)),
    ("model-active", "Qwen3-32B", lambda: model("Qwen3-32B", active_parameters=10**12)),
    ("model-cache", "Qwen3-32B", lambda: model("Qwen3-32B", kv_elements_per_token_full=0)),
    ("model-total", "Llama-2-70B", lambda: model("Llama-2-70B", gated_ffn=False)),
    ("tpu-topologies", "tpu-v6e", lambda: accelerator("tpu-v6e", topologies=())),
]


@pytest.mark.parametrize(("rule", "subject", "broken"), BROKEN, ids=[f"{row[0]} {row[1]}" for row in BROKEN])
def test_each_rule_finds_a_fact_that_cannot_be_true(rule, subject, broken):
    """One figure or name is spoilt as a source once spoilt it, and that rule names that fact."""
    found = {(doubt.rule, doubt.subject) for doubt in check(broken())} - {(d.rule, d.subject) for d in check(FACTS)}
    assert any(of == rule and subject in about for of, about in found), found


def test_a_quota_that_counts_what_there_is_not_or_counts_twice_is_wrong():
    """A family without machines is a misspelling, and no machine counts against two quotas of one scope."""
    p_family = FACTS.quota(Cloud.AWS, "L-417A185B")
    strange = replace(p_family, id="L-1", families=("p99",), name="of no family")
    twin = replace(p_family, id="L-2", name="a twin")
    found = {(doubt.rule, doubt.subject) for doubt in check(replace(FACTS, quotas=(p_family, strange, twin)))}
    assert ("quota-family", "L-1") in found
    assert ("quota-twice", "aws p5 on_demand") in found
    assert not [doubt for doubt in check(FACTS) if doubt.rule.startswith("quota")]
