"""Peak of activations as a server measures it at start: one pass over its most tokens, then sampling for its most rows.

Every term is a tensor that the servers really hold, so one formula spans Llama and Gemma, dense and sparse, one rank
and eight: nothing here is known by architecture. What the engines do differently are facts (`engine`).
"""

from __future__ import annotations

from sizing.catalog.accelerator import Precision
from sizing.catalog.model import Model
from sizing.performance.configuration.layout import Layout
from sizing.performance.configuration.replica import Replica
from sizing.performance.configuration.shard import shard_of

# What a pass holds at once in its widest layer, in tensors as wide as the hidden state: residual, normalised input and
# output. A gated feed-forward holds gate and up projections and their product, a plain one its input and output.
HIDDEN_TENSORS = 3
GATED_TENSORS = 3
PLAIN_TENSORS = 2

# Of hidden state and residual that one pipeline stage hands to the next, a buffer each stays allocated.
STAGE_TENSORS = 2

PIXEL_BYTES = 3 * 2  # three colours in bf16
LOGIT_BYTES = 4  # samplers compute in fp32


def activation_bytes(replica: Replica) -> int:
    """
    Peak bytes of activations per accelerator, on the pipeline stage with most: the last, which samples.

    Source: the tensors of vLLM 0.19's profile run; within 0.15 GiB of 27 models' logs (tests/sizing/test_memory.py).
    """
    return round(kept_bytes(replica) + max(forward_bytes(replica), sampling_bytes(replica)))


def sampling_bytes(replica: Replica) -> float:
    """
    The hidden states of the pass, and for each sequence logits in the model's format and the sampler's copies.

    Each tensor-parallel rank gathers whole rows of the vocabulary. The copies are fp32 logits, probabilities and noise
    (12 bytes), and 24 bytes more where a sort keeps values, indices and its own space for both.
    """
    model, engine = replica.model, replica.engine
    sequences = min(replica.max_num_seqs, replica.max_num_batched_tokens)
    rows = sequences * (element_bytes(replica) + engine.sampler_bytes_per_logit) + engine.sampler_rows * LOGIT_BYTES
    return replica.max_num_batched_tokens * model.hidden * element_bytes(replica) + model.vocab * rows


def forward_bytes(replica: Replica) -> float:
    """The widest layer over the most batched tokens; expert buffers too, where they are not kept anyway."""
    model, layout = replica.model, replica.layout
    width = max(_feed_forward_width(model) / layout.tp, _attention_width(model) / layout.tp)
    layer = replica.max_num_batched_tokens * (width + HIDDEN_TENSORS * model.hidden) * element_bytes(replica)
    return layer + (0.0 if replica.engine.keeps_expert_workspace else expert_workspace_bytes(replica))


def kept_bytes(replica: Replica) -> float:
    """What stays allocated from one peak to the other: buffers, expert workspace, encoder outputs, hand-over."""
    model, engine, tokens = replica.model, replica.engine, replica.max_num_batched_tokens
    kept = float(engine.buffer_bytes)
    if engine.keeps_expert_workspace:
        kept += expert_workspace_bytes(replica)
    if model.image_token_side is not None:
        outputs = model.hidden * element_bytes(replica)
        kept += tokens * (outputs + PIXEL_BYTES * model.image_token_side**2)
    if replica.layout.pp > 1:
        kept += STAGE_TENSORS * tokens * model.hidden * element_bytes(replica)
    return kept


def expert_workspace_bytes(replica: Replica) -> float:
    """
    Two buffers with a row for each token and chosen expert, as wide as the widest of what they hold in turn.

    The first holds the experts' products and then their outputs, the second gate and up projections and then outputs.
    Kernels for mxfp4 work without them (vLLM 0.19 logged none for gpt-oss).
    """
    model, layout = replica.model, replica.layout
    if model.moe is None or shard_of(replica).routed_format is Precision.MXFP4:
        return 0.0
    width, outputs = model.moe.intermediate / _expert_ranks(layout), model.moe.latent or model.hidden
    opened = width * (2 if model.gated_ffn else 1)
    rows = replica.max_num_batched_tokens * model.moe.experts_per_token
    return rows * (max(width, outputs) + max(opened, outputs)) * element_bytes(replica)


def element_bytes(replica: Replica) -> int:
    """Bytes of an activation: those of the checkpoint's unquantised format."""
    return 4 if replica.weights is Precision.FP32 else 2


def _expert_ranks(layout: Layout) -> int:
    """Ranks over which each expert is split; whole experts are spread instead with expert parallelism."""
    return 1 if layout.ep > 1 else layout.stage


def _feed_forward_width(model: Model) -> int:
    widest = model.intermediate
    if model.moe is not None:
        shared = model.moe.shared_experts * model.moe.shared_intermediate
        widest = max(model.intermediate if model.moe.dense_layers else 0, shared)
    return widest * (GATED_TENSORS if model.gated_ffn else PLAIN_TENSORS)


def _attention_width(model: Model) -> int:
    """Queries, keys, values and the heads' outputs; latent attention expands keys and values for every head."""
    if model.mla is None:
        return 2 * (model.heads + model.kv_heads) * model.head_dim
    return model.heads * (2 * (model.mla.nope_dim + model.mla.rope_dim) + 2 * model.mla.v_dim)
