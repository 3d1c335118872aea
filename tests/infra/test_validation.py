"""The typed check of recorded inputs: real mistakes are found, good programs pass."""

from __future__ import annotations

import json
import typing
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp
import pulumi_kubernetes as kubernetes
import pytest

from infra.cost import Cost, cost_change
from infra.diff.diff import changes
from infra.diff.recorded import nothing
from infra.preview import compose
from infra.preview.validation import Severity, findings, unchecked_types
from infra.recorder.errors import ProgramError
from infra.render.json_document import render_json
from infra.render.report import Report
from infra.render.text import render_text
from tests.examples import CHAT_PLAN
from tests.recordings import PROJECT, STACK, recorded

TARGET = "capacityReservationSpecification.capacityReservationTarget"


def found(program) -> list[tuple[str, str, str]]:
    return [(item.severity.value, item.path, item.what) for item in findings(recorded(program))]


def test_a_good_program_has_no_findings():
    """Typed arguments, plain dictionaries, outputs, secrets, providers and objects: nothing is reported."""

    def program():
        network = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", tags={"owner": "ml"})
        subnets = [aws.ec2.Subnet(f"s{n}", vpc_id=network.id, cidr_block=f"10.0.{n}.0/24") for n in range(2)]
        aws.eks.NodeGroup(
            "nodes",
            cluster_name="c",
            node_role_arn=pulumi.Output.secret("arn:aws:iam::1:role/r"),
            subnet_ids=[subnet.id for subnet in subnets],
            scaling_config=aws.eks.NodeGroupScalingConfigArgs(min_size=1, max_size=3, desired_size=1),
            taints=[{"key": "gpu", "effect": "NO_SCHEDULE"}],
            update_config={"max_unavailable": 1},
        )
        there = aws.Provider(
            "there", region="us-east-1", default_tags={"tags": {"a": "b"}}, skip_region_validation=True
        )
        aws.s3.Bucket("weights", opts=pulumi.ResourceOptions(provider=there))
        gcp.container.NodePool(
            "pool",
            cluster="c",
            node_config={"machine_type": "g2-standard-8", "guest_accelerators": [{"type": "nvidia-l4", "count": 1}]},
        )
        kubernetes.apps.v1.Deployment(
            "web",
            spec={
                "selector": {"match_labels": {"app": "web"}},
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {
                        "containers": [
                            {"name": "c", "ports": [{"container_port": 80}], "resources": {"limits": {"cpu": "2"}}}
                        ]
                    },
                },
                "strategy": {"rolling_update": {"max_surge": "25%", "max_unavailable": 0}},
            },
        )

    assert found(program) == []


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"block_device_mappings": [{"ebs": {"volumeSizee": 8}}]}, "blockDeviceMappings[0].ebs.volumeSizee"),
        ({"metadata_options": {"http_token": "required"}}, "metadataOptions.http_token"),
        ({"block_device_mappings": [{"ebs": "gp3"}]}, "blockDeviceMappings[0].ebs"),
        ({"capacity_reservation_specification": {"capacity_reservation_target": 3}}, TARGET),
    ],
)
def test_mistakes_inside_dictionaries_are_errors(inputs, expected):
    """Misspelt and untranslated keys, objects and maps of another shape: mocks accept them all."""
    (mistake,) = found(lambda: aws.ec2.LaunchTemplate("lt", **inputs))
    assert mistake[:2] == ("error", expected)


def test_a_misspelt_key_comes_with_the_nearest_name_and_the_place():
    """What it is not, what it may have been, and the line of the program."""

    def program():
        misspelt: Any = {"ebs": {"volumeSizee": 8}}
        aws.ec2.LaunchTemplate("lt", block_device_mappings=[misspelt])

    (finding,) = findings(recorded(program))
    assert finding.what == "volumeSizee is not a property of LaunchTemplateBlockDeviceMappingEbs"
    assert finding.mend == "did you mean volumeSize?"
    assert finding.source_position == f"infra/test_validation.py:{program.__code__.co_firstlineno + 2}"


