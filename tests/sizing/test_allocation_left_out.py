"""Who is left out of a plan, and what is lacking for it, in the words of the stack."""

from __future__ import annotations

import pytest

import sizing
from sizing.allocation.planning.left_out import NOTHING, why_text
from sizing.optimiser.conflicts.left_out import Lack, Scarce, Why
from sizing.optimiser.problem import Choice
from sizing.outcome import Sized
from sizing.plan import LeftOut
from tests.relaxing import Written
from tests.sizing.test_allocation_conflict import ASSIST, L40S, ON_DEMAND_G, packaged, stack

CHOICE = Choice(workload="batch", machine="p5.48xlarge", kind="H100 TP8 bf16 at 12", slots=8, capacity=12)


def left_out(written: Written) -> tuple[LeftOut, ...]:
    """What the plan of a stack leaves out."""
    found = sizing.size(sizing.read_spec(written, catalog=packaged()), packaged(), alternatives=False)
    assert isinstance(found, Sized)
    return found.plan.left_out


def test_a_quota_that_is_used_up_is_told_in_its_own_unit_and_raised_by_that_lets_the_workload_in():
    """Each of the two takes four machines of 8 vCPUs; 40 vCPUs are five, and assist, of priority 9, has four."""
    batch = ASSIST | {"name": "batch", "priority": 1, "allow": L40S}
    assist = ASSIST | {"priority": 9, "allow": L40S}
    quotas = [{"region": "us-east-1", "quota": ON_DEMAND_G, "limit": 40}]
    (found,) = left_out(stack(works=(batch, assist), quotas=quotas))
    assert (found.workload, found.priority) == ("batch", 1)
    assert f"it takes 32 vCPU of {ON_DEMAND_G} in us-east-1, of which 8 of 40 are left" in found.why
    quotas[0]["limit"] = 40 + 32 - 8
    assert left_out(stack(works=(batch, assist), quotas=quotas)) == ()


@pytest.mark.parametrize(
    ("lack", "text"),
    [
        (Lack(of=Scarce.QUOTA, name="Q in r", takes=192, left=96, limit=384), "192 vCPU of Q in r, of which 96 of 384"),
        (Lack(of=Scarce.MACHINES, name="cr-1", takes=2, left=-1, limit=1), "2 machines of cr-1, of which 0 of 1"),
        (
            Lack(of=Scarce.TEAM_SLOTS, name="search", takes=8, left=4, limit=16),
            "8 accelerators of team search, of which 4 of 16",
        ),
        (
            Lack(of=Scarce.TEAM_MONEY, name="search", takes=10_000_000, left=1_000_000, limit=5_000_000),
            "7,300 USD a month of team search, of which 730 of 3,650",
        ),
        (
            Lack(of=Scarce.BUDGET, name="", takes=10_000_000, left=1_000_000, limit=5_000_000),
            "7,300 USD a month, of which 730 of 3,650",
        ),
    ],
)
def test_each_limit_is_told_with_what_is_asked_and_what_is_left(lack: Lack, text: str):
    """Money by the month of 730 hours; what is used beyond a limit leaves nothing."""
    why = Why(workload="batch", choice=CHOICE, region="us-east-1", lacks=(lack,))
    told = why_text(why, {"Q in r": "vCPU"})
    assert told == f"as H100 TP8 bf16 on p5.48xlarge in us-east-1 it takes {text} are left"


def test_what_nothing_can_carry_is_told_as_such():
    """Nothing that is sold where it may stand."""
    assert why_text(Why(workload="batch"), {}) == NOTHING
