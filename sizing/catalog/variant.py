"""A smaller version of a known model, by the user's own figures: pruned layers, widths or experts, or a student's size.

What is kept is arithmetic; what it costs in quality nobody knows before it is trained, so nothing is said of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sizing.catalog.model import MixtureOfExperts, Model, SparseAttention
from sizing.catalog.provenance import Provenance
from sizing.catalog.shape import shape_of
from sizing.errors import InvalidModel
from sizing.figures import count
from sizing.figures import parameters as parameters_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What of a model is kept; None: all of it."""

    layers: int | None = None
    hidden: int | None = None  # width of the stream between layers
    intermediate: int | None = None  # width of the feed-forward; of each expert where there are some
    heads: int | None = None  # query heads; key-value heads are kept in proportion
    experts: int | None = None
    parameters: int | None = None  # size of a student of the same widths: as many layers as come nearest


def resized(model: Model, kept: Kept) -> Model:
    """
    *model* with only what is *kept*, its parameters and cache worked out anew.

    Layers are dropped evenly over the kinds of attention that a model mixes; layers with a dense feed-forward before
    the experts stay first. With *parameters*, a student has the layers that come nearest to its size, at the teacher's
    widths, and what is left of the size counts as dense.

    Raises:
        InvalidModel: Where a figure is above the model's own, or does not divide as attention needs it.
    """
    _check(model, kept)
    if kept.parameters is not None:
        kept = replace(kept, layers=_layers_for(model, replace(kept, parameters=None), kept.parameters))
    pruned = _pruned(model, kept)
    if kept.parameters is not None:
        active = round(pruned.active_parameters * kept.parameters / pruned.parameters)
        pruned = replace(pruned, parameters=kept.parameters, active_parameters=active)
    told = f"{model.name} with {_told(model, kept)}"
    return replace(
        pruned,
        name=f"{model.name} at {parameters_text(pruned.parameters)}",
        aliases=(),
        provenance=Provenance(source=told, as_of=model.provenance.as_of),
    )


