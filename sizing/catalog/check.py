"""Whether the facts can be true: units, ranges, names, and what one fact says of another. One function a rule."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from sizing.catalog.accelerator import Accelerator, AcceleratorKind
from sizing.catalog.catalog import Catalog
from sizing.catalog.machine import Machine
from sizing.catalog.model import ModelKind
from sizing.catalog.offer import Offer, PurchaseMode
from sizing.catalog.provenance import Provenance
from sizing.catalog.shape import shape_of
from sizing.units import BILLION, GB, GIB, TERA, bytes_per_s_from_gbit_per_s

STALE_AFTER_DAYS = 180  # clouds repriced whole families within half a year in 2025
_DATE = re.compile(r"(20\d{2})(?:-(\d{2}|H[12]))?(?:-(\d{2}))?")


class Severity(StrEnum):
    """Whether a fact must not ship, or is worth a look."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """One fact that cannot be true, or that may not be."""

    rule: str
    severity: Severity
    subject: str
    text: str


def check(catalog: Catalog) -> tuple[Doubt, ...]:
    """All doubts about *catalog*, errors first, each rule's together."""
    found = [doubt for rule in RULES for doubt in rule(catalog)]
    return tuple(sorted(found, key=lambda doubt: doubt.severity is not Severity.ERROR))


def stale_offers(catalog: Catalog, today: dt.date, *, days: int = STALE_AFTER_DAYS) -> tuple[Offer, ...]:
    """Priced offers whose newest date is more than *days* before *today*, or that have no date."""
    return tuple(
        offer
        for offer in catalog.offers
        if offer.usd_per_hour is not None and _age_days(offer.provenance, today) > days
    )


def _age_days(provenance: Provenance, today: dt.date) -> float:
    """Days since the newest date in the text; an imprecise date counts from its end (2026: the last of December)."""
    dates = [_latest(*match.groups()) for match in _DATE.finditer(provenance.as_of)]
    return (today - max(dates)).days if dates else float("inf")


def _latest(year: str, part: str | None, day: str | None) -> dt.date:
    if part is None or part == "H2":
        return dt.date(int(year), 12, 31)
    if part == "H1":
        return dt.date(int(year), 6, 30)
    return dt.date(int(year), int(part), int(day) if day else 28)


def _error(rule: str, subject: str, text: str) -> Doubt:
    return Doubt(rule=rule, severity=Severity.ERROR, subject=subject, text=text)


def _warning(rule: str, subject: str, text: str) -> Doubt:
    return Doubt(rule=rule, severity=Severity.WARNING, subject=subject, text=text)


def _memory(catalog: Catalog) -> Iterator[Doubt]:
    """Memory is what the driver reports: positive, and never above the data sheet."""
    for one in catalog.accelerators:
        if not 4 * GIB <= one.memory_bytes <= 512 * GIB:
            yield _error("memory-range", one.name, f"{one.memory_bytes / GIB:.1f} GiB is outside 4 to 512 GiB")
        if one.memory_bytes > one.nominal_memory_bytes:
            text = f"driver shows {one.memory_bytes / GIB:.1f} GiB of nominal {one.nominal_memory_bytes / GIB:.1f}"
            yield _error("memory-driver", one.name, text)


def _bandwidth(catalog: Catalog) -> Iterator[Doubt]:
    """Memory bandwidth between that of an old inference card and twice that of the newest HBM stack."""
    for one in catalog.accelerators:
        rate = one.memory_bytes_per_s
        if rate is not None and not 40 * GB <= rate <= 25_000 * GB:
            yield _error("bandwidth-range", one.name, f"{rate / GB:,.0f} GB/s is outside 40 to 25,000 GB/s")


# Dense bf16 peaks, in TFLOP/s, above which a figure of that generation is one with structured sparsity.
_DENSE_CEILING = {"7.5": 70, "8.0": 320, "8.6": 165, "8.9": 400, "9.0": 1000, "10.0": 2600, "10.3": 2600, "12.0": 600}


