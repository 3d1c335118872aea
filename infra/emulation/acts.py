"""The acts of a rehearsal, each played on a stage by the real engine, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from infra.apply import engine as pulumi
from infra.apply import flow
from infra.apply.destruction import destruction
from infra.apply.diagnosis import Kind, diagnosed
from infra.apply.engine import Told
from infra.apply.gate import destruction_refusal
from infra.apply.outcome import Outcome, error_text, outcome
from infra.apply.settling import settle
from infra.diff.changes import Step
from infra.emulation.agreement import Agreement, Held, agreement
from infra.emulation.drills import Drill
from infra.emulation.stage import Stage
from infra.emulation.surroundings import switch_off_deletion_protection
from infra.preview.base import Deployed
from infra.recorder.stack_program import read_project
from infra.render.pending import CREATING, settle_command
from infra.stack import load_plan, write_plan
from sizing.catalog import catalog
from sizing.plan import PoolRole

_NO_STEPS: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act, and how it ended."""

    name: str  # up, up again, no-capacity
    what: str  # what was done, in a clause
    seconds: float
    agreement: Agreement  # of state and cloud, at the end
    ended_well: bool  # as it should have
    outcome: Outcome | None = None  # of the run that the act is about; None where there was nothing to run
    left: Agreement | None = None  # where that run failed: state and cloud right after it
    refused: str | None = None  # what the gate said
    remarks: tuple[str, ...] = ()  # one sentence each
    mends: tuple[str, ...] = field(default=())  # commands that a user would have typed afterwards


def up(stage: Stage) -> Act:
    """Deploy the stack for the first time."""
    with _timed() as seconds:
        told = _updated(stage)
    found = _compared(stage)
    return Act(
        name="up",
        what="the first deployment",
        seconds=seconds(),
        outcome=_outcome(told, stage, shown=_NO_STEPS, seconds=seconds()),
        agreement=found,
        ended_well=told.error is None and found.whole,
    )


def up_again(stage: Stage) -> Act:
    """Deploy it once more: nothing may change."""
    with _timed() as seconds:
        ours = _own_steps(stage)
        told = _updated(stage)
    found = _compared(stage)
    remarks = ["neither sizeup's preview nor the engine sees anything to do"]
    if ours or told.steps:
        remarks = [f"sizeup's preview sees {len(ours)} changes, the engine {len(told.steps)}; there should be none"]
    return Act(
        name="up again",
        what="the same once more",
        seconds=seconds(),
        outcome=_outcome(told, stage, shown=_NO_STEPS, seconds=seconds()),
        agreement=found,
        remarks=tuple(remarks),
        ended_well=told.error is None and found.whole and not ours and not told.steps,
    )


def one_node_more(stage: Stage) -> Act:
    """Change the plan by one node, preview it offline and with the engine, and apply it."""
    pool = with_one_node_more(stage.root, stage.stack)
    with _timed() as seconds:
        base = flow.deployed(stage.engine, stage.stack)
        both = flow.compared(stage.engine, flow.own_preview(stage.engine, stage.stack, base))
        told = _updated(stage)
    found = _compared(stage)
    told_alike = "sizeup's preview and the engine's agree"
    if not both.parity.agrees:
        told_alike = f"sizeup's preview and the engine's differ in {len(both.parity.differences)} places"
    return Act(
        name="change",
        what=f"one node more in {pool}",
        seconds=seconds(),
        outcome=_outcome(told, stage, shown=both.told.steps, seconds=seconds()),
        agreement=found,
        remarks=(told_alike,),
        ended_well=told.error is None and found.whole and both.parity.agrees,
    )


def fault(stage: Stage, drill: Drill) -> Act:
    """Deploy for the first time while something goes wrong; then mend it, and deploy on."""
    stage.strike([drill.injection])
    with _timed() as seconds:
        told = _updated(stage)
        left = _compared(stage)
        stage.strike([])
        mends, remarks = _mended(stage, left)
        again = _updated(stage) if told.error is not None else None
        found = _compared(stage)
        if found.broken:
            remarks += [_still_broken(found.broken)]
            mends += _made_anew(stage, found.broken)
            again = _updated(stage)
            found = _compared(stage)
    mended = again is None or again.error is None
    if again is not None:
        mends.append(f"sizeup up {stage.stack}")
    return Act(
        name=drill.fault.value,
        what=drill.what,
        seconds=seconds(),
        outcome=_outcome(told, stage, shown=_NO_STEPS, seconds=seconds()),
        left=left,
        agreement=found,
        remarks=tuple(remarks),
        mends=tuple(mends),
        ended_well=(told.error is not None) is drill.stops and mended and found.whole and not found.broken,
    )


