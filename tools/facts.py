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
DATED = frozenset({"source", "as_of"})
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
# Google's documentation of regions and zones: three zones a region, a to c, but for these.
GCP_ZONE_LETTERS = {"us-central1": "abcf", "us-east1": "bcd", "europe-west1": "bcd", "us-central2": "b"}
GCP_LOCAL_SSD_GB = {"z3": 3000}  # capacity of one local SSD; 375 GB in every other family
# Each layer is a mixer or a feed-forward, never both.
FEED_FORWARD_APART = frozenset({"nemotron-h", "nemotron-3"})
GB_NOT_GIB = frozenset({"tpu-v5e", "tpu-v6e"})  # Google states GB; without a driver figure the smaller reading is safe
AWS_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")  # a local zone (us-east-1-dfw-2a) is none
DAY = re.compile(r"20\d\d(?:-H\d|-(?:0[1-9]|1[0-2])(?!\d)(?:-\d\d)?)?")
# Which of several sources of a price row a mode is from; on-demand prices are from the first that is none of these.
MODE_SOURCES = {"spot": "skypilot", "capacity_block": "koyakimu", "committed_1y": "LeanerCloud"}
SPOT_FLOOR = 0.1  # of the on-demand price: where AWS pins the spot price of a market without trades
MODES = (
    ("on_demand", "on_demand_usd_h"),
    ("spot", "spot_usd_h_median"),
    ("capacity_block", "capacity_block_usd_h"),
    ("committed_1y", "commit_1y_usd_h"),
    ("committed_3y", "commit_3y_usd_h"),
)
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


