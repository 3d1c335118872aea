"""One model in every precision that a device runs it in, side by side: memory, speed, published quality."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sizing.catalog.accelerator import Precision
from sizing.performance.configuration.precision import legal_precisions
from sizing.performance.configuration.replica import Replica
from sizing.performance.levers.quality import Quality, published_quality
from sizing.performance.memory.budget import MemoryBudget, max_sequences, memory_budget
from sizing.performance.serving.operating_point import Excuse, OperatingPoint, Overloaded


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsOption:
    """The replica with its weights in one precision."""

    weights: Precision
    is_native: bool  # as the checkpoint is published
    budget: MemoryBudget
    answer: OperatingPoint | Overloaded | Excuse | None  # None: a request does not fit
    quality: tuple[Quality, ...]  # empty: nothing published that we know of


def compare_weights(
    replica: Replica,
    answer: Callable[[Replica], OperatingPoint | Overloaded | Excuse],
    *,
    request_tokens: float,
) -> tuple[WeightsOption, ...]:
    """
    *replica* in each legal precision under one load, the checkpoint's own first.

    Args:
        replica: In any of them; the cache keeps its format.
        answer: What a replica does under the load in question.
        request_tokens: Length of a whole request: where the cache holds none, there is no answer.
    """
    model = replica.model
    options = []
    for weights in legal_precisions(model, replica.accelerator):
        served = replace(replica, weights=weights)
        budget = memory_budget(served)
        fits = budget.fits and max_sequences(budget, request_tokens) >= 1
        options.append(
            WeightsOption(
                weights=weights,
                is_native=weights is model.native_precision,
                budget=budget,
                answer=answer(served) if fits else None,
                quality=published_quality(model, weights),
            )
        )
    return tuple(options)