def _dense_peaks(catalog: Catalog) -> Iterator[Doubt]:
    """Peaks are dense: none above its generation's, and eight bits at most 2.1 times sixteen."""
    for one in catalog.accelerators:
        if one.bf16_flop_per_s is None:
            continue
        ceiling = _DENSE_CEILING.get(one.compute_capability or "")
        if ceiling is not None and one.bf16_flop_per_s > ceiling * TERA:
            text = f"bf16 peak {one.bf16_flop_per_s / TERA:,.0f} TFLOP/s is above the dense {ceiling} of its generation"
            yield _error("dense-peak", one.name, text)
        if one.kind is not AcceleratorKind.NEURON:  # Trainium3 has an MXFP8 unit of its own
            yield from _ratio(one, "fp8", one.fp8_flop_per_s, 2.1)
        yield from _ratio(one, "fp4", one.fp4_flop_per_s, 6.5)  # B300 and GB300: 1.5 times B200's dense fp4


def _ratio(one: Accelerator, name: str, peak: float | None, most: float) -> Iterator[Doubt]:
    if peak is not None and one.bf16_flop_per_s is not None and peak > most * one.bf16_flop_per_s:
        text = f"{name} peak is {peak / one.bf16_flop_per_s:.1f} times bf16, more than {most}: sparse?"
        yield _error("dense-peak", one.name, text)


def _links(catalog: Catalog) -> Iterator[Doubt]:
    for one in catalog.accelerators:
        if one.link_domain < 1:
            yield _error("link-domain", one.name, f"a domain of {one.link_domain} accelerators")
        if one.kind is AcceleratorKind.TPU and one.rented_on and not one.topologies and one.name not in _OLD_TPUS:
            yield _warning("tpu-topologies", one.name, "rented, but its slice shapes are not known")


_OLD_TPUS = ("tpu-v2", "tpu-v3")  # rented by the TPU API only, not by GKE


def _machines(catalog: Catalog) -> Iterator[Doubt]:
    """Every machine's accelerator is known, and its size is in range."""
    names = {one.name for one in catalog.accelerators}
    for one in catalog.machines:
        if one.accelerator is not None and one.accelerator not in names:
            yield _error("machine-accelerator", one.name, f"accelerator {one.accelerator} is not in the catalog")
        if (one.accelerator is None) != (one.accelerators == 0):
            yield _error("machine-accelerator", one.name, f"{one.accelerators} of {one.accelerator}")
        if not 1 <= one.vcpus <= 1024 or not GIB <= one.memory_bytes <= 32 * 1024 * GIB:
            yield _error("machine-size", one.name, f"{one.vcpus} vCPU, {one.memory_bytes / GIB:,.0f} GiB")
        if not 0 < one.accelerator_fraction <= 1:
            yield _error("machine-fraction", one.name, f"fraction {one.accelerator_fraction}")
        if one.network_bytes_per_s is not None and not 1e7 <= one.network_bytes_per_s <= 4e12:
            yield _error("machine-network", one.name, f"{one.network_bytes_per_s * 8 / GB:,.1f} Gbit/s")


def _network(catalog: Catalog) -> Iterator[Doubt]:
    """
    The rate of a machine is the stated one, neither one card's nor the sum of what each card could do alone.

    Several interfaces share at least 50 Gbit/s each in every machine that has them; and cards without a link of their
    own hang on PCIe, which their share of the network cannot exceed.
    """
    accelerators = {one.name: one for one in catalog.accelerators}
    for one in catalog.machines:
        rate, interfaces = one.network_bytes_per_s, one.fabric_interfaces
        if rate is None:
            continue
        if interfaces > 1 and rate / interfaces < bytes_per_s_from_gbit_per_s(50):
            text = f"{rate * 8 / GB:,.0f} Gbit/s over {interfaces} interfaces: the rate of one card?"
            yield _error("network-cards", one.name, text)
        accelerator = accelerators.get(one.accelerator or "")
        bus = accelerator.host_link_bytes_per_s if accelerator is not None and accelerator.link == "none" else None
        too_fast = bus is not None and (
            (one.accelerators > 1 and rate / one.accelerators > bus) or (interfaces > 1 and rate / interfaces > bus)
        )
        if too_fast:
            text = (
                f"{rate * 8 / GB:,.0f} Gbit/s is more than the buses of its accelerators carry: the sum of the cards?"
            )
            yield _error("network-cards", one.name, text)


