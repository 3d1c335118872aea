"""Models: the dimensions of the table as facts; what the table cannot tell makes a model known, but not sized."""

from __future__ import annotations

from collections.abc import Iterable

from sizing.units import BILLION
from tools.facts.cells import Fact, Row, dated, number, split, texts, whole

# Attention whose models' totals do not follow from the shapes in the table: known by name, not sized.
SHAPES_TELL_TOO_LITTLE = ("compressed", "KDA")
# Each layer is a mixer or a feed-forward, never both.
FEED_FORWARD_APART = frozenset({"nemotron-h", "nemotron-3"})


def model_fact(row: Row, models: Iterable[Row]) -> Fact:
    """Blank cells stay away; the loader knows what may be missing in which kind of model (*models*: all of them)."""

    def cell(column: str) -> int | None:
        return whole(row[column])

    moe = cell("n_experts")
    latent = cell("mla_kv_lora")
    decoder = row["kind"] in {"dense", "moe", "decoder"} and cell("n_layers") is not None
    untold = not row["params_total_b"] and any(word in row["attention_kind"] for word in SHAPES_TELL_TOO_LITTLE)
    doubts = dated(row, {name: name for name in ("max_context", "native_dtype")})
    state = row["state_elems_per_seq_linear"]
    if not state and row["n_layers_linear_or_ssm"] and (state := _state_of_twin(row, models)):
        doubts["unverified"] = sorted({*texts(doubts["unverified"]), "state_elements_per_sequence"})
    total = number(row["params_total_b"] or row["params_published_total_b"], BILLION)
    active = number(row["params_active_b"] or row["params_published_active_b"], BILLION) or total
    layers = cell("n_layers") or 0
    if moe and total and 2 * moe * (cell("moe_intermediate") or 0) * (cell("hidden") or 0) * layers > 4 * total:
        untold = True  # experts in a narrower space than the hidden one, which the table does not give
    sliding, linear = cell("n_layers_sliding_attn") or 0, cell("n_layers_linear_or_ssm") or 0
    full = cell("n_layers_full_attn")
    feeding = layers - (full or 0) - linear if row["family"] in FEED_FORWARD_APART else None
    return {
        "name": row["model"],
        "aliases": split(row["aliases"]),
        "family": row["family"],
        "kind": "decoder" if decoder and row["kv_elems_per_token_full"] and not untold else "other",
        "attention": row["attention_kind"],
        "layers": layers,
        "full_attention_layers": layers - sliding - linear if full is None else full,
        "sliding_layers": sliding,
        "linear_layers": linear,
        "hidden": cell("hidden") or 0,
        "heads": cell("n_heads") or 0,
        "kv_heads": cell("n_kv_heads") or cell("n_heads") or 0,
        "head_dim": cell("head_dim") or 0,
        "intermediate": 0 if feeding is not None and moe is not None else cell("intermediate") or 0,
        "feed_forward_layers": feeding,
        "vocab": cell("vocab") or 0,
        "tied_embeddings": row["tied_embeddings"] == "True",
        "moe": None
        if moe is None
        else {
            "experts": moe,
            "experts_per_token": cell("n_experts_active") or 0,
            "intermediate": cell("moe_intermediate") or 0,
            "shared_experts": cell("n_shared_experts") or (1 if cell("shared_intermediate") else 0),
            "shared_intermediate": (cell("shared_intermediate") or 0) // (cell("n_shared_experts") or 1),
            "dense_layers": cell("n_dense_layers") or 0 if feeding is None else layers - feeding,
        },
        "mla": None
        if latent is None
        else {
            "q_rank": cell("mla_q_lora"),
            "kv_rank": latent,
            "rope_dim": cell("mla_rope_dim") or 0,
            "nope_dim": cell("mla_nope_dim") or 0,
            "v_dim": cell("mla_v_dim") or 0,
        },
        "sliding_window": cell("sliding_window"),
        "max_context": cell("max_context") or 0,
        "parameters": None if total is None else round(total),  # None: the loader works it out from the shapes
        "active_parameters": None if active is None else round(active),
        "kv_elements_per_token_full": cell("kv_elems_per_token_full") or 0,
        "kv_elements_per_token_sliding": cell("kv_elems_per_token_sliding") or 0,
        "state_elements_per_sequence": whole(state) or 0,
        "native_precision": row["native_dtype"],
        **doubts,
    }


def _state_of_twin(row: Row, models: Iterable[Row]) -> str:
    """The state of a model of the same family and dimensions, where the table lacks this one's."""
    same = ("family", "n_layers", "n_layers_linear_or_ssm", "hidden", "n_heads")
    twins = (other for other in models if all(other[column] == row[column] for column in same))
    return next((other["state_elems_per_seq_linear"] for other in twins if other["state_elems_per_seq_linear"]), "")