def main(folder: Path) -> None:
    """Read the tables in *folder* and write every facts file."""
    instances = list(_rows(folder, "instances"))
    offered = {
        (row["cloud"], row["instance_type_or_accelerator"], row["region"]): _plain_zones(row["zones"])
        for row in _rows(folder, "offerings")
    }
    prices = [r for r in _rows(folder, "prices") if r["cloud"] != "aws" or AWS_REGION.fullmatch(r["region"])]
    whole = [row for row in instances if row["vcpu"] and row["memory_gib"]]  # a machine of unknown size is no machine
    machines = {(row["cloud"], row["instance_type"]): row for row in whole}
    zones = _zones(offered, prices)
    _write("accelerators", (_accelerator(row, whole) for row in _rows(folder, "accelerators")))
    _write("machines", (_machine(row) for row in whole))
    _write("offers", [*_offers(prices, offered, machines, zones), *_unpriced(prices, offered, machines, zones)])
    _write("storage", (_storage(row) for row in _rows(folder, "storage")))
    _write("charges", [*(_charge(row) for row in _rows(folder, "network")), *PUBLISHED_CHARGES])
    models = list(_rows(folder, "models"))
    _write("models", (_model(row, models) for row in models))
    _write("zones", _zone_facts(zones))


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
    tables: dict[str, list[str]] = {"sources": [_json(pair) for pair in sources]}
    if name == "offers":
        bases = sorted({str(row["price_basis"]) for row in rows})
        tables["bases"] = [_json(basis) for basis in bases]
        tables["rows"] = _by_region(rows, at, bases)
    else:
        tables["rows"] = [
            _json(
                {key: value for key, value in row.items() if key not in DATED and value not in (None, [], ())}
                | {"source": at[str(row["source"]), str(row["as_of"])]}
            )
            for row in rows
        ]
    text = ",".join(f'"{table}":[\n' + ",\n".join(lines) + "\n]" for table, lines in tables.items())
    FACTS.mkdir(exist_ok=True)
    (FACTS / f"{name}.json").write_text("{" + text + "}\n", encoding="utf-8")
    print(f"{name}: {len(rows)} rows")


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _by_region(rows: Iterable[Fact], at: Mapping[tuple[str, str], int], bases: list[str]) -> list[str]:
    """A line for each machine and region, its modes behind: as there are ten thousand offers, keys are left out."""
    lines: dict[tuple[object, object, object, str], list[list[object]]] = {}
    for row in rows:
        place = (row["cloud"], row["machine"], row["region"], " ".join(_texts(row["zones"])))
        source = at[str(row["source"]), str(row["as_of"])]
        basis = bases.index(str(row["price_basis"]))
        lines.setdefault(place, []).append(
            [row["mode"], row["usd_per_hour"], int(bool(row["orderable"])), basis, source]
        )
    return [
        _json([*place, *sorted(modes, key=_json)]) for place, modes in sorted(lines.items(), key=lambda x: _json(x[0]))
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
    return {"source": row["source"], "as_of": _date(row["as_of"]), "unverified": unverified}


def _date(text: str) -> str:
    """The oldest date that a text names, as far as it goes: 2026-07-20, 2026-07, 2026-H2, 2026; or undated."""
    return min(DAY.findall(text), default="undated")


def _accelerator(row: Row, machines: Iterable[Row]) -> Fact:
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
    gib = GB if row["accelerator"] in GB_NOT_GIB else GIB
    link = "none" if row["scaleup_link"].startswith("none") else row["scaleup_link"] or "unknown"
    domain = _whole(row["scaleup_domain_max"]) or _whole(row["pod_size"])
    in_one_machine = max(
        (_whole(m["accelerator_count"]) or 1 for m in machines if m["accelerator"] == row["accelerator"]), default=1
    )
    inferred = domain is None and row["vendor"] == "aws"  # NeuronLink joins the chips of one machine
    fact: Fact = {
        "name": row["accelerator"],
        "vendor": row["vendor"],
        "kind": {"google": "tpu", "aws": "neuron"}.get(row["vendor"], "gpu"),
        "architecture": row["architecture"],
        "memory_bytes": _whole(row["memory_gib_reported"] or row["memory_gib_nominal"], gib),
        "nominal_memory_bytes": _whole(row["memory_gib_nominal"], gib),
        "memory_bytes_per_s": _number(row["mem_bw_gbs"], GB),
        "bf16_flop_per_s": _number(row["tflops_bf16"] or row["tflops_fp16"], TERA),
        "fp8_flop_per_s": _number(row["tflops_fp8"], TERA),
        "int8_op_per_s": _number(row["tops_int8"], TERA),
        "fp4_flop_per_s": _number(row["tflops_fp4"], TERA),
        "link": link,
        "link_bytes_per_s": None if both_ways is None else both_ways / 2,
        "link_domain": in_one_machine if inferred else domain or 1,
        "host_link_bytes_per_s": _number(row["host_link_gbs_one_way"], GB),
        "tdp_watts": _number(row["tdp_w"]),
        "compute_capability": row["compute_capability"] or None,
        "native_precisions": _split(row["dtypes_native"]),
        "topologies": re.findall(r"\d+x\d+(?:x\d+)?", row["topologies"]),
        "rented_on": [
            cloud
            for cloud in ("aws", "gcp")
            if any(where.startswith(cloud) and not re.search(r"retired|\?", where) for where in _split(row["clouds"]))
        ],
    }
    provenance = _provenance(row, names)
    doubts = set(_texts(provenance["unverified"])) | ({"link_domain"} if inferred else set())
    if not row["memory_gib_reported"]:  # the nominal figure stands for the driver's
        doubts.add("memory_bytes")
    return fact | provenance | {"unverified": sorted(doubts)}


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
    disks, disk_gb = _whole(row["local_nvme_count"]), _whole(row["local_nvme_gb_total"])
    provenance = _provenance(row, names)
    if disk_gb and disks is None:  # Google sells them by the piece
        disks = round(disk_gb / GCP_LOCAL_SSD_GB.get(row["family"].partition("-")[0], 375))
        provenance["unverified"] = sorted({*_texts(provenance["unverified"]), "local_disks"})
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
        "local_disks": disks or 0,
        "local_disk_bytes": _whole(row["local_nvme_gb_total"], GB) or 0,
        "usage_classes": _split(row["usage_classes"]),
        **provenance,
    }


Places = Mapping[tuple[str, str, str], list[str]]
Zones = Mapping[tuple[str, str], list[str]]
Machines = Mapping[tuple[str, str], Row]


