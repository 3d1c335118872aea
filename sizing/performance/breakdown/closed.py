"""One configuration broken down: memory by part, both passes, how TPOT, TTFT and throughput follow, the constants.

Values only; `sizing.render_explanation` makes text of them. A term's seconds are the difference that it makes to the
model's own answer, and its factors are what a reader multiplies to get them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod

from sizing.catalog.accelerator import Precision
from sizing.performance.breakdown.constants import Constant, constants_beside_priors
from sizing.performance.breakdown.explanation import Pass, decode_pass, prefill_pass
from sizing.performance.certainty.estimate import Grade
from sizing.performance.configuration.drafting import draft_weight_bytes
from sizing.performance.configuration.replica import Replica
from sizing.performance.configuration.shard import shard_of
from sizing.performance.memory.budget import MemoryBudget, memory_budget, sequence_bytes
from sizing.performance.passes.efficiency import Efficiency, efficiency_of
from sizing.performance.passes.forward import Costs, costs_of, prompts_together
from sizing.performance.serving.closed_loop import Loop, closed_loop, loop_of, whole_batch
from sizing.performance.serving.operating_point import OperatingPoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """One part of the weights on one accelerator."""

    name: str
    stored: Precision | None
    elements: float
    bytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """What a term is multiplied by, or, with *divides*, divided by."""

    name: str
    value: float
    is_seconds: bool = False
    divides: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One summand of a latency."""

    name: str
    seconds: float
    factors: tuple[Factor, ...] = ()  # none: worked out elsewhere in the breakdown

    @property
    def product(self) -> float:
        """What the factors come to; the seconds themselves where there are none."""
        if not self.factors:
            return self.seconds
        return prod(1 / factor.value if factor.divides else factor.value for factor in self.factors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """Everything behind one prediction at constant lengths and load."""

    input_tokens: float
    output_tokens: float
    requests: float  # in flight, over the whole replica
    sequences: float  # of them decoding together, per attention-data-parallel rank
    budget: MemoryBudget
    weights: tuple[Weights, ...]
    sequence_bytes: float  # cache of one request at its mean length, per accelerator
    decode: Pass
    prefill: Pass
    tpot: tuple[Term, ...]
    ttft: tuple[Term, ...]
    point: OperatingPoint
    device_class: str
    grade: Grade
    is_measured: bool  # whether the constants were fitted to measurements of this very device, among others
    constants: tuple[Constant, ...]
    queue_load: float | None = None  # of random arrivals: share of passes that prompts take, 0 to 1


def breakdown(
    replica: Replica, *, input_tokens: float, output_tokens: float, concurrency: float, prefix_hit: float = 0.0
) -> Breakdown:
    """The breakdown of `closed_loop` with *concurrency* requests in flight; arguments as there."""
    point = closed_loop(
        replica,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        concurrency=concurrency,
        prefix_hit=prefix_hit,
    )
    share = efficiency_of(replica)
    costs, held = costs_of(replica, share), min(concurrency, point.max_concurrency)

    def loop(**without: float) -> Loop:
        return loop_of(
            replace(costs, **without),  # type: ignore[arg-type]
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            concurrency=held,
            prefix_hit=prefix_hit,
        )

    whole, cached = loop(), input_tokens * prefix_hit
    together = prompts_together(
        costs, sequences=whole.sequences, output_tokens=output_tokens, new_tokens=input_tokens - cached
    )
    return assembled(
        replica,
        share,
        point,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        sequences=whole.sequences,
        decode=decode_pass(replica, share, sequences=whole.sequences, context_tokens=input_tokens + output_tokens / 2),
        prefill=prefill_pass(replica, share, prompts=together, new_tokens=input_tokens - cached, cached_tokens=cached),
        tpot=counting(_tpot_terms(costs, loop, output_tokens)),
        ttft=counting((*_ttft_terms(costs, loop), _waiting(point, whole, held))),
    )


def _tpot_terms(costs: Costs, loop: Callable[..., Loop], output_tokens: float) -> tuple[Term, ...]:
    """A decode step, and what the prompts of the others take of it."""
    whole = loop()
    factors = (
        Factor(name="interference", value=costs.interference),
        Factor(name="not before their first token", value=1 - costs.clumping),
        Factor(name="others", value=whole.sequences - 1),
        Factor(name="answer tokens", value=output_tokens, divides=True),
        Factor(name="prompt", value=whole.prefill_s, is_seconds=True),
    )
    interference = whole.tpot_s - loop(interference=0.0).tpot_s
    return (
        Term(name="decode step", seconds=whole.step.total_s),
        Term(name="prompts of the others", seconds=interference, factors=factors),
    )


def _ttft_terms(costs: Costs, loop: Callable[..., Loop]) -> tuple[Term, ...]:
    """The server's own time, that of the prompt, and that of prompts that came at the same time."""
    whole = loop()
    steps = (
        Factor(name="steps", value=costs.ttft_steps),
        Factor(name="each", value=whole.tpot_s, is_seconds=True),
    )
    clumped = (
        Factor(name="clumping", value=costs.clumping),
        Factor(name="others", value=whole.sequences - 1),
        Factor(name="prompt", value=whole.prefill_s, is_seconds=True),
    )
    own = loop(ttft_floor_s=0.0, ttft_steps=0.0, clumping=0.0).ttft_s
    unhurried = loop(ttft_steps=0.0)  # clumping also shortens steps, which is told of the steps
    before = unhurried.ttft_s - loop(ttft_steps=0.0, clumping=0.0).ttft_s
    return (
        Term(name="server", seconds=whole.ttft_s - loop(ttft_floor_s=0.0).ttft_s),
        Term(name="steps to its turn", seconds=whole.ttft_s - unhurried.ttft_s, factors=steps),
        Term(name="own prompt", seconds=own),
        Term(name="prompts before it", seconds=before, factors=clumped),
    )


def _waiting(point: OperatingPoint, whole: Loop, held: float) -> Term:
    """What requests wait that memory or the sequence limit does not admit."""
    factors = (
        Factor(name="not admitted", value=point.concurrency - held),
        Factor(name="requests/s", value=whole.requests_per_s, divides=True),
    )
    return Term(name="waiting for room", seconds=point.ttft_mean_s - whole.ttft_s, factors=factors)


def static_breakdown(replica: Replica, *, input_tokens: float, output_tokens: float, batch: int) -> Breakdown:
    """The breakdown of `whole_batch`: all prompts are read first, then all answers written in step."""
    share = efficiency_of(replica)
    point = whole_batch(replica, input_tokens=input_tokens, output_tokens=output_tokens, batch=batch)
    sequences = max(1.0, batch / costs_of(replica, share).ranks)
    return assembled(
        replica,
        share,
        point,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        sequences=sequences,
        decode=decode_pass(replica, share, sequences=sequences, context_tokens=input_tokens + output_tokens / 2),
        prefill=prefill_pass(replica, share, prompts=sequences, new_tokens=input_tokens, cached_tokens=0.0),
        tpot=(Term(name="decode step", seconds=point.tpot_mean_s),),
        ttft=(Term(name="all prompts", seconds=point.ttft_mean_s),),
    )


def assembled(
    replica: Replica,
    share: Efficiency,
    point: OperatingPoint,
    *,
    input_tokens: float,
    output_tokens: float,
    sequences: float,
    decode: Pass,
    prefill: Pass,
    tpot: tuple[Term, ...],
    ttft: tuple[Term, ...],
) -> Breakdown:
    """A breakdown of its passes and terms, with the memory and the constants behind it."""
    budget, context = memory_budget(replica), input_tokens + output_tokens / 2
    return Breakdown(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        requests=point.concurrency,
        sequences=sequences,
        budget=budget,
        weights=weights_of(replica),
        sequence_bytes=sequence_bytes(budget, context),
        decode=decode,
        prefill=prefill,
        tpot=tpot,
        ttft=ttft,
        point=point,
        device_class=share.device_class,
        grade=share.grade,
        is_measured=share.measured,
        constants=constants_beside_priors(replica, share),
    )


def weights_of(replica: Replica) -> tuple[Weights, ...]:
    """The weights of one accelerator by part; together they are those of its memory budget."""
    shard = shard_of(replica)
    parts_held = (
        ("projections", shard.formats.attention, shard.attention_elements, None),
        ("dense matrices", shard.formats.dense, shard.dense_elements, None),
        ("routed experts", shard.formats.routed, shard.routed_elements, shard.routed_bytes),
    )
    parts = [
        Weights(name=name, stored=part.precision, elements=elements, bytes=held or elements * part.bytes_per_element)
        for name, part, elements, held in parts_held
        if elements
    ]
    parts.append(
        Weights(
            name="embedding and output",
            stored=shard.formats.head.precision,
            elements=shard.table_elements,
            bytes=shard.table_bytes,
        )
    )
    if shard.beside_bytes:
        parts.append(Weights(name="routers, encoder, copies", stored=None, elements=0.0, bytes=shard.beside_bytes))
    draft = draft_weight_bytes(replica)
    if draft:
        parts.append(Weights(name="draft", stored=None, elements=0.0, bytes=draft))
    whole = memory_budget(replica).weight_bytes
    rest = whole - sum(part.bytes for part in parts)
    if abs(rest) > 1e-6 * whole:
        parts.append(Weights(name="other", stored=None, elements=0.0, bytes=rest))
    return tuple(parts)


def counting(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """The terms that take time; rounding of a difference is none."""
    whole = sum(term.seconds for term in terms)
    return tuple(term for term in terms if term.seconds > 1e-9 * whole)
