"""Quotas of an account: which machine families count against which, bought how, in which unit.

The table of raw material gives names, units and sources; what its rows apply to is written in words there, so families
of machines and ways to buy are told here, by the quota's id. Quotas that none of our machines counts against are left
out, and so is what no source tells (P6 on spot, GB300).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tools.facts.cells import Fact, Row, date

ON_DEMAND = ("on_demand", "reservation")  # EC2 user guide: active and unused reservations count toward the limits
SPOT = ("spot",)
PREEMPTIBLE = ("flex_start", "spot")  # Google, "Introducing Flex-start VMs", 2025-09-25: consume preemptible quota

_EC2 = "AWS General Reference, Amazon EC2 endpoints and quotas (page copies in three languages)"
_CLOUD_QUOTAS = "docs.cloud.google.com/docs/quotas/api-overview"
_TPU_QUOTAS = "xbill9/gemma4-dev: ids read off `gcloud quotas info` on 2026-08-11"
_GPU_QUOTAS = "OpenAgents quota inventory of a project, read off the Cloud Quotas API on 2026-06-23"

# families and ways to buy of the table's rows, by id
COUNTED: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "L-DB2E81BA": (("g4dn", "g5", "g5g", "g6", "g6e", "g6f", "g7", "g7e", "gr6", "gr6f"), ON_DEMAND),
    "L-3819A6DF": (("g4dn", "g5", "g5g", "g6", "g6e", "g6f", "g7", "g7e", "gr6", "gr6f"), SPOT),
    "L-417A185B": (("p3", "p3dn", "p4d", "p4de", "p5", "p5e", "p5en", "p6-b200", "p6-b300"), ON_DEMAND),
    "L-7212CCBC": (("p3", "p3dn", "p4d", "p4de"), SPOT),
    "L-C4BD4855": (("p5", "p5e", "p5en"), SPOT),
    "L-2C3B7624": (("trn1", "trn1n", "trn2"), ON_DEMAND),
    "L-6B0D517C": (("trn1", "trn1n", "trn2"), SPOT),
    "L-1945791B": (("inf1", "inf2"), ON_DEMAND),
    "L-B5D1601B": (("inf1", "inf2"), SPOT),
    "NVIDIA_L4_GPUS": (("g2-standard",), ON_DEMAND),
    "PREEMPTIBLE_NVIDIA_L4_GPUS": (("g2-standard",), PREEMPTIBLE),
    "NVIDIA_A100_GPUS": (("a2-highgpu", "a2-megagpu"), ON_DEMAND),
    "PREEMPTIBLE_NVIDIA_A100_GPUS": (("a2-highgpu", "a2-megagpu"), PREEMPTIBLE),
    "NVIDIA_A100_80GB_GPUS": (("a2-ultragpu",), ON_DEMAND),
    "PREEMPTIBLE_NVIDIA_A100_80GB_GPUS": (("a2-ultragpu",), PREEMPTIBLE),
    "PREEMPTIBLE_NVIDIA_H100_GPUS": (("a3-edgegpu", "a3-highgpu"), PREEMPTIBLE),
    "GPUS_ALL_REGIONS": (
        (
            *("a2-highgpu", "a2-megagpu", "a2-ultragpu", "a3-edgegpu", "a3-highgpu", "a3-megagpu", "a3-ultragpu"),
            *("a4-highgpu", "a4x-highgpu", "a4x-maxgpu", "g2-standard", "g4-standard"),
        ),
        ON_DEMAND,
    ),
    "TPU_LITE_PODSLICE_V5": (("ct5lp-hightpu",), ON_DEMAND),
    "PREEMPTIBLE_TPU_LITE_PODSLICE_V5": (("ct5lp-hightpu",), PREEMPTIBLE),
    "TPU_LITE_DEVICE_V5": (("ct5l-hightpu",), ON_DEMAND),
    "PREEMPTIBLE_TPU_LITE_DEVICE_V5": (("ct5l-hightpu",), PREEMPTIBLE),
}
# ids that the table has from memory and the provider's own page confirms
CONFIRMED = frozenset({"L-C4BD4855", "L-2C3B7624", "L-6B0D517C", "L-1945791B", "L-B5D1601B"})


def _published(
    quota: str,
    unit: str,
    families: tuple[str, ...],
    modes: tuple[str, ...],
    source: tuple[str, str],
    *,
    unverified: tuple[str, ...] = (),
) -> Fact:
    return {
        "cloud": "gcp",
        "id": quota,
        "name": quota,
        "scope": "region",
        "unit": unit,
        "families": list(families),
        "modes": list(modes),
        "source": source[0],
        "as_of": source[1],
        "unverified": [*unverified, *_unverified_modes("gcp", modes)],
    }


def _unverified_modes(cloud: str, modes: tuple[str, ...]) -> list[str]:
    """That reservations count is told by the EC2 user guide; of Google Cloud it is known from memory."""
    return ["modes"] if cloud == "gcp" and "reservation" in modes else []


_FAMILY = "GPUS-PER-GPU-FAMILY-per-project-region:"  # one limit for each value of the dimension gpu_family
_PER_FAMILY = (_CLOUD_QUOTAS, "2026-04-10")
_TPU = (_TPU_QUOTAS, "2026-08-11")
_GPU = (_GPU_QUOTAS, "2026-06-23")

# newer generations than the table's enumeration holds
PUBLISHED_QUOTAS: tuple[Fact, ...] = (
    _published(f"{_FAMILY}NVIDIA_H100", "GPU", ("a3-edgegpu", "a3-highgpu"), ON_DEMAND, _PER_FAMILY),
    _published(f"{_FAMILY}NVIDIA_H100_MEGA", "GPU", ("a3-megagpu",), ON_DEMAND, _PER_FAMILY, unverified=("id",)),
    _published(f"{_FAMILY}NVIDIA_H200", "GPU", ("a3-ultragpu",), ON_DEMAND, _PER_FAMILY),
    _published(f"{_FAMILY}NVIDIA_B200", "GPU", ("a4-highgpu",), ON_DEMAND, _PER_FAMILY),
    _published(f"{_FAMILY}NVIDIA_GB200", "GPU", ("a4x-highgpu",), ON_DEMAND, _PER_FAMILY),
    _published(f"{_FAMILY}NVIDIA_RTX_PRO_6000", "GPU", ("g4-standard",), ON_DEMAND, _PER_FAMILY),
    _published("PREEMPTIBLE-NVIDIA-H100-MEGA-GPUS-per-project-region", "GPU", ("a3-megagpu",), PREEMPTIBLE, _GPU),
    _published("PREEMPTIBLE-NVIDIA-H200-GPUS-per-project-region", "GPU", ("a3-ultragpu",), PREEMPTIBLE, _GPU),
    _published("PREEMPTIBLE-NVIDIA-B200-GPUS-per-project-region", "GPU", ("a4-highgpu",), PREEMPTIBLE, _GPU),
    _published("PREEMPTIBLE-NVIDIA-RTX-PRO-6000-GPUS-per-project-region", "GPU", ("g4-standard",), PREEMPTIBLE, _GPU),
    _published("TPU-V5P-per-project-region", "chip", ("ct5p-hightpu",), ON_DEMAND, _TPU),
    _published("PREEMPTIBLE-TPU-V5P-per-project-region", "chip", ("ct5p-hightpu",), PREEMPTIBLE, _TPU),
    _published("TPUS-PER-TPU-FAMILY-per-project-region:CT6E", "chip", ("ct6e-standard",), ON_DEMAND, _TPU),
    _published("PREEMPTIBLE-TPU-V6E-per-project-region", "chip", ("ct6e-standard",), PREEMPTIBLE, _TPU),
    _published(
        "TPUS-PER-TPU-FAMILY-per-project-region:TPU7X", "chip", ("tpu7x-standard",), ON_DEMAND, _TPU, unverified=("id",)
    ),
)


def quota_facts(rows: Iterable[Row]) -> Iterator[Fact]:
    """Every quota that our machines count against: those of the table, then the newer ones."""
    for row in rows:
        if row["quota_id"] not in COUNTED:
            continue
        families, modes = COUNTED[row["quota_id"]]
        confirmed = row["quota_id"] in CONFIRMED
        doubtful = ["id"] if row["memory_sourced_cells"] and not confirmed else []
        yield {
            "cloud": row["cloud"],
            "id": row["quota_id"],
            "name": row["quota_name"],
            "scope": row["scope"],
            "unit": row["unit"],
            "families": list(families),
            "modes": list(modes),
            "source": _EC2 if confirmed else row["source"],
            "as_of": "undated" if confirmed else date(row["as_of"]),
            "unverified": doubtful + _unverified_modes(row["cloud"], modes),
        }
    yield from PUBLISHED_QUOTAS