def _offers(prices: Iterable[Row], offered: Places, machines: Machines, zones: Zones) -> Iterator[Fact]:
    """An offer for each price of a row; a row without any is one on-demand offer of unknown price."""
    for row in prices:
        machine = machines.get((row["cloud"], row["instance_type"]))
        if machine is None:
            continue
        sold_in = _offer_zones(machine, row["region"], offered, zones)
        supported = bool(sold_in) or machine["accelerator"] not in TPU_ZONES
        priced = [(mode, _number(row[column])) for mode, column in MODES if row[column]]
        if not any(mode == "on_demand" for mode, _ in priced):
            priced.append(("on_demand", None))
        for mode, usd in priced:
            source, as_of = _source_of(row, mode)
            price, basis = _spot(row) if mode == "spot" else (usd, row["price_basis"])
            yield {
                "cloud": row["cloud"],
                "machine": row["instance_type"],
                "region": row["region"],
                "mode": mode,
                "usd_per_hour": price,
                "orderable": supported and (mode != "on_demand" or row["on_demand_orderable"] != "false"),
                "zones": sold_in,
                "price_basis": basis,
                "source": source,
                "as_of": as_of,
            }


def _unpriced(prices: Iterable[Row], offered: Places, machines: Machines, zones: Zones) -> Iterator[Fact]:
    """What Google lists in a region though no source prices it: an offer of unknown price, so that it is seen."""
    priced = {(row["cloud"], row["instance_type"]) for row in prices}
    for (cloud, name), machine in machines.items():
        if cloud != "gcp" or (cloud, name) in priced or not machine["accelerator"]:
            continue
        for region in sorted({region for c, what, region in offered if c == cloud and what in _offered_as(machine)}):
            yield {
                "cloud": cloud,
                "machine": name,
                "region": region,
                "mode": "on_demand",
                "usd_per_hour": None,
                "orderable": "on-demand" in _split(machine["usage_classes"]),
                "zones": _offer_zones(machine, region, offered, zones),
                "price_basis": "no price in sources",
                "source": "Cyclenerd tools/acceleratortyperegion.csv",
                "as_of": "2026-08-10",
            }


def _source_of(row: Row, mode: str) -> tuple[str, str]:
    """Source and date of the price of one mode, where the row names several sources and as many dates."""
    sources, dates = row["source"].split(" + "), row["as_of"].split(" / ")
    if len(sources) != len(dates):
        return row["source"], _date(row["as_of"])
    word = MODE_SOURCES.get(mode)
    others = [at for at, source in enumerate(sources) if not any(other in source for other in MODE_SOURCES.values())]
    named = [at for at, source in enumerate(sources) if word is not None and word in source]
    at = (named or others or [0])[0]
    return sources[at], _date(dates[at])


def _spot(row: Row) -> tuple[float | None, str]:
    """
    The median over zones, never the minimum, and what it is.

    AWS pins the price of a market without trades at the on-demand price, which is a price, or at a tenth of it, which
    nobody can expect to pay.
    """
    median, listed = _number(row["spot_usd_h_median"]), _number(row["on_demand_usd_h"])
    if median is None or listed is None:
        return median, f"{row['price_basis']}, median over zones"
    if row["cloud"] == "aws" and abs(median / listed - SPOT_FLOOR) < SPOT_FLOOR / 100:
        return None, "pinned at a tenth of the on-demand price: no market seen"
    if row["cloud"] == "aws" and "pinned at on-demand" in row["flags"]:
        return min(median, listed), "median over zones, some pinned at the on-demand price"
    return median, "median over zones" if row["cloud"] == "aws" else row["price_basis"]


def _offered_as(machine: Row) -> set[str]:
    """Names under which Google's tables list a machine: its accelerator, or for TPUs its family."""
    accelerator = machine["accelerator"]
    by = GCP_MACHINE_OFFERED_AS.get(machine["instance_type"]) or GCP_OFFERED_AS.get(accelerator, accelerator)
    return {by, machine["instance_type"].partition("-")[0]}