def test_required_values_that_are_missing_are_errors():
    """At any depth: a container without a name, a deployment without a selector."""

    def program():
        incomplete: Any = {"template": {"spec": {"containers": [{"image": "x"}]}}}
        kubernetes.apps.v1.Deployment("d", spec=incomplete)

    assert found(program) == [
        ("error", "spec.template.spec.containers[0]", "name is required and missing"),
        ("error", "spec", "selector is required and missing"),
    ]


def test_scalars_that_a_provider_would_convert_are_warnings():
    """Most providers make 3 of "3"; none makes a number of nodes of "three" or 2.5."""

    def program(size):
        return lambda: aws.eks.NodeGroup(
            "n",
            cluster_name="c",
            node_role_arn="r",
            subnet_ids=[],
            scaling_config={"min_size": 1, "max_size": 3, "desired_size": size},
        )

    (warning,) = found(program("3"))
    assert warning[:2] == (Severity.WARNING, "scalingConfig.desiredSize")
    for size in ("three", 2.5, True):
        (error,) = found(program(size))
        assert error[:2] == (Severity.ERROR, "scalingConfig.desiredSize")


def test_secrets_are_checked_inside_and_not_quoted():
    """A secret of another shape is a finding; its text is not in the message."""

    def program():
        misspelt: Any = {"hush": "quiet"}
        aws.ec2.LaunchTemplate("lt", metadata_options=pulumi.Output.secret(misspelt))

    (finding,) = findings(recorded(program))
    assert "quiet" not in repr(finding)


def test_types_that_no_sdk_describes_are_named():
    """Custom resource definitions have no classes here: they pass unchecked, and that is said."""

    def program():
        kubernetes.apiextensions.CustomResource("n", api_version="karpenter.sh/v1", kind="NodePool", spec={"any": 1})

    graph = recorded(program)
    assert findings(graph) == ()
    assert unchecked_types(graph) == ("kubernetes:karpenter.sh/v1:NodePool",)


def test_each_mistake_is_shown_with_the_line_of_its_resource_in_the_text_and_in_json():
    """A wrong key, a wrong type and a missing input of raw resources: the user goes straight to the call."""

    def program():
        wrong: Any = {"ebs": {"volumeSizee": 8}}
        aws.ec2.LaunchTemplate("key", block_device_mappings=[wrong])
        aws.ec2.LaunchTemplate("type", metadata_options=typing.cast("Any", {"httpPutResponseHopLimit": "two"}))
        kubernetes.apps.v1.Deployment("missing", spec=typing.cast("Any", {"replicas": 2}))

    line = program.__code__.co_firstlineno
    changed = changes(recorded(program), nothing(project=PROJECT, stack=STACK))
    found = tuple(compose._input_findings(changed))
    report = Report(
        stack="dev",
        plan=CHAT_PLAN,
        plan_changes=(),
        resources=changed,
        capacity=(),
        cost=cost_change(None, Cost(lines=())),
        findings=found,
    )
    shown = render_text(report, full=True)
    rules = json.loads(render_json(report))["rules"]
    for name, place in (("key", line + 2), ("type", line + 3), ("missing", line + 4)):
        assert any(one.startswith(name) for one in (rule["subject"] for rule in rules))
        told = [rule["text"] for rule in rules if rule["subject"].startswith(name)]
        assert all(f"infra/test_validation.py:{place}" in text for text in told)
        assert f"infra/test_validation.py:{place}" in shown


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"subnet_ids": [], "node_role_arn": "r"}, "Missing required property 'cluster_name'"),
        ({"clusterr_name": "c"}, "unexpected keyword argument 'clusterr_name'"),
    ],
)
def test_what_the_sdk_itself_refuses_comes_with_the_line_of_the_call(inputs, said):
    """A required input that is missing, and a keyword that there is not, of a raw resource."""

    def program():
        aws.eks.NodeGroup("n", **inputs)

    line = program.__code__.co_firstlineno + 1
    with pytest.raises(ProgramError, match=rf"^infra/test_validation\.py:{line}: .*{said}"):
        recorded(program)
