"""How much a bucket is expected to hold: as its label says, or as the plan does."""

from __future__ import annotations

from components.graph import Resource
from components.surroundings import at, number, read, region_of, text
from infra.cost.line import Pricing
from sizing.units import GB

CONTENT_LABEL = "sizeup-content-gb"
BUCKET_LABEL = "sizeup-bucket"  # which bucket of the plan a resource is


def bucket_content_bytes(resource: Resource, pricing: Pricing) -> float | None:
    """
    Bytes that the bucket *resource* is expected to hold; None where nothing tells.

    A label or tag `sizeup-content-gb` comes first; then the plan's bucket that the label `sizeup-bucket` names, or of
    which this resource has the name, alone or behind that of the stack; of several regions, that of its own.
    """
    for labels in ("tags", "labels"):
        stated_gb = number(at(read(resource, labels), CONTENT_LABEL))
        if stated_gb is not None:
            return stated_gb * GB
    named = next((x for labels in ("tags", "labels") if (x := text(at(read(resource, labels), BUCKET_LABEL)))), None)
    region = region_of(resource, pricing.among)
    here = {name.partition("@")[0]: size for name, size in pricing.content_bytes.items() if name.endswith(f"@{region}")}
    at_home = {name: size for name, size in pricing.content_bytes.items() if "@" not in name}
    for name, content_bytes in (at_home | here).items():
        if name in (named, resource.name) or resource.name.endswith(f"-{name}"):
            return float(content_bytes)
    return None