def destroy(stage: Stage) -> Act:
    """Take the stack down: refused at first, as it holds what is protected; then released, and taken down."""
    state = pulumi.exported(stage.engine, stage.stack, show_secrets=True) or ""
    found = destruction(state, project=read_project(stage.root).name, stack=stage.stack, catalog=catalog())
    refused = destruction_refusal(found)
    retained = {step.urn for step in found.retained}
    with _timed() as seconds:
        mends = []
        if refused is not None:
            mends = [f"pulumi state unprotect --all --stack {stage.stack} --yes"]
            stage.run("state", "unprotect", "--all", "--yes")
        if found.guarded:
            mends.append(
                "# and switch off deletion protection of the cluster (AWS: with its own tools; GKE: in the program)"
            )
            switch_off_deletion_protection(stage.folder)
        told = pulumi.destroyed(stage.engine, stage.stack)
    after = agreement(stage.state(), stage.existing(), retained=retained)
    many = len([item for item in stage.existing() if item.urn in retained])
    remarks = [f"of these, {many} stay in the cloud on purpose: what they hold would be lost"] if many else []
    return Act(
        name="destroy",
        what="the stack is taken down",
        seconds=seconds(),
        refused=refused,
        outcome=_outcome(told, stage, shown=_NO_STEPS, seconds=seconds(), verb="destroy"),
        agreement=after,
        remarks=tuple(remarks),
        mends=tuple(mends),
        ended_well=told.error is None and after.whole and after.both == 0,
    )


def _updated(stage: Stage) -> Told:
    """What the engine says of an update; one that the user interrupted ends the rehearsal."""
    told = pulumi.updated(stage.engine, stage.stack)
    if told.error is not None and diagnosed(error_text(told), stack=stage.stack).kind is Kind.CANCELLED:
        raise KeyboardInterrupt
    return told


def _mended(stage: Stage, left: Agreement) -> tuple[list[str], list[str]]:
    """Settle what a failed run left open, as a user would: the commands for it, and what had to be known."""
    mends: list[str] = []
    remarks: list[str] = []
    ids = {held.urn: held.id for held in left.stray}
    for held in left.stray:
        if held.urn not in left.pending:
            remarks.append(
                f"{held.name} is in the cloud as {held.id}, and nothing in the state says so: it has to be found by "
                "its tags and deleted, or it costs on beside the one that is made next"
            )
            cloud = stage.cloud()
            cloud.delete(type_=held.type, id_=held.id, cluster=held.cluster)
            cloud.close()
            mends.append(f"# delete {held.id} with the cloud's own tools")
    if left.pending:
        made = {item["resource"]["urn"]: ids[item["resource"]["urn"]] for item in _creations(stage, ids)}
        settle(stage.engine, stage.stack, made=made)
        mends.append(settle_command(stage.stack, made=tuple(made.items())))
    return mends, remarks


def _creations(stage: Stage, ids: Mapping[str, str]) -> list[dict[str, dict[str, str]]]:
    """The pending creations of what the cloud has, by *ids*."""
    pending = stage.state().get("pending_operations") or ()
    return [item for item in pending if item["type"] == CREATING and item["resource"]["urn"] in ids]


def _still_broken(broken: tuple[Held, ...]) -> str:
    names = ", ".join(held.name for held in broken)
    return f"another up alone leaves {names} as it is, and calls it done: it has to be made anew"


def _made_anew(stage: Stage, broken: tuple[Held, ...]) -> list[str]:
    """Have the next run replace what does not work: the commands for it."""
    for held in broken:
        stage.run("state", "taint", held.urn, "--yes")
    return [f"pulumi state taint '{held.urn}' --stack {stage.stack} --yes" for held in broken]


def with_one_node_more(root: Path, stack: str) -> str:
    """Add a node, which stays at all hours, to a pool of the plan, rather to none of TPU slices: the pool's name."""
    plan = load_plan(root, stack)
    old = min(plan.node_pools, key=lambda pool: (pool.topology is not None, pool.role is not PoolRole.ACCELERATOR))
    new = replace(old, nodes=old.nodes + 1, least_nodes=old.least_nodes + 1)
    pools = tuple(new if pool is old else pool for pool in plan.node_pools)
    write_plan(root, stack, replace(plan, node_pools=pools))
    return old.name


def _own_steps(stage: Stage) -> tuple[Step, ...]:
    """What sizeup's own preview sees, over the stack as it is deployed."""
    state = pulumi.exported(stage.engine, stage.stack, show_secrets=True) or ""
    return flow.own_preview(stage.engine, stage.stack, Deployed(state=state)).resources.steps


def _compared(stage: Stage) -> Agreement:
    return agreement(stage.state(), stage.existing())


def _outcome(told: Told, stage: Stage, *, shown: tuple[Step, ...], seconds: float, verb: str = "up") -> Outcome:
    return outcome(told, shown=shown, stack=stage.stack, verb=verb, kept=None, seconds=seconds)


@contextmanager
def _timed() -> Iterator[_Clock]:
    yield _Clock(time.monotonic())


@dataclass(frozen=True, slots=True)
class _Clock:
    """Seconds since it was started."""

    started: float

    def __call__(self) -> float:
        return time.monotonic() - self.started
