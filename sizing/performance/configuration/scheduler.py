"""How engines fill a pass and admit requests: a table, so that no formula holds an engine's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduler:
    """The default policy of one engine; requests are taken in order of arrival."""

    mixes: bool  # prompt chunks share a pass with decoding sequences; otherwise prompts go first, alone
    reserved_share: float  # of the answer that must find room in the cache when a request is admitted
    block_tokens: int  # the cache is handed out in blocks of so many tokens
    source: str


SCHEDULERS: Mapping[str, Scheduler] = {
    "vllm": Scheduler(
        mixes=True,
        reserved_share=0.0,
        block_tokens=16,
        source="vLLM 0.17 docs, configuration/optimization: decoding first, chunks fill the token budget; the youngest "
        "is preempted and recomputed where the cache is full; scheduler_reserve_full_isl: the prompt must fit at once",
    ),
    "sglang": Scheduler(
        mixes=False,
        reserved_share=0.7 * 0.14,
        block_tokens=1,
        source="sgl-project/sglang server_args.py: enable_mixed_chunk False, page_size 1; environ.py: new-token ratio "
        "0.7 at first, times 0.14 after 600 passes without a retraction",
    ),
    "tensorrt-llm": Scheduler(
        mixes=True,
        reserved_share=1.0,
        block_tokens=32,
        source="TensorRT-LLM docs, useful-runtime-flags: GUARANTEED_NO_EVICT is the default capacity policy",
    ),
}
