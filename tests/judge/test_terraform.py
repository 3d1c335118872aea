"""A graph as a Terraform plan: names, blocks, references, and nothing that is secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pulumi_aws
import pulumi_gcp
import pytest

from components.graph import Resource, Secret, Unknown
from tests.project import ROOT, STACKS
from tests.resources import component, graph, resource
from tools.judge.deployment import Origin
from tools.judge.rendering import kinds, recorded
from tools.judge.terraform import UnknownType, addresses, plan, snake, twins

BUCKET = resource("aws:s3/bucket:Bucket", "weights")
BUCKET_ID = {"bucket-weights-id": Origin(urn=BUCKET.urn, output="id")}
_ = pulumi_aws.s3.Bucket, pulumi_gcp.container.Cluster  # a package's types are known once it is imported


def written(*resources: Resource, origins: Mapping[str, Origin] = MappingProxyType({})) -> Any:
    """The plan of a graph of *resources*, with its JSON as it would be read."""
    return json.loads(json.dumps(plan(graph(*resources), origins)))


def values(document: Any) -> Any:
    """The planned values of the last resource."""
    return document["planned_values"]["root_module"]["resources"][-1]["values"]


def expressions(document: Any) -> Any:
    """What the last resource refers to."""
    return document["configuration"]["root_module"]["resources"][-1]["expressions"]


def test_each_capital_begins_a_word():
    """As Pulumi made the name from Terraform's."""
    assert snake("mapPublicIpOnLaunch") == "map_public_ip_on_launch"
    assert snake("ipv6CidrBlock") == "ipv6_cidr_block"


def test_a_block_that_may_stand_once_is_a_list_of_one():
    """At every depth; a list of texts stays one."""
    cluster = resource(
        "aws:eks/cluster:Cluster",
        inputs={
            "encryptionConfig": {"resources": ["secrets"], "provider": {"keyArn": "arn:aws:kms:key"}},
            "enabledClusterLogTypes": ["api"],
        },
    )
    found = values(written(cluster))
    assert found["encryption_config"] == [{"resources": ["secrets"], "provider": [{"key_arn": "arn:aws:kms:key"}]}]
    assert found["enabled_cluster_log_types"] == ["api"]


def test_lists_of_blocks_have_terraforms_name():
    """Pulumi writes them in the plural."""
    firewall = resource("gcp:compute/firewall:Firewall", inputs={"denies": [{"protocol": "all"}]})
    assert values(written(firewall)) == {"deny": [{"protocol": "all"}]}


def test_keys_of_maps_are_left_as_they_are():
    """A tag's name is the user's."""
    tagged = resource("aws:s3/bucket:Bucket", inputs={"tags": {"costCenter": "ml"}})
    assert values(written(tagged)) == {"tags": {"costCenter": "ml"}}


def test_an_id_of_another_resource_is_a_reference_and_no_value():
    """As in a real plan, where it is known after apply."""
    versioning = resource("aws:s3/bucketVersioning:BucketVersioning", inputs={"bucket": "bucket-weights-id"})
    found = written(BUCKET, versioning, origins=BUCKET_ID)
    assert "bucket" not in values(found)
    assert expressions(found)["bucket"] == {"references": ["aws_s3_bucket.weights.id", "aws_s3_bucket.weights"]}


def test_a_document_with_an_arn_in_it_is_known_and_refers():
    """A policy can be judged, and is seen to belong to the bucket."""
    text = json.dumps({"Statement": [{"Resource": "bucket-weights-id/*"}]})
    policy = resource("aws:s3/bucketPolicy:BucketPolicy", inputs={"policy": text})
    found = written(BUCKET, policy, origins=BUCKET_ID)
    assert values(found)["policy"] == text
    assert "aws_s3_bucket.weights" in expressions(found)["policy"]["references"]


def test_what_stays_unknown_refers_to_what_the_recorder_saw_behind_it():
    """Nothing is made up for it."""
    logging = resource(
        "aws:s3/bucketLogging:BucketLogging", inputs={"targetBucket": Unknown()}, refers={"targetBucket": BUCKET}
    )
    found = written(BUCKET, logging)
    assert values(found) == {}
    assert found["resource_changes"][-1]["change"]["after_unknown"] == {"target_bucket": True}
    assert expressions(found) == {"target_bucket": {"references": ["aws_s3_bucket.weights"]}}


def test_a_secret_is_never_written():
    """The plan lies on a disk, if only for a minute."""
    role = resource("aws:iam/role:Role", inputs={"description": Secret("hunter2"), "tags": {"a": Secret("hunter2")}})
    text = json.dumps(written(role))
    assert "hunter2" not in text
    assert "[secret]" in text


def test_two_resources_of_one_name_have_two_addresses():
    """As under two components; Terraform knows no parents."""
    one, other = component("toy:index:Box", "a"), component("toy:index:Box", "b")
    first = resource("aws:iam/role:Role", "role", parent=one)
    second = resource("aws:iam/role:Role", "role", parent=other)
    second = replace(second, urn=f"{second.urn}-b")
    assert sorted(addresses(graph(first, second)).values()) == ["aws_iam_role.role", "aws_iam_role.role-2"]


def test_a_type_without_a_twin_is_refused():
    """It would go unjudged, and nobody would know."""
    with pytest.raises(UnknownType, match=r"aws:made/up:Up.*not known") as error:
        written(resource("aws:made/up:Up"))
    assert "terraform_types.json" in str(error.value)


def test_a_type_has_one_twin_and_a_twin_one_type():
    """Two types under one name would be judged as one."""
    names = [twin.name for twin in twins().values()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("stack", STACKS)
def test_every_resource_of_a_stack_is_rendered(stack: str):
    """Each but components and providers, with all of its inputs: those that are known, and those that are not yet."""
    found, origins = recorded(ROOT, stack)
    changes: Any = plan(found, origins)["resource_changes"]
    in_cloud = [one for one in found.resources if one.custom and one.type.startswith(("aws:", "gcp:"))]
    assert len(changes) == len(in_cloud) > 30
    for one, row in zip(in_cloud, changes, strict=True):
        change = row["change"]
        assert len(set(change["after"]) | set(change["after_unknown"])) == len(one.inputs)
    assert {"Deployment", "Namespace", "NetworkPolicy"} <= kinds(found)
