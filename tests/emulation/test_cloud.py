"""The emulated cloud keeps what was made, whatever becomes of the process that made it, and never a secret."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from components.graph import Secret, Unknown
from infra.emulation.cloud import NOT_KEPT, AlreadyExists, Call, Cloud, release_guards

VPC = "aws:ec2/vpc:Vpc"


def made(cloud: Cloud, id_: str = "vpc-1", **inputs: object) -> None:
    cloud.create(type_=VPC, id_=id_, urn=f"urn::{id_}", inputs=inputs, outputs={"arn": f"arn:{id_}"})  # type: ignore[arg-type]


def test_what_was_made_is_there_after_its_maker_was_killed(tmp_path: Path):
    """SIGKILL right after the change, with the file still open: the next process finds it."""
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from infra.emulation.cloud import Cloud\n"
        f"Cloud(Path(sys.argv[1])).create(type_={VPC!r}, id_='vpc-1', urn='u', inputs={{}}, outputs={{}})\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)  # noqa: S603  this very Python
    assert ended.returncode == -signal.SIGKILL
    assert [(item.type, item.id, item.revision) for item in Cloud(tmp_path).existing()] == [(VPC, "vpc-1", 1)]


def test_no_two_resources_of_a_type_have_one_id(tmp_path: Path):
    cloud = Cloud(tmp_path)
    made(cloud)
    with pytest.raises(AlreadyExists, match="vpc-1"):
        made(cloud, tags={"second": "true"})
    assert [item.inputs for item in cloud.existing()] == [{}]


def test_each_cluster_has_names_of_its_own(tmp_path: Path):
    """A name is taken in one cluster and free in another; what is changed or deleted in one stays in the other."""
    cloud, note = Cloud(tmp_path), "kubernetes:core/v1:ConfigMap"
    for cluster in ("home", "away"):
        cloud.create(type_=note, id_="kube-system/a", urn=f"urn::{cluster}", inputs={}, outputs={}, cluster=cluster)
    with pytest.raises(AlreadyExists):
        cloud.create(type_=note, id_="kube-system/a", urn="urn::third", inputs={}, outputs={}, cluster="away")
    assert cloud.update(type_=note, id_="kube-system/a", inputs={}, outputs={}, cluster="away")
    assert [(item.cluster, item.revision) for item in cloud.existing()] == [("away", 2), ("home", 1)]
    assert cloud.delete(type_=note, id_="kube-system/a", cluster="away")
    assert cloud.find(type_=note, id_="kube-system/a", cluster="away") is None
    assert [item.urn for item in cloud.existing()] == ["urn::home"]


def test_updates_are_counted_and_deletions_are_final(tmp_path: Path):
    """The second deletion finds nothing, which is as well; an update finds nothing, which is not."""
    cloud = Cloud(tmp_path)
    made(cloud)
    assert cloud.update(type_=VPC, id_="vpc-1", inputs={"tags": {}}, outputs={})
    found = cloud.find(type_=VPC, id_="vpc-1")
    assert found is not None
    assert found.revision == 2
    assert [cloud.delete(type_=VPC, id_="vpc-1") for _ in range(2)] == [True, False]
    assert not cloud.update(type_=VPC, id_="vpc-1", inputs={}, outputs={})
    assert cloud.find(type_=VPC, id_="vpc-1") is None


def test_secrets_are_not_kept(tmp_path: Path):
    """Neither as they are nor inside objects: only that there was one."""
    cloud = Cloud(tmp_path)
    made(cloud, data={"key": Secret("hunter2"), "plain": "seen"}, whole=Secret({"deep": "hunter2"}), later=Unknown())
    assert cloud.existing()[0].inputs == {"data": {"key": NOT_KEPT, "plain": "seen"}, "whole": NOT_KEPT, "later": None}
    assert all(b"hunter2" not in path.read_bytes() for path in tmp_path.iterdir())


def test_calls_are_told_in_their_order(tmp_path: Path):
    cloud = Cloud(tmp_path)
    calls = tuple(
        Call(method=method, type=VPC, name="net", id="vpc-1", outcome="done") for method in ("create", "update")
    )
    for call in calls:
        cloud.record(call)
    assert Cloud(tmp_path).calls() == calls


def test_matches_of_a_fault_are_counted_over_all_processes(tmp_path: Path):
    """Two connections stand for two processes."""
    first, second = Cloud(tmp_path), Cloud(tmp_path)
    assert [first.matched(0), second.matched(0), first.matched(1), first.matched(0)] == [1, 2, 1, 3]
    second.forget_matches()
    assert first.matched(0) == 1


def test_guards_hold_until_they_are_released(tmp_path: Path):
    cloud = Cloud(tmp_path)
    assert not cloud.guards_are_released
    release_guards(tmp_path)
    assert cloud.guards_are_released
