"""What the emulated providers' check makes of inputs: names, defaults, marks, mistakes, as the real ones do."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi_aws
import pulumi_gcp
import pulumi_kubernetes

from components.graph import Secret, Unknown, Value
from infra.emulation.checks import Checked, Request, checked, path_of
from infra.emulation.nature import Settings

PACKAGES = (pulumi_aws, pulumi_gcp, pulumi_kubernetes)
AWS = Settings(package="aws", region="us-east-1", default_tags={"owner": "ml", "stack": "chat"})
LOGS, VPC, CONFIG = "aws:cloudwatch/logGroup:LogGroup", "aws:ec2/vpc:Vpc", "kubernetes:core/v1:ConfigMap"


def check(
    type_: str,
    inputs: Mapping[str, Value],
    *,
    old: Mapping[str, Value] | None = None,
    seed: bytes = b"seed",
    name: str = "Thing",
    proposed: str = "",
) -> Checked:
    settings = AWS if type_.startswith("aws:") else Settings(package=type_.partition(":")[0])
    asked = Request(
        urn=f"urn:pulumi:s::p::{type_}::{name}",
        type=type_,
        name=name,
        inputs=inputs,
        old=old or {},
        seed=seed,
        proposed_name=proposed,
    )
    return checked(asked, settings)


def test_a_name_is_generated_and_marked_as_the_providers_choice():
    """Seven digits after the resource's name (pulumi-terraform-bridge), the same for the same seed."""
    first = check(LOGS, {}).inputs
    assert str(first["name"]).startswith("Thing-")
    assert len(str(first["name"])) == len("Thing-") + 7
    assert first["__defaults"] == ["name", "skipDestroy"]
    assert check(LOGS, {}).inputs == first
    assert check(LOGS, {}, seed=b"another").inputs["name"] != first["name"]


def test_a_generated_name_stays():
    old = check(LOGS, {}).inputs
    assert check(LOGS, {"retentionInDays": 7}, old=old, seed=b"another").inputs["name"] == old["name"]


def test_a_given_name_is_not_touched_nor_one_made_from_a_prefix():
    assert check(LOGS, {"name": "mine"}).inputs["name"] == "mine"
    group = check(
        "aws:eks/nodeGroup:NodeGroup",
        {
            "clusterName": "c",
            "nodeGroupNamePrefix": "p5-",
            "nodeRoleArn": "arn",
            "scalingConfig": {"desiredSize": 1, "maxSize": 1, "minSize": 1},
            "subnetIds": ["subnet-1"],
        },
    )
    assert group.failures == ()
    assert "nodeGroupName" not in group.inputs


def test_a_name_that_the_engine_proposes_is_taken():
    assert check(LOGS, {}, proposed="by-the-engine").inputs["name"] == "by-the-engine"


def test_google_clouds_names_are_in_small_letters():
    assert str(check("gcp:compute/network:Network", {}).inputs["name"]).startswith("thing-")


def test_default_tags_stand_in_the_inputs_beneath_the_resources_own():
    """pulumi-aws writes `tagsAll` before it checks (its provider/tags.go)."""
    found = check(VPC, {"tags": {"owner": "me"}}).inputs
    assert found["tagsAll"] == {"owner": "me", "stack": "chat"}
    assert check(VPC, {}).inputs["tagsAll"] == {"owner": "ml", "stack": "chat"}
    assert check(VPC, {"tags": Unknown()}).inputs["tagsAll"] == Unknown()
    assert "tagsAll" not in check("aws:iam/rolePolicyAttachment:RolePolicyAttachment", _ATTACHED).inputs


_ATTACHED: Mapping[str, Value] = {"role": "r", "policyArn": "arn"}


def test_every_object_in_bridged_inputs_has_its_own_list_of_defaults():
    found = check(VPC, {"tags": {"a": "b"}}).inputs
    assert found["tags"] == {"__defaults": [], "a": "b"}
    assert found["__defaults"] == ["enableDnsSupport", "instanceTenancy"]


def test_a_mistake_is_told_with_its_path_and_nothing_is_made_up():
    found = check(VPC, {"cidrBlocks": "10.0.0.0/16"})
    assert [(path_of(mistake), mistake.mend) for mistake in found.failures] == [
        ("cidrBlocks", "did you mean cidrBlock?")
    ]
    assert "__defaults" not in found.inputs


def test_a_scalar_that_the_provider_converts_is_no_failure():
    assert check(LOGS, {"retentionInDays": "7"}).failures == ()


def test_a_generated_object_name_is_annotated_and_stays():
    """Eight digits (pulumi-kubernetes)."""
    first = check(CONFIG, {"data": {"a": "b"}}).inputs
    metadata = first["metadata"]
    assert isinstance(metadata, dict)
    assert str(metadata["name"]).startswith("Thing-")
    assert len(str(metadata["name"])) == len("Thing-") + 8
    assert metadata["annotations"] == {"pulumi.com/autonamed": "true"}
    assert metadata["namespace"] == "default"
    assert (first["apiVersion"], first["kind"]) == ("v1", "ConfigMap")
    again = check(CONFIG, {"data": {"a": "c"}}, old=first, seed=b"another").inputs["metadata"]
    assert again == metadata


def test_a_namespace_is_in_no_namespace():
    metadata = check("kubernetes:core/v1:Namespace", {"metadata": {"name": "chat"}}).inputs["metadata"]
    assert metadata == {"name": "chat"}


def test_secrets_stay_secret():
    found = check("kubernetes:core/v1:Secret", {"stringData": Secret({"key": "hunter2"})})
    assert isinstance(found.inputs["stringData"], Secret)
