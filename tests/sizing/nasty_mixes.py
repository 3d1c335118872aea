"""Mix cases made to be hard, from a seed: near ties, holes, near-integer loads, few slices and very many."""

from __future__ import annotations

import random
from collections.abc import Mapping

PRICES = (0.7, 1.01, 1.2, 2.21, 3.67, 5.0, 7.516, 10.98)
STYLES = ("plain", "ties", "proportional", "holes", "near_integer")


def nasty(seed: int, *, types: int, grid: tuple[int, int], slices: int, rate: float, style: str) -> dict[str, object]:
    """
    One case in the published form.

    Args:
        seed: Of everything that is left to chance.
        types: Accelerator types.
        grid: Buckets of input by buckets of output lengths.
        slices: Slice factor.
        rate: Requests per second in all.
        style: ties: few prices, whole throughputs; proportional: all types serve about as much for the money; holes:
            each type serves up to some size; near_integer: loads that fill an accelerator, or nearly.
    """
    chance = random.Random(seed)  # noqa: S311  repeatable, not secret
    rows, columns = grid
    base = [
        [chance.uniform(8, 40) / (1 + i * chance.uniform(0.3, 0.8)) / (1 + j * 0.4) for j in range(columns)]
        for i in range(rows)
    ]
    kinds = {f"T{kind}": _type(chance, base, style) for kind in range(types)}
    shares = [[chance.random() ** 3 for _ in range(columns)] for _ in range(rows)]
    total = sum(map(sum, shares))
    shares = [[share / total for share in row] for row in shares]
    if style == "near_integer":
        shares = [
            [round(share * rate) / rate * chance.choice([1, 1, 1 - 1e-7, 1 + 1e-7]) for share in row] for row in shares
        ]
    return {
        "gpu_info": kinds,
        "workload_distribution": shares,
        "total_request_rate": rate,
        "slice_factor": slices,
    }


def _type(chance: random.Random, base: list[list[float]], style: str) -> Mapping[str, object]:
    rows, columns = len(base), len(base[0])
    cost = chance.choice(PRICES) if style == "ties" else round(chance.uniform(0.4, 12), chance.choice([2, 4]))
    lean_in, lean_out, reach = chance.uniform(-0.6, 0.6), chance.uniform(-0.6, 0.6), chance.uniform(0.4, 1.2)

    def sustained(i: int, j: int) -> float:
        if style == "proportional":
            return round(base[i][j] * cost, 4)
        if style == "holes" and (i / rows + j / columns) / 2 > reach:
            return 0
        leaning = (1 + lean_in * i / rows) * (1 + lean_out * j / columns) * chance.uniform(0.8, 1.2)
        number = base[i][j] * cost * leaning
        return max(1, round(number)) if style in {"ties", "near_integer"} else round(number, 3)

    return {"cost": cost, "tputs": [[sustained(i, j) for j in range(columns)] for i in range(rows)]}
