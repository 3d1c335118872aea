"""A rehearsal is told act by act: what the user would have seen, what mended it, and whether state and cloud agree."""

from __future__ import annotations

from dataclasses import replace

import pytest

from components.graph import Resource
from infra.apply.diagnosis import Diagnosis, Kind
from infra.apply.outcome import Outcome
from infra.diff.changes import Op, Replaces, Step
from infra.emulation.acts import Act
from infra.emulation.agreement import Agreement, Held
from infra.emulation.drills import drill
from infra.emulation.faults import Fault
from infra.emulation.rehearsal import Rehearsal
from infra.emulation.rehearsal_text import rehearsal_document, render_rehearsal
from infra.stack import load_plan
from tests.project import ROOT, STACKS

URN = "urn:pulumi:chat::sizeup::aws:eks/nodeGroup:NodeGroup::p5-nodes"
HELD = Held(type="aws:eks/nodeGroup:NodeGroup", id="chat:p5", urn=URN)
WHOLE = Agreement(both=2, lost=(), stray=(), doubled=(), broken=(), pending=())


def step(type_: str, *, custom: bool = True) -> Step:
    made = Resource(urn=f"urn::{type_}", type=type_, name="x", custom=custom, parent=None, provider=None, inputs={})
    return Step(op=Op.CREATE, urn=made.urn, type=type_, name="x", old=None, new=made, replaces=Replaces.NO)


DONE = Outcome(
    stack="chat",
    verb="up",
    done=(step("aws:ec2/vpc:Vpc"), step("sizeup:index:AwsNetwork", custom=False), step("pulumi:providers:aws")),
    failed=(),
    unfinished=(),
    not_begun=(),
    diagnosis=None,
    kept=None,
    seconds=3.0,
)
SAID = "InsufficientInstanceCapacity - We currently do not have sufficient p5.48xlarge capacity in " + "a zone " * 20
FAILED = replace(DONE, diagnosis=Diagnosis(kind=Kind.CAPACITY, what="there is no capacity", said=SAID, mend="wait"))
UP = Act(name="up", what="the first deployment", seconds=3.4, outcome=DONE, agreement=WHOLE, ended_well=True)
FAULT = Act(
    name="no-capacity",
    what="no p5.48xlarge is free",
    seconds=12.0,
    outcome=FAILED,
    left=replace(WHOLE, both=1, broken=(HELD,)),
    agreement=WHOLE,
    remarks=("it has to be made anew",),
    mends=(f"pulumi state taint '{URN}' --stack chat --yes", "sizeup up chat"),
    ended_well=True,
)


def test_a_rehearsal_that_went_well_says_so_first():
    text = render_rehearsal(Rehearsal(stack="chat", cloud="aws", acts=(UP, FAULT)))
    assert text.splitlines()[0] == "rehearsal of chat: all 2 acts ended as they should, in 15 s"
    assert "no real cloud was asked" in text
    assert "    1 added\n    now: state and cloud agree on 2 resources" in text  # one VPC; the rest is no cloud's


def test_what_the_user_sees_and_what_mends_it_are_told():
    text = render_rehearsal(Rehearsal(stack="chat", cloud="aws", acts=(FAULT,)))
    assert "      error: chat: stopped, there is no capacity; 1 added" in text
    assert "InsufficientInstanceCapacity" in text
    assert "        hint: wait" in text
    assert "then: state and cloud agree on 1 resource; p5-nodes does not work" in " ".join(text.split())
    assert f"      pulumi state taint '{URN}' --stack chat --yes\n" in text  # whole, to be copied


def test_everything_but_commands_fits_80_columns():
    text = render_rehearsal(Rehearsal(stack="chat", cloud="aws", acts=(UP, FAULT)))
    assert [line for line in text.splitlines() if len(line) > 80 and "pulumi state" not in line] == []


@pytest.mark.parametrize(
    ("agreement", "words"),
    [
        (replace(WHOLE, lost=(HELD,)), "the state has p5-nodes, which the cloud has not"),
        (replace(WHOLE, stray=(HELD,)), "the cloud has node group p5-nodes, of which the state does not know"),
        (replace(WHOLE, doubled=(URN,)), "the cloud has more than one of p5-nodes"),
        (replace(WHOLE, pending=(URN,)), "1 operation pending"),
        (replace(WHOLE, both=0), "state and cloud are empty"),
        (replace(WHOLE, both=0, kept=2), "the state is empty, and the cloud has the 2 that stay on purpose"),
    ],
)
def test_state_and_cloud_are_compared_in_words(agreement: Agreement, words: str):
    act = replace(UP, agreement=agreement, ended_well=agreement.whole)
    rehearsal = Rehearsal(stack="chat", cloud="aws", acts=(act,))
    text = " ".join(render_rehearsal(rehearsal).split())
    assert words in text
    assert ("1 of 1 act ended badly" in text) is not agreement.whole


def test_the_document_has_what_the_text_has():
    found = rehearsal_document(Rehearsal(stack="chat", cloud="aws", acts=(UP, FAULT)))
    assert found["ended_well"] is True
    acts = found["acts"]
    assert isinstance(acts, list)
    assert [act["name"] for act in acts] == ["up", "no-capacity"]
    assert acts[1]["failure"]["kind"] == "no capacity"
    assert acts[1]["left"]["broken"] == [URN]
    assert acts[1]["mends"][-1] == "sizeup up chat"


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_aims_at_something_that_the_stack_has(stack: str, fault: Fault):
    """Pools by the plan's own names; only what is retried away does not stop the engine."""
    plan = load_plan(ROOT, stack)
    aimed = drill(fault, plan)
    assert aimed.injection.type.startswith(f"{plan.cloud.value}:")
    assert aimed.injection.name == "*" or aimed.injection.name[:-1] in {pool.name for pool in plan.node_pools}
    assert aimed.stops is (fault is not Fault.THROTTLED_BRIEFLY)
    assert "{" not in aimed.what
