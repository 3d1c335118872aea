"""
Documents of older lock files, in the words of the present format: the same decisions, none of them worked out anew.

So a stack whose plan was written by an older sizeup goes on with it; `sizeup size` writes the present format.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from sizing.catalog.machine import Cloud
from sizing.performance.certainty.confidence import probability_at_least, probability_at_most
from sizing.performance.certainty.estimate import Estimate, Grade
from sizing.units import HOURS_PER_MONTH

# What format 1 took for the parts of every start (KAITO issue 2325), beside the time of the weights; it told no image.
_BOOTSTRAP_S, _COMPILE_S, _IMAGE_S = 95.0, 195.0, 227.3
_OBJECT_STORE: Mapping[object, str] = {Cloud.AWS: "s3", Cloud.GCP: "gcs"}  # that format 2 read all weights from


def upgraded(document: Mapping[str, object]) -> Mapping[str, object]:
    """
    *document*, of a format that has successors, as the last of them says it.

    What is damaged in it is left as it is, for the reader of the present format to tell.
    """
    while document["format"] in _UPGRADES:
        document = _UPGRADES[document["format"]](document)
    return document


def _from_1(document: Mapping[str, object]) -> Mapping[str, object]:
    """Format 2 tells a start by part, the bytes that are read for it, front ends, context ranks, and probabilities."""
    return {
        **document,
        "format": 2,
        "deployments": _each(document.get("deployments"), _deployment_from_1),
        "promises": _each(document.get("promises"), _promise_from_1),
    }


def _from_2(document: Mapping[str, object]) -> Mapping[str, object]:
    """Format 3 tells regions, autoscaling floors, hours, what is reserved and committed, teams, and who is left out."""
    region, tier = document.get("region"), _OBJECT_STORE.get(document.get("cloud"))
    pools = {"region": region, "reservation": None, "committed": 0, "committed_usd_per_hour": None}
    lines = {"unit": "machine", "hours_per_month": HOURS_PER_MONTH}
    return {
        **document,
        "format": 3,
        "deployments": _each(document.get("deployments"), lambda part: _deployment_from_2(part, region, tier)),
        "node_pools": _each(
            document.get("node_pools"), lambda part: {**pools, "least_nodes": part.get("nodes"), **part}
        ),
        "buckets": _each(document.get("buckets"), lambda part: {"region": region, **part}),
        "cost_lines": _each(document.get("cost_lines"), lambda part: {**lines, **part}),
        "elsewhere": [],
        "commitments": [],
        "left_out": [],
        "cost_shares": [],
        "plain_home": True,
    }


def _each(parts: object, change: Callable[[dict[str, object]], dict[str, object]]) -> object:
    return [change(part) if isinstance(part, dict) else part for part in parts] if isinstance(parts, list) else parts


def _deployment_from_1(part: dict[str, object]) -> dict[str, object]:
    layout, engine = part.get("layout"), part.get("engine")
    startup, weights = part.get("startup_s"), part.get("weight_bytes")
    if not isinstance(layout, dict) or not isinstance(engine, dict) or not _is_number(startup):
        return part
    lowered = engine.get("quantization") is not None  # at load, from bf16: twice the bytes are read
    start = {
        "image_s": _IMAGE_S,
        "bootstrap_s": _BOOTSTRAP_S,
        "weights_s": round(max(0.0, float(str(startup)) - _BOOTSTRAP_S - _COMPILE_S), 1),
        "compile_s": _COMPILE_S,
    }
    return {
        **{key: value for key, value in part.items() if key != "startup_s"},
        "layout": {"cp": 1, "dcp": 1, **layout},
        "engine": {**engine, "front_ends": layout.get("dp", 1)},
        "cold_start": start,
        "checkpoint_bytes": weights * 2 if lowered and isinstance(weights, int) else weights,
    }


def _deployment_from_2(part: dict[str, object], region: object, tier: str | None) -> dict[str, object]:
    placements, machine = part.get("placements"), part.get("machine")
    counts = (
        [one.get("replicas") for one in placements if isinstance(one, dict)] if isinstance(placements, list) else []
    )
    added = {"region": region, "load_tier": tier, "team": None, "priority": None}
    if all(isinstance(count, int) for count in counts):
        added["least_replicas"] = sum(count for count in counts if isinstance(count, int))
    if isinstance(machine, str):
        added["machines"] = [machine]
    return {**added, **{key: value for key, value in part.items() if key != "machine" or "machines" not in added}}


def _promise_from_1(part: dict[str, object]) -> dict[str, object]:
    numbers = [part.get(key) for key in ("planned", "low", "high", "asked")]
    if not all(_is_number(number) for number in numbers):
        return part
    planned, low, high, asked = (float(str(number)) for number in numbers)
    if not 0 < low <= planned <= high:
        return {**part, "probability": 1.0 if (planned <= asked) is bool(part.get("at_most")) else 0.0}
    estimate = Estimate(value=planned, low=low, high=high, grade=Grade.SPECIFICATION)
    kept = probability_at_most if part.get("at_most") else probability_at_least
    return {**part, "probability": float(f"{kept(estimate, asked):.4g}")}  # as the present format rounds it


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_UPGRADES: Mapping[object, Callable[[Mapping[str, object]], Mapping[str, object]]] = MappingProxyType(
    {1: _from_1, 2: _from_2}
)
