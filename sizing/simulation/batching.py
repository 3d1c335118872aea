"""Continuous batching, pass by pass: what an engine's scheduler does with given requests, and how long it takes.

The independent check of the closed forms in `performance.queueing` and `performance.serving`, with which it shares only
the time of a pass. It is a loop over passes, so no general event library is used: between two events (an arrival, an
end, a full cache) passes are alike but for the growing contexts, and the loop takes them in one leap.
"""

from __future__ import annotations

from collections.abc import Sequence as Ordered
from heapq import heappop, heappush
from math import ceil, inf

from sizing.performance.passes.mixed import chunk_pairs_s, stage_s
from sizing.simulation.outcome import Gaps, Outcome
from sizing.simulation.request import Request, Served
from sizing.simulation.server import Server
from sizing.simulation.state import Batch, Run, Sequence, admit, advance, join, leave, reserve_bytes

# Of the steps that measured engines take to a first token (`ttft_steps`), those that happen here anyway: half of the
# running pass, and its own.
PASSES_SIMULATED = 1.5
SMOOTHING = 0.95  # of the time between two tokens, which engine delays follow
LONGEST_LEAP = 64  # passes taken at once; contexts grow meanwhile, and the pass in their middle stands for all


def simulate(server: Server, requests: Ordered[Request], *, in_flight: int | None = None) -> Outcome:
    """
    All *requests* through *server*, first come first served, until the last answer ends.

    Args:
        server: One rank of a replica, idle at the start.
        requests: In order of arrival. All at one time are a finite batch: ramp-up and drain are in the outcome.
        in_flight: If given, arrival times are not read: so many requests start at once, and each that ends lets in the
            next (a closed loop).
    """
    run = Run(
        server=server,
        coming=iter(requests),
        closed=in_flight is not None,
        batches=tuple(Batch() for _ in range(server.costs.stages)),
        stages_free_s=[0.0] * server.costs.stages,
    )
    if in_flight is None:
        run.upcoming = next(run.coming, None)
    for _ in range(in_flight or 0):
        _issue(run, 0.0)
    turn = 0
    while True:
        batch = run.batches[turn % len(run.batches)]
        start = max(run.stages_free_s[0], batch.free_s)
        _receive(run, start)
        if run.running or run.waiting:
            _pass(run, batch, start)
            turn += 1
            continue
        arrival = _next_arrival_s(run)
        if arrival == inf:
            return _outcome(run)
        run.stages_free_s[0] = max(run.stages_free_s[0], arrival)


def _issue(run: Run, now_s: float) -> None:
    """The next request of a closed loop starts, if there is one."""
    request = next(run.coming, None)
    if request is not None:
        _enter(run, Request(arrival_s=now_s, input_tokens=request.input_tokens, output_tokens=request.output_tokens))


def _enter(run: Run, request: Request) -> None:
    """A request arrives; it reaches the scheduler after the front end's time and what the engine delays by steps."""
    costs = run.server.costs
    run.first_s = min(run.first_s, request.arrival_s)
    engine_steps = max(0.0, costs.ttft_steps - PASSES_SIMULATED) if run.running else 0.0
    reaches_s = request.arrival_s + costs.ttft_floor_s + engine_steps * run.step_s
    heappush(run.arriving, (reaches_s, run.number(), Sequence(request=request)))


def _receive(run: Run, now_s: float) -> None:
    """All that have arrived by *now_s*, and of them into the queue those that have reached the scheduler."""
    while run.upcoming is not None and run.upcoming.arrival_s <= now_s:
        _enter(run, run.upcoming)
        run.upcoming = next(run.coming, None)
    while run.arriving and run.arriving[0][0] <= now_s:
        sequence = heappop(run.arriving)[2]
        request = sequence.request
        if run.server.bytes_of(request.input_tokens + request.output_tokens) <= run.server.cache_bytes:
            run.waiting.append(sequence)
            continue
        run.rejected.append(request)
        if run.closed:
            _issue(run, now_s)
    run.queue_peak = max(run.queue_peak, len(run.waiting))


