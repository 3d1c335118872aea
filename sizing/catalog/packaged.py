"""The packaged facts files as values; the only files that `sizing` opens, through `importlib.resources`."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any, TypeVar

from sizing.catalog.accelerator import Accelerator, AcceleratorKind, Precision
from sizing.catalog.catalog import Catalog
from sizing.catalog.charge import Charge, StorageTier
from sizing.catalog.formats import StoredPart, WeightFormats, whole
from sizing.catalog.machine import Cloud, Machine
from sizing.catalog.model import LatentAttention, MixtureOfExperts, Model, ModelKind, SparseAttention
from sizing.catalog.offer import Offer, PurchaseMode
from sizing.catalog.provenance import Provenance
from sizing.catalog.quantization import named_precision
from sizing.catalog.quota import AccountQuota, QuotaScope, QuotaUnit
from sizing.catalog.shape import Shape, dimensions

FILES = ("accelerators", "charges", "machines", "models", "offers", "quotas", "storage", "zones")
UNGATED = frozenset(  # two matrices in the feed-forward, by the published architecture of the family
    {"bloom", "falcon", "gpt-neo", "gpt2", "gpt3", "gptj", "megatron", "mpt", "nemotron-4", "opt", "phi", "pythia"}
    | {"nemotron-3", "nemotron-h", "starcoder2"}
)
_NATIVE = {"fp16": Precision.BF16, "fp4": Precision.NVFP4}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
Raw = Mapping[str, Any]
T = TypeVar("T")


@cache
def catalog() -> Catalog:
    """The packaged facts; read once."""
    texts = {name: _read(name) for name in FILES}
    offers = tuple(_offers(json.loads(texts["offers"])))
    dates = {offer.provenance.as_of for offer in offers if offer.usd_per_hour is not None}
    days = [day for date in dates for day in _DAY.findall(date)]
    return Catalog(
        accelerators=_facts(texts["accelerators"], _accelerator),
        machines=_facts(texts["machines"], _machine),
        offers=offers,
        storage=_facts(texts["storage"], _storage_tier),
        charges=_facts(texts["charges"], _charge),
        models=_facts(texts["models"], _model),
        quotas=_facts(texts["quotas"], _quota),
        zones_by_region={
            (Cloud(row["cloud"]), row["region"]): tuple(row.get("zones", ()))
            for row in json.loads(texts["zones"])["rows"]
        },
        as_of=max(days, default="unknown"),
        oldest_price_as_of=min(days, default="unknown"),
        hash=hashlib.sha256("".join(texts[name] for name in FILES).encode()).hexdigest(),
    )


def _read(name: str) -> str:
    return resources.files("sizing.catalog").joinpath("facts", f"{name}.json").read_text(encoding="utf-8")


def _facts(text: str, build: Callable[[Raw, Provenance], T]) -> tuple[T, ...]:
    document = json.loads(text)
    sources = document["sources"]
    return tuple(build(row, _provenance(row, sources)) for row in document["rows"])


def _provenance(row: Raw, sources: list[list[str]]) -> Provenance:
    source, as_of = sources[row["source"]]
    return Provenance(source=source, as_of=as_of, unverified=tuple(row.get("unverified", ())))


def _offers(document: Raw) -> Iterator[Offer]:
    """An offer for each purchase mode of each line, which is a machine in a region."""
    provenances = [Provenance(source=source, as_of=as_of) for source, as_of in document["sources"]]
    bases = document["bases"]
    clouds = {cloud.value: cloud for cloud in Cloud}
    modes = {mode.value: mode for mode in PurchaseMode}
    for cloud, machine, region, zones, *priced in document["rows"]:
        within = tuple(zones.split())
        for mode, usd_per_hour, orderable, basis, source in priced:
            yield Offer(
                cloud=clouds[cloud],
                machine=machine,
                region=region,
                mode=modes[mode],
                usd_per_hour=usd_per_hour,
                orderable=bool(orderable),
                zones=within,
                price_basis=bases[basis],
                provenance=provenances[source],
            )


def _accelerator(row: Raw, provenance: Provenance) -> Accelerator:
    return Accelerator(
        name=row["name"],
        vendor=row["vendor"],
        kind=AcceleratorKind(row["kind"]),
        architecture=row["architecture"],
        memory_bytes=row["memory_bytes"],
        nominal_memory_bytes=row["nominal_memory_bytes"],
        memory_bytes_per_s=row.get("memory_bytes_per_s"),
        bf16_flop_per_s=row.get("bf16_flop_per_s"),
        fp8_flop_per_s=row.get("fp8_flop_per_s"),
        int8_op_per_s=row.get("int8_op_per_s"),
        fp4_flop_per_s=row.get("fp4_flop_per_s"),
        link=row["link"],
        link_bytes_per_s=row.get("link_bytes_per_s"),
        link_domain=row["link_domain"],
        host_link_bytes_per_s=row.get("host_link_bytes_per_s"),
        tdp_watts=row.get("tdp_watts"),
        compute_capability=row.get("compute_capability"),
        native_precisions=tuple(row.get("native_precisions", ())),
        topologies=tuple(row.get("topologies", ())),
        rented_on=tuple(row.get("rented_on", ())),
        provenance=provenance,
    )


def _machine(row: Raw, provenance: Provenance) -> Machine:
    return Machine(
        cloud=Cloud(row["cloud"]),
        name=row["name"],
        family=row["family"],
        arch=row["arch"],
        vcpus=row["vcpus"],
        memory_bytes=row["memory_bytes"],
        accelerator=row.get("accelerator"),
        accelerators=row["accelerators"],
        accelerator_fraction=row["accelerator_fraction"],
        network_bytes_per_s=row.get("network_bytes_per_s"),
        fabric=row.get("fabric"),
        fabric_interfaces=row["fabric_interfaces"],
        network_cards=row["network_cards"],
        local_disks=row["local_disks"],
        local_disk_bytes=row["local_disk_bytes"],
        usage_classes=tuple(row.get("usage_classes", ())),
        provenance=provenance,
    )


def _storage_tier(row: Raw, provenance: Provenance) -> StorageTier:
    return StorageTier(
        cloud=Cloud(row["cloud"]),
        region=row["region"],
        service=row["service"],
        tier=row["tier"],
        usd_per_gb_month=row.get("usd_per_gb_month"),
        included_iops=row.get("included_iops"),
        usd_per_iops_month=row.get("usd_per_iops_month"),
        included_bytes_per_s=row.get("included_bytes_per_s"),
        max_bytes_per_s=row.get("max_bytes_per_s"),
        usd_per_mb_per_s_month=row.get("usd_per_mb_per_s_month"),
        provenance=provenance,
    )


def _charge(row: Raw, provenance: Provenance) -> Charge:
    return Charge(
        cloud=Cloud(row["cloud"]),
        region=row["region"],
        item=row["item"],
        tier=row["tier"],
        usd=row.get("usd"),
        unit=row["unit"],
        provenance=provenance,
    )


def _quota(row: Raw, provenance: Provenance) -> AccountQuota:
    return AccountQuota(
        cloud=Cloud(row["cloud"]),
        id=row["id"],
        name=row["name"],
        scope=QuotaScope(row["scope"]),
        unit=QuotaUnit(row["unit"]),
        families=tuple(row["families"]),
        modes=tuple(PurchaseMode(mode) for mode in row["modes"]),
        provenance=provenance,
    )


def _model(row: Raw, provenance: Provenance) -> Model:
    shape = _shape(row)
    native = row["native_precision"]
    hub_ids = [alias for alias in row.get("aliases", ()) if "/" in alias]
    hub_ids.sort(key=lambda hub_id: named_precision(hub_id) is not None)  # as published before as quantised by others
    return Model(
        name=row["name"],
        aliases=tuple(row.get("aliases", ())),
        hub_id=hub_ids[0] if hub_ids else row["name"],
        family=row["family"],
        kind=ModelKind(row["kind"]),
        **dimensions(shape),
        vocab=shape.vocab or _vocab(shape, row.get("parameters", 0)),
        sliding_window=row.get("sliding_window"),
        max_context=row["max_context"],
        parameters=row.get("parameters") or shape.parameters(0, active=False),
        active_parameters=row.get("active_parameters") or shape.parameters(0, active=True),
        kv_elements_per_token_full=row["kv_elements_per_token_full"],
        kv_elements_per_token_sliding=row["kv_elements_per_token_sliding"],
        state_elements_per_sequence=row["state_elements_per_sequence"],
        native_precision=_NATIVE.get(native) or Precision(native),
        provenance=provenance,
        image_token_side=row.get("image_token_side"),
        encoder_parameters=row.get("encoder_parameters", 0),
        formats=_formats(row["formats"]) if "formats" in row else None,
        sparse=SparseAttention(**row["sparse"]) if "sparse" in row else None,
        attention_parameters=row.get("attention_parameters"),
        lookup_parameters=row.get("lookup_parameters", 0),
    )


def _formats(parts: Mapping[str, Any]) -> WeightFormats:
    """Of each part its format and, where its scales are not the usual ones, the bytes of an element."""
    held = {
        name: StoredPart(precision=Precision(precision), bytes_per_element=usual[0])
        if usual
        else whole(Precision(precision))
        for name, (precision, *usual) in parts.items()
    }
    return WeightFormats(**held)


def _shape(row: Raw) -> Shape:
    """
    The shape; whether the feed-forward is gated is read off the published total where there is one.

    Families mix both (phi-2 and phi-4), so the total tells more than the name; but not where linear layers, whose
    parameters the table lacks, are a part of it.
    """
    gated = _shape_with(row, gated=True)
    plain = replace(gated, gated=False)
    total = row.get("parameters")
    if total is None or row["linear_layers"]:
        return plain if row["family"] in UNGATED else gated
    return min(gated, plain, key=lambda shape: abs(shape.parameters(0, active=False) - total))


def _shape_with(row: Raw, *, gated: bool) -> Shape:
    moe, mla = row.get("moe"), row.get("mla")
    return Shape(
        hidden=row["hidden"],
        heads=row["heads"],
        kv_heads=row["kv_heads"],
        head_dim=row["head_dim"],
        intermediate=row["intermediate"],
        gated=gated,
        vocab=row["vocab"],
        tied=row["tied_embeddings"],
        layers=row["layers"],
        full=row["full_attention_layers"],
        sliding=row["sliding_layers"],
        linear=row["linear_layers"],
        feed_forward_layers=row.get("feed_forward_layers"),
        moe=None if moe is None else MixtureOfExperts(**moe),
        mla=None if mla is None else LatentAttention(**({"q_rank": None} | mla)),
    )


def _vocab(shape: Shape, parameters: int) -> int:
    """The vocabulary that a source left out: what its total leaves for the embeddings, over their width."""
    rest = parameters - shape.parameters(0, active=False)
    return max(0, round(rest / (shape.hidden * (1 if shape.tied else 2)))) if shape.hidden else 0