def _unique(catalog: Catalog) -> Iterator[Doubt]:
    """No name stands for two facts."""
    names = Counter(one.name for one in catalog.accelerators)
    names.update(f"{one.cloud} {one.name}" for one in catalog.machines)
    names.update(f"{o.cloud} {o.machine} {o.region} {o.mode}" for o in catalog.offers)
    for name, count in names.items():
        if count > 1:
            yield _error("unique", name, f"stands {count} times")
    models: dict[str, str] = {}
    for model in catalog.models:
        for alias in {alias.lower() for alias in (model.name, *model.aliases)}:
            if models.setdefault(alias, model.name) != model.name:
                yield _error("alias", alias, f"names both {models[alias]} and {model.name}")


def _offers(catalog: Catalog) -> Iterator[Doubt]:
    """Offers are of known machines in known regions and zones, at prices above zero; a chip-hour is no fortune."""
    machines = {(one.cloud, one.name): one for one in catalog.machines}
    for offer in catalog.offers:
        subject = f"{offer.machine} {offer.region} {offer.mode}"
        machine = machines.get((offer.cloud, offer.machine))
        if machine is None:
            yield _error("offer-machine", subject, "its machine is not in the catalog")
            continue
        unknown = set(offer.zones) - set(catalog.zones(offer.cloud, offer.region))
        if unknown:
            yield _error("offer-zone", subject, f"zones {sorted(unknown)} are not of the region")
        if offer.usd_per_hour is not None:
            yield from _price(offer, machine, subject)


def _price(offer: Offer, machine: Machine, subject: str) -> Iterator[Doubt]:
    usd = offer.usd_per_hour or 0.0
    each = usd / max(1, machine.accelerators)
    if usd <= 0:
        yield _error("price-range", subject, f"{usd} USD/h: free is not a price")
    elif machine.accelerators and not 0.02 <= each <= 40:
        yield _error("price-range", subject, f"{each:.2f} USD/h an accelerator is outside 0.02 to 40")
    if not offer.provenance.source or not _DATE.search(offer.provenance.as_of):
        yield _error("price-dated", subject, "a price without source or date")


def _spot(catalog: Catalog) -> Iterator[Doubt]:
    """Spot and commitments cost no more than on demand in the same region."""
    for (cloud, region, machine), offers in _grouped(catalog).items():
        prices = {offer.mode: offer.usd_per_hour for offer in offers if offer.usd_per_hour is not None}
        on_demand = prices.get(PurchaseMode.ON_DEMAND)
        for mode, usd in prices.items():
            if on_demand is not None and usd > on_demand * (1 + 1e-5):
                subject = f"{cloud} {machine} {region} {mode}"
                yield _error("dearer-than-on-demand", subject, f"{usd} USD/h against {on_demand} on demand")


def _grouped(catalog: Catalog) -> dict[tuple[str, str, str], list[Offer]]:
    grouped: dict[tuple[str, str, str], list[Offer]] = defaultdict(list)
    for offer in catalog.offers:
        grouped[offer.cloud, offer.region, offer.machine].append(offer)
    return grouped


def _size_ratios(catalog: Catalog) -> Iterator[Doubt]:
    """A region is dearer by one factor for all sizes of an AWS family; a size with another is priced by another SKU."""
    families = {one.name: one.family for one in catalog.machines if one.cloud == "aws" and one.accelerators}
    by_machine: dict[str, dict[str, float]] = defaultdict(dict)
    for offer in catalog.offers:
        if offer.mode is PurchaseMode.ON_DEMAND and offer.usd_per_hour and offer.machine in families:
            by_machine[offer.machine][offer.region] = offer.usd_per_hour
    by_region: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for machine, prices in by_machine.items():
        for region, usd in prices.items():
            by_region[families[machine], region][machine] = usd / median(prices.values())
    for (_, region), factors in by_region.items():
        usual = median(factors.values())
        for machine, factor in factors.items():
            if abs(factor / usual - 1) > 0.01 and len(factors) > 2:
                yield _warning("size-ratio", f"{machine} {region}", f"{factor:.3f} times its usual; others {usual:.3f}")


