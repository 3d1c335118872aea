"""Clouds that fail: one clear message with the mend, a whole state, and the same command goes on when it is mended."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.emulation.faults import Fault, Injection
from tests.engine.world import world

pytestmark = pytest.mark.xdist_group("faults")

NODE_GROUP, NODE_POOL = "aws:eks/nodeGroup:NodeGroup", "gcp:container/nodePool:NodePool"
DRILLS = [
    (
        "chat-aws",
        Injection(fault=Fault.NO_CAPACITY, type=NODE_GROUP, name="p5-48xlarge-use1-az1*", times=None),
        "there is no capacity for p5.48xlarge in us-east-1a now",
        "leave us-east-1a out: list",
    ),
    (
        "tpu-gcp",
        Injection(fault=Fault.QUOTA_ZERO, type=NODE_POOL, name="ct6e*", times=None),
        "the quota TPUS_PER_TPU_FAMILY is 0, too little for this",
        "ask for more",
    ),
    (
        "small-aws",
        Injection(fault=Fault.THROTTLED, type="aws:ec2/natGateway:NatGateway", times=None),
        "the cloud's API takes no more calls for now",
        "wait some minutes, then run `sizeup up small-aws` again",
    ),
]


@pytest.mark.parametrize(("stack", "fault", "what", "mend"), DRILLS, ids=[drill[1].fault.value for drill in DRILLS])
def test_a_failing_cloud_is_told_once_with_its_mend(stack: str, fault: Injection, what: str, mend: str, tmp_path: Path):
    """Exit status 3, no trace; the state holds what the clouds have; once it is mended, the rest is done."""
    here = world(tmp_path)
    here.strike([fault])
    failed = here.sizeup("up", stack, "--yes")
    told = " ".join(failed.err.split())
    assert failed.status == 3
    assert failed.err.count("\nerror: ") == 1
    assert what in told
    assert mend in told
    assert "Traceback" not in failed.err
    assert here.recorded(stack) == here.existing() != set()
    assert not here.state(stack).get("pending_operations")

    here.strike([])
    assert here.sizeup("up", stack, "--yes").status == 0
    assert here.recorded(stack) == here.existing()
    settled = here.sizeup("up", stack, "--yes")
    assert "nothing to apply" in settled.out


def test_a_short_throttling_is_not_the_users_business(tmp_path: Path):
    """The provider's own retries get through."""
    here = world(tmp_path)
    here.strike([Injection(fault=Fault.THROTTLED_BRIEFLY, type="aws:ec2/subnet:Subnet", times=3)])
    assert here.sizeup("up", "small-aws", "--yes").status == 0
