"""What the clouds say when something fails: their words, with the reason that people search for.

Sources: EC2 error codes and EKS node group issue codes (AWS documentation), GKE stockout and quota errors (Google Cloud
documentation, "Troubleshoot node pool creation"), Kubernetes API conventions; each as the Terraform provider behind the
Pulumi provider passes it on.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from components.graph import Value
from infra.emulation.faults import Fault, Method
from infra.emulation.nature import PROJECT_NUMBER, Settings

_NODE_GROUP, _NODE_POOL = "aws:eks/nodeGroup:NodeGroup", "gcp:container/nodePool:NodePool"

# Node pools exist when their machines cannot be had: EKS leaves a node group with status CREATE_FAILED, GKE a node
# pool in the state ERROR; the provider reports a resource that was created but did not come up.
CREATED_ALL_THE_SAME: Mapping[str, tuple[Fault, ...]] = {
    _NODE_GROUP: (Fault.NO_CAPACITY, Fault.QUOTA_EXCEEDED, Fault.QUOTA_ZERO),
    _NODE_POOL: (Fault.NO_CAPACITY, Fault.QUOTA_EXCEEDED, Fault.QUOTA_ZERO),
}
_AWS_ATTEMPTS = 25  # the AWS provider's default for max_retries


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a change is about."""

    package: str
    type: str
    name: str
    inputs: Mapping[str, Value]
    settings: Settings

    @property
    def kind(self) -> str:
        """`NodeGroup`."""
        return self.type.rpartition(":")[2]

    @property
    def service(self) -> str:
        """`eks`."""
        return self.type.split(":")[1].partition("/")[0]


def is_retried(fault: Fault) -> bool:
    """Whether the provider gets over *fault* by itself."""
    return fault is Fault.THROTTLED_BRIEFLY


def error_text(fault: Fault, subject: Subject, method: Method = Method.CREATE) -> str:
    """What the provider of *subject* reports of *fault*."""
    return _TEXTS[subject.package](fault, subject, method)


def already_exists(subject: Subject, id_: str) -> str:
    """What a cloud says to a second resource of the same name."""
    match subject.package:
        case "aws":
            return (
                f"creating {_aws_noun(subject)} ({id_}): {_aws_call(subject, Method.CREATE, 409)}, "
                f"EntityAlreadyExists: {subject.kind} {id_} already exists"
            )
        case "gcp":
            return f"googleapi: Error 409: The resource '{id_}' already exists, alreadyExists"
        case _:
            return (
                f'resource "{id_}" was not successfully created by the Kubernetes API server: '
                f'{subject.kind.lower()}s "{id_.rpartition("/")[2]}" already exists'
            )


def guarded(subject: Subject, id_: str) -> str:
    """What is said to the deletion of something under deletion protection."""
    if subject.package == "gcp":  # the provider itself refuses, by its state
        return "cannot destroy cluster without setting deletion_protection=false and running `pulumi up`"
    return (
        f"deleting {_aws_noun(subject)} ({id_}): {_aws_call(subject, Method.DELETE, 400)}, InvalidRequestException: "
        f"{subject.kind} {id_} has deletion protection enabled. Disable it and try again"
    )


def not_found(subject: Subject, id_: str) -> str:
    """What a cloud says to a change of something that is gone."""
    match subject.package:
        case "aws":
            return (
                f"updating {_aws_noun(subject)} ({id_}): {_aws_call(subject, Method.UPDATE, 404)}, "
                f"ResourceNotFoundException: no {subject.kind} found for {id_}"
            )
        case "gcp":
            return f"googleapi: Error 404: Not found: {id_}, notFound"
        case _:
            return f'{subject.kind.lower()}s "{id_.rpartition("/")[2]}" not found'


def _aws(fault: Fault, subject: Subject, method: Method) -> str:
    if fault is Fault.THROTTLED:
        code = (
            "RequestLimitExceeded: Request limit exceeded."
            if subject.service in ("ec2", "vpc")
            else ("ThrottlingException: Rate exceeded")
        )
        return (
            f"{_DOING[method]} {_aws_noun(subject)} ({subject.name}): operation error {subject.service.upper()}: "
            f"{_OPERATION[method]}{subject.kind}, exceeded maximum number of attempts, {_AWS_ATTEMPTS}, "
            f"https response error StatusCode: 400, api error {code}"
        )
    machine, zone = _first(subject.inputs.get("instanceTypes")) or "p5.48xlarge", _aws_zone(subject)
    why = {
        Fault.NO_CAPACITY: f"InsufficientInstanceCapacity - We currently do not have sufficient {machine} capacity in "
        f"the Availability Zone you requested ({zone}). Our system will be working on provisioning additional "
        "capacity.",
        Fault.QUOTA_EXCEEDED: _vcpu_limit(192),
        Fault.QUOTA_ZERO: _vcpu_limit(0),
        Fault.PARTIAL: "NodeCreationFailure - Instances failed to join the kubernetes cluster",
    }[fault]
    if subject.type == _NODE_GROUP:
        issue = "" if fault is Fault.PARTIAL else "AsgInstanceLaunchFailures: Could not launch On-Demand Instances. "
        end = "" if fault is Fault.PARTIAL else " Launching EC2 instance failed."
        return (
            f"waiting for EKS Node Group ({subject.inputs.get('clusterName')}:{subject.name}) create: unexpected state "
            f"'CREATE_FAILED', wanted target 'ACTIVE'. last error: {issue}{why}{end}"
        )
    if fault is Fault.PARTIAL:
        return (
            f"waiting for {_aws_noun(subject)} ({subject.name}) create: timeout while waiting for state to become "
            "'ACTIVE'"
        )
    if fault is Fault.NO_CAPACITY:
        return f"creating {_aws_noun(subject)} ({subject.name}): {_aws_call(subject, method, 500)}, {why}"
    limit = "0" if fault is Fault.QUOTA_ZERO else "5"
    return (
        f"creating {_aws_noun(subject)} ({subject.name}): {_aws_call(subject, method, 400)}, "
        f"{subject.kind}LimitExceeded: The maximum number of {_aws_noun(subject)}s has been reached (limit: {limit})."
    )


