"""How much a bucket is expected to hold: as its label says, or as the plan does."""

from __future__ import annotations

from components.graph import Resource
from infra.preview.line import Pricing
from infra.preview.surroundings import at, number, read
from sizing.units import GB

CONTENT_LABEL = "sizeup-content-gb"


def bucket_content_bytes(resource: Resource, pricing: Pricing) -> float | None:
    """
    Bytes that the bucket *resource* is expected to hold; None where nothing tells.

    A label or tag `sizeup-content-gb` comes first; then the plan's bucket of which this resource has the name, alone or
    behind the name of its component.
    """
    for labels in ("tags", "labels"):
        stated_gb = number(at(read(resource, labels), CONTENT_LABEL))
        if stated_gb is not None:
            return stated_gb * GB
    for name, content_bytes in pricing.content_bytes.items():
        if resource.name == name or resource.name.endswith(f"-{name}"):
            return float(content_bytes)
    return None
