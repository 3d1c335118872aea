"""Where the bytes, the operations and the seconds of one configuration go, part by part, to be checked by hand.

No formula of the model stands here a second time. The time of a part is that of the same pass in which every other cost
is nothing; its bytes and operations are that time on a device that reaches its data sheet. What the parts do not add up
to would be told as a part of its own, so a change of the model cannot make an explanation wrong unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

from sizing.catalog.accelerator import Precision
from sizing.performance.configuration.precision import arithmetic, native_peak_flop_per_s
from sizing.performance.configuration.replica import Replica
from sizing.performance.configuration.shard import shard_of
from sizing.performance.links.link import Interconnect, Link
from sizing.performance.passes.efficiency import PERFECT, Efficiency
from sizing.performance.passes.forward import Costs, Matrices, PassTime, costs_of, decode_step, prompts_s
from sizing.performance.serving.closed_loop import step_binding

# What of the costs is no time of a pass: sizes and counts, and what serving adds around passes.
NO_TIME_OF_A_PASS = frozenset(
    {"experts", "experts_per_token", "expert_imbalance", "routing_variation", "window", "stages", "ranks", "chunk"}
    | {"interference", "clumping", "ttft_floor_s", "ttft_steps", "speculation"}
)
FROM_MEMORY = frozenset({"cache_token_s", "cache_sliding_token_s", "state_s"})
ARITHMETIC = frozenset({"decode_pair_s", "decode_pair_sliding_s", "prefill_pair_s", "prefill_pair_sliding_s"})
PARTS: dict[str, frozenset[str]] = {  # the costs that each part of a pass is made of
    "projections": frozenset({"attention"}),
    "dense matrices": frozenset({"dense"}),
    "routed experts": frozenset({"routed"}),
    "output table": frozenset({"head"}),
    "attention": FROM_MEMORY | ARITHMETIC,
    "collectives, start": frozenset({"collectives_s", "context_prefill_s", "context_decode_s"}),
    "collectives, wire": frozenset({"collectives_token_s", "context_prefill_token_s", "context_decode_token_s"}),
    "sequences": frozenset({"sequence_s"}),
    "layers of prompts": frozenset({"prefill_fixed_s"}),
    "draft": frozenset({"draft"}),
}
FIXED = {"layers": "layer_s", "expert layers": "moe_layer_s", "passes": "step_s"}  # of the efficiency, in `fixed_s`
MATRICES = ("projections", "dense matrices", "routed experts", "output table")
CACHE = "attention"
STARTS, WIRE = "collectives, start", "collectives, wire"
MEMORY, WORK = "memory", "work"
OTHER = "other"  # costs that no part names, and what the parts do not add up to


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a pass on one accelerator, over all pipeline stages: what it moves, what it computes, how long."""

    name: str
    seconds: float  # bytes and operations, as far as they overlap; or of a part that has neither
    stored: Precision | None = None  # format of its weights or its cache
    computed: Precision | None = None  # format that it is multiplied in
    bytes: float = 0.0  # from memory
    flop: float = 0.0
    memory_s: float = 0.0  # the bytes alone
    arithmetic_s: float = 0.0  # the operations alone
    bandwidth_share: float | None = None  # of the data sheet; None where nothing is moved
    flops_share: float | None = None
    link_bytes: float = 0.0  # sent to other accelerators, one direction
    link_share: float | None = None  # of the link's bandwidth that they reach
    each_s: float | None = None  # the constant that the seconds are a multiple of


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One decode step, or the prompts that are read together, as the sum of its parts."""

    tokens: float  # that go through the matrices, per attention-data-parallel rank
    sequences: float
    context_tokens: float  # cached tokens that each sequence attends to; of a prompt, those before it
    passes: float  # that the token budget asks for
    parts: tuple[Part, ...]
    seconds: float
    limit_s: float  # all bytes at the data sheet's bandwidth, or all operations at its peak: whichever is longer
    binding: str

    @property
    def roofline_share(self) -> float:
        """How much of the physical limit the pass reaches, 0 to 1."""
        return self.limit_s / self.seconds


def decode_pass(replica: Replica, share: Efficiency, *, sequences: float, context_tokens: float) -> Pass:
    """One token for each of *sequences* per rank, *context_tokens* cached in the mean."""

    def seconds(costs: Costs) -> float:
        return decode_step(costs, sequences=sequences, context_tokens=context_tokens).total_s

    return _pass(replica, share, seconds, tokens=sequences, sequences=sequences, context_tokens=context_tokens)


def prefill_pass(
    replica: Replica, share: Efficiency, *, prompts: float, new_tokens: float, cached_tokens: float
) -> Pass:
    """*prompts* of *new_tokens* that share passes on one rank, each after *cached_tokens* that need no reading."""

    def seconds(costs: Costs) -> float:
        return prompts_s(costs, prompts=prompts, tokens_each=new_tokens, cached_each=cached_tokens)

    tokens = prompts * new_tokens
    return _pass(replica, share, seconds, tokens=tokens, sequences=prompts, context_tokens=cached_tokens)


def _pass(
    replica: Replica,
    share: Efficiency,
    seconds: Callable[[Costs], float],
    *,
    tokens: float,
    sequences: float,
    context_tokens: float,
) -> Pass:
    parts = tuple(part for part in _parts(replica, share, seconds) if part.seconds > 0)
    costs, total = costs_of(replica, share), seconds(costs_of(replica, share))
    missing = total - sum(part.seconds for part in parts)
    if abs(missing) > 1e-9 * total:
        parts += (Part(name=OTHER, seconds=missing),)
    memory_s = sum(part.bytes for part in parts) / _bandwidth(replica)
    arithmetic_s = sum(part.flop / _peak(replica, part.computed) for part in parts if part.flop)
    return Pass(
        tokens=tokens,
        sequences=sequences,
        context_tokens=context_tokens,
        passes=max(1.0, -(-tokens // costs.chunk)),
        parts=parts,
        seconds=total,
        limit_s=max(memory_s, arithmetic_s),
        binding=step_binding(_times(parts)),
    )


def _parts(replica: Replica, share: Efficiency, seconds: Callable[[Costs], float]) -> Iterator[Part]:
    """Every part of the pass, also those that take no time."""
    costs, sheet = costs_of(replica, share), costs_of(replica, _data_sheet(share))
    for name in (*MATRICES, CACHE):
        yield _worked(replica, name, seconds, costs, sheet)
    yield _starts(replica, share, seconds)
    yield _wire(replica, share, seconds)
    yield Part(name="sequences", seconds=seconds(_only(costs, PARTS["sequences"])), each_s=share.sequence_s)
    prompts = seconds(_only(costs, PARTS["layers of prompts"]))
    yield Part(name="layers of prompts", seconds=prompts, each_s=share.prefill_layer_s)
    yield Part(name="draft", seconds=seconds(_only(costs, PARTS["draft"])))
    for name, kept in FIXED.items():
        others: dict[str, Any] = {cost: 0.0 for cost in FIXED.values() if cost != kept}
        alone = replace(share, **others)
        fixed_s = seconds(_only(costs_of(replica, alone), frozenset({"fixed_s"})))
        yield Part(name=name, seconds=fixed_s, each_s=getattr(share, kept))
    named = frozenset({"fixed_s"}).union(*PARTS.values())
    yield Part(name=OTHER, seconds=seconds(_only(costs, frozenset(times_of_a_pass()) - named)))


def _starts(replica: Replica, share: Efficiency, seconds: Callable[[Costs], float]) -> Part:
    """The collectives' starts, counted by what the pass would take with starts of one second in place of none."""
    whole, none, one = (
        seconds(_only(costs_of(replica, with_starts), PARTS[STARTS]))
        for with_starts in (share, *(replace(share, collective_s=dict.fromkeys(share.collective_s, s)) for s in (0, 1)))
    )
    return Part(name=STARTS, seconds=whole, each_s=whole / (one - none) if one > none else None)