def _vcpu_limit(vcpus: int) -> str:
    return (
        f"VcpuLimitExceeded - You have requested more vCPU capacity than your current vCPU limit of {vcpus} allows for "
        "the instance bucket that the specified instance type belongs to. Please visit "
        "http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit."
    )


def _aws_call(subject: Subject, method: Method, status: int) -> str:
    return (
        f"operation error {subject.service.upper()}: {_OPERATION[method]}{subject.kind}, "
        f"https response error StatusCode: {status}"
    )


def _aws_noun(subject: Subject) -> str:
    return f"{subject.service.upper()} {subject.kind}"


def _aws_zone(subject: Subject) -> str:
    """The zone in the name of the subject, as our pools are named (`p5-48xlarge-use1-az2-nodes`)."""
    _, found, rest = subject.name.partition("-az")
    number = rest[:1]
    letter = string.ascii_lowercase[int(number) - 1] if found and number.isdigit() and number != "0" else "a"
    return f"{subject.settings.region or 'us-east-1'}{letter}"


def _gcp(fault: Fault, subject: Subject, _method: Method) -> str:
    project, zone = subject.settings.project, _gcp_zone(subject)
    if fault is Fault.THROTTLED:
        return (
            f"googleapi: Error 429: Quota exceeded for quota metric 'Write requests' and limit 'Write requests per "
            f"minute' of service '{subject.service}.googleapis.com' for consumer 'project_number:{PROJECT_NUMBER}'., "
            "rateLimitExceeded"
        )
    if fault is Fault.PARTIAL:
        return f'{subject.kind} {subject.name} was created in the error state "ERROR"'
    if fault is Fault.NO_CAPACITY:
        why = (
            f"[GCE_STOCKOUT]: Instance 'gke-{subject.name}' creation failed: The zone 'projects/{project}/zones/"
            f"{zone}' does not have enough resources available to fulfill the request. "
            "Try a different zone, or try again later."
        )
    else:
        have = "0.0" if fault is Fault.QUOTA_ZERO else "8.0"
        why = (
            f'[GCE_QUOTA_EXCEEDED]: Insufficient regional quota to satisfy request: resource "{_gcp_metric(subject)}": '
            f"request requires '16.0' and is short '{16.0 - float(have)}'. project has a quota of '{have}' with "
            f"'{have}' available. View and manage quotas at "
            f"https://console.cloud.google.com/iam-admin/quotas?usage=USED&project={project}."
        )
    if subject.type == _NODE_POOL:
        return f"Error waiting for creating GKE NodePool: Google Compute Engine: {why}"
    return f"Error creating {subject.kind}: googleapi: Error 403: {why}"


def _gcp_zone(subject: Subject) -> str:
    return _first(subject.inputs.get("nodeLocations")) or f"{subject.settings.region or 'us-central1'}-a"


def _gcp_metric(subject: Subject) -> str:
    """The quota that machines of the pool count against."""
    config = subject.inputs.get("nodeConfig")
    machine = str(config.get("machineType", "")) if isinstance(config, dict) else ""
    family = machine.partition("-")[0]
    return _GCP_METRICS.get(family, "CPUS")


_GCP_METRICS = {
    "a3": "NVIDIA_H100_GPUS",
    "a2": "NVIDIA_A100_GPUS",
    "g2": "NVIDIA_L4_GPUS",
    "ct6e": "TPUS_PER_TPU_FAMILY",
    "ct5lp": "TPU_LITE_PODSLICE_V5",
    "ct5p": "TPU_PODSLICE_V5P",
}


def _kubernetes(fault: Fault, subject: Subject, method: Method) -> str:
    name = subject.name
    match fault:
        case Fault.THROTTLED:
            return (
                f'resource "{name}" was not successfully {_DONE[method]} by the Kubernetes API server: the server has '
                "received too many requests and has asked us to try again later"
            )
        case Fault.QUOTA_EXCEEDED | Fault.QUOTA_ZERO:
            limited = "0" if fault is Fault.QUOTA_ZERO else "8"
            return (
                f'{subject.kind.lower()}s "{name}" is forbidden: exceeded quota: accelerators, requested: '
                f"requests.nvidia.com/gpu=16, used: requests.nvidia.com/gpu=0, limited: "
                f"requests.nvidia.com/gpu={limited}"
            )
        case Fault.NO_CAPACITY:
            return (
                f"the Kubernetes API server reported that {name!r} failed to fully initialize or become live: 1 Pods "
                "failed to run because: [Unschedulable] 0/2 nodes are available: 2 Insufficient nvidia.com/gpu."
            )
        case _:
            return (
                f"the Kubernetes API server reported that {name!r} failed to fully initialize or become live: timed "
                "out waiting to be Ready"
            )


_DOING = {Method.CREATE: "creating", Method.UPDATE: "updating", Method.DELETE: "deleting"}
_DONE = {Method.CREATE: "created", Method.UPDATE: "updated", Method.DELETE: "deleted"}
_OPERATION = {Method.CREATE: "Create", Method.UPDATE: "Update", Method.DELETE: "Delete"}
_TEXTS: Mapping[str, Callable[[Fault, Subject, Method], str]] = {"aws": _aws, "gcp": _gcp, "kubernetes": _kubernetes}


def _first(value: Value) -> str:
    return str(value[0]) if isinstance(value, list) and value else ""
