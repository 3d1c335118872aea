"""
Edits of the example stacks, and how each is classified without the engine and without a cloud.

What is expected is worked by hand from the facts on the types (infra/diff/facts/replacement.json) and from the engine's
rules; tests/engine makes the same edits and asks the real engine.
"""

from __future__ import annotations

import functools
import shutil
from pathlib import Path

import pytest

from infra.diff.changes import Op, Replaces, ResourceChanges, Step
from infra.preview.base import StateFile, resource_changes
from infra.recorder import sdk
from infra.recorder.stack_program import record_stack
from tests.deployed import deployed_state
from tests.edits import EDITS, edit

ROOT = Path(__file__).parents[2]
SIZES = "scalingConfig.desiredSize scalingConfig.maxSize scalingConfig.minSize"
LABEL = "labels.sizeup/machines"
NVIDIA = "update DaemonSet devices-nvidia-device-plugin: spec.template.spec.affinity"
ON_NODES = "nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
STEPS = {
    "one node more": [  # sizes are no forcing inputs of a node group
        f"update NodeGroup g6e-2xlarge-use1-az1-nodes: {SIZES}",
        "update HorizontalPodAutoscaler assist-assist-autoscaler: spec.maxReplicas spec.minReplicas",
    ],
    "another machine type in the same pool": [  # instance_types is ForceNew; who runs on its machines follows its label
        f"replace NodeGroup g6e-2xlarge-use1-az1-nodes: instanceTypes {LABEL} (forced by instanceTypes[0])",
        f"{NVIDIA}.{ON_NODES}",
        f"update Deployment assist-assist: spec.template.spec.affinity.{ON_NODES}",
    ],
    "another precision": ["update Deployment chat-chat: spec.template.spec.containers"],
    "another model": ["update Deployment code-code: spec.template.spec.containers"],
    "more traffic": [  # node_count is updated in place
        "update NodePool ct6e-standard-8t-us-east5-a: nodeCount",
        "update NodePool ct6e-standard-8t-us-east5-b: nodeCount",
        "update HorizontalPodAutoscaler chat-chat-autoscaler: spec.maxReplicas spec.minReplicas",
    ],
    "another label on Google Cloud": [  # labels are updated in place everywhere, in node_config too
        "update gcp tpu-gcp: defaultLabels",
        "update CryptoKey tpu-gcp-cluster-key: labels.owner",
        "update CryptoKey tpu-gcp-model-key: labels.owner",
        "update Bucket tpu-gcp-models: labels.owner",
        "update Cluster tpu-gcp: resourceLabels.owner",
        "update NodePool ct6e-standard-4t-us-east5-a: nodeConfig.resourceLabels.owner",
        "update NodePool e2-standard-4-us-east5-a: nodeConfig.resourceLabels.owner",
        "update NodePool e2-standard-4-us-east5-b: nodeConfig.resourceLabels.owner",
        "update NodePool e2-standard-4-us-east5-c: nodeConfig.resourceLabels.owner",
    ],
    "another provider version": ["update aws aws: version"],  # whose resources stay what they are
    "renamed under an alias": ["update Key weights-models-key: description"],  # the rest is the same by another name
    "larger boot disks": [  # disk_size_gb is not ForceNew in a node pool
        "update NodePool ct6e-standard-4t-us-east5-a: nodeConfig.diskSizeGb"
    ],
    "spot becomes on demand": [  # capacity_type is ForceNew
        f"replace NodeGroup g6e-2xlarge-use1-az1-spot-nodes: capacityType {LABEL} (forced by capacityType)",
        f"{NVIDIA}.{ON_NODES}",
        f"update Deployment assist-assist-spot: spec.template.spec.affinity.{ON_NODES}",
    ],
}
IN_DETAIL = {"another label", "another machine type", "another region", "protected bucket removed"}


@functools.cache
def _state(stack: str) -> str:
    return deployed_state(ROOT, stack)