def _wire(replica: Replica, share: Efficiency, seconds: Callable[[Costs], float]) -> Part:
    """What collectives send, counted by the time it would take over one link that reaches its rate and joins all."""
    rate = replica.link.bytes_per_s
    flat = Link(name="flat", bytes_per_s=rate, latency_s=0.0, domain=replica.layout.accelerators)
    joined = replace(replica, link=Interconnect(links=(flat,)))
    wire_s = seconds(_only(costs_of(replica, share), PARTS[WIRE]))
    sent = seconds(_only(costs_of(joined, _data_sheet(share)), PARTS[WIRE])) * rate
    return Part(name=WIRE, seconds=wire_s, link_bytes=sent, link_share=sent / (wire_s * rate) if wire_s > 0 else None)


def _worked(replica: Replica, name: str, seconds: Callable[[Costs], float], costs: Costs, sheet: Costs) -> Part:
    """A part that moves bytes and computes; *sheet* are the costs of a device that reaches its data sheet."""
    stored, computed = _formats(replica, name)
    memory_s, arithmetic_s = (seconds(_only(costs, PARTS[name], kind)) for kind in (MEMORY, WORK))
    memory_sheet_s, arithmetic_sheet_s = (seconds(_only(sheet, PARTS[name], kind)) for kind in (MEMORY, WORK))
    return Part(
        name=name,
        stored=stored,
        computed=computed,
        bytes=memory_sheet_s * _bandwidth(replica),
        flop=arithmetic_sheet_s * _peak(replica, computed),
        memory_s=memory_s,
        arithmetic_s=arithmetic_s,
        seconds=seconds(_only(costs, PARTS[name])),
        bandwidth_share=memory_sheet_s / memory_s if memory_s > 0 else None,
        flops_share=arithmetic_sheet_s / arithmetic_s if arithmetic_s > 0 else None,
    )


