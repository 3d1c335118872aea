"""Writes the packaged facts of the catalog from tables of raw material: python -m tools.facts FOLDER.

The tables are CSV files, one fact set a row, with `source` and `as_of`; blank is unknown, never zero. Written is
our own form: base units, one row a line, sources apart. Rows of share-alike sources are left out, and so is every price
that no source confirms.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from sizing.units import BILLION, GB, GIB, MB, TERA, bytes_per_s_from_gbit_per_s

Row = Mapping[str, str]
Fact = dict[str, object]

FACTS = Path(__file__).parent.parent / "sizing" / "catalog" / "facts"
SHARE_ALIKE = "sparecores"
# Zones that Google's page of supported TPU locations lists; the Compute API's longer list is not granted to customers.
TPU_ZONES = {
    "tpu-v6e": ("us-central1-b", "us-east1-d", "us-east5-a", "us-east5-b", "europe-west4-a"),
    "tpu-v5p": ("us-central1-a", "us-east5-a"),
    "tpu-v5e": ("us-central1-a", "us-south1-a", "us-west1-c", "us-west4-a"),
    "tpu-v4": ("us-central2-b",),
}
# Attention whose models' totals do not follow from the shapes in the table: known by name, not sized.
SHAPES_TELL_TOO_LITTLE = ("compressed", "KDA")
# What Google's tables call the accelerator of a machine family, where it is not our name of it.
GCP_OFFERED_AS = {
    "nvidia-t4": "nvidia-tesla-t4",
    "nvidia-p4": "nvidia-tesla-p4",
    "nvidia-p100": "nvidia-tesla-p100",
    "nvidia-v100-16gb": "nvidia-tesla-v100",
    "nvidia-a100-40gb": "nvidia-tesla-a100",
    "tpu-v7x": "tpu7x",
}
GCP_MACHINE_OFFERED_AS = {"a3-megagpu-8g": "nvidia-h100-mega-80gb", "a4x-maxgpu-4g-metal": "a4x-maxgpu-4g-metal"}
MODES = (
    ("on_demand", "on_demand_usd_h"),
    ("spot", "spot_usd_h_median"),
    ("capacity_block", "capacity_block_usd_h"),
    ("committed_1y", "commit_1y_usd_h"),
    ("committed_3y", "commit_3y_usd_h"),
)


def main(folder: Path) -> None:
    """Read the tables in *folder* and write every facts file."""
    instances = list(_rows(folder, "instances"))
    offered = {
        (row["cloud"], row["instance_type_or_accelerator"], row["region"]): _plain_zones(row["zones"])
        for row in _rows(folder, "offerings")
    }
    _write("accelerators", (_accelerator(row) for row in _rows(folder, "accelerators")))
    whole = [row for row in instances if row["vcpu"] and row["memory_gib"]]  # a machine of unknown size is no machine
    _write("machines", (_machine(row) for row in whole))
    _write("offers", _offers(_rows(folder, "prices"), offered, {(r["cloud"], r["instance_type"]): r for r in whole}))
    _write("storage", (_storage(row) for row in _rows(folder, "storage")))
    _write("charges", (_charge(row) for row in _rows(folder, "network")))
    _write("models", (_model(row) for row in _rows(folder, "models")))
    _write("zones", _zones(offered))


def _rows(folder: Path, table: str) -> Iterator[Row]:
    with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if SHARE_ALIKE not in row["source"].lower().replace(" ", ""):
                yield row


def _write(name: str, facts: Iterable[Fact]) -> None:
    """One fact a line, keys and lines sorted, sources in a table of their own: a change reads well in a diff."""
    rows = sorted(facts, key=lambda fact: json.dumps(fact, sort_keys=True))
    sources = sorted({(str(row["source"]), str(row["as_of"])) for row in rows})
    at = {pair: index for index, pair in enumerate(sources)}
    lines = [
        json.dumps(
            {key: value for key, value in row.items() if key not in {"source", "as_of"} and value not in (None, [], ())}
            | {"source": at[str(row["source"]), str(row["as_of"])]},
            sort_keys=True,
            ensure_ascii=False,
            separators=(",", ":"),
        )
        for row in rows
    ]
    if name == "offers":
        lines = _in_columns(rows, at)
    heads = [json.dumps(pair, ensure_ascii=False) for pair in sources]
    text = '{"sources":[\n' + ",\n".join(heads) + '\n],"rows":[\n' + ",\n".join(lines) + "\n]}\n"
    FACTS.mkdir(exist_ok=True)
    (FACTS / f"{name}.json").write_text(text, encoding="utf-8")
    print(f"{name}: {len(rows)} rows")


def _in_columns(rows: Iterable[Fact], at: Mapping[tuple[str, str], int]) -> list[str]:
    """Rows without their keys, as there are ten thousand; the loader names the columns in the same order."""
    columns = ("cloud", "machine", "region", "mode", "usd_per_hour", "orderable", "zones", "price_basis")
    return [
        json.dumps(
            [" ".join(_texts(row[key])) if key == "zones" else row[key] for key in columns]
            + [at[str(row["source"]), str(row["as_of"])]],
            separators=(",", ":"),
        )
        for row in rows
    ]


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split("|") if part.strip()]


def _plain_zones(text: str) -> list[str]:
    """Zones, less Google's AI zones (us-central1-ai1a): a regional cluster cannot use one as it uses the others."""
    return [zone for zone in _split(text) if not re.search(r"-ai\d", zone)]


