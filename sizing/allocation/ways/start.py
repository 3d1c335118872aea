"""How a replica starts: where its weights are read from, and how long that takes, by part."""

from __future__ import annotations

from dataclasses import fields

from sizing.allocation.ways.candidates import Candidate
from sizing.allocation.ways.storage import OBJECT_STORE, object_start
from sizing.performance.host.cold_start import ColdStart
from sizing.performance.host.loading import load_bytes_per_s, load_tier
from sizing.performance.host.startup import IMAGE_BYTES, IMAGE_BYTES_PER_S
from sizing.units import GB, MB


def start_of(candidate: Candidate) -> ColdStart:
    """The start of one replica of *candidate*, in tenths of a second: its weights come from object storage."""
    start = object_start(candidate.replica, candidate.machine)
    return ColdStart(**{field.name: round(getattr(start, field.name), 1) for field in fields(start)})


def loading_text(candidate: Candidate) -> str:
    """What the time of a start rests on, in words."""
    tier = load_tier(OBJECT_STORE[candidate.machine.cloud][0])
    rate = load_bytes_per_s(tier, network_bytes_per_s=candidate.machine.network_bytes_per_s)
    doubt = "" if tier.is_verified else ", a figure that is not verified"
    return (
        f"{candidate.machine.name} reads weights from {tier.name} at {rate / GB:.3g} GB/s{doubt}, pulls an image of "
        f"{IMAGE_BYTES / GB:.3g} GB at {IMAGE_BYTES_PER_S / MB:.0f} MB/s, and nothing is cached when a replica starts"
    )
