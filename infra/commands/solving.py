"""A search under the eyes of a person: how good the best plan is by now, and that plan where they stop it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from infra.failures import WrongInput
from infra.interruption import interruptible
from infra.terminal import progress
from sizing.allocation import size
from sizing.allocation.finding.improvement import Improvement
from sizing.catalog import Catalog
from sizing.figures import money, percent
from sizing.optimiser import Effort, Strategy
from sizing.optimiser.status import TooLarge
from sizing.outcome import NoPlan, Sized
from sizing.plan import SizingPlan
from sizing.spec.workload import Spec


def watched_size(
    what: str,
    spec: Spec,
    facts: Catalog,
    *,
    current: SizingPlan | None,
    strategy: Strategy,
    effort: Effort,
    alternatives: bool = True,
) -> Sized | NoPlan:
    """
    The answer to *spec*, told on a terminal as it gets better: `sizing chat-aws ... 8 s, best 110.68 USD/h, gap 4 %`.

    Where the user interrupts, it is the best plan so far, told as interrupted; KeyboardInterrupt where there is none.
    """
    best: list[Improvement] = []
    stopped: list[bool] = []

    def improved(found: Improvement) -> None:
        if stopped:
            raise KeyboardInterrupt  # in the thread that was left behind: nobody waits for what it would find
        if not best or found.rank < best[-1].rank:
            best.append(found)
        tell(progress_text(best[-1]))

    def relaxing(tried: int) -> None:
        if stopped:
            raise KeyboardInterrupt
        tell(f"no plan, {tried} relaxed stacks tried")

    tell: Callable[[str], None]
    with progress(what) as tell, told_if_too_large(strategy):
        try:
            return interruptible(
                lambda: size(
                    spec,
                    facts,
                    current=current,
                    alternatives=alternatives,
                    strategy=strategy,
                    effort=effort,
                    improved=improved,
                    relaxing=relaxing,
                )
            )
        except KeyboardInterrupt:
            stopped.append(True)
            if not best:
                raise
            tell("interrupted, working out the best plan so far")
            return best[-1].sized()


@contextmanager
def told_if_too_large(strategy: Strategy) -> Iterator[None]:
    """Every purchase of a large problem cannot be tried: that is no bug, and there are other strategies."""
    try:
        yield
    except TooLarge as error:
        raise WrongInput(
            f"--strategy {strategy}: {error}, which is too large to try every purchase\n"
            "    hint: leave --strategy out, or take another one"
        ) from None


def progress_text(found: Improvement) -> str:
    """The best so far in a few words: best 110.68 USD/h, gap 4 %."""
    gap = found.purchase.gap
    left_out = f", {len(found.purchase.unserved)} left out" if found.purchase.unserved else ""
    return f"best {money(found.usd_per_hour)} USD/h{left_out}" + ("" if gap is None else f", gap {percent(gap)}")
