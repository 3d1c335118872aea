"""The pod of one replica: container, probes, memory, identity. Pure: a specification from plan values, no resources."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import pulumi
from pulumi_kubernetes.core import v1
from pulumi_kubernetes.meta import v1 as meta

from components.arguments import checked
from components.kubernetes import lifecycle
from components.kubernetes.scheduling import Scheduling, machine_affinity, toleration_args, zone_spread
from components.kubernetes.vllm import MODEL_VARIABLE, PORT, Streaming, vllm_args
from components.labels import DEPLOYMENT, pod_labels
from components.rules.broken import broken
from components.rules.kubernetes_pods import tag_mistakes
from sizing.errors import Problem
from sizing.performance.host.startup import CACHE_BYTES
from sizing.performance.host.startup import disk_bytes as planned_disk_bytes
from sizing.plan import Deployment
from sizing.units import MIB

SERVICE_ACCOUNT = "model-server"
USER = 10001  # an unprivileged user that no image has: nothing belongs to it but the pod's own volumes
HOME = "/home/server"
TOKEN_DIRECTORY = "/var/run/secrets/hub"  # noqa: S105  a path
SECRET_NAME = "model-server"  # noqa: S105  the name of an object
API_KEY = "api-key"
HUB_TOKEN = "hub-token"  # noqa: S105  the key inside the object

NVIDIA = "nvidia.com/gpu"


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class FromBucket:
    """
    Weights are streamed from the stack's own bucket, under `<uri>/<hub id>`, by the pod's cloud identity.

    They get there once, before the first replica starts: `hf download <hub id> --local-dir d`, then
    `aws s3 sync d <uri>/<hub id>` or `gcloud storage rsync -r d <uri>/<hub id>`. A replica that finds nothing fails
    and is started again, so the order does not matter.
    """

    uri: pulumi.Input[str]  # s3://bucket, gs://bucket


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class FromHub:
    """Weights are fetched from the Hugging Face Hub at every start, through the NAT gateway, on to the node's disk."""

    token: pulumi.Input[str] | None = None  # for gated models; kept in a Secret, mounted as a file


