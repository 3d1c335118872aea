"""A sweep spread over processes by Dask, which is there where sizeup was installed with its extra `sweep`."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from multiprocessing.connection import wait
from typing import TypeAlias

from infra.failures import REFUSED, WrongInput
from sizing.allocation.whatif.sweep import Repricing, Trial, Weighings, repriced, sweep
from sizing.catalog import catalog
from sizing.optimiser import Effort, Strategy
from sizing.outcome import NoPlan, Sized
from sizing.plan import SizingPlan
from sizing.spec.workload import Spec

Asked: TypeAlias = tuple[Spec, tuple[Repricing, ...]]

PARTS_A_WORKER = 4  # so that a slow part does not leave the other processes idle for long


def spread_sweep(
    trials: Sequence[Asked],
    *,
    current: SizingPlan | None,
    strategy: Strategy,
    effort: Effort,
    workers: int,
    tell: Callable[[str], None],
) -> Iterator[Sized | NoPlan]:
    """
    The answers to *trials* in their order, worked out by *workers* processes; *tell* hears how many parts are done.

    Neighbours stay together, and each process weighs the ways to run a workload once.

    Raises:
        WrongInput: If Dask is not installed.
    """
    try:
        from dask.base import compute  # noqa: PLC0415  an extra: a second to import, and it need not be there
        from dask.callbacks import Callback  # noqa: PLC0415
        from dask.delayed import delayed  # noqa: PLC0415
    except ImportError:
        raise WrongInput(
            "--workers: spreads a sweep with Dask, which is not installed\n    hint: pip install 'sizeup[sweep]'"
        ) from None
    size = max(1, -(-len(trials) // (workers * PARTS_A_WORKER)))
    parts = [trials[start : start + size] for start in range(0, len(trials), size)]
    work = [delayed(_answers, pure=False)(part, current, strategy, effort) for part in parts]
    done: list[object] = []

    def count(key: object, *_: object) -> None:
        done.append(key)
        tell(f"{len(done)} of {len(parts)} parts on {workers} processes")

    with Callback(posttask=count):
        found: tuple[list[Sized | NoPlan], ...] = compute(
            *work, scheduler="processes", num_workers=workers, initializer=_follow_parent
        )
    yield from (answer for part in found for answer in part)


def _answers(
    trials: Sequence[Asked], current: SizingPlan | None, strategy: Strategy, effort: Effort
) -> list[Sized | NoPlan]:
    """In a process of its own: the answers to one part; facts are read there, which is quicker than sending them."""
    facts = catalog()
    market = (Trial(spec=spec, catalog=repriced(facts, prices)) for spec, prices in trials)
    return list(sweep(market, current=current, weighings=_weighings(), strategy=strategy, effort=effort))


@cache
def _weighings() -> Weighings:
    """Of this process."""
    return Weighings()


def _follow_parent() -> None:
    """Leave Ctrl-C to the process that was started, and end when it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(REFUSED)