def _offer_zones(machine: Row, region: str, offered: Places, zones: Zones) -> list[str]:
    """Zones of the region that offer the machine; those of a TPU are the ones that Google supports."""
    cloud, accelerator = machine["cloud"], machine["accelerator"]
    if accelerator in TPU_ZONES:
        return [zone for zone in TPU_ZONES[accelerator] if zone.rpartition("-")[0] == region]
    if cloud == "aws":
        return offered.get((cloud, machine["instance_type"], region), [])
    if not accelerator:
        return zones[cloud, region]
    return sorted({zone for name in _offered_as(machine) for zone in offered.get((cloud, name, region), [])})


def _zones(offered: Places, prices: Iterable[Row]) -> Zones:
    """Every zone of every region: on AWS as offerings name them, on Google Cloud as its documentation does."""
    known: dict[tuple[str, str], set[str]] = {}
    for (cloud, _, region), zones in offered.items():
        known.setdefault((cloud, region), set()).update(zones if cloud == "aws" else ())
    for region in {row["region"] for row in prices if row["cloud"] == "gcp"} | {r for c, r in known if c == "gcp"}:
        known["gcp", region] = {f"{region}-{letter}" for letter in GCP_ZONE_LETTERS.get(region, "abc")}
    return {place: sorted(zones) for place, zones in known.items()}


def _zone_facts(zones: Zones) -> Iterator[Fact]:
    for (cloud, region), names in zones.items():
        source = (
            ("EC2 instance type offerings by zone id in moto 5.2.5", "2026-H2")
            if cloud == "aws"
            else ("Google Cloud documentation, regions and zones", "2026-02")
        )
        yield {"cloud": cloud, "region": region, "zones": names, "source": source[0], "as_of": source[1]}


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


def _model(row: Row, models: Iterable[Row]) -> Fact:
    """Blank cells stay away; the loader knows what may be missing in which kind of model (*models*: all of them)."""
    whole: Callable[[str], int | None] = lambda column: _whole(row[column])  # noqa: E731  a table of columns follows
    moe = whole("n_experts")
    latent = whole("mla_kv_lora")
    decoder = row["kind"] in {"dense", "moe", "decoder"} and whole("n_layers") is not None
    untold = not row["params_total_b"] and any(word in row["attention_kind"] for word in SHAPES_TELL_TOO_LITTLE)
    doubts = _provenance(row, {name: name for name in ("max_context", "native_dtype")})
    state = row["state_elems_per_seq_linear"]
    if not state and row["n_layers_linear_or_ssm"] and (state := _state_of_twin(row, models)):
        doubts["unverified"] = sorted({*_texts(doubts["unverified"]), "state_elements_per_sequence"})
    total = _number(row["params_total_b"] or row["params_published_total_b"], BILLION)
    active = _number(row["params_active_b"] or row["params_published_active_b"], BILLION) or total
    layers = whole("n_layers") or 0
    if moe and total and 2 * moe * (whole("moe_intermediate") or 0) * (whole("hidden") or 0) * layers > 4 * total:
        untold = True  # experts in a narrower space than the hidden one, which the table does not give
    sliding, linear = whole("n_layers_sliding_attn") or 0, whole("n_layers_linear_or_ssm") or 0
    full = whole("n_layers_full_attn")
    feeding = layers - (full or 0) - linear if row["family"] in FEED_FORWARD_APART else None
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
        "intermediate": 0 if feeding is not None and moe is not None else whole("intermediate") or 0,
        "feed_forward_layers": feeding,
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
            "dense_layers": whole("n_dense_layers") or 0 if feeding is None else layers - feeding,
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
        "state_elements_per_sequence": _whole(state) or 0,
        "native_precision": row["native_dtype"],
        **doubts,
    }


def _state_of_twin(row: Row, models: Iterable[Row]) -> str:
    """The state of a model of the same family and dimensions, where the table lacks this one's."""
    same = ("family", "n_layers", "n_layers_linear_or_ssm", "hidden", "n_heads")
    twins = (other for other in models if all(other[column] == row[column] for column in same))
    return next((other["state_elems_per_seq_linear"] for other in twins if other["state_elems_per_seq_linear"]), "")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
