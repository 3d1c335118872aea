"""What is simulated: one attention-data-parallel rank of a replica, reduced to costs, cache and policy."""

from __future__ import annotations

from dataclasses import dataclass

from sizing.performance.configuration.replica import Replica
from sizing.performance.configuration.scheduler import SCHEDULERS, Scheduler
from sizing.performance.memory.budget import MemoryBudget, memory_budget
from sizing.performance.passes.efficiency import efficiency_of
from sizing.performance.passes.forward import Costs, costs_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One rank; a replica of several is as many servers, each with its share of the requests."""

    costs: Costs
    scheduler: Scheduler
    cache_bytes: int
    token_bytes: float  # of layers that keep every token
    windowed_token_bytes: float  # of layers that keep a window
    sequence_bytes: float  # constant state
    max_num_seqs: int
    prefix_hit: float  # share of each prompt that is found in the cache

    def bytes_held(self, *, tokens: float, windowed_tokens: float, sequences: float) -> float:
        """Cache that sequences hold; each fills its last block by half in the mean, so it has that much more."""
        slack = sequences * (self.scheduler.block_tokens - 1) / 2
        return (
            self.token_bytes * (tokens + slack)
            + self.windowed_token_bytes * (windowed_tokens + slack)
            + self.sequence_bytes * sequences
        )

    def windowed(self, tokens: float) -> float:
        """Tokens that layers with a window keep of a sequence of so many."""
        return tokens if self.costs.window is None else min(tokens, self.costs.window)

    def bytes_of(self, tokens: float) -> float:
        """Cache that one sequence of *tokens* holds."""
        return self.bytes_held(tokens=tokens, windowed_tokens=self.windowed(tokens), sequences=1)


def server_of(replica: Replica, *, prefix_hit: float = 0.0) -> Server:
    """The server that each rank of *replica* is, under its engine's default policy."""
    budget: MemoryBudget = memory_budget(replica)
    return Server(
        costs=costs_of(replica, efficiency_of(replica)),
        scheduler=SCHEDULERS[replica.engine.name],
        cache_bytes=budget.kv_bytes,
        token_bytes=budget.kv_bytes_per_token - budget.sliding_bytes_per_token,
        windowed_token_bytes=budget.sliding_bytes_per_token,
        sequence_bytes=budget.state_bytes_per_sequence,
        max_num_seqs=replica.max_num_seqs,
        prefix_hit=prefix_hit,
    )
