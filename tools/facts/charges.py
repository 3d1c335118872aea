"""Storage tiers and charges; a price that no source confirms becomes unknown."""

from __future__ import annotations

from sizing.units import MB
from tools.facts.cells import Fact, Row, dated, number, texts

# Charges that are one figure everywhere, read off the provider's own price page and in no table.
PUBLISHED_CHARGES: tuple[Fact, ...] = (
    {
        "cloud": "aws",
        "region": "all",
        "item": "kms_key_month",
        "tier": "",
        "usd": 1.0,
        "unit": "month",
        "source": "aws.amazon.com/kms/pricing, copy of 2026-03: 1 USD a month for each key, prorated hourly",
        "as_of": "2026-03",
        "unverified": [],
    },
    {
        "cloud": "gcp",
        "region": "all",
        "item": "gke_cluster_management",
        "tier": "",
        "usd": 0.1,
        "unit": "cluster-hour",
        "source": "cloud.google.com/kubernetes-engine/pricing: a flat fee, whatever the mode, size or topology",
        "as_of": "2026 (page copy, undated)",
        "unverified": [],
    },
)


def storage_fact(row: Row) -> Fact:
    """One storage class of one region."""
    names = {
        "usd_per_gb_month": "usd_per_gb_month",
        "included_iops": "included_iops",
        "usd_per_iops_month": "usd_per_iops_month",
        "included_throughput_mbs": "included_bytes_per_s",
        "max_throughput_mbs": "max_bytes_per_s",
        "throughput": "max_bytes_per_s",
        "usd_per_mbs_month": "usd_per_mb_per_s_month",
    }
    fact: Fact = {
        "cloud": row["cloud"],
        "region": row["region"],
        "service": row["service"],
        "tier": row["class_or_type"],
        "usd_per_gb_month": number(row["usd_per_gb_month"]),
        "included_iops": number(row["included_iops"]),
        "usd_per_iops_month": number(row["usd_per_iops_month"]),
        "included_bytes_per_s": number(row["included_throughput_mbs"], MB),
        "max_bytes_per_s": number(row["max_throughput_mbs"], MB),
        "usd_per_mb_per_s_month": number(row["usd_per_mbs_month"]),
    }
    return _without_unverified_prices(fact | dated(row, names))


def charge_fact(row: Row) -> Fact:
    """One price that is neither a machine nor storage."""
    fact: Fact = {
        "cloud": row["cloud"],
        "region": row["region"],
        "item": row["item"],
        "tier": row["tier"],
        "usd": number(row["usd"]),
        "unit": row["unit"],
    }
    return _without_unverified_prices(fact | dated(row, {"usd": "usd"}))


def _without_unverified_prices(fact: Fact) -> Fact:
    """A price that no source confirms is unknown; the field stays named as unverified."""
    unverified = set(texts(fact["unverified"]))
    return {key: None if key.startswith("usd") and key in unverified else value for key, value in fact.items()}