def _pruned(model: Model, kept: Kept) -> Model:
    layers, hidden, heads = kept.layers or model.layers, kept.hidden or model.hidden, kept.heads or model.heads
    kinds = (model.full_attention_layers, model.sliding_layers, model.linear_layers)
    full, sliding, linear, _ = _shared_out(layers, (*kinds, max(0, model.layers - sum(kinds))))
    kv_heads = max(1, model.kv_heads * heads // model.heads)
    moe = None if model.moe is None else _experts(model.moe, kept, layers)
    per_kv = 1.0 if model.mla is not None else kv_heads / model.kv_heads
    feeding = model.feed_forward_layers
    smaller = replace(
        model,
        layers=layers,
        full_attention_layers=full,
        sliding_layers=sliding,
        linear_layers=linear,
        hidden=hidden,
        heads=heads,
        kv_heads=kv_heads,
        intermediate=_width(model, kept),
        moe=moe,
        feed_forward_layers=None if feeding is None else max(1, round(feeding * layers / model.layers)),
        kv_elements_per_token_full=_of(model.kv_elements_per_token_full, full, model.full_attention_layers, per_kv),
        kv_elements_per_token_sliding=_of(model.kv_elements_per_token_sliding, sliding, model.sliding_layers, per_kv),
        state_elements_per_sequence=_of(
            model.state_elements_per_sequence,
            *((linear, model.linear_layers) if model.linear_layers else (layers, model.layers)),
            1.0,
        ),
        attention_parameters=_attention_parameters(model, full + sliding, hidden * heads),
        parameters=0,
        active_parameters=0,
        sparse=_choosing(model.sparse, full / max(1, model.full_attention_layers), per_kv),
    )
    return replace(
        smaller,
        parameters=_parameters(model, smaller, active=False),
        active_parameters=_parameters(model, smaller, active=True),
    )


def _attention_parameters(model: Model, layers: int, width: int) -> int | None:
    """Where the model tells them: in proportion to layers, hidden width and heads."""
    if model.attention_parameters is None:
        return None
    before = model.full_attention_layers + model.sliding_layers
    return _of(model.attention_parameters, layers, before, width / (model.hidden * model.heads))


def _parameters(model: Model, smaller: Model, *, active: bool) -> int:
    """Those of the shape, and what no formula names (norms, linear layers) in proportion to layers and width."""
    before = shape_of(model).parameters(0, active=active)
    known = model.active_parameters if active else model.parameters
    share = smaller.layers * smaller.hidden / (model.layers * model.hidden)
    return shape_of(smaller).parameters(0, active=active) + round((known - before) * share)


def _choosing(sparse: SparseAttention | None, layers: float, cached: float) -> SparseAttention | None:
    """Indexers of a share of the *layers*, over a share of what is *cached*."""
    if sparse is None:
        return None
    return replace(
        sparse,
        elements_per_token=round(sparse.elements_per_token * layers * cached),
        index_elements_per_token=round(sparse.index_elements_per_token * layers),
        index_flop_per_pair=round(sparse.index_flop_per_pair * layers),
    )


def _experts(moe: MixtureOfExperts, kept: Kept, layers: int) -> MixtureOfExperts:
    width = moe.intermediate if kept.intermediate is None else kept.intermediate
    return replace(
        moe,
        experts=kept.experts or moe.experts,
        intermediate=width,
        dense_layers=min(moe.dense_layers, layers),
    )


def _width(model: Model, kept: Kept) -> int:
    """Width of the dense feed-forward: the one kept, but in a model of experts, whose width it then is."""
    return model.intermediate if kept.intermediate is None or model.moe is not None else kept.intermediate


def _layers_for(model: Model, kept: Kept, parameters: int) -> int:
    """The number of layers that comes nearest to a total of *parameters*."""
    sizes = {layers: _pruned(model, replace(kept, layers=layers)).parameters for layers in range(1, model.layers + 1)}
    return min(sizes, key=lambda layers: abs(sizes[layers] - parameters))


def _shared_out(layers: int, kinds: tuple[int, ...]) -> tuple[int, ...]:
    """*layers* over the kinds in their old proportion; the largest remainders get the rest."""
    exact = [layers * kind / sum(kinds) for kind in kinds]
    whole = [int(part) for part in exact]
    by_rest = sorted(range(len(kinds)), key=lambda at: whole[at] - exact[at])
    for at in by_rest[: layers - sum(whole)]:
        whole[at] += 1
    return tuple(whole)


def _of(elements: int, layers: int, before: int, share: float) -> int:
    """What *layers* keep of the *elements* that there were over *before* layers."""
    return round(elements * layers / before * share) if before else 0


def _check(model: Model, kept: Kept) -> None:
    moe = model.moe
    width = model.intermediate if moe is None else moe.intermediate
    limits = (
        ("layers", kept.layers, model.layers),
        ("hidden", kept.hidden, model.hidden),
        ("feed-forward width", kept.intermediate, width),
        ("query heads", kept.heads, model.heads),
        ("experts", kept.experts, 0 if moe is None else moe.experts),
        ("parameters", kept.parameters, model.parameters),
    )
    for name, value, most in limits:
        if value is not None and not 1 <= value <= most:
            what = (
                f"it has {count(most)} {name}, of which {count(value)} cannot be kept" if most else f"it has no {name}"
            )
            raise InvalidModel(
                source=model.name, what=what, mend=f"keep 1 to {count(most)}" if most else "leave it out"
            )
    if moe is not None and kept.experts is not None and kept.experts < moe.experts_per_token:
        raise InvalidModel(
            source=model.name,
            what=f"a token chooses {moe.experts_per_token} experts, and {kept.experts} would be left",
            mend=f"keep {moe.experts_per_token} or more",
        )
    if kept.heads is not None and model.heads % kept.heads and kept.heads % model.kv_heads:
        raise InvalidModel(
            source=model.name,
            what=f"{kept.heads} of {model.heads} query heads leave no whole number for each key-value head",
            mend=f"keep a multiple of {model.kv_heads}",
        )


def _told(model: Model, kept: Kept) -> str:
    moe = model.moe
    width = model.intermediate if moe is None else moe.intermediate
    parts = [
        f"{count(value)} of {count(before)} {name}"
        for name, value, before in (
            ("layers", kept.layers, model.layers),
            ("hidden elements", kept.hidden, model.hidden),
            ("feed-forward elements", kept.intermediate, width),
            ("query heads", kept.heads, model.heads),
            ("experts", kept.experts, 0 if moe is None else moe.experts),
        )
        if value is not None
    ]
    return ", ".join(parts)