Weights: TypeAlias = FromBucket | FromHub


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One deployment of the plan, and what its cloud adds: where it may run and in which image."""

    deployment: Deployment
    scheduling: Scheduling
    image: str
    engine_version: str  # of vLLM in that image: 0.27.1
    run_as_root: bool = False  # only where a device cannot be opened otherwise; the call says why

    def broken_rules(self) -> Iterator[Problem]:
        """What the pods would break."""
        return broken("image-tag", "image", tag_mistakes(self.image))


def pod_template(served: Served, weights: Weights, *, has_api_key: bool) -> v1.PodTemplateSpecArgs:
    """Template of every pod of *served*."""
    deployment = served.deployment
    labels = dict(pod_labels(deployment))
    user = 0 if served.run_as_root else USER
    return v1.PodTemplateSpecArgs(
        metadata=meta.ObjectMetaArgs(
            labels=labels,
            annotations={"prometheus.io/scrape": "true", "prometheus.io/port": str(PORT)},
        ),
        spec=v1.PodSpecArgs(
            service_account_name=SERVICE_ACCOUNT,
            automount_service_account_token=False,  # the server never talks to the Kubernetes API
            enable_service_links=False,  # a Service named vllm would set VLLM_PORT, which the engine reads
            termination_grace_period_seconds=lifecycle.termination_grace_s(deployment),
            node_selector=dict(served.scheduling.node_selector),
            affinity=machine_affinity(served.scheduling.machines),
            tolerations=toleration_args(served.scheduling.tolerations),
            topology_spread_constraints=[zone_spread({DEPLOYMENT: deployment.name})],
            security_context=v1.PodSecurityContextArgs(
                run_as_non_root=not served.run_as_root,
                run_as_user=user,
                run_as_group=user,
                fs_group=user,
                seccomp_profile=v1.SeccompProfileArgs(type="RuntimeDefault"),
            ),
            containers=[_container(served, weights, has_api_key=has_api_key)],
            volumes=_volumes(deployment, weights),
        ),
    )


def _container(served: Served, weights: Weights, *, has_api_key: bool) -> v1.ContainerArgs:
    """The inference server."""
    deployment = served.deployment
    startup = lifecycle.startup_failures(deployment, from_hub=isinstance(weights, FromHub))
    return v1.ContainerArgs(
        name="server",
        image=served.image,
        image_pull_policy="IfNotPresent",
        command=["vllm"],
        args=list(
            vllm_args(
                deployment,
                version=served.engine_version,
                shutdown_timeout_s=lifecycle.drain_s(deployment),
                streaming=_streaming(served, weights),
            )
        ),
        env=_environment(deployment, weights, has_api_key=has_api_key),
        ports=[v1.ContainerPortArgs(name="http", container_port=PORT)],
        resources=_resources(served, weights),
        startup_probe=_probe("/health", failures=startup),
        # /v1 asks for the key, which a probe cannot give; /health answers only once the model is loaded.
        readiness_probe=_probe("/health" if has_api_key else "/v1/models", failures=3),
        liveness_probe=_probe("/health", failures=6),
        lifecycle=v1.LifecycleArgs(
            pre_stop=v1.LifecycleHandlerArgs(sleep=v1.SleepActionArgs(seconds=lifecycle.PRE_STOP_S))
        ),
        security_context=v1.SecurityContextArgs(
            allow_privilege_escalation=False,
            read_only_root_filesystem=True,
            capabilities=v1.CapabilitiesArgs(drop=["ALL"]),
        ),
        volume_mounts=[
            v1.VolumeMountArgs(name="home", mount_path=HOME),
            v1.VolumeMountArgs(name="tmp", mount_path="/tmp"),  # noqa: S108  a volume of the pod's own
            v1.VolumeMountArgs(name="shm", mount_path="/dev/shm"),  # noqa: S108  a volume of the pod's own
            *(
                [v1.VolumeMountArgs(name="hub-token", mount_path=TOKEN_DIRECTORY, read_only=True)]
                if _has_token(weights)
                else []
            ),
        ],
    )


def _environment(deployment: Deployment, weights: Weights, *, has_api_key: bool) -> list[v1.EnvVarArgs]:
    """Where the model is, and a home for caches: the root file system is read-only and the user is in no image."""
    variables = [
        v1.EnvVarArgs(name=MODEL_VARIABLE, value=_model(deployment, weights)),
        v1.EnvVarArgs(name="HOME", value=HOME),
        v1.EnvVarArgs(name="USER", value="server"),  # torch asks for a name; the numeric user has none
        v1.EnvVarArgs(name="HF_HOME", value=f"{HOME}/huggingface"),
        v1.EnvVarArgs(name="VLLM_CACHE_ROOT", value=f"{HOME}/vllm"),
        v1.EnvVarArgs(name="TRITON_CACHE_DIR", value=f"{HOME}/triton"),
        v1.EnvVarArgs(name="TORCHINDUCTOR_CACHE_DIR", value=f"{HOME}/inductor"),
        v1.EnvVarArgs(name="VLLM_NO_USAGE_STATS", value="1"),
    ]
    if _has_token(weights):
        variables.append(v1.EnvVarArgs(name="HF_TOKEN_PATH", value=f"{TOKEN_DIRECTORY}/{HUB_TOKEN}"))
    if has_api_key:  # vLLM reads its key from the command line or from here, not from a file
        source = v1.EnvVarSourceArgs(secret_key_ref=v1.SecretKeySelectorArgs(name=SECRET_NAME, key=API_KEY))
        variables.append(v1.EnvVarArgs(name="VLLM_API_KEY", value_from=source))
    return variables


def _streaming(served: Served, weights: Weights) -> Streaming | None:
    """How weights are streamed, where they come from a bucket."""
    if isinstance(weights, FromHub):
        return None
    return Streaming(
        buffer_bytes=lifecycle.streaming_buffer_bytes(served.deployment),
        distributed=served.scheduling.device == NVIDIA,
    )


def _model(deployment: Deployment, weights: Weights) -> pulumi.Input[str]:
    """Where the server finds the weights."""
    match weights:
        case FromHub():
            return deployment.hub_id
        case FromBucket(uri=str(uri)):
            return f"{uri}/{deployment.hub_id}"
        case FromBucket():
            return pulumi.Output.concat(weights.uri, "/", deployment.hub_id)


def _resources(served: Served, weights: Weights) -> v1.ResourceRequirementsArgs:
    """
    Accelerators and memory exactly as planned; processor time asked for but not limited.

    A limit on processor time would throttle the engine's scheduler in bursts while cores stand idle.
    """
    deployment = served.deployment
    fixed = {
        served.scheduling.device: str(served.scheduling.devices),
        "memory": _mebibytes(deployment.host_memory_bytes),
        "ephemeral-storage": _mebibytes(disk_bytes(deployment, weights)),
    }
    return v1.ResourceRequirementsArgs(requests=fixed | {"cpu": _millicores(deployment.vcpus)}, limits=fixed)


def disk_bytes(deployment: Deployment, weights: Weights) -> int:
    """
    Bytes of node disk that a replica may write: caches, and the checkpoint where it is fetched from the Hub.

    Streamed weights never touch it. The plan keeps room for both.
    """
    return planned_disk_bytes(deployment.checkpoint_bytes) if isinstance(weights, FromHub) else CACHE_BYTES


def _volumes(deployment: Deployment, weights: Weights) -> Sequence[v1.VolumeArgs]:
    """Writable places of the pod; /dev/shm is memory, and counts as the pod's."""
    shared = _mebibytes(lifecycle.shared_memory_bytes(deployment))
    volumes = [
        v1.VolumeArgs(name="home", empty_dir=v1.EmptyDirVolumeSourceArgs()),
        v1.VolumeArgs(name="tmp", empty_dir=v1.EmptyDirVolumeSourceArgs()),
        v1.VolumeArgs(name="shm", empty_dir=v1.EmptyDirVolumeSourceArgs(medium="Memory", size_limit=shared)),
    ]
    if _has_token(weights):
        items = [v1.KeyToPathArgs(key=HUB_TOKEN, path=HUB_TOKEN)]
        source = v1.SecretVolumeSourceArgs(secret_name=SECRET_NAME, items=items, default_mode=0o440)
        volumes.append(v1.VolumeArgs(name="hub-token", secret=source))
    return volumes


def _probe(path: str, *, failures: int) -> v1.ProbeArgs:
    """An HTTP probe every ten seconds."""
    return v1.ProbeArgs(
        http_get=v1.HTTPGetActionArgs(path=path, port="http"),
        period_seconds=lifecycle.PROBE_PERIOD_S,
        timeout_seconds=5,
        failure_threshold=failures,
    )


def _has_token(weights: Weights) -> bool:
    return isinstance(weights, FromHub) and weights.token is not None


def _mebibytes(count_bytes: int) -> str:
    """Bytes as Kubernetes writes them, rounded up to whole MiB."""
    return f"{math.ceil(count_bytes / MIB)}Mi"


def _millicores(vcpus: float) -> str:
    """Processor time as Kubernetes writes it, rounded up to whole thousandths."""
    return f"{math.ceil(vcpus * 1000)}m"
