"""The draft beside a served model: a replica on the same ranks, and the memory it takes of them."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from sizing.performance.configuration.replica import Replica
from sizing.performance.configuration.shard import shard_of
from sizing.performance.configuration.speculation import Speculation, drafting_model


def draft_of(replica: Replica) -> Replica | None:
    """
    What drafts for *replica*, as a replica of its own on the ranks of one stage (the last); None without a network.

    Drafts split as the model does, and are stored in its format.
    """
    return None if replica.speculation is None else _draft(replica, replica.speculation)


@lru_cache(maxsize=4096)
def _draft(replica: Replica, speculation: Speculation) -> Replica | None:
    model = drafting_model(replica.model, speculation)
    if model is None:
        return None
    ep = replica.layout.ep if model.moe is not None else 1
    return replace(replica, model=model, layout=replace(replica.layout, pp=1, ep=ep), speculation=None)


def draft_weight_bytes(replica: Replica) -> int:
    """Bytes that the draft's weights take of each accelerator; a head uses the tables of its model."""
    draft = draft_of(replica)
    if draft is None or replica.speculation is None:
        return 0
    shard = shard_of(draft)
    if replica.speculation.draft is not None:
        return shard.weight_bytes
    return shard.weight_bytes - round(shard.table_bytes)


def draft_cache_bytes_per_token(replica: Replica) -> float:
    """Bytes that the draft's own keys and values take of each accelerator for one cached token."""
    draft = draft_of(replica)
    if draft is None:
        return 0.0
    shard = shard_of(draft)
    return shard.cache_bytes_per_token_full + shard.cache_bytes_per_token_sliding
