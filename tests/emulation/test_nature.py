"""The tables of the emulated clouds, held against the SDK's own types and against what the stacks create."""

from __future__ import annotations

import json
import re
from importlib import resources

import pulumi_aws
import pulumi_gcp
import pulumi_kubernetes
import pytest

from components.graph import Unknown, Value
from infra.emulation.nature import Settings, nature_of
from infra.emulation.outputs import created, foreseen, invoked, updated
from infra.preview.validation import mistakes
from infra.recorder import sdk
from infra.recorder.stack_program import record_stack
from tests.project import ROOT, STACKS

AWS = Settings(package="aws", region="us-east-1")
GCP = Settings(package="gcp", region="us-central1", project="acme")
PACKAGES = (pulumi_aws, pulumi_gcp, pulumi_kubernetes)  # imported: their types are registered
TABLES = {
    package: json.loads(resources.files("infra.emulation").joinpath(f"facts/{package}.json").read_text())["types"]
    for package in ("aws", "gcp", "kubernetes")
}
TYPES = [type_ for table in TABLES.values() for type_ in table]


@pytest.mark.parametrize("type_", TYPES)
def test_every_output_and_name_in_the_tables_is_one_of_the_type(type_: str):
    """A misspelt one would never reach a program."""
    kind = sdk.resource_class(type_)
    assert kind is not None, "the SDK has no such type"
    nature, outputs = nature_of(type_), sdk.output_types(kind)
    assert set(nature.outputs) | set(nature.defaults) <= set(outputs)
    assert {nature.named, nature.unless, nature.guard} - {None} <= set(outputs)


@pytest.mark.parametrize("stack", STACKS)
def test_every_cloud_type_that_the_stacks_create_has_facts_of_its_own(stack: str):
    """What all types share would do for none: an id of the wrong shape reaches the program."""
    graph = record_stack(ROOT, stack).graph
    bare = {
        resource.type
        for resource in graph.resources
        if resource.custom
        and resource.type.startswith(("aws:", "gcp:"))
        and resource.type not in TABLES[resource.type.partition(":")[0]]
    }
    assert bare == set()


def test_a_vpc_gets_what_ec2_gives():
    """An id of 17 hexadecimal digits, and an ARN made of it; the inputs stay as they are."""
    id_, outputs = created("aws:ec2/vpc:Vpc", "net", {"cidrBlock": "10.0.0.0/16"}, AWS)
    assert re.fullmatch(r"vpc-[0-9a-f]{17}", id_)
    assert outputs["arn"] == f"arn:aws:ec2:us-east-1:111122223333:vpc/{id_}"
    assert outputs["cidrBlock"] == "10.0.0.0/16"
    assert outputs["region"] == "us-east-1"


def test_a_zone_is_named_after_its_id():
    _, outputs = created("aws:ec2/subnet:Subnet", "b", {"availabilityZoneId": "use1-az2"}, AWS)
    assert outputs["availabilityZone"] == "us-east-1b"
    _, west = created("aws:ec2/subnet:Subnet", "a", {}, Settings(package="aws", region="us-west-2"))
    assert (west["availabilityZoneId"], west["availabilityZone"]) == ("usw2-az1", "us-west-2a")


def test_a_name_made_from_a_prefix_is_the_same_wherever_it_stands():
    inputs = {"clusterName": "chat", "nodeGroupNamePrefix": "p5-"}
    id_, outputs = created("aws:eks/nodeGroup:NodeGroup", "p5", inputs, AWS)
    assert id_ == f"chat:{outputs['nodeGroupName']}"
    assert str(outputs["nodeGroupName"]).startswith("p5-")
    assert f"/{outputs['nodeGroupName']}/" in str(outputs["arn"])


def test_what_a_cloud_computes_inside_an_object_stands_beside_the_inputs():
    inputs: dict[str, Value] = {"name": "chat", "vpcConfig": {"subnetIds": ["subnet-1"], "endpointPublicAccess": False}}
    _, outputs = created("aws:eks/cluster:Cluster", "eks", inputs, AWS)
    config = outputs["vpcConfig"]
    assert isinstance(config, dict)
    assert config["subnetIds"] == ["subnet-1"]
    assert str(config["clusterSecurityGroupId"]).startswith("sg-")


