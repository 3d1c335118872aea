"""Architectures from a search, where every layer has widths of its own (Nemotron Super and Ultra, `block_configs`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sizing.catalog.config_fields import Config

# A feed-forward is two thirds of its multiple of the hidden width, twice, rounded up to whole tiles.
TILE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchedBlocks:
    """What the blocks come to: layers that attend, layers that feed, and the mean width of those."""

    attending: int
    feeding: int
    group: int  # query heads to a key-value head
    intermediate: int
    linear: int  # attention or feed-forward replaced by one square matrix


def searched_blocks(config: Config, hidden: int) -> SearchedBlocks | None:
    """The blocks that *config* lists; None where it lists none."""
    blocks = config.get("block_configs")
    if not isinstance(blocks, list) or not blocks:
        return None
    attention, feed = ([_part(block, name) for block in blocks] for name in ("attention", "ffn"))
    groups = [group for part in attention if isinstance(group := part.get("n_heads_in_group"), int) and group > 0]
    widths = [_width(mult, hidden) for part in feed if isinstance(mult := part.get("ffn_mult"), int | float)]
    return SearchedBlocks(
        attending=len(groups),
        feeding=len(widths),
        group=min(groups, default=1),
        intermediate=round(sum(widths) / len(widths)) if widths else 0,
        linear=sum(part.get("replace_with_linear") is True for part in (*attention, *feed)),
    )


def _width(multiple: float, hidden: int) -> int:
    return -(-int(2 * multiple * hidden / 3) // TILE) * TILE


def _part(block: object, name: str) -> Mapping[str, object]:
    """One half of a block; empty where it is left out, or replaced by a matrix or by nothing."""
    part = block.get(name) if isinstance(block, Mapping) else None
    if not isinstance(part, Mapping) or part.get("no_op") is True:
        return {}
    return {"replace_with_linear": True} if part.get("replace_with_linear") is True else part
