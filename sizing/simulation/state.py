"""The state of a simulated server: sequences, the batches that they decode in, and the cache that they hold."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import inf

from sizing.simulation.outcome import Gaps
from sizing.simulation.request import Request, Served
from sizing.simulation.server import Server


@dataclass(slots=True, eq=False)
class Sequence:
    """One request on its way through the server."""

    request: Request
    unread: int = 0  # tokens still to be computed before the next one is generated
    read: int = 0  # cached
    generated: int = 0  # answer tokens; while decoding, those at the time of joining
    joined: int = 0  # step of its batch at which it began to decode
    admissions: int = 0  # an entry of an earlier stay in a heap is known by it
    preemptions: int = 0
    first_token_s: float = inf
    reserved_bytes: float = 0.0
    batch: Batch | None = None  # None: waiting, or reading its prompt

    @property
    def context(self) -> int:
        """Tokens of the prompt and of the answer so far."""
        steps = 0 if self.batch is None else self.batch.steps - self.joined
        return self.request.input_tokens + self.generated + steps


@dataclass(slots=True, eq=False)
class Batch:
    """Sequences that decode in the same passes: all of them, or with pipeline stages a share for each stage."""

    sequences: int = 0
    steps: int = 0  # decode passes so far
    cached_tokens: float = 0.0
    windowed_tokens: float = 0.0
    growing: int = 0  # sequences whose window is not full
    newcomers: int = 0  # joined since the last decode pass
    free_s: float = 0.0  # end of its running pass
    token_s: float = 0.0  # end of its last decode pass
    ends: list[tuple[int, int, int, Sequence]] = field(default_factory=list)  # step, order, admission
    fills: list[tuple[int, int, int, Sequence]] = field(default_factory=list)  # the same, of windows


@dataclass(slots=True, eq=False)
class Run:
    """One simulation."""

    server: Server
    coming: Iterator[Request]  # in order of arrival
    closed: bool  # whether each end lets in the next request
    batches: tuple[Batch, ...]
    upcoming: Request | None = None
    arriving: list[tuple[float, int, Sequence]] = field(default_factory=list)  # on their way through the front end
    waiting: deque[Sequence] = field(default_factory=deque)
    reading: deque[Sequence] = field(default_factory=deque)
    running: dict[int, Sequence] = field(default_factory=dict)  # reading or decoding, by id, in order of admission
    stages_free_s: list[float] = field(default_factory=list)  # when each pipeline stage is free
    step_s: float = 0.0  # time between two tokens, smoothed over some twenty passes
    order: int = 0
    tokens: float = 0.0  # held in the cache
    windowed_tokens: float = 0.0
    reserved_bytes: float = 0.0  # that running sequences may still come to hold, as far as the policy counts it
    served: list[Served] = field(default_factory=list)
    rejected: list[Request] = field(default_factory=list)
    gaps: list[Gaps] = field(default_factory=list)
    preemptions: int = 0
    queue_peak: int = 0
    cache_peak: float = 0.0
    queue_area: float = 0.0  # integrals over time
    decoding_area: float = 0.0
    cache_area: float = 0.0
    first_s: float = inf
    last_s: float = 0.0

    @property
    def held_bytes(self) -> float:
        """Cache that running sequences hold now."""
        return self.server.bytes_held(
            tokens=self.tokens, windowed_tokens=self.windowed_tokens, sequences=len(self.running)
        )

    def number(self) -> int:
        """A number larger than all before: ties are broken by it."""
        self.order += 1
        return self.order


def admit(run: Run, sequence: Sequence) -> None:
    """The head of the queue starts to read; room for all of its tokens is taken at once."""
    request, server = sequence.request, run.server
    context = sequence.context
    sequence.read = min(int(request.input_tokens * server.prefix_hit), request.input_tokens - 1)
    sequence.unread = context - sequence.read
    sequence.admissions += 1
    run.running[id(sequence)] = sequence
    run.reading.append(sequence)
    run.tokens += context
    run.windowed_tokens += server.windowed(context)
    sequence.reserved_bytes = reserve_bytes(server, sequence)
    run.reserved_bytes += sequence.reserved_bytes


def reserve_bytes(server: Server, sequence: Sequence) -> float:
    """Bytes beyond its tokens so far that the policy sets aside for a sequence when it is admitted."""
    left = sequence.request.output_tokens - sequence.generated
    ahead = sequence.context + server.scheduler.reserved_share * left
    return server.bytes_of(ahead) - server.bytes_of(sequence.context)


def join(run: Run, batch: Batch, sequence: Sequence) -> None:
    """A sequence whose prompt is read begins to decode."""
    context, windowed = sequence.context, run.server.windowed(sequence.context)
    run.tokens += 1  # the first token of the answer
    run.windowed_tokens += windowed - run.server.windowed(context - 1)
    sequence.batch, sequence.joined = batch, batch.steps
    batch.sequences += 1
    batch.newcomers += 1
    batch.cached_tokens += context
    batch.windowed_tokens += windowed
    order, window = run.number(), run.server.costs.window
    end = batch.steps + sequence.request.output_tokens - sequence.generated
    heappush(batch.ends, (end, order, sequence.admissions, sequence))
    if window is None or context < window:
        batch.growing += 1
    if window is not None and context < window:
        heappush(batch.fills, (batch.steps + window - context, order, sequence.admissions, sequence))


def leave(run: Run, sequence: Sequence) -> None:
    """A running sequence ends or is preempted: its cache is free, its batch forgets it, and it knows what it has."""
    context, batch = sequence.context, sequence.batch
    windowed = run.server.windowed(context)
    del run.running[id(sequence)]
    run.tokens -= context
    run.windowed_tokens -= windowed
    run.reserved_bytes -= sequence.reserved_bytes
    if batch is None:
        run.reading.remove(sequence)
        return
    window = run.server.costs.window
    batch.sequences -= 1
    batch.cached_tokens -= context
    batch.windowed_tokens -= windowed
    batch.growing -= window is None or context < window
    sequence.generated += batch.steps - sequence.joined
    sequence.batch = None


def advance(run: Run, batch: Batch, steps: int) -> list[Sequence]:
    """*batch* decodes so many steps; the sequences that end with the last of them, which have left."""
    batch.steps += steps
    batch.cached_tokens += batch.sequences * steps
    batch.windowed_tokens += batch.growing * steps
    run.tokens += batch.sequences * steps
    run.windowed_tokens += batch.growing * steps
    while batch.fills and batch.fills[0][0] <= batch.steps:
        _, _, admission, sequence = heappop(batch.fills)
        if sequence.batch is batch and sequence.admissions == admission:
            batch.growing -= 1
    ended = []
    while batch.ends and batch.ends[0][0] <= batch.steps:
        _, _, admission, sequence = heappop(batch.ends)
        if sequence.batch is batch and sequence.admissions == admission:
            leave(run, sequence)
            ended.append(sequence)
    return ended
