"""Small models with an embedding of every token for every layer (Gemma 3n, Gemma 4 E2B and E4B)."""

from __future__ import annotations

from dataclasses import replace

from sizing.catalog.config_fields import Fields
from sizing.catalog.layer_kinds import sliding_by_layer
from sizing.catalog.shape import Shape


def with_layer_embeddings(fields: Fields, shape: Shape) -> tuple[Shape, int]:
    """
    The shape with per-layer embeddings and layers that share keys and values, and the elements that are looked up.

    Each layer gates its own vector of the token into its output; the vectors come from one wide table and a projection
    of the input. The last layers attend to keys and values of earlier ones, and may be twice as wide (E2B); the shape
    then has the wider feed-forward, and what the narrower layers lack is taken off.
    """
    width = fields.positive(("hidden_size_per_layer_input",))
    rows = fields.whole(("vocab_size_per_layer_input",), default=shape.vocab)
    sharing = fields.whole(("num_kv_shared_layers",), default=0)
    sliding = sliding_by_layer(fields, shape.layers)[shape.layers - sharing :]
    lookup = rows * width * shape.layers
    gates = shape.layers * 2 * shape.hidden * width + shape.hidden * width * shape.layers
    narrower, feed_forward = 0, shape.intermediate
    if fields.claims("use_double_wide_mlp"):
        feed_forward = 2 * shape.intermediate
        narrower = (shape.layers - sharing) * shape.ffn_parameters(shape.intermediate)
    return (
        replace(
            shape,
            intermediate=feed_forward,
            sharing_full=len(sliding) - sum(sliding),
            sharing_sliding=sum(sliding),
            extra_parameters=shape.extra_parameters + lookup + gates - narrower,
        ),
        lookup,
    )