def test_an_update_keeps_what_was_computed_and_counts_versions():
    """A launch template's ARN stays, its latest version goes up."""
    type_ = "aws:ec2/launchTemplate:LaunchTemplate"
    _, before = created(type_, "lt", {"name": "lt", "imageId": "ami-1"}, AWS)
    after = updated(type_, "lt", {"name": "lt", "imageId": "ami-2"}, before, AWS, revision=2)
    assert before["latestVersion"] == 1
    assert after == {**before, "imageId": "ami-2", "latestVersion": 2}


def test_a_removed_input_is_gone_after_the_update():
    _, before = created("aws:ec2/vpc:Vpc", "net", {"cidrBlock": "10.0.0.0/16", "tags": {"a": "b"}}, AWS)
    after = updated("aws:ec2/vpc:Vpc", "net", {"cidrBlock": "10.0.0.0/16"}, before, AWS, revision=2)
    assert "tags" not in after


def test_a_preview_knows_the_inputs_and_nothing_computed():
    outputs = foreseen("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"})
    assert outputs["cidrBlock"] == "10.0.0.0/16"
    assert outputs["arn"] == Unknown()


def test_google_cloud_ids_and_members_are_as_its_api_writes_them():
    id_, outputs = created("gcp:serviceaccount/account:Account", "nodes", {"accountId": "nodes"}, GCP)
    assert id_ == "projects/acme/serviceAccounts/nodes@acme.iam.gserviceaccount.com"
    assert outputs["member"] == "serviceAccount:nodes@acme.iam.gserviceaccount.com"
    key, _ = created("gcp:kms/cryptoKey:CryptoKey", "k", {"keyRing": "projects/acme/r", "name": "k"}, GCP)
    assert key == "projects/acme/r/cryptoKeys/k"


def test_a_kubernetes_object_is_known_by_namespace_and_name():
    kubernetes = Settings(package="kubernetes")
    inputs: dict[str, Value] = {"metadata": {"name": "web", "namespace": "chat"}, "spec": {"replicas": 3}}
    id_, outputs = created("kubernetes:apps/v1:Deployment", "web", inputs, kubernetes)
    status, metadata = outputs["status"], outputs["metadata"]
    assert isinstance(status, dict)
    assert isinstance(metadata, dict)
    assert id_ == "chat/web"
    assert status["readyReplicas"] == 3
    assert (metadata["namespace"], metadata["generation"]) == ("chat", 1)
    assert created("kubernetes:core/v1:Namespace", "chat", {"metadata": {"name": "chat"}}, kubernetes)[0] == "chat"


def test_functions_that_the_stacks_call_are_answered_and_others_are_not():
    token = "gcp:storage/getProjectServiceAccount:getProjectServiceAccount"  # noqa: S105  a function's name
    answer = invoked(token, GCP)
    assert answer is not None
    assert answer["member"] == f"serviceAccount:{answer['emailAddress']}"
    assert invoked("gcp:compute/getZones:getZones", GCP) is None


@pytest.mark.parametrize("stack", STACKS)
def test_what_the_clouds_answer_is_of_the_types_that_the_sdk_expects(stack: str):
    """An output of the wrong shape breaks the program: every computed value is held against the SDK's classes."""
    for resource in record_stack(ROOT, stack).graph.resources:
        package = resource.type.partition(":")[0]
        if not resource.custom or package not in TABLES:
            continue
        settings = Settings(package=package, region="us-east-1" if package == "aws" else "us-central1")
        _, outputs = created(resource.type, resource.name, resource.inputs, settings)
        wrong = [
            (resource.name, mistake.path, mistake.what)
            for mistake in mistakes(_with(resource, outputs))
            if "is not a property" not in mistake.what  # computed outputs are no inputs
        ]
        assert wrong == []


def _with(resource, outputs):
    from dataclasses import replace

    return replace(resource, inputs=outputs)