def after(name: str, folder: Path) -> ResourceChanges:
    """What the preview says of a deployed stack after the edit *name* in a copy of the project."""
    one = edit(name)
    for part in ("infra", "stacks"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    one.change(folder)
    state = folder / "state.json"
    state.write_text(_state(one.stack), encoding="utf-8")
    return resource_changes(folder, one.stack, StateFile(path=state))


def sentence(step: Step) -> str:
    """What a step does and to which places, without what is counted off in lists."""
    touched = sorted({change.path.partition("[")[0] for change in step.changes})
    forced = f" (forced by {' '.join(step.replace_reason)})" if step.replace_reason else ""
    return f"{step.op} {step.type.rpartition(':')[2]} {step.name}: {' '.join(touched)}{forced}"


def named(steps: tuple[Step, ...], op: Op) -> list[str]:
    return sorted(step.name for step in steps if step.op is op)


def outputs_of(type_: str) -> set[str]:
    kind = sdk.resource_class(type_)
    assert kind is not None
    return {*sdk.output_types(kind)}


def test_every_edit_is_worked_out():
    assert {*STEPS} | IN_DETAIL == {one.name for one in EDITS}
    assert len(EDITS) >= 10


@pytest.mark.parametrize("name", STEPS)
def test_an_edit_changes_this_and_nothing_else(name, tmp_path):
    found = after(name, tmp_path)
    assert [sentence(step) for step in found.steps] == STEPS[name]
    assert all(step.replaces is not Replaces.UNKNOWN and step.protected_error is None for step in found.steps)


def test_what_is_renamed_under_an_alias_is_followed_and_not_made_anew(tmp_path):
    """Engine: a resource that differs in its URN alone is the same; its new name is told in a note."""
    found = after("renamed under an alias", tmp_path)
    (key,) = found.steps
    assert key.renamed_from is not None
    assert key.renamed_from.endswith("::models-key")
    assert [note.partition(":")[0] for note in found.notes] == [
        "known by another name from now on, and otherwise unchanged"
    ]


def test_a_pool_of_other_machines_is_another_pool(tmp_path):
    """Its name says which machines: all of it is new, what ran on the old ones moves, and the old ones go."""
    found = after("another machine type", tmp_path)
    created, deleted = named(found.steps, Op.CREATE), named(found.steps, Op.DELETE)
    assert created == [
        f"p5en-48xlarge-use1-{zone}{part}"
        for zone in ("az1", "az2")
        for part in ("", "-fabric", "-fabric-in", "-fabric-out", "-nodes", "-template")
    ]
    assert deleted == [name.replace("p5en", "p5") for name in created]
    assert named(found.steps, Op.UPDATE) == ["chat-chat", "devices-efa-device-plugin", "devices-nvidia-device-plugin"]
    assert named(found.steps, Op.REPLACE) == []


def test_default_tags_reach_everything_that_has_tags_and_roll_the_nodes(tmp_path):
    """A launch template that changes has another version (`recomputes`), which the node group of it takes."""
    found = after("another label", tmp_path)
    assert {(step.op, step.replaces) for step in found.steps} == {(Op.UPDATE, Replaces.NO)}
    beside_tags = {
        step.type.rpartition(":")[2]: sentence(step).partition(": ")[2]
        for step in found.steps
        if sentence(step).partition(": ")[2] != "tagsAll.owner"
    }
    assert beside_tags == {
        "aws": "defaultTags",
        "LaunchTemplate": "tagSpecifications tagsAll.owner",
        "NodeGroup": "launchTemplate.version tagsAll.owner",
    }
    assert {"Bucket", "Cluster", "Key", "Role", "Vpc"} <= {step.type.rpartition(":")[2] for step in found.steps}


def test_labels_on_google_cloud_are_written_out_so_that_none_comes_by_the_provider_alone():
    """Google, SetLabelsDiff: default labels change outputs of what has labels, which no difference of inputs shows."""
    labelled = [
        resource
        for stack in ("chat-gcp", "tpu-gcp")
        for resource in record_stack(ROOT, stack).graph.resources
        if resource.type.startswith("gcp:") and "effectiveLabels" in outputs_of(resource.type)
    ]
    assert len(labelled) == 8
    assert all({"labels", "resourceLabels"} & {*resource.inputs} for resource in labelled)


def test_another_region_is_another_of_everything_that_is_in_a_region(tmp_path):
    """`region` forces every AWS type that has it; a Kubernetes provider of another cluster replaces its objects."""
    found = after("another region", tmp_path)
    created, deleted = named(found.steps, Op.CREATE), named(found.steps, Op.DELETE)
    assert [name.replace("usw2", "use1") for name in created] == deleted
    assert all("usw2" in name for name in created)
    replaced = [step for step in found.steps if step.op is Op.REPLACE]
    aws = [step for step in replaced if step.type.startswith("aws:")]
    others = [step for step in replaced if not step.type.startswith("aws:")]
    assert all("region" in step.replace_reason for step in aws)
    assert [step.replace_reason for step in others if step.type.startswith("pulumi:")] == [
        ("clusterIdentifier", "kubeconfig")
    ]
    assert {step.replace_reason for step in others if step.type.startswith("kubernetes:")} == {("provider",)}


def test_another_region_is_refused_for_what_is_protected(tmp_path):
    """Engine: a replacement of a protected resource is an error; IAM is in no region and is changed in place."""
    found = after("another region", tmp_path)
    refused = [step for step in found.steps if step.protected_error]
    assert sorted(step.name for step in refused) == [
        "access-log-bucket",
        "cluster-eks",
        "cluster-secrets",
        "logs-key",
        "logs-key-policy",
        "models-bucket",
        "models-key",
    ]
    assert {step.op for step in refused} == {Op.REPLACE}
    assert {step.type.split(":")[1].partition("/")[0] for step in found.steps if step.op is Op.UPDATE} == {
        "providers",
        "iam",
    }


def test_a_protected_bucket_that_left_the_program_is_refused_with_all_that_is_protected_in_it(tmp_path):
    """Engine, GenerateDeletes: each protected resource that is to be deleted is an error of its own."""
    found = after("protected bucket removed", tmp_path)
    assert sorted(step.name for step in found.steps if step.protected_error) == [
        "access-log-bucket",
        "models-bucket",
        "models-key",
    ]
    assert named(found.steps, Op.UPDATE) == ["assist-assist", "assist-assist-spot"]
    assert all(
        step.protected_error
        for step in found.steps
        if step.old is not None and step.op is Op.DELETE and step.old.protect
    )
