"""Reading a Hugging Face `config.json`: one dimension goes by many names, and every error names the field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sizing.errors import InvalidModel

Config = Mapping[str, object]

# One dimension, all the names it goes by.
LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
HIDDEN = ("hidden_size", "n_embd", "n_embed", "d_model", "dim")
HEADS = ("num_attention_heads", "n_head", "n_heads", "num_heads")
KV_HEADS = ("num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num", "kv_n_heads")
HEAD_DIM = ("head_dim", "kv_channels", "attention_head_dim")
INTERMEDIATE = ("intermediate_size", "ffn_hidden_size", "n_inner", "ffn_dim")
VOCABULARY = ("vocab_size", "padded_vocab_size")
CONTEXT = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "n_ctx", "model_max_length")
EXPERTS = ("n_routed_experts", "num_experts", "num_local_experts", "moe_num_experts")
EXPERTS_PER_TOKEN = (
    "num_experts_per_tok",
    "num_experts_per_token",
    "experts_per_token",
    "moe_topk",
    "moe_top_k",
    "top_k_experts",
    "top_k",
)
EXPERT_WIDTH = ("moe_intermediate_size", "expert_intermediate_size", "ffn_hidden_size")
SHARED_EXPERTS = ("n_shared_experts", "num_shared_experts")
SHARED_WIDTH = (
    "shared_expert_intermediate_size",
    "share_expert_dim",
    "moe_shared_expert_intermediate_size",
    "shared_intermediate_size",
)
MOE_EVERY = ("moe_layer_freq", "interleave_moe_layer_step", "decoder_sparse_step", "expert_layer_period")
WINDOW = ("sliding_window", "attention_chunk_size")

# Parts of a multimodal configuration that hold its language model, and parts that hold dimensions of one block.
_LANGUAGE = ("text_config", "llm_config", "language_config", "thinker_config")
_BLOCKS = ("attn_config", "ffn_config")


@dataclass(frozen=True, slots=True)
class Fields:
    """A configuration, and where it is from, for messages."""

    config: Config
    source: str

    def whole(self, names: Sequence[str], *, default: int | None = None) -> int:
        """
        The first of *names* that holds a whole number, of a list its largest; the default where none does.

        Raises:
            InvalidModel: If what stands there is no whole number of 0 or more, or nothing does and there is no default.
        """
        for name in names:
            value = self.config.get(name)
            if isinstance(value, list) and value and all(isinstance(item, int) for item in value):
                value = max(value)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise self.wrong(f"{name} is {value!r}, but must be a whole number, 0 or more", f"correct {name}")
            return value
        if default is None:
            raise self.wrong(f"{names[0]} is missing", f"use the config.json of a decoder, which has {names[0]}")
        return default

    def positive(self, names: Sequence[str], *, default: int | None = None) -> int:
        """
        The same, at least 1.

        Raises:
            InvalidModel: If it is 0, or as `whole` does.
        """
        value = self.whole(names, default=default)
        if value < 1:
            name = next((name for name in names if self.config.get(name) is not None), names[0])
            raise self.wrong(f"{name} is {value}, but must be at least 1", f"correct {name}")
        return value

    def listed(self, *names: str) -> list[object]:
        """The first of *names* that holds a list with anything in it; else an empty one."""
        for name in names:
            value = self.config.get(name)
            if isinstance(value, list) and value:
                return value
        return []

    def part(self, name: str) -> Config:
        """The mapping that stands under *name*; empty where none does."""
        value = self.config.get(name)
        return value if isinstance(value, Mapping) else {}

    def claims(self, name: str) -> bool:
        """Whether *name* is true; anything but `true` is not."""
        return self.config.get(name) is True

    @property
    def model_type(self) -> str:
        """The family as the file names it; empty where it does not."""
        return str(self.config.get("model_type", ""))

    def wrong(self, what: str, mend: str) -> InvalidModel:
        """The error to raise."""
        return InvalidModel(source=self.source, what=what, mend=mend)


def language_fields(mapping: Config, *, source: str) -> Fields:
    """The language model of a configuration, blocks laid flat, with what stands above it where it lacks that."""
    config = mapping
    for _ in range(2):  # an omni model nests twice
        part = next((value for key in _LANGUAGE if isinstance(value := config.get(key), Mapping)), None)
        if part is None:
            break
        above = {key: value for key, value in config.items() if not isinstance(value, Mapping)}
        config = {**above, **_kept(config), **part}
    for key in _BLOCKS:
        block = config.get(key)
        if isinstance(block, Mapping):
            config = {**block, **config}
    return Fields(config, source)


def _kept(config: Config) -> Config:
    """What is a mapping above the language model and still concerns it."""
    stated = config.get("quantization_config")
    return {} if stated is None else {"quantization_config": stated}