def _number(text: str, scale: float = 1) -> float | None:
    return float(text) * scale if text.strip() else None


def _whole(text: str, scale: float = 1) -> int | None:
    return round(float(text) * scale) if text.strip() else None


def _provenance(row: Row, names: Mapping[str, str]) -> Fact:
    """Source and date, and which of our fields no source confirms (*names*: column to field)."""
    cells = set(_split(row["memory_sourced_cells"]))
    every = bool(cells & {"all", "all but class"})
    unverified: list[str] = sorted({field for column, field in names.items() if every or column in cells})
    return {"source": row["source"], "as_of": row["as_of"], "unverified": unverified}


def _accelerator(row: Row) -> Fact:
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
    both_ways = _number(row["scaleup_bw_gbs_bidir_per_chip"], GB)
    fact: Fact = {
        "name": row["accelerator"],
        "vendor": row["vendor"],
        "kind": {"google": "tpu", "aws": "neuron"}.get(row["vendor"], "gpu"),
        "architecture": row["architecture"],
        "memory_bytes": _whole(row["memory_gib_reported"] or row["memory_gib_nominal"], GIB),
        "nominal_memory_bytes": _whole(row["memory_gib_nominal"], GIB),
        "memory_bytes_per_s": _number(row["mem_bw_gbs"], GB),
        "bf16_flop_per_s": _number(row["tflops_bf16"] or row["tflops_fp16"], TERA),
        "fp8_flop_per_s": _number(row["tflops_fp8"], TERA),
        "int8_op_per_s": _number(row["tops_int8"], TERA),
        "fp4_flop_per_s": _number(row["tflops_fp4"], TERA),
        "link": row["scaleup_link"] or "unknown",
        "link_bytes_per_s": None if both_ways is None else both_ways / 2,
        "link_domain": _whole(row["scaleup_domain_max"]) or _whole(row["pod_size"]) or 1,
        "host_link_bytes_per_s": _number(row["host_link_gbs_one_way"], GB),
        "tdp_watts": _number(row["tdp_w"]),
        "compute_capability": row["compute_capability"] or None,
        "native_precisions": _split(row["dtypes_native"]),
        "topologies": [shape for shape in row["topologies"].replace("|", ",").split(",") if shape],
        "rented_on": [
            c
            for c in ("aws", "gcp")
            if any(x.startswith(c) and "retired" not in x and "?" not in x for x in _split(row["clouds"]))
        ],
    }
    provenance = _provenance(row, names)
    if not row["memory_gib_reported"]:
        provenance["unverified"] = sorted({*_texts(provenance["unverified"]), "memory_bytes"})
    return fact | provenance


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _machine(row: Row) -> Fact:
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
    stated = _number(row["network_gbps_stated"])
    return {
        "cloud": row["cloud"],
        "name": row["instance_type"],
        "family": row["family"],
        "arch": row["arch"] or "x86_64",
        "vcpus": _whole(row["vcpu"]),
        "memory_bytes": _whole(row["memory_gib"], GIB),
        "accelerator": row["accelerator"] or None,
        "accelerators": _whole(row["accelerator_count"]) or 0,
        "accelerator_fraction": _number(row["accelerator_fraction"]) or 1.0,
        "network_bytes_per_s": None if stated is None else bytes_per_s_from_gbit_per_s(stated),
        "fabric": row["rdma"] or None,
        "fabric_interfaces": _whole(row["rdma_interfaces"]) or 0,
        "network_cards": _whole(row["network_cards"]) or 1,
        "local_disks": _whole(row["local_nvme_count"]) or 0,
        "local_disk_bytes": _whole(row["local_nvme_gb_total"], GB) or 0,
        "usage_classes": _split(row["usage_classes"]),
        **_provenance(row, names),
    }


