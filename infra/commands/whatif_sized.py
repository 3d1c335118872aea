"""`sizeup whatif STACK key=value ...`: the changed spec sized, at one point or along a sweep; nothing is written."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from infra.commands.solving import told_if_too_large
from infra.commands.whatif_shown import show_tries
from infra.failures import DONE, REFUSED, WrongInput
from infra.interruption import interruptible
from infra.project import project_root
from infra.stack import current_plan, load_stack, read_stack_file, spec_of_settings
from infra.terminal import progress
from sizing import lockfile
from sizing.allocation.whatif.pareto import Axis, axis_of
from sizing.allocation.whatif.sweep import Repricing, Trial, repriced, sweep
from sizing.allocation.whatif.tried import Tried, Tries
from sizing.catalog import Catalog, catalog
from sizing.catalog.offer import PurchaseMode
from sizing.optimiser import Effort, Strategy
from sizing.outcome import NoPlan, Sized
from sizing.plan import SizingPlan
from sizing.spec.change_values import Times, Value
from sizing.spec.changes import Change, Point, changed, points, read_changes
from sizing.spec.wording import did_you_mean
from sizing.spec.workload import Spec


def run(arguments: argparse.Namespace) -> int:
    """Show the plan of each point; 1 where no point has one, or where the user stopped it."""
    root, stack = project_root(arguments.directory), arguments.stack
    facts = catalog()
    spec = load_stack(root, stack, facts).spec
    changes = read_changes(arguments.changes, workloads=[workload.name for workload in spec.workloads])
    axis = None if arguments.front is None else _axis(arguments.front, spec)
    _only_fixed(changes, axis)
    asked = points(changes if axis is None else (*changes, axis.change))
    today = current_plan(root, stack)
    if today is None and axis is not None and axis.name == "changes":
        raise WrongInput(f"{stack} has no plan yet, so nothing would change\n    hint: sizeup size {stack}")
    trials = [_trial(root, stack, point, facts) for point in asked]
    current = None if arguments.fresh else today
    tried: list[Tried] = []
    watched = told_if_too_large(Strategy(arguments.strategy))
    with progress(f"sizing {stack}") as tell, watched, contextlib.suppress(KeyboardInterrupt):
        answers = _answers(trials, facts, current, arguments, tell)
        for number, point in enumerate(asked, start=1):
            if arguments.workers is None and len(asked) > 1:
                tell(f"point {number} of {len(asked)}")
            tried.append(Tried(point=point, answer=_rounded(interruptible(answers.__next__))))
    if not tried:
        raise KeyboardInterrupt
    tries = Tries(stack=stack, tried=tuple(tried), today=today, missing=len(asked) - len(tried), axis=axis)
    show_tries(tries, arguments)
    return DONE if tries.has_plan and not tries.missing else REFUSED


def _answers(
    trials: Sequence[tuple[Spec, tuple[Repricing, ...]]],
    facts: Catalog,
    current: SizingPlan | None,
    arguments: argparse.Namespace,
    tell: Callable[[str], None],
) -> Iterator[Sized | NoPlan]:
    """The answer to each trial, in their order; spread over processes where that is asked."""
    strategy, effort = Strategy(arguments.strategy), Effort(arguments.effort)
    if arguments.workers is None:
        markets = (Trial(spec=spec, catalog=repriced(facts, prices)) for spec, prices in trials)
        return sweep(markets, current=current, strategy=strategy, effort=effort)
    from infra.spreading import spread_sweep  # noqa: PLC0415  dask takes a second, and need not be there

    return spread_sweep(trials, current=current, strategy=strategy, effort=effort, workers=arguments.workers, tell=tell)


def _rounded(found: Sized | NoPlan) -> Sized | NoPlan:
    """With the figures that `size` would lock."""
    return found if isinstance(found, NoPlan) else replace(found, plan=lockfile.rounded(found.plan))


def _axis(name: str, spec: Spec) -> Axis:
    axis = axis_of(name, spec)
    if axis is None:
        raise WrongInput(f"--front {name}: no workload asks for it\n    hint: take a limit that the stack file states")
    return axis


def _only_fixed(changes: Sequence[Change], axis: Axis | None) -> None:
    """Refuse what a front cannot have beside it."""
    if axis is None:
        return
    moving = [change.key for change in changes if len(change.values) > 1]
    if moving or any(change.place == axis.change.place for change in changes):
        named = ", ".join(moving) or axis.change.key
        raise WrongInput(f"--front {axis.name}: sweeps by itself, and {named} is given too\n    hint: give one of them")


def _trial(root: Path, stack: str, point: Point, facts: Catalog) -> tuple[Spec, tuple[Repricing, ...]]:
    """The changed spec, read as any other, and the prices that are tried with it."""
    settings = changed(read_stack_file(root, stack).settings, point)
    spec = spec_of_settings(root, settings, facts, source=f"stacks/Pulumi.{stack}.yaml with {point}")
    return spec, tuple(_repricing(change, value) for change, value in point.prices)


def _repricing(change: Change, value: Value) -> Repricing:
    name, *modes = change.priced
    modes_known = [mode.value for mode in PurchaseMode]
    if modes and modes[0] not in modes_known:
        hint = did_you_mean(modes[0], modes_known, otherwise=", ".join(modes_known))
        raise WrongInput(f"{change.key}: {modes[0]!r} is no way to buy a machine\n    hint: {hint}")
    mode = PurchaseMode(modes[0]) if modes else None
    if isinstance(value, Times):
        return Repricing(name=name, mode=mode, factor=value.factor)
    if isinstance(value, int | float):
        return Repricing(name=name, mode=mode, usd_per_hour=value)
    raise WrongInput(f"{change.key}: {value} is no price\n    hint: write *1.2, or USD per hour")
