"""Speculative decoding as a value: how far a draft runs ahead, how often it is right, and what drafts.

Published acceptances are in `facts/acceptance.json`; they depend on the workload, so nothing here takes one by itself.
Source: performance model section 1.10.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache

from sizing.catalog.model import Model
from sizing.catalog.provenance import Provenance
from sizing.performance.configuration.parameters import count_parameters
from sizing.performance.packaged_facts import packaged_facts

ITERATIONS = 60  # halvings of the unit interval: to the last digit of a float


@dataclass(frozen=True, slots=True, kw_only=True)
class Speculation:
    """
    A draft of *draft_tokens* that the model verifies in one pass.

    Raises:
        ValueError: If a figure cannot be.
    """

    draft_tokens: int  # gamma
    acceptance: float  # chance that a drafted token is right where all before it were, 0 to 1: the user's own figure
    draft: Model | None = None  # a small model of the same vocabulary; None: a head on the model itself
    head_layers: int = 1  # of that head (MTP, EAGLE); 0: no network drafts (n-gram lookup)

    def __post_init__(self) -> None:
        """Check the figures, once."""
        if self.draft_tokens < 1:
            raise ValueError(f"draft_tokens is {self.draft_tokens}, but a draft has at least one")
        if not 0 <= self.acceptance <= 1:
            raise ValueError(f"acceptance is {self.acceptance}, but is a share from 0 to 1")
        if self.head_layers < 0:
            raise ValueError(f"head_layers is {self.head_layers}, but is 0 or more")

    @property
    def tokens_per_step(self) -> float:
        """Tokens that one verification yields in the mean, its own one included."""
        return tokens_per_step(self.acceptance, self.draft_tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """What someone measured of one draft on one workload."""

    method: str  # EAGLE-3, MTP, n-gram
    target: str
    draft_tokens: int
    tokens_per_step: float
    workload: str
    provenance: Provenance

    @property
    def acceptance(self) -> float:
        """The chance for each token that gives so many tokens a step."""
        return acceptance_of(self.tokens_per_step, self.draft_tokens)


def tokens_per_step(acceptance: float, draft_tokens: int) -> float:
    """
    Expected tokens of one step: 1 + a + a^2 + ... + a^gamma = (1 - a^(gamma + 1)) / (1 - a).

    The first wrong token of the draft ends it; the verifying pass itself gives the token after the last right one.
    """
    return sum(acceptance**n for n in range(draft_tokens + 1))


def acceptance_of(tokens: float, draft_tokens: int) -> float:
    """The acceptance with which a draft of *draft_tokens* yields *tokens* a step, from 1 (none) to gamma + 1 (all)."""
    low, high = 0.0, 1.0
    for _ in range(ITERATIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if tokens_per_step(middle, draft_tokens) < tokens else (low, middle)
    return high


@lru_cache(maxsize=256)
def drafting_model(model: Model, speculation: Speculation) -> Model | None:
    """
    What drafts for *model*: the draft model itself, or a head as a model of its own; None where no network drafts.

    A head is layers as the target's sparse ones (all alike in a dense model) that attend to the whole context, and a
    projection of the token and the last hidden state, 2 h x h, to one (MTP, EAGLE). It has no tables of its own.
    """
    if speculation.draft is not None:
        return speculation.draft
    layers = speculation.head_layers
    if layers == 0:
        return None
    latent = model.mla
    elements = 2 * model.kv_heads * model.head_dim if latent is None else latent.kv_rank + latent.rope_dim
    head = replace(
        model,
        name=f"{model.name} head",
        layers=layers,
        full_attention_layers=layers,
        sliding_layers=0,
        linear_layers=0,
        feed_forward_layers=None,
        sliding_window=None,
        moe=None if model.moe is None else replace(model.moe, dense_layers=0),
        kv_elements_per_token_full=layers * elements,
        kv_elements_per_token_sliding=0,
        state_elements_per_sequence=0,
        parameters=0,
        active_parameters=0,
        attention_parameters=None,
        encoder_parameters=0,
        image_token_side=None,
        sparse=None,
    )
    return replace(head, parameters=count_parameters(head).total + 2 * model.hidden**2)


@cache
def published_acceptance() -> tuple[Acceptance, ...]:
    """Measured acceptances with their sources, for a user to choose from."""
    return tuple(
        Acceptance(
            method=row["method"],
            target=row["target"],
            draft_tokens=row["draft_tokens"],
            tokens_per_step=row["tokens_per_step"],
            workload=row["workload"],
            provenance=Provenance(source=row["source"], as_of=row["as_of"]),
        )
        for row in packaged_facts("acceptance")["measured"]
    )
