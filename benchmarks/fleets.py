"""
Strategies on made-up fleets: cost, bound, gap, seconds, who is not served and why, and the saving against greedy.

`python -m benchmarks.fleets --models 100 --seeds 5 [--strategy auto] [--effort normal] [--lift] [--json]`. Every plan
goes through the check; exit status 1 where one breaks a rule. Seconds are the solve's alone, on one thread; the greedy
strategy beside it, and with --lift the same strategy without quotas, are not in them.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from benchmarks.made_up_fleet import fleet
from infra.terminal import keep_stdout
from sizing.catalog.machine import Cloud
from sizing.optimiser import Effort, Strategy, solve
from sizing.optimiser.check import violations
from sizing.optimiser.conflicts.left_out import why_left_out
from sizing.optimiser.engine.tables import tables
from sizing.optimiser.problem import Problem
from sizing.optimiser.pruning import without_dominated
from sizing.optimiser.purchase import Purchase
from sizing.units import MICRO_USD_PER_USD

__all__ = ["fleet"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fleet, solved once."""

    models: int
    seed: int
    variables: int  # of the whole-number model, after what cannot be of use is left out
    seconds: float
    status: str
    usd_per_hour: float | None
    bound_usd_per_hour: float | None  # of the objective
    gap: float | None
    unserved: tuple[str, ...]  # each with the limit in its way, what it takes of it and what is left
    saving: float | None  # share of what the greedy strategy's purchase costs; None: the two do not serve the same
    lifted: float | None  # share by which the cost falls without quotas; None: not asked
    violations: tuple[str, ...]
    peak_bytes: int  # of the process so far


def measured(models: int, seed: int, *, options: argparse.Namespace) -> Row:
    """One fleet, generated, solved, checked and compared."""
    problem = fleet(models, seed, cloud=options.cloud, short=options.short)
    began = time.perf_counter()
    found = solve(problem, strategy=options.strategy, effort=options.effort)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    greedy = found if options.strategy is Strategy.GREEDY else solve(problem, strategy=Strategy.GREEDY)
    free = (
        solve(replace(problem, quotas=()), strategy=options.strategy, effort=options.effort) if options.lift else None
    )
    return Row(
        models=models,
        seed=seed,
        variables=_variables(problem),
        seconds=seconds,
        status=found.status.value,
        usd_per_hour=None if found.micro_usd_per_hour is None else found.micro_usd_per_hour / MICRO_USD_PER_USD,
        bound_usd_per_hour=None if found.bound is None else found.bound / MICRO_USD_PER_USD,
        gap=found.gap,
        unserved=_unserved(problem, found),
        saving=_falls(greedy, found),
        lifted=None if free is None else _falls(found, free),
        violations=violations(problem, found),
        peak_bytes=peak,
    )


def _variables(problem: Problem) -> int:
    """Options, replicas by place and machines by pool: what is decided on."""
    made = tables(without_dominated(problem))
    periods = len(problem.periods)
    return len(made.options) + periods * (len(made.pool) + len(set(made.pool.tolist())))


def _falls(dearer: Purchase, cheaper: Purchase) -> float | None:
    """Share of its cost by which one purchase is dearer than another that serves the same workloads."""
    if dearer.micro_usd_per_hour is None or cheaper.micro_usd_per_hour is None:
        return None
    if dearer.unserved != cheaper.unserved or not dearer.micro_usd_per_hour:
        return None
    return 1 - cheaper.micro_usd_per_hour / dearer.micro_usd_per_hour


def _unserved(problem: Problem, found: Purchase) -> tuple[str, ...]:
    """Who is left out, and the limits in the way: what they take of each, and what is left of it."""
    told = []
    for why in why_left_out(problem, found):
        lacks = "; ".join(f"{lack.name} of {lack.limit}: takes {lack.takes}, {lack.left} left" for lack in why.lacks)
        told.append(f"{why.workload} ({lacks or 'nothing that is sold may carry it'})")
    return tuple(told)


def _table(rows: Sequence[Row]) -> str:
    """Rows as text, with the median of each size below."""
    head = ("models", "seed", "vars", "s", "USD/h", "bound", "gap", "unserved", "saving", "lifted", "MB", "check")
    lines = ["".join(f"{word:>11}" for word in head)]
    for row in rows:
        cells = (
            row.models,
            row.seed,
            row.variables,
            f"{row.seconds:.1f}",
            _money(row.usd_per_hour),
            _money(row.bound_usd_per_hour),
            _share(row.gap),
            len(row.unserved),
            _share(row.saving),
            _share(row.lifted),
            f"{row.peak_bytes / 1e6:.0f}",
            "passed" if not row.violations else f"{len(row.violations)} broken",
        )
        lines.append("".join(f"{cell:>11}" for cell in cells))
        lines += [f"    without {who}" for who in row.unserved]
        lines += [f"    broken: {text}" for text in row.violations[:5]]
    for models in dict.fromkeys(row.models for row in rows):
        alike = [row for row in rows if row.models == models]
        gaps = [row.gap for row in alike if row.gap is not None]
        savings = [row.saving for row in alike if row.saving is not None]
        seconds = statistics.median(row.seconds for row in alike)
        lines.append(
            f"{models} models, {len(alike)} seeds: median {seconds:.1f} s, "
            f"gap {_share(statistics.median(gaps) if gaps else None)}, "
            f"saving {_share(statistics.mean(savings) if savings else None)} on average"
        )
    return "\n".join(lines)


def _money(usd: float | None) -> str:
    return "-" if usd is None else f"{usd:,.2f}"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and exit 1 where a plan breaks a rule."""
    keep_stdout()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fleets", description=(__doc__ or "").partition("\n\n")[0]
    )
    parser.add_argument("--models", type=int, nargs="+", default=[10])
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 0")
    parser.add_argument("--strategy", type=Strategy, choices=[*Strategy], default=Strategy.AUTO)
    parser.add_argument("--effort", type=Effort, choices=[*Effort], default=Effort.NORMAL)
    parser.add_argument("--cloud", type=Cloud, choices=[*Cloud], default=Cloud.AWS)
    parser.add_argument("--short", action="store_true", help="quotas so low that some are left out")
    parser.add_argument("--lift", action="store_true", help="solve without quotas too, and tell how the cost falls")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    rows = [measured(models, seed, options=options) for models in options.models for seed in range(options.seeds)]
    print(json.dumps([asdict(row) for row in rows], indent=1) if options.json else _table(rows))
    return 1 if any(row.violations for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