def _offers(
    prices: Iterable[Row], offered: Mapping[tuple[str, str, str], list[str]], instances: Mapping[tuple[str, str], Row]
) -> Iterator[Fact]:
    """An offer for each price of a row; a row without any is one on-demand offer of unknown price."""
    for row in prices:
        machine = instances.get((row["cloud"], row["instance_type"]))
        if machine is None:
            continue
        zones = _offer_zones(row, machine, offered)
        priced = [(mode, _number(row[column])) for mode, column in MODES if row[column]]
        if not any(mode == "on_demand" for mode, _ in priced):
            priced.append(("on_demand", None))
        for mode, usd in priced:
            yield {
                "cloud": row["cloud"],
                "machine": row["instance_type"],
                "region": row["region"],
                "mode": mode,
                "usd_per_hour": usd,
                "orderable": mode != "on_demand" or row["on_demand_orderable"] != "false",
                "zones": zones,
                "price_basis": row["price_basis"],
                "source": row["source"],
                "as_of": row["as_of"],
            }


def _offer_zones(row: Row, machine: Row, offered: Mapping[tuple[str, str, str], list[str]]) -> list[str]:
    """Zones of the region that offer the machine; those of a TPU are the ones that Google supports."""
    cloud, name, region = row["cloud"], row["instance_type"], row["region"]
    accelerator = machine["accelerator"]
    if accelerator in TPU_ZONES:
        return [zone for zone in TPU_ZONES[accelerator] if zone.rpartition("-")[0] == region]
    if cloud == "aws":
        return offered.get((cloud, name, region), [])
    if not accelerator:
        return sorted({zone for (c, _, r), zones in offered.items() if (c, r) == (cloud, region) for zone in zones})
    by = GCP_MACHINE_OFFERED_AS.get(name) or GCP_OFFERED_AS.get(accelerator, accelerator)
    return offered.get((cloud, by, region), [])


def _zones(offered: Mapping[tuple[str, str, str], list[str]]) -> Iterator[Fact]:
    """Every zone that any offering names, by region."""
    known: dict[tuple[str, str], set[str]] = {}
    for (cloud, _, region), zones in offered.items():
        known.setdefault((cloud, region), set()).update(zones)
    for (cloud, region), names in known.items():
        yield {
            "cloud": cloud,
            "region": region,
            "zones": sorted(names),
            "source": "EC2 instance type offerings in moto 5.2.5; Compute and TPU API locations in skypilot-catalog v9",
            "as_of": "2026",
        }