def times_of_a_pass() -> tuple[str, ...]:
    """The fields of `Costs` that are times of a pass."""
    return tuple(field.name for field in fields(Costs) if field.name not in NO_TIME_OF_A_PASS)


def _only(costs: Costs, names: frozenset[str], kind: str | None = None) -> Costs:
    """*costs* with nothing but those of *names*; of these only the memory traffic or the arithmetic, by *kind*."""
    left_out = {MEMORY: ARITHMETIC, WORK: FROM_MEMORY}.get(kind or "", frozenset())
    changed: dict[str, Any] = {}
    for name in times_of_a_pass():
        value = getattr(costs, name)
        if isinstance(value, Matrices):
            changed[name] = Matrices(
                stream_s=value.stream_s if name in names and kind != WORK else 0.0,
                token_s=value.token_s if name in names and kind != MEMORY else 0.0,
            )
        elif name not in names - left_out:
            changed[name] = 0.0
    return replace(costs, **changed)


@cache
def _data_sheet(share: Efficiency) -> Efficiency:
    """A device that reaches its data sheet, with the choice of experts as it is: that is work, not efficiency."""
    return replace(PERFECT, routing_variation=share.routing_variation)


def _formats(replica: Replica, name: str) -> tuple[Precision, Precision]:
    """What a part is stored in, and what it is multiplied in."""
    shard = shard_of(replica)
    stored = {
        "projections": shard.attention_format,
        "dense matrices": shard.dense_format,
        "routed experts": shard.routed_format,
        "output table": shard.formats.head.precision,
    }
    if name in stored:
        return stored[name], arithmetic(replica.accelerator, stored[name])
    return replica.kv, Precision.BF16


def _peak(replica: Replica, computed: Precision | None) -> float:
    """Operations per second of the unit for a format, as its data sheet says."""
    return 0.0 if computed is None else native_peak_flop_per_s(replica.accelerator, computed) or 0.0


def _bandwidth(replica: Replica) -> float:
    return replica.accelerator.memory_bytes_per_s or 0.0


def _times(parts: tuple[Part, ...]) -> PassTime:
    """The parts summed by what takes the time."""
    by_name = {part.name: part for part in parts}
    collectives = sum(by_name[name].seconds for name in (STARTS, WIRE) if name in by_name)
    return PassTime(
        weights_s=sum(by_name[name].memory_s for name in MATRICES if name in by_name),
        arithmetic_s=sum(part.arithmetic_s for part in parts),
        cache_s=by_name[CACHE].memory_s if CACHE in by_name else 0.0,
        collectives_s=collectives,
        overhead_s=sum(part.seconds for part in parts if part.name not in {*MATRICES, CACHE, STARTS, WIRE}),
        total_s=sum(part.seconds for part in parts),
    )