def _charges(catalog: Catalog) -> Iterator[Doubt]:
    for charge in catalog.charges:
        if charge.usd is not None and not 0 <= charge.usd <= 100:
            yield _error("charge-range", f"{charge.item} {charge.region}", f"{charge.usd} USD/{charge.unit}")
    for tier in catalog.storage:
        if tier.usd_per_gb_month is not None and not 0 <= tier.usd_per_gb_month <= 5:
            yield _error(
                "storage-range", f"{tier.service} {tier.tier} {tier.region}", f"{tier.usd_per_gb_month} USD/GB"
            )


def _models(catalog: Catalog) -> Iterator[Doubt]:
    """A decoder has shapes that fit together."""
    for one in catalog.models:
        if one.kind is not ModelKind.DECODER:
            continue
        if one.full_attention_layers + one.sliding_layers + one.linear_layers > one.layers:
            yield _error("model-layers", one.name, "more layers of some kind than layers")
        if min(one.layers, one.hidden, one.heads, one.vocab, one.parameters, one.max_context) < 1:
            yield _error("model-shape", one.name, "a dimension is zero or not known")
        elif not one.kv_heads or one.heads % one.kv_heads:
            yield _error("model-heads", one.name, f"{one.kv_heads} key-value heads for {one.heads} heads")
        if one.active_parameters > one.parameters:
            yield _error("model-active", one.name, "more parameters active than there are")
        if one.kv_elements_per_token_full + one.kv_elements_per_token_sliding == 0:
            yield _error("model-cache", one.name, "caches nothing")


def _model_totals(catalog: Catalog) -> Iterator[Doubt]:
    """A decoder's total follows from its shapes; linear layers aside, whose parameters the facts do not give."""
    for one in catalog.models:
        if one.kind is not ModelKind.DECODER or one.linear_layers or one.parameters < 1:
            continue
        worked_out = shape_of(one).parameters(0, active=False)
        if abs(worked_out / one.parameters - 1) > 0.05:
            text = f"{one.parameters / BILLION:,.1f} B stated, {worked_out / BILLION:,.1f} B by its shapes"
            yield _warning("model-total", one.name, text)


def _quotas(catalog: Catalog) -> Iterator[Doubt]:
    """A quota counts families that there are, and a machine bought one way counts once against each scope."""
    families = {(one.cloud, one.family): one for one in catalog.machines if one.accelerators}
    for quota in catalog.quotas:
        for family in quota.families:
            if (quota.cloud, family) not in families:
                yield _error("quota-family", quota.id, f"counts {family}, which is no family with accelerators")
    counted = Counter(
        (quota.cloud, family, mode, quota.scope)
        for quota in catalog.quotas
        for family in quota.families
        for mode in quota.modes
    )
    for (cloud, family, mode, scope), count in counted.items():
        if count > 1:
            yield _error("quota-twice", f"{cloud} {family} {mode}", f"counts against {count} quotas of each {scope}")
    for name, count in Counter((quota.cloud, quota.id) for quota in catalog.quotas).items():
        if count > 1:
            yield _error("unique", " ".join(name), f"stands {count} times")


def _zones(catalog: Catalog) -> Iterator[Doubt]:
    """A zone is of its region: Google's carry its name, and no zone is in two regions."""
    homes: dict[tuple[str, str], str] = {}
    for (cloud, region), zones in catalog.zones_by_region.items():
        for zone in zones:
            if cloud == "gcp" and zone.rpartition("-")[0] != region:
                yield _error("zone-region", zone, f"is listed in {region}")
            if homes.setdefault((cloud, zone), region) != region:
                yield _error("zone-region", zone, f"is in both {homes[cloud, zone]} and {region}")


RULES: tuple[Callable[[Catalog], Iterator[Doubt]], ...] = (
    _memory,
    _bandwidth,
    _dense_peaks,
    _links,
    _machines,
    _network,
    _zones,
    _unique,
    _offers,
    _spot,
    _size_ratios,
    _charges,
    _models,
    _model_totals,
    _quotas,
)
