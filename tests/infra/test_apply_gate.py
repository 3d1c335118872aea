"""The gate: what may be applied, what may be taken down, and what is said where it may not."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from components.graph import Graph, Resource
from infra.apply import gate
from infra.apply.asking import check_attended
from infra.apply.destruction import Destruction, destruction, render_destruction
from infra.apply.parity import parity
from infra.apply.states import keep
from infra.cost.bill import Cost, CostChange
from infra.diff.changes import Op, PendingOperation, ResourceChanges, Step
from infra.failures import ProgramFailed, Refused
from infra.render.report import Finding, Report
from sizing.catalog import catalog
from tests.examples import CHAT_PLAN
from tests.recordings import PROJECT, STACK, Disk, exported_state

NOTHING = Graph(project="shop", stack="dev", resources=())
URN = "urn:pulumi:dev::shop::toy:storage/disk:Disk::data"
PENDING = PendingOperation(urn=URN, type="toy:storage/disk:Disk", operation="creating")
ERROR = Finding(rule="some-rule", severity="error", subject="data", text="is open", mend="close it")


def report(*findings: Finding, pending: tuple[PendingOperation, ...] = ()) -> Report:
    """A preview that costs nothing and changes nothing."""
    changes = ResourceChanges(graph=NOTHING, base=NOTHING, base_name="nothing", steps=(), pending=pending)
    free = CostChange(before=None, after=Cost(lines=()), lines=())
    return Report(
        stack="dev", plan=CHAT_PLAN, plan_changes=(), resources=changes, capacity=(), cost=free, findings=findings
    )


def refusal(of: Report, *, most: float | None = None, engine: tuple[Step, ...] = (), attended: bool = False) -> str:
    """What the gate says; empty where it lets it through."""
    found = parity(of.resources.steps, engine)
    return gate.refusal(of, max_usd_per_month=most, parity=found, attended=attended) or ""


def test_what_is_right_goes_through():
    """Warnings and waived errors stop nothing."""
    doubtful, waived = replace(ERROR, severity="warning"), replace(ERROR, waived="it must be so")
    assert refusal(report(doubtful, waived)) == ""


def test_every_reason_is_told_at_once_with_its_mend():
    """Two broken rules are two reasons."""
    told = refusal(report(ERROR, replace(ERROR, subject="other", mend="")))
    assert told.startswith("dev is not applied, for 2 reasons")
    assert "some-rule data: is open\n    hint: close it" in told
    assert "some-rule other" in told


def test_a_limit_below_the_cost_refuses(monkeypatch: pytest.MonkeyPatch):
    """The cost of the whole stack counts, not what the change adds."""
    monkeypatch.setattr(Cost, "usd_per_month", property(lambda _: 200.0))
    assert "200.00 USD/month; --max-usd-per-month allows 100.00" in refusal(report(), most=100)
    assert refusal(report(), most=200) == ""


def test_pending_operations_refuse_with_the_commands_and_nothing_else():
    """The outcome of the last run comes first; the commands stand on lines of their own, to be copied."""
    told = refusal(report(ERROR, pending=(PENDING,)))
    lines = [line.strip() for line in told.splitlines()]
    assert URN in lines
    assert "pulumi cancel --stack dev --yes" in lines
    assert "sizeup settle dev --yes" in lines
    assert f"sizeup settle dev --yes --made {URN}=ID" in lines
    assert "some-rule" not in told


def test_a_destruction_that_nobody_saw_is_refused_unless_somebody_is_asked():
    """With --yes nobody reads the differences; on a terminal they are shown, and the question follows."""
    unseen = (Step(op=Op.DELETE, urn=URN, type="toy:storage/disk:Disk", name="data", old=None, new=None),)
    assert "the engine would delete data, where the preview says same" in refusal(report(), engine=unseen)
    assert refusal(report(), engine=unseen, attended=True) == ""


def test_nobody_is_asked_without_a_terminal():
    """Tests have none."""
    with pytest.raises(Refused, match="this is no terminal"):
        check_attended(yes=False, command="sizeup up dev", as_json=False)
    with pytest.raises(Refused, match="--json shows all at the end"):
        check_attended(yes=False, command="sizeup up dev", as_json=True)
    check_attended(yes=True, command="sizeup up dev", as_json=True)


def taken_down(*resources: Resource) -> Destruction:
    """The destruction of *resources*."""
    steps = tuple(
        Step(
            op=Op.DELETE,
            urn=found.urn,
            type=found.type,
            name=found.name,
            old=found,
            new=None,
            protected_error="protected" if found.protect else None,
            retained=found.retain_on_delete,
        )
        for found in resources
    )
    changes = ResourceChanges(graph=NOTHING, base=NOTHING, base_name="dev as deployed", steps=steps)
    return Destruction(stack="dev", changes=changes, usd_per_hour=1.5)


def disk(**more: Any) -> Resource:
    """A disk in a state."""
    plain = Resource(
        urn=URN, type="toy:storage/disk:Disk", name="data", custom=True, parent=None, provider=None, inputs={}
    )
    return replace(plain, **more)


def test_what_is_protected_is_not_taken_down_and_the_way_out_is_told():
    """Two steps: release by the stack file, or by the exact command where only the state holds it."""
    assert gate.destruction_refusal(taken_down(disk())) is None
    told = gate.destruction_refusal(taken_down(disk(protect=True))) or ""
    assert "1 resource is protected" in told
    assert "protect: false" in told
    assert f"pulumi state unprotect '{URN}' --stack dev --yes" in told
    guarded = gate.destruction_refusal(taken_down(disk(protect=True, inputs={"deletionProtection": True}))) or ""
    assert "guarded by the cloud" in guarded
    assert "state unprotect" not in guarded  # which alone would not do


def test_a_destruction_tells_what_ends_and_what_stays():
    """Money first; what is retained keeps costing."""
    text = render_destruction(taken_down(disk(retain_on_delete=True)))
    assert text.startswith("dev: take it down, which ends 1.50 USD/h")
    assert "stays in the cloud, and keeps costing: 1 resource (data)" in text


def test_the_destruction_of_a_state_deletes_every_resource_of_it():
    """Children before parents, from the state alone: no program is run."""
    state = exported_state(lambda: Disk("data", size=1))
    found = destruction(state, project=PROJECT, stack=STACK, catalog=catalog())
    assert [(step.op, step.name) for step in found.changes.steps] == [(Op.DELETE, "data"), (Op.DELETE, "shop-dev")]


def test_states_are_kept_for_their_owner_alone_and_the_latest_ten_stay(tmp_path: Path):
    """Twelve runs leave ten files, the newest, that nobody else can read and git leaves out."""
    start = datetime(2026, 11, 21, tzinfo=UTC)
    paths = [keep(tmp_path, "dev", f"{run}", now=start + timedelta(seconds=run)) for run in range(12)]
    assert [path.read_text("utf-8") for path in sorted(paths[0].parent.iterdir())] == [str(run) for run in range(2, 12)]
    assert stat.S_IMODE(paths[-1].stat().st_mode) == 0o600
    assert stat.S_IMODE(paths[-1].parent.stat().st_mode) == 0o700
    assert (tmp_path / ".sizeup" / ".gitignore").read_text("utf-8") == "*\n"


def test_nothing_is_changed_where_the_state_cannot_be_kept(tmp_path: Path):
    """Here a file stands where the folder should be; a full disk is told alike."""
    (tmp_path / ".sizeup").write_text("", encoding="utf-8")
    with pytest.raises(ProgramFailed, match="nothing was changed"):
        keep(tmp_path, "dev", "{}", now=datetime.now(UTC))
