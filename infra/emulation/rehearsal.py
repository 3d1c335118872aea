"""A whole rehearsal: one act after the other, on stages that are thrown away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from infra.apply.installed import Cli
from infra.emulation import acts
from infra.emulation.acts import Act
from infra.emulation.drills import drill
from infra.emulation.faults import Fault
from infra.emulation.stage import Stage, staged
from infra.stack import load_plan
from sizing.plan import SizingPlan

Telling = Callable[[str], AbstractContextManager[object]]  # says on a terminal what is under way


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """How the acts of one stack went."""

    stack: str
    cloud: str
    acts: tuple[Act, ...]

    @property
    def ended_well(self) -> bool:
        """Whether every act ended as it should."""
        return all(act.ended_well for act in self.acts)

    @property
    def seconds(self) -> float:
        """How long all took."""
        return sum(act.seconds for act in self.acts)


def rehearsed(
    root: Path,
    stack: str,
    folder: Path,
    *,
    cli: Cli,
    environ: Mapping[str, str],
    faults: Sequence[Fault],
    telling: Telling,
) -> Rehearsal:
    """
    How up, up again, a change, each of *faults* and destroy go for *stack*, with the real engine and emulated clouds.

    Args:
        root: The user's project, of which nothing is changed.
        stack: Name of the stack.
        folder: An empty folder for the stages.
        cli: The Pulumi CLI.
        environ: The user's environment.
        faults: Which faults strike, each the first deployment on a stage of its own.
        telling: Says what is under way.

    Raises:
        ProgramFailed: If the engine fails where no fault is played.
    """
    plan = load_plan(root, stack)
    total = len(faults) + 4
    played: list[Act] = []

    def on(name: str) -> Stage:
        place = folder / name
        place.mkdir()
        return staged(root, stack, place, cli=cli, environ=environ)

    def play(what: str, act: Callable[[], Act]) -> Act:
        with telling(f"act {len(played) + 1} of {total}: {what}"):
            played.append(act())
        return played[-1]

    stage = on("stack")
    if play("up", lambda: acts.up(stage)).ended_well:
        play("up again", lambda: acts.up_again(stage))
        play("a change", lambda: acts.one_node_more(stage))
    for fault in faults:
        play(f"the fault {fault}", lambda fault=fault: _faulty(on(f"fault-{fault}"), fault, plan))  # type: ignore[misc]
    play("destroy", lambda: acts.destroy(stage))
    return Rehearsal(stack=stack, cloud=plan.cloud.value, acts=tuple(played))


def _faulty(stage: Stage, fault: Fault, plan: SizingPlan) -> Act:
    return acts.fault(stage, drill(fault, plan))
