"""Facts as text: a line each, or all that is known of one; unknown is told as such."""

from __future__ import annotations

from dataclasses import replace

from sizing.catalog import catalog
from sizing.catalog.catalog import Catalog
from sizing.catalog.machine import Cloud
from sizing.catalog.offer import Offer, PurchaseMode
from sizing.catalog.provenance import Provenance
from sizing.render_facts import fact_lines, listing_lines
from tests.examples import H100

OFFER = Offer(
    cloud=Cloud.AWS,
    machine="p5.48xlarge",
    region="us-east-1",
    mode=PurchaseMode.ON_DEMAND,
    usd_per_hour=55.04,
    orderable=True,
    zones=("use1-az4",),
    price_basis="listed",
    provenance=Provenance(source="price list", as_of="2026-07-20"),
)
EMPTY = Catalog(
    accelerators=(H100,),
    machines=(),
    offers=(OFFER,),
    storage=(),
    charges=(),
    models=(),
    zones_by_region={},
    as_of="2026",
    hash="c" * 64,
)


def test_an_offer_is_one_line_with_its_date() -> None:
    """Machine, region, how it is bought, the price and its date."""
    assert listing_lines([OFFER])[1].split() == ["p5.48xlarge", "us-east-1", "on", "demand", "55.04", "1", "2026-07-20"]


def test_an_offer_without_a_price_is_not_free() -> None:
    """Unknown is not zero; a list price that nobody sells at is told as such."""
    unknown, nominal = listing_lines([replace(OFFER, usd_per_hour=None), replace(OFFER, orderable=False)])[1:]
    assert "unknown" in unknown
    assert "(not sold)" in nominal


def test_a_fact_sheet_ends_with_its_source() -> None:
    """Every field, then where it comes from, and what no source confirms."""
    doubtful = replace(H100, provenance=replace(H100.provenance, unverified=("tdp_watts",)))
    lines = fact_lines([doubtful], EMPTY)
    assert any(line.split()[:2] == ["name", "nvidia-h100-80gb"] for line in lines)
    assert any(line.startswith("  source: NVIDIA H100 data sheet") for line in lines)
    assert lines[-1] == "  unverified: tdp_watts"


def test_what_no_source_tells_is_said() -> None:
    """A device without a known power draw has one all the same."""
    lines = fact_lines([replace(H100, tdp_watts=None)], EMPTY)
    assert any(line.split() == ["tdp_watts", "unknown"] for line in lines)


def test_no_facts_are_said_in_words() -> None:
    """An empty table would look like a failure."""
    assert listing_lines([]) == ["no such facts"]


def test_a_quota_is_one_line_and_a_sheet_with_what_no_source_confirms() -> None:
    """How it counts, where and by which machines; that reservations count on Google Cloud is known from memory."""
    quota = catalog().quota(Cloud.GCP, "NVIDIA_L4_GPUS")
    assert listing_lines([quota])[1].split() == [
        *("NVIDIA_L4_GPUS", "gcp", "GPU", "region", "on", "demand,", "reservation", "2026-11", "g2-standard"),
    ]
    lines = fact_lines([quota], EMPTY)
    assert lines[0] == "quota"
    assert lines[-1] == "  unverified: modes"
