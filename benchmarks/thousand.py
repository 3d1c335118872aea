"""
A program of many resources, recorded on top of its own settled state: one measurement, in a process of its own.

`python -m benchmarks.thousand settle COUNT STATE` writes the state; `python -m benchmarks.thousand preview COUNT STATE`
reads it, records and compares, and prints seconds, peak memory and steps as JSON. Components of ten resources each,
whose inputs are outputs of one another, with lists of objects, secrets and options as real programs have them.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from components.graph import Graph, Resource, Secret, Unknown, Value
from infra.diff.diff import changes
from infra.diff.settled import settled
from infra.diff.state import read_state
from infra.recorder.answers import Answer
from infra.recorder.recorder import record
from infra.recorder.wire import SECRET, SIGNATURE

ROOT = Path(__file__).resolve().parents[1]
PROJECT, STACK = "benchmark", "thousand"
RESOURCES_OF_A_GROUP = 10


def register(count: int) -> None:
    """Register *count* resources in components of ten."""
    cluster = kubernetes.Provider("cluster", kubeconfig=pulumi.Output.secret("{}"))
    for number in range(count // RESOURCES_OF_A_GROUP):
        _register_group(f"g{number}", cluster)


def _register_group(name: str, cluster: kubernetes.Provider) -> None:
    group = pulumi.ComponentResource("benchmark:index:Group", name)
    on_aws = pulumi.ResourceOptions(parent=group)
    kept = pulumi.ResourceOptions(parent=group, protect=True, retain_on_delete=True)
    tags = {"owner": "ml", "group": name}
    network = aws.ec2.Vpc(f"{name}-vpc", cidr_block="10.0.0.0/16", tags=tags, opts=on_aws)
    subnet = aws.ec2.Subnet(f"{name}-subnet", vpc_id=network.id, cidr_block="10.0.1.0/24", tags=tags, opts=on_aws)
    closed = aws.ec2.SecurityGroup(f"{name}-closed", vpc_id=network.id, description=name, opts=on_aws)
    role = aws.iam.Role(f"{name}-role", assume_role_policy='{"Version": "2012-10-17"}', opts=on_aws)
    cards = [
        aws.ec2.LaunchTemplateNetworkInterfaceArgs(
            device_index=1, network_card_index=card, subnet_id=subnet.id, security_groups=[closed.id]
        )
        for card in range(8)
    ]
    template = aws.ec2.LaunchTemplate(f"{name}-template", network_interfaces=cards, tags=tags, opts=on_aws)
    nodes = aws.eks.NodeGroup(
        f"{name}-nodes",
        cluster_name=name,
        node_role_arn=role.arn,
        subnet_ids=[subnet.id],
        scaling_config=aws.eks.NodeGroupScalingConfigArgs(min_size=1, max_size=3, desired_size=1),
        launch_template=aws.eks.NodeGroupLaunchTemplateArgs(id=template.id, version=template.latest_version.apply(str)),
        opts=on_aws,
    )
    bucket = aws.s3.Bucket(f"{name}-bucket", tags=tags, opts=kept)
    _register_server(name, cluster, bucket.bucket, after=nodes, parent=group)
    group.register_outputs({})


def _register_server(
    name: str,
    cluster: kubernetes.Provider,
    weights: pulumi.Output[str],
    *,
    after: pulumi.Resource,
    parent: pulumi.Resource,
) -> None:
    inside = pulumi.ResourceOptions(parent=parent, provider=cluster, depends_on=[after])
    space = kubernetes.core.v1.Namespace(f"{name}-space", metadata={"name": name}, opts=inside)
    labels = {"app": name}
    container = kubernetes.core.v1.ContainerArgs(
        name="server",
        image="vllm/vllm-openai:v0.27.1",
        env=[kubernetes.core.v1.EnvVarArgs(name="WEIGHTS", value=weights)],
        resources=kubernetes.core.v1.ResourceRequirementsArgs(limits={"nvidia.com/gpu": "8"}),
    )
    template = kubernetes.core.v1.PodTemplateSpecArgs(
        metadata=kubernetes.meta.v1.ObjectMetaArgs(labels=labels),
        spec=kubernetes.core.v1.PodSpecArgs(containers=[container]),
    )
    kubernetes.apps.v1.Deployment(
        f"{name}-server",
        metadata=kubernetes.meta.v1.ObjectMetaArgs(name="server", namespace=space.metadata.name),
        spec=kubernetes.apps.v1.DeploymentSpecArgs(
            replicas=2, selector=kubernetes.meta.v1.LabelSelectorArgs(match_labels=labels), template=template
        ),
        opts=inside,
    )


def _deployed(one: Resource) -> Answer:
    """What a cloud answers: an id, and outputs beside the inputs."""
    if not one.custom:
        return Answer(id="", outputs=one.inputs)
    filled_in: dict[str, Value] = {"arn": f"arn:{one.name}", "bucket": f"{one.name}-1a2b", "latestVersion": 1}
    return Answer(id=f"id-of-{one.name}", outputs={**filled_in, **one.inputs})


def _exported(one: Resource) -> dict[str, object]:
    """*one* as `pulumi stack export --show-secrets` writes it."""
    inputs = {key: _plain(value) for key, value in one.inputs.items()}
    written: dict[str, object] = {"urn": one.urn, "type": one.type, "custom": one.custom, "inputs": inputs}
    if one.custom:
        outputs = {key: _plain(value) for key, value in _deployed(one).outputs.items()}
        written |= {"id": f"id-of-{one.name}", "outputs": outputs, "protect": one.protect}
        written |= {"retainOnDelete": one.retain_on_delete}
    if one.provider:
        written["provider"] = f"{one.provider}::id-of-provider"
    return written | {"parent": one.parent, "dependencies": list(one.dependencies)}


def _plain(value: Value) -> object:
    match value:
        case Secret():
            return {SIGNATURE: SECRET, "plaintext": json.dumps(_plain(value.value))}
        case Unknown():
            raise TypeError("a settled state has no unknown values")
        case list():
            return [_plain(one) for one in value]
        case dict():
            return {key: _plain(one) for key, one in value.items()}
        case _:
            return value


def settle(count: int, state: Path) -> None:
    """Write the *state* of the program of *count* resources, as it would be after it was deployed."""
    graph = record(lambda: register(count), project=PROJECT, stack=STACK, root=ROOT, answer=_deployed)
    state.write_text(json.dumps({"version": 3, "deployment": {"resources": [*map(_exported, graph.resources)]}}))


def preview(count: int, state: Path) -> Mapping[str, object]:
    """What recording the program on top of *state*, and comparing it, took and found."""
    begin = time.perf_counter()
    base = read_state(state.read_text("utf-8"), source=state.name, project=PROJECT, stack=STACK)
    graph: Graph = record(lambda: register(count), project=PROJECT, stack=STACK, root=ROOT, answer=settled(base))
    recorded_s = time.perf_counter() - begin
    found = changes(graph, base)
    return {
        "resources": len(graph.resources),
        "steps": len(found.steps),
        "recorded_s": recorded_s,
        "seconds": time.perf_counter() - begin,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def main() -> int:
    """Do what the command line says."""
    what, count, state = sys.argv[1:]
    if what == "settle":
        settle(int(count), Path(state))
    else:
        print(json.dumps(preview(int(count), Path(state))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
