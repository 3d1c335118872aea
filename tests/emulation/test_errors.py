"""What the clouds say when something fails is understood by whoever reads it: each text has its one meaning."""

from __future__ import annotations

import pytest

from infra.apply.diagnosis import Kind, diagnosed
from infra.emulation.errors import Subject, already_exists, error_text, guarded, is_retried, not_found
from infra.emulation.faults import Fault, Method
from infra.emulation.nature import Settings

GROUP = Subject(
    package="aws",
    type="aws:eks/nodeGroup:NodeGroup",
    name="p5-48xlarge-use1-az2-nodes",
    inputs={"clusterName": "chat", "instanceTypes": ["p5.48xlarge"]},
    settings=Settings(package="aws", region="us-east-1"),
)
POOL = Subject(
    package="gcp",
    type="gcp:container/nodePool:NodePool",
    name="a3-highgpu-8g",
    inputs={"nodeLocations": ["us-central1-b"], "nodeConfig": {"machineType": "a3-highgpu-8g"}},
    settings=Settings(package="gcp", region="us-central1", project="acme"),
)
WEB = Subject(
    package="kubernetes",
    type="kubernetes:apps/v1:Deployment",
    name="web",
    inputs={},
    settings=Settings(package="kubernetes"),
)
SUBNET = Subject(
    package="aws",
    type="aws:ec2/subnet:Subnet",
    name="private",
    inputs={},
    settings=Settings(package="aws", region="us-east-1"),
)
MEANINGS = [
    (Fault.NO_CAPACITY, Kind.CAPACITY),
    (Fault.QUOTA_EXCEEDED, Kind.QUOTA),
    (Fault.QUOTA_ZERO, Kind.QUOTA),
    (Fault.THROTTLED, Kind.THROTTLED),
    (Fault.PARTIAL, Kind.BROKEN),
]


@pytest.mark.parametrize("subject", [GROUP, POOL, SUBNET], ids=lambda subject: subject.kind)
@pytest.mark.parametrize(("fault", "kind"), MEANINGS, ids=[fault.value for fault, _ in MEANINGS])
def test_every_fault_of_a_cloud_is_understood(subject: Subject, fault: Fault, kind: Kind):
    """Held against what `sizeup up` makes of it."""
    assert diagnosed(error_text(fault, subject), stack="chat").kind is kind


def test_a_cloud_without_capacity_names_machine_and_zone():
    """The zone goes by the pool's name: use1-az2 is us-east-1b in the emulated account."""
    text = error_text(Fault.NO_CAPACITY, GROUP)
    assert "InsufficientInstanceCapacity - We currently do not have sufficient p5.48xlarge capacity" in text
    assert "(us-east-1b)" in text
    assert "zones/us-central1-b' does not have enough resources" in error_text(Fault.NO_CAPACITY, POOL)


def test_a_quota_of_nought_reads_otherwise_than_one_that_is_too_small():
    assert "vCPU limit of 0 " in error_text(Fault.QUOTA_ZERO, GROUP)
    assert "vCPU limit of 192 " in error_text(Fault.QUOTA_EXCEEDED, GROUP)
    zero = error_text(Fault.QUOTA_ZERO, POOL)
    assert '"NVIDIA_H100_GPUS"' in zero
    assert "project has a quota of '0.0'" in zero


def test_only_a_brief_throttling_is_retried_away():
    assert [fault for fault in Fault if is_retried(fault)] == [Fault.THROTTLED_BRIEFLY]


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault not in (Fault.CRASH, Fault.THROTTLED_BRIEFLY)])
@pytest.mark.parametrize("subject", [GROUP, POOL, WEB, SUBNET], ids=lambda subject: subject.kind)
def test_every_fault_has_words_for_every_cloud(subject: Subject, fault: Fault):
    """One line, which names what it is about."""
    text = error_text(fault, subject, Method.CREATE)
    assert "\n" not in text
    assert any(word in text for word in (subject.name, f"{subject.service}.googleapis.com", f"GKE {subject.kind}"))


def test_refusals_name_what_they_refuse():
    assert "chat:p5 already exists" in already_exists(GROUP, "chat:p5")
    assert "Error 404" in not_found(POOL, "projects/acme/x")
    assert '"web" not found' in not_found(WEB, "chat/web")
    assert "deletion_protection=false" in guarded(POOL, "x")