def _next_arrival_s(run: Run) -> float:
    reaches = run.arriving[0][0] if run.arriving else inf
    return min(reaches, inf if run.upcoming is None else run.upcoming.arrival_s)


def _pass(run: Run, batch: Batch, start: float) -> None:
    """One pass of *batch*, or a leap of decode passes; nothing where it has nothing to do."""
    costs, mixes = run.server.costs, run.server.scheduler.mixes
    preempted = _make_room(run, batch)
    chunks = _chunks(run, batch.sequences if mixes else 0, admits=not preempted)
    decoding = batch.sequences if mixes or not chunks else 0
    if not chunks and not decoding:
        return
    passes = 1 if chunks else _leap(run, batch, start)
    ended = [sequence for sequence, tokens in chunks if tokens == sequence.unread]
    midway = (passes - 1) / 2
    each_s = stage_s(
        costs,
        prompt_tokens=sum(tokens for _, tokens in chunks),
        prompts=len(ended),
        prompt_pairs_s=sum(chunk_pairs_s(costs, tokens=tokens, before=one.read) for one, tokens in chunks),
        sequences=decoding,
        cached_tokens=batch.cached_tokens + decoding * midway if decoding else 0.0,
        windowed_tokens=batch.windowed_tokens + batch.growing * midway if decoding else 0.0,
    )
    _account(run, start + each_s * passes - run.stages_free_s[0])
    kept = SMOOTHING**passes
    run.step_s = kept * run.step_s + (1 - kept) * each_s * costs.stages if run.step_s else each_s * costs.stages
    finish_s = batch.free_s = _through_stages(run, start, each_s * passes)
    if decoding:
        _decode(run, batch, passes, start_s=start, finish_s=finish_s)
    for sequence, tokens in chunks:
        sequence.unread -= tokens
        sequence.read += tokens
    for sequence in ended:
        _first_token(run, batch, sequence, finish_s)


def _through_stages(run: Run, start: float, stage_s: float) -> float:
    """When a pass that enters the first stage at *start* leaves the last: in each it waits for the pass before it."""
    for stage, free in enumerate(run.stages_free_s):
        start = max(start, free) + stage_s
        run.stages_free_s[stage] = start
    return start


def _make_room(run: Run, batch: Batch) -> int:
    """Preempt the youngest until every decoding sequence of *batch* can grow by a token; how many that were."""
    preempted = 0
    while (
        batch.sequences > 0 and len(run.running) > 1 and run.held_bytes + _growth(run, batch) > run.server.cache_bytes
    ):
        youngest = run.running[next(reversed(run.running))]
        leave(run, youngest)
        youngest.preemptions += 1
        preempted += 1
        run.waiting.appendleft(youngest)
    run.preemptions += preempted
    return preempted


def _growth(run: Run, batch: Batch) -> float:
    """Bytes that one decode pass of *batch* adds to the cache."""
    return run.server.token_bytes * batch.sequences + run.server.windowed_token_bytes * batch.growing


def _chunks(run: Run, taken: int, *, admits: bool) -> list[tuple[Sequence, int]]:
    """Parts of prompts that the next pass reads, in order of arrival: the token budget less *taken*."""
    room = run.server.costs.chunk - taken
    chunks: list[tuple[Sequence, int]] = []
    for sequence in run.reading:
        if room <= 0:
            return chunks
        tokens = min(room, sequence.unread)
        chunks.append((sequence, tokens))
        room -= tokens
    while admits and room > 0 and run.waiting and _may_enter(run, run.waiting[0]):
        sequence = run.waiting.popleft()
        admit(run, sequence)
        tokens = min(room, sequence.unread)
        chunks.append((sequence, tokens))
        room -= tokens
    return chunks


