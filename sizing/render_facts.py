"""Facts as text: tables of many, and all that is known of one with its source and date."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import TypeAlias

from sizing.catalog import (
    Accelerator,
    AccountQuota,
    Catalog,
    Charge,
    Machine,
    Model,
    ModelKind,
    Offer,
    QuotaScope,
    StorageTier,
)
from sizing.figures import arithmetic, bandwidth, count, memory, parameters, unit_price
from sizing.table import WIDTH, table, wrapped

Fact: TypeAlias = Accelerator | Machine | Offer | StorageTier | Charge | Model | AccountQuota
UNKNOWN = "unknown"

_HEADS: dict[type, tuple[list[str], str]] = {
    Accelerator: (["accelerator", "memory", "bandwidth", "bf16 dense", "rented on"], "<>>><"),
    Machine: (["machine", "cloud", "vCPU", "memory", "accelerators", "network"], "<<>><>"),
    Offer: (["machine", "region", "bought", "USD/h", "zones", "as of"], "<<<>><"),
    StorageTier: (["service", "tier", "region", "USD/GB-month", "as of"], "<<<><"),
    Charge: (["item", "tier", "region", "USD", "per", "as of"], "<<<><<"),
    AccountQuota: (["quota", "cloud", "unit", "for each", "bought", "as of", "counts"], "<<<<<<<"),
    Model: (["model", "parameters", "active", "layers", "context", "as published"], "<>>>><"),
}


_UNCUT = 1000  # columns: wider than any row


def listing_lines(facts: Sequence[Fact]) -> list[str]:
    """A table of facts of one kind, a line each; nothing is cut, as names and regions are searched for in it."""
    if not facts:
        return ["no such facts"]
    heads, align = _HEADS[type(facts[0])]
    rows = sorted(_row(fact) for fact in facts)
    return table([heads, *rows], align=align, indent="", width=_UNCUT)


def _date(fact: Fact) -> str:
    """The newest date that the source gives, as far as it goes: 2026-07-30, or 2026."""
    return max(re.findall(r"20\d{2}(?:-\d{2}){0,2}", fact.provenance.as_of), default="undated")


def _row(fact: Fact) -> list[str]:  # noqa: PLR0911  one line for each kind of fact
    match fact:
        case Accelerator():
            flop = UNKNOWN if fact.bf16_flop_per_s is None else arithmetic(fact.bf16_flop_per_s)
            rented = ", ".join(fact.rented_on) or "not rented"
            return [fact.name, memory(fact.memory_bytes), _rate(fact.memory_bytes_per_s), flop, rented]
        case Machine():
            held = f"{fact.accelerators} {fact.accelerator}" if fact.accelerator else "none"
            network = _rate(fact.network_bytes_per_s)
            return [fact.name, fact.cloud, count(fact.vcpus), memory(fact.memory_bytes), held, network]
        case Offer():
            price = UNKNOWN if fact.usd_per_hour is None else unit_price(fact.usd_per_hour)
            mode = fact.mode.value.replace("_", " ") + ("" if fact.orderable else " (not sold)")
            return [fact.machine, fact.region, mode, price, str(len(fact.zones)), _date(fact)]
        case StorageTier():
            return [fact.service, fact.tier, fact.region, _usd(fact.usd_per_gb_month), _date(fact)]
        case Charge():
            return [fact.item, fact.tier, fact.region, _usd(fact.usd), fact.unit, _date(fact)]
        case AccountQuota():
            bought = ", ".join(mode.value.replace("_", " ") for mode in fact.modes)
            counted = " ".join(fact.families)
            where = "account" if fact.scope is QuotaScope.GLOBAL else "region"
            return [fact.id, fact.cloud, fact.unit.value, where, bought, _date(fact), counted]
        case Model():
            if fact.kind is ModelKind.OTHER:
                return [fact.name, parameters(fact.parameters), "", "", "", "not sized for serving"]
            shape = [parameters(fact.parameters), parameters(fact.active_parameters), str(fact.layers)]
            return [fact.name, *shape, count(fact.max_context), fact.native_precision.value]


def fact_lines(facts: Sequence[Fact], catalog: Catalog) -> list[str]:
    """All that is known of each fact, field by field, and where a machine is offered."""
    lines: list[str] = []
    for fact in facts:
        absent = "none" if isinstance(fact, Model) else UNKNOWN  # a model has no such part; a device's is not told
        rows = [[name, _shown(value, absent)] for name, value in _fields(fact) if name != "provenance"]
        width = max(len(name) for name, _ in rows)
        kind = "quota" if isinstance(fact, AccountQuota) else type(fact).__name__.lower()
        lines += [*([""] if lines else []), kind]
        for name, value in rows:
            first, *rest = wrapped(value, width=WIDTH - width - 4) or [""]
            lines += [f"  {name:<{width}}  {first}".rstrip(), *(f"{'':{width + 4}}{more}" for more in rest)]
        lines += wrapped(f"source: {fact.provenance.source}; {fact.provenance.as_of}", indent="  ", hanging="    ")
        if fact.provenance.unverified:
            lines += wrapped(f"unverified: {', '.join(fact.provenance.unverified)}", indent="  ", hanging="    ")
        if isinstance(fact, Machine):
            offers = [x for x in catalog.offers if (x.cloud, x.machine) == (fact.cloud, fact.name)]
            lines += ["", *(listing_lines(offers) if offers else ["offered nowhere that a source tells"])]
    return lines


def _fields(fact: Fact) -> list[tuple[str, object]]:
    return [(field.name, getattr(fact, field.name)) for field in dataclasses.fields(fact)]


def _shown(value: object, absent: str) -> str:
    match value:
        case None:
            return absent
        case tuple():
            return ", ".join(map(str, value)) or "none"
        case float():
            return f"{value:,.6g}"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case _:
            return str(value)


def _rate(value: float | None) -> str:
    return UNKNOWN if value is None else bandwidth(value)


def _usd(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.6g}"