def _storage(row: Row) -> Fact:
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
        "usd_per_gb_month": _number(row["usd_per_gb_month"]),
        "included_iops": _number(row["included_iops"]),
        "usd_per_iops_month": _number(row["usd_per_iops_month"]),
        "included_bytes_per_s": _number(row["included_throughput_mbs"], MB),
        "max_bytes_per_s": _number(row["max_throughput_mbs"], MB),
        "usd_per_mb_per_s_month": _number(row["usd_per_mbs_month"]),
    }
    return _without_unverified_prices(fact | _provenance(row, names))


def _charge(row: Row) -> Fact:
    fact: Fact = {
        "cloud": row["cloud"],
        "region": row["region"],
        "item": row["item"],
        "tier": row["tier"],
        "usd": _number(row["usd"]),
        "unit": row["unit"],
    }
    return _without_unverified_prices(fact | _provenance(row, {"usd": "usd"}))


def _without_unverified_prices(fact: Fact) -> Fact:
    """A price that no source confirms is unknown; the field stays named as unverified."""
    unverified = set(_texts(fact["unverified"]))
    return {key: None if key.startswith("usd") and key in unverified else value for key, value in fact.items()}


def _model(row: Row) -> Fact:
    """Blank cells stay away; the loader knows what may be missing in which kind of model."""
    whole: Callable[[str], int | None] = lambda column: _whole(row[column])  # noqa: E731  a table of columns follows
    moe = whole("n_experts")
    latent = whole("mla_kv_lora")
    decoder = row["kind"] in {"dense", "moe", "decoder"} and whole("n_layers") is not None
    untold = not row["params_total_b"] and any(word in row["attention_kind"] for word in SHAPES_TELL_TOO_LITTLE)
    total = _number(row["params_total_b"] or row["params_published_total_b"], BILLION)
    active = _number(row["params_active_b"] or row["params_published_active_b"], BILLION) or total
    layers = whole("n_layers") or 0
    sliding, linear = whole("n_layers_sliding_attn") or 0, whole("n_layers_linear_or_ssm") or 0
    full = whole("n_layers_full_attn")
    return {
        "name": row["model"],
        "aliases": _split(row["aliases"]),
        "family": row["family"],
        "kind": "decoder" if decoder and row["kv_elems_per_token_full"] and not untold else "other",
        "attention": row["attention_kind"],
        "layers": layers,
        "full_attention_layers": layers - sliding - linear if full is None else full,
        "sliding_layers": sliding,
        "linear_layers": linear,
        "hidden": whole("hidden") or 0,
        "heads": whole("n_heads") or 0,
        "kv_heads": whole("n_kv_heads") or whole("n_heads") or 0,
        "head_dim": whole("head_dim") or 0,
        "intermediate": whole("intermediate") or 0,
        "vocab": whole("vocab") or 0,
        "tied_embeddings": row["tied_embeddings"] == "True",
        "moe": None
        if moe is None
        else {
            "experts": moe,
            "experts_per_token": whole("n_experts_active") or 0,
            "intermediate": whole("moe_intermediate") or 0,
            "shared_experts": whole("n_shared_experts") or (1 if whole("shared_intermediate") else 0),
            "shared_intermediate": (whole("shared_intermediate") or 0) // (whole("n_shared_experts") or 1),
            "dense_layers": whole("n_dense_layers") or 0,
        },
        "mla": None
        if latent is None
        else {
            "q_rank": whole("mla_q_lora"),
            "kv_rank": latent,
            "rope_dim": whole("mla_rope_dim") or 0,
            "nope_dim": whole("mla_nope_dim") or 0,
            "v_dim": whole("mla_v_dim") or 0,
        },
        "sliding_window": whole("sliding_window"),
        "max_context": whole("max_context") or 0,
        "parameters": None if total is None else round(total),  # None: the loader works it out from the shapes
        "active_parameters": None if active is None else round(active),
        "kv_elements_per_token_full": whole("kv_elems_per_token_full") or 0,
        "kv_elements_per_token_sliding": whole("kv_elems_per_token_sliding") or 0,
        "state_elements_per_sequence": whole("state_elems_per_seq_linear") or 0,
        "native_precision": row["native_dtype"],
        **_provenance(row, {name: name for name in ("max_context", "native_dtype")}),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
