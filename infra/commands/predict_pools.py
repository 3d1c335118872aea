"""What `sizeup predict` asks beyond one replica and its own cache: pools for prefill and decode, tiers for prefixes."""

from __future__ import annotations

import argparse
import re
from dataclasses import replace

from infra.commands.predict_configuration import check_layout
from infra.failures import WrongInput
from sizing.performance import Layout, Pools, Replica
from sizing.performance.serving.cache_tiers import CacheTier, TieredCache, hbm_tier, tiered_cache
from sizing.units import GB

_DEGREE = re.compile(r"(tp|pp|dp|dcp|cp|ep)(\d+)", re.IGNORECASE)


def pools_asked(options: argparse.Namespace, replica: Replica) -> Pools | None:
    """Prefill replicas before decode replicas like *replica*; None where none are asked for."""
    if options.prefill_replicas is None:
        return None
    prefill = replica
    if options.prefill_layout is not None:
        layout = layout_of(options.prefill_layout)
        check_layout(layout, replica.model, options.in_machine, spans=options.machine is not None)
        prefill = replace(replica, layout=layout)
    network = replica.link.scale_out.bytes_per_s
    return Pools(
        prefill=prefill,
        prefill_replicas=options.prefill_replicas,
        decode=replica,
        decode_replicas=options.decode_replicas or 1,
        transfer_bytes_per_s=network if options.transfer_gb_per_s is None else options.transfer_gb_per_s * GB,
        layer_streamed=options.layer_streamed,
    )


def layout_of(text: str) -> Layout:
    """
    The layout that is written TP8, DP8,EP8 or tp4,pp2.

    Raises:
        WrongInput: If it is none.
    """
    found = [_DEGREE.fullmatch(part) for part in re.split(r"[\s,]+", text.strip())]
    degrees = {match[1].lower(): int(match[2]) for match in found if match is not None}
    if len(degrees) != len(found) or not all(degrees.values()):
        raise WrongInput(f"{text!r} is no layout\n    hint: TP8, or DP8,EP8")
    return Layout(**degrees)


def tiers_asked(options: argparse.Namespace, replica: Replica, *, sequences: float) -> TieredCache | None:
    """What HBM and the tiers hold of the prefixes in use, with *sequences* in flight; None where none are told."""
    if options.prefixes is None:
        return None
    context = options.input_tokens + options.output_tokens / 2
    tiers = [hbm_tier(replica, sequences=sequences, context_tokens=context), *map(tier_of, options.cache_tier)]
    return tiered_cache(
        replica,
        tiers,
        prefix_tokens=options.prefix_tokens,
        input_tokens=options.input_tokens,
        prefixes=options.prefixes,
        recurring=options.recurring,
        zipf=options.zipf,
    )


def tier_of(text: str) -> CacheTier:
    """
    The tier that is written NAME:GB:GB/s.

    Raises:
        WrongInput: If it is none.
    """
    name, *figures = text.rsplit(":", 2)
    try:
        capacity, rate = (float(figure) for figure in figures)
        return CacheTier(name=name, capacity_bytes=capacity * GB, bytes_per_s=rate * GB)
    except ValueError:
        raise WrongInput(
            f"--cache-tier {text!r} is no tier\n"
            "    hint: NAME:GB:GB/s, as dram:512:30: its capacity, and what each accelerator loads of it a second"
        ) from None
