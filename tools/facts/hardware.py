"""Accelerators and machines: their rows as facts in base units."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sizing.units import GB, GIB, TERA, bytes_per_s_from_gbit_per_s
from tools.facts.cells import Fact, Row, dated, number, split, texts, whole

GCP_LOCAL_SSD_GB = {"z3": 3000}  # capacity of one local SSD; 375 GB in every other family
GB_NOT_GIB = frozenset({"tpu-v5e", "tpu-v6e"})  # Google states GB; without a driver figure the smaller reading is safe


def accelerator_fact(row: Row, machines: Iterable[Row]) -> Fact:
    """One device; *machines* tell how many of it one machine joins."""
    names = {
        "mem_bw_gbs": "memory_bytes_per_s",
        "memory_gib_nominal": "nominal_memory_bytes",
        "memory_gib_reported": "memory_bytes",
        "tflops_bf16": "bf16_flop_per_s",
        "tflops_fp8": "fp8_flop_per_s",
        "tops_int8": "int8_op_per_s",
        "tflops_fp4": "fp4_flop_per_s",
        "scaleup_bw_gbs_bidir_per_chip": "link_bytes_per_s",
        "scaleup_domain_max": "link_domain",
        "host_link_gbs_one_way": "host_link_bytes_per_s",
        "tdp_w": "tdp_watts",
        "compute_capability": "compute_capability",
    }
    both_ways = number(row["scaleup_bw_gbs_bidir_per_chip"], GB)
    gib = GB if row["accelerator"] in GB_NOT_GIB else GIB
    link = "none" if row["scaleup_link"].startswith("none") else row["scaleup_link"] or "unknown"
    domain = whole(row["scaleup_domain_max"]) or whole(row["pod_size"])
    in_one_machine = max(
        (whole(m["accelerator_count"]) or 1 for m in machines if m["accelerator"] == row["accelerator"]), default=1
    )
    inferred = domain is None and row["vendor"] == "aws"  # NeuronLink joins the chips of one machine
    fact: Fact = {
        "name": row["accelerator"],
        "vendor": row["vendor"],
        "kind": {"google": "tpu", "aws": "neuron"}.get(row["vendor"], "gpu"),
        "architecture": row["architecture"],
        "memory_bytes": whole(row["memory_gib_reported"] or row["memory_gib_nominal"], gib),
        "nominal_memory_bytes": whole(row["memory_gib_nominal"], gib),
        "memory_bytes_per_s": number(row["mem_bw_gbs"], GB),
        "bf16_flop_per_s": number(row["tflops_bf16"] or row["tflops_fp16"], TERA),
        "fp8_flop_per_s": number(row["tflops_fp8"], TERA),
        "int8_op_per_s": number(row["tops_int8"], TERA),
        "fp4_flop_per_s": number(row["tflops_fp4"], TERA),
        "link": link,
        "link_bytes_per_s": None if both_ways is None else both_ways / 2,
        "link_domain": in_one_machine if inferred else domain or 1,
        "host_link_bytes_per_s": number(row["host_link_gbs_one_way"], GB),
        "tdp_watts": number(row["tdp_w"]),
        "compute_capability": row["compute_capability"] or None,
        "native_precisions": split(row["dtypes_native"]),
        "topologies": re.findall(r"\d+x\d+(?:x\d+)?", row["topologies"]),
        "rented_on": [
            cloud
            for cloud in ("aws", "gcp")
            if any(where.startswith(cloud) and not re.search(r"retired|\?", where) for where in split(row["clouds"]))
        ],
    }
    provenance = dated(row, names)
    doubts = set(texts(provenance["unverified"])) | ({"link_domain"} if inferred else set())
    if not row["memory_gib_reported"]:  # the nominal figure stands for the driver's
        doubts.add("memory_bytes")
    return fact | provenance | {"unverified": sorted(doubts)}


def machine_fact(row: Row) -> Fact:
    """One machine type."""
    names = {
        "vcpu": "vcpus",
        "memory_gib": "memory_bytes",
        "network_gbps_stated": "network_bytes_per_s",
        "rdma": "fabric",
        "rdma_interfaces": "fabric_interfaces",
        "accelerator_count": "accelerators",
        "local_nvme_gb_total": "local_disk_bytes",
        "local_nvme_count": "local_disks",
    }
    stated = number(row["network_gbps_stated"])
    disks, disk_gb = whole(row["local_nvme_count"]), whole(row["local_nvme_gb_total"])
    provenance = dated(row, names)
    if disk_gb and disks is None:  # Google sells them by the piece
        disks = round(disk_gb / GCP_LOCAL_SSD_GB.get(row["family"].partition("-")[0], 375))
        provenance["unverified"] = sorted({*texts(provenance["unverified"]), "local_disks"})
    return {
        "cloud": row["cloud"],
        "name": row["instance_type"],
        "family": row["family"],
        "arch": row["arch"] or "x86_64",
        "vcpus": whole(row["vcpu"]),
        "memory_bytes": whole(row["memory_gib"], GIB),
        "accelerator": row["accelerator"] or None,
        "accelerators": whole(row["accelerator_count"]) or 0,
        "accelerator_fraction": number(row["accelerator_fraction"]) or 1.0,
        "network_bytes_per_s": None if stated is None else bytes_per_s_from_gbit_per_s(stated),
        "fabric": row["rdma"] or None,
        "fabric_interfaces": whole(row["rdma_interfaces"]) or 0,
        "network_cards": whole(row["network_cards"]) or 1,
        "local_disks": disks or 0,
        "local_disk_bytes": whole(row["local_nvme_gb_total"], GB) or 0,
        "usage_classes": split(row["usage_classes"]),
        **provenance,
    }
