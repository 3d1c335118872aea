"""Offers by region and purchase mode, and zones: what is sold where, and which of several sources a price is from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from tools.facts.cells import Fact, Row, date, number, split

# Zones that Google's page of supported TPU locations lists; the Compute API's longer list is not granted to customers.
TPU_ZONES = {
    "tpu-v6e": ("us-central1-b", "us-east1-d", "us-east5-a", "us-east5-b", "europe-west4-a"),
    "tpu-v5p": ("us-central1-a", "us-east5-a"),
    "tpu-v5e": ("us-central1-a", "us-south1-a", "us-west1-c", "us-west4-a"),
    "tpu-v4": ("us-central2-b",),
}
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
Places = Mapping[tuple[str, str, str], list[str]]
Zones = Mapping[tuple[str, str], list[str]]
Machines = Mapping[tuple[str, str], Row]


def plain_zones(text: str) -> list[str]:
    """Zones, less Google's AI zones (us-central1-ai1a): a regional cluster cannot use one as it uses the others."""
    return [zone for zone in split(text) if not re.search(r"-ai\d", zone)]


def offers(prices: Iterable[Row], offered: Places, machines: Machines, zones: Zones) -> Iterator[Fact]:
    """An offer for each price of a row; a row without any is one on-demand offer of unknown price."""
    for row in prices:
        machine = machines.get((row["cloud"], row["instance_type"]))
        if machine is None:
            continue
        sold_in = _offer_zones(machine, row["region"], offered, zones)
        supported = bool(sold_in) or machine["accelerator"] not in TPU_ZONES
        priced = [(mode, number(row[column])) for mode, column in MODES if row[column]]
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


def unpriced(prices: Iterable[Row], offered: Places, machines: Machines, zones: Zones) -> Iterator[Fact]:
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
                "orderable": "on-demand" in split(machine["usage_classes"]),
                "zones": _offer_zones(machine, region, offered, zones),
                "price_basis": "no price in sources",
                "source": "Cyclenerd tools/acceleratortyperegion.csv",
                "as_of": "2026-08-10",
            }


def _source_of(row: Row, mode: str) -> tuple[str, str]:
    """Source and date of the price of one mode, where the row names several sources and as many dates."""
    sources, dates = row["source"].split(" + "), row["as_of"].split(" / ")
    if len(sources) != len(dates):
        return row["source"], date(row["as_of"])
    word = MODE_SOURCES.get(mode)
    others = [at for at, source in enumerate(sources) if not any(other in source for other in MODE_SOURCES.values())]
    named = [at for at, source in enumerate(sources) if word is not None and word in source]
    at = (named or others or [0])[0]
    return sources[at], date(dates[at])


def _spot(row: Row) -> tuple[float | None, str]:
    """
    The median over zones, never the minimum, and what it is.

    AWS pins the price of a market without trades at the on-demand price, which is a price, or at a tenth of it, which
    nobody can expect to pay.
    """
    median, listed = number(row["spot_usd_h_median"]), number(row["on_demand_usd_h"])
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


def zones_by_region(offered: Places, prices: Iterable[Row]) -> Zones:
    """Every zone of every region: on AWS as offerings name them, on Google Cloud as its documentation does."""
    known: dict[tuple[str, str], set[str]] = {}
    for (cloud, _, region), zones in offered.items():
        known.setdefault((cloud, region), set()).update(zones if cloud == "aws" else ())
    for region in {row["region"] for row in prices if row["cloud"] == "gcp"} | {r for c, r in known if c == "gcp"}:
        known["gcp", region] = {f"{region}-{letter}" for letter in GCP_ZONE_LETTERS.get(region, "abc")}
    return {place: sorted(zones) for place, zones in known.items()}


def zone_facts(zones: Zones) -> Iterator[Fact]:
    """The zones of each region as facts."""
    for (cloud, region), names in zones.items():
        source = (
            ("EC2 instance type offerings by zone id in moto 5.2.5", "2026-H2")
            if cloud == "aws"
            else ("Google Cloud documentation, regions and zones", "2026-02")
        )
        yield {"cloud": cloud, "region": region, "zones": names, "source": source[0], "as_of": source[1]}