def _may_enter(run: Run, sequence: Sequence) -> bool:
    """Whether the head of the queue fits, with what the policy keeps for it and the next pass of the others."""
    server = run.server
    if not run.running:
        return True
    needed = server.bytes_of(sequence.context) + reserve_bytes(server, sequence)
    growth = sum(_growth(run, batch) for batch in run.batches)
    room = server.cache_bytes - run.held_bytes - max(run.reserved_bytes, growth)
    return len(run.running) < server.max_num_seqs and needed <= room


def _leap(run: Run, batch: Batch, start: float) -> int:
    """How many decode passes can be taken at once: up to the next end, full window, arrival or full cache."""
    costs = run.server.costs
    if costs.stages > 1:
        return 1
    step_s = stage_s(
        costs,
        prompt_tokens=0,
        prompts=0,
        prompt_pairs_s=0.0,
        sequences=batch.sequences,
        cached_tokens=batch.cached_tokens,
        windowed_tokens=batch.windowed_tokens,
    )
    until = min(batch.ends[0][0], batch.fills[0][0] if batch.fills else inf) - batch.steps
    arrival = _next_arrival_s(run) - start
    growth = _growth(run, batch)
    room = (run.server.cache_bytes - run.held_bytes) / growth if growth > 0 else inf
    return max(1, int(min(LONGEST_LEAP, until, room, ceil(arrival / step_s) if arrival < inf else inf)))


def _decode(run: Run, batch: Batch, passes: int, *, start_s: float, finish_s: float) -> None:
    """Every sequence of *batch* has *passes* more tokens; those that are complete end."""
    pass_s, old = (finish_s - start_s) / passes, batch.sequences - batch.newcomers
    if old > 0:  # what ran between the last decode pass and this one delayed those that were there already
        run.gaps.append(Gaps(gap_s=start_s - batch.token_s + pass_s, tokens=old))
    if (undelayed := batch.sequences * passes - old) > 0:
        run.gaps.append(Gaps(gap_s=pass_s, tokens=undelayed))
    batch.newcomers, batch.token_s = 0, finish_s
    for sequence in advance(run, batch, passes):
        _end(run, sequence, finish_s)


def _first_token(run: Run, batch: Batch, sequence: Sequence, finish_s: float) -> None:
    """A prompt is read: its answer's first token, or after a preemption the next one."""
    sequence.first_token_s = min(sequence.first_token_s, finish_s)
    if sequence.generated + 1 >= sequence.request.output_tokens:
        leave(run, sequence)
        _end(run, sequence, finish_s)
        return
    run.reading.remove(sequence)
    sequence.generated += 1
    join(run, batch, sequence)


def _end(run: Run, sequence: Sequence, now_s: float) -> None:
    request = sequence.request
    run.last_s = max(run.last_s, now_s)
    run.served.append(
        Served(
            request=request,
            ttft_s=sequence.first_token_s - request.arrival_s,
            e2e_s=now_s - request.arrival_s,
            preemptions=sequence.preemptions,
        )
    )
    if run.closed:
        _issue(run, now_s)


def _account(run: Run, seconds: float) -> None:
    """The levels of queue, batch and cache during the pass, into their integrals."""
    share = run.held_bytes / run.server.cache_bytes if run.server.cache_bytes else 0.0
    run.queue_area += len(run.waiting) * seconds
    run.decoding_area += sum(batch.sequences for batch in run.batches) * seconds
    run.cache_area += share * seconds
    run.cache_peak = max(run.cache_peak, share)


def _outcome(run: Run) -> Outcome:
    span = max(0.0, run.last_s - run.first_s) if run.served else 0.0
    over = span if span > 0 else 1.0
    return Outcome(
        served=tuple(run.served),
        rejected=tuple(run.rejected),
        span_s=span,
        gaps=tuple(run.gaps),
        preemptions=run.preemptions,
        queue_mean=run.queue_area / over,
        queue_peak=run.queue_peak,
        decoding_mean=run.decoding_area / over,
        cache_mean=run.cache_area / over,
        cache_peak=run.cache_peak,
    )
